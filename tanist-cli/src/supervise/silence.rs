use std::time::Duration;

use tanist::Timing;
use tokio::time::Instant;

/// How long the guard may say nothing.
///
/// A guard that is stopped by hand neither starts the child nor ends it, and says nothing of it; but
/// this process goes on renewing. So whatever it has to answer has a limit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Silence {
    /// What became of the start has to come by then.
    start: Option<Instant>,
    /// The end of the last process has to come by then.
    end: Option<Instant>,
    /// It ends the tree, and has told what takes it so long: there is no limit to that.
    explained: bool,
}

impl Silence {
    /// The start was asked for.
    pub(super) fn starting(timing: &Timing) -> Self {
        Self {
            start: Some(Instant::now() + timing.lease()),
            ..Self::default()
        }
    }

    /// The guard has told what became of the start.
    pub(super) const fn started(&mut self) {
        self.start = None;
    }

    /// The end was asked for, or the guard has come to it by itself. Like the guard, this takes the
    /// earliest of several.
    pub(super) fn ending(&mut self, timing: &Timing, grace: Duration) {
        let limit = Instant::now() + grace + timing.kill_time() + timing.lease();
        self.end = Some(self.end.map_or(limit, |end| end.min(limit)));
    }

    /// Nothing more has to come at any time.
    pub(super) const fn explained(&mut self) {
        self.explained = true;
    }

    /// Waits until it has lasted too long.
    pub(super) async fn broken(self) {
        match [self.start, self.end].into_iter().flatten().min() {
            Some(limit) if !self.explained => tokio::time::sleep_until(limit).await,
            _ => std::future::pending().await,
        }
    }
}
