use std::path::PathBuf;
use std::time::Duration;

use tanist::Target;

use super::names::check_election_name;
use super::{Layers, Setting, place};
use crate::args::PlaceArgs;
use crate::problem::Problem;
use crate::span::Span;

/// What the commands that only look go by.
#[derive(Clone, Debug)]
pub(crate) struct QuerySettings {
    /// The elections asked for.
    pub(crate) elections: Vec<String>,
    /// Answer or fail within this span.
    pub(crate) timeout: Setting<Duration>,
    /// Where the elections are held.
    pub(crate) target: Setting<Target>,
    /// Where the supervisors of this machine and user have their sockets, if there is such a place.
    pub(crate) run_dir: Option<PathBuf>,
}

impl QuerySettings {
    /// The span where none is set.
    pub(super) const TIMEOUT: Duration = Duration::from_secs(3);

    /// Resolves and checks; touches nothing.
    pub(crate) fn resolve(
        layers: Layers<'_>,
        elections: Vec<String>,
        timeout: Option<Span>,
        place: &PlaceArgs,
    ) -> Result<Self, Problem> {
        for election in &elections {
            check_election_name(election)?;
        }
        let timeout = layers.pick("timeout", timeout.map(|Span(span)| span), || Self::TIMEOUT);
        if timeout.value.is_zero() {
            return Err(
                Problem::usage("timeout::zero", "nothing can be done within no time")
                    .set_by(&timeout.source)
                    .next("give it as long as an answer may take, for example --timeout 3s"),
            );
        }
        Ok(Self {
            elections,
            timeout,
            target: place::target(layers, place)?,
            run_dir: match place.run_dir {
                Some(_) => Some(place::run_dir(place)?),
                None => place::run_dir(place).ok(),
            },
        })
    }
}
