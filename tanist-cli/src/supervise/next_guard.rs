use std::time::Duration;

use tanist::core::Backoff;
use tokio::time::Instant;

/// When a guard that ended while nothing depended on it is replaced.
///
/// Soon, but whatever ends one may end them all, and they would be started as fast as the machine
/// can: so each that did not last makes the next wait longer.
#[derive(Debug)]
pub(super) struct NextGuard {
    backoff: Backoff,
    in_a_row: u32,
    started_at: Instant,
    due_at: Option<Instant>,
}

impl NextGuard {
    const FIRST_WAIT: Duration = Duration::from_millis(20);
    const LAST_WAIT: Duration = Duration::from_secs(10);

    /// There is a guard.
    pub(super) fn new(seed: u64) -> Self {
        Self {
            backoff: Backoff::new(Self::FIRST_WAIT, Self::LAST_WAIT, seed),
            in_a_row: 0,
            started_at: Instant::now(),
            due_at: None,
        }
    }

    /// The guard has ended. Answers with how long the next one waits, and how many have ended in a
    /// row, none of which lasted.
    pub(super) fn ended(&mut self) -> (Duration, u32) {
        if self.started_at.elapsed() >= Self::LAST_WAIT {
            self.backoff.reset();
            self.in_a_row = 0;
        }
        self.in_a_row += 1;
        let wait = self.backoff.next_wait();
        self.due_at = Some(Instant::now() + wait);
        (wait, self.in_a_row)
    }

    /// Another one has started.
    pub(super) fn started(&mut self) {
        self.due_at = None;
        self.started_at = Instant::now();
    }

    /// Whether there is none.
    pub(super) const fn is_due(&self) -> bool {
        self.due_at.is_some()
    }

    /// Waits until another one is to be started; for ever while there is one. Cancel safe.
    pub(super) async fn due(&self) {
        match self.due_at {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_last_waits_longer_each_time() {
        let mut next = NextGuard::new(7);
        let (first, one) = next.ended();
        assert!(next.is_due() && one == 1 && first <= NextGuard::FIRST_WAIT);
        let mut last = first;
        for times in 2..=12 {
            next.started();
            assert!(!next.is_due());
            let (wait, in_a_row) = next.ended();
            assert_eq!(in_a_row, times);
            last = wait;
        }
        assert!(last >= NextGuard::LAST_WAIT / 2, "{last:?}");
    }
}
