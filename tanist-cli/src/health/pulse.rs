use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tanist::Moment;

use super::outcome::Outcome;
use crate::span::Span;

/// What the service said of itself last.
#[derive(Clone, Debug, Default)]
pub(super) struct Pulse(Arc<Mutex<Said>>);

#[derive(Clone, Copy, Debug, Default)]
struct Said {
    alive_at: Option<Moment>,
    stuck: bool,
}

impl Pulse {
    /// It makes progress.
    pub(super) fn alive(&self, at: Moment) {
        *self.lock() = Said {
            alive_at: Some(at),
            stuck: false,
        };
    }

    /// It asks to be taken for stuck, until it says otherwise.
    pub(super) fn stuck(&self) {
        self.lock().stuck = true;
    }

    /// Another start of it.
    pub(super) fn forget(&self) {
        *self.lock() = Said::default();
    }

    /// When it last said that it makes progress.
    pub(super) fn alive_at(&self) -> Option<Moment> {
        self.lock().alive_at
    }

    /// What that means at `now`, if it has to speak every so often.
    pub(super) fn outcome(&self, now: Moment, every: Duration) -> Outcome {
        let said = *self.lock();
        let silent = said.alive_at.map(|at| now.since(at));
        match silent {
            _ if said.stuck => Outcome::fail("it says WATCHDOG=trigger"),
            None => Outcome::fail("it has said neither READY=1 nor WATCHDOG=1 yet"),
            Some(silent) if silent > every => {
                Outcome::fail(format!("no WATCHDOG=1 for {}", Span(silent)))
            }
            Some(_) => Outcome::pass(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_to_speak_every_so_often() {
        let at = |secs| Moment::after_origin(Duration::from_secs(secs));
        let pulse = Pulse::default();
        let note = |now| pulse.outcome(at(now), Duration::from_secs(3)).note;
        assert!(note(1).contains("neither"));
        pulse.alive(at(1));
        assert_eq!(note(4), "");
        assert_eq!(note(5), "no WATCHDOG=1 for 4s");
        pulse.stuck();
        assert_eq!(note(2), "it says WATCHDOG=trigger");
        pulse.alive(at(5));
        assert_eq!((note(5), pulse.alive_at()), (String::new(), Some(at(5))));
        pulse.forget();
        assert!(note(5).contains("neither"));
    }
}
