use std::time::Duration;

use super::{Layers, Setting, Source};
use crate::args::{HookArgs, HookCommand, HookEvent};
use crate::problem::Problem;
use crate::span::Span;

/// What is run when something happens.
#[derive(Clone, Debug)]
pub(crate) struct HookSettings {
    commands: Vec<HookCommand>,
    /// Where they come from.
    pub(crate) source: Source,
    /// How long one of them may run.
    pub(crate) timeout: Setting<Duration>,
}

impl HookSettings {
    /// How long a hook may run when nobody says.
    pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);
    /// No hook is started and ended in less.
    const SHORTEST: Duration = Duration::from_millis(100);
    /// Nobody leads while one that blocks is waited for.
    const LONGEST: Duration = Duration::from_secs(3600);

    /// Resolves and checks; touches nothing.
    pub(super) fn resolve(layers: Layers<'_>, args: HookArgs) -> Result<Self, Problem> {
        let timeout = layers.pick(
            "hook_timeout",
            args.hook_timeout.map(|Span(span)| span),
            || Self::TIMEOUT,
        );
        if !(Self::SHORTEST..=Self::LONGEST).contains(&timeout.value) {
            return Err(Problem::usage(
                "hook::timeout",
                format!("a hook cannot have {}", Span(timeout.value)),
            )
            .because("it has at least 100ms, to be started and ended in, and at most 1h")
            .set_by(&timeout.source));
        }
        let settings = Self {
            commands: args.hook,
            source: layers.source("hook"),
            timeout,
        };
        for event in HookEvent::ALL {
            if event != HookEvent::Fence && settings.of(event).count() > 1 {
                return Err(Problem::usage(
                    "hook::twice",
                    format!("{} has more than one command", event.word()),
                )
                .because("only those of fence are a list, which is tried in order")
                .because(format_args!("they come from {}", settings.source))
                .next("write one program that does both"));
            }
        }
        Ok(settings)
    }

    /// The commands of `event`, in order.
    pub(crate) fn of(&self, event: HookEvent) -> impl Iterator<Item = &HookCommand> {
        self.commands.iter().filter(move |hook| hook.event == event)
    }

    /// All commands.
    pub(crate) fn all(&self) -> impl Iterator<Item = &HookCommand> {
        self.commands.iter()
    }
}
