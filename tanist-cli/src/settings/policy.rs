use std::time::Duration;

use super::{Layers, Setting};
use crate::args::{Limit, OnFailure, OnSuccess, PolicyArgs};
use crate::problem::Problem;
use crate::span::Span;

/// What an ended child means.
#[derive(Clone, Debug)]
pub(crate) struct PolicySettings {
    /// It ended with 0.
    pub(crate) on_success: Setting<OnSuccess>,
    /// It ended otherwise.
    pub(crate) on_failure: Setting<OnFailure>,
    /// How long to stay out of the election after a failure.
    pub(crate) cooldown: Setting<Duration>,
    /// After more failures than this stay out for good.
    pub(crate) max_failovers: Setting<Limit>,
}

impl PolicySettings {
    /// The cooldown where none is set.
    pub(super) const COOLDOWN: Duration = Duration::from_secs(5);

    pub(super) fn resolve(
        layers: Layers<'_>,
        args: &PolicyArgs,
        once: bool,
    ) -> Result<Self, Problem> {
        let success = args.on_success.filter(|&it| it != OnSuccess::Exit);
        let failure = args.on_failure.filter(|&it| it != OnFailure::Exit);
        let against_once = [
            (
                success.map(|_| "on-success says rejoin".to_owned()),
                "on_success",
            ),
            (
                failure.map(|it| format!("on-failure says {it}")),
                "on_failure",
            ),
        ];
        for (says, id) in against_once {
            if once && let Some(says) = says {
                let what = format!("--once ends with the child, but {says}");
                return Err(Problem::usage("run::once-and-policy", what)
                    .set_by(&layers.source(id))
                    .next("leave one of them out"));
            }
        }
        let cooldown = args.cooldown.map(|Span(span)| span);
        Ok(Self {
            on_success: layers.pick("on_success", args.on_success, OnSuccess::default),
            on_failure: layers.pick("on_failure", args.on_failure, OnFailure::default),
            cooldown: layers.pick("cooldown", cooldown, || Self::COOLDOWN),
            max_failovers: layers.pick("max_failovers", args.max_failovers, Limit::default),
        })
    }
}
