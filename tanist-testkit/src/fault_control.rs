use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// The other end of a [`FaultyBackend`](crate::FaultyBackend) and its clones: what it is told, and what it has done.
#[derive(Clone, Debug, Default)]
pub struct FaultControl(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// How often the connections were broken.
    broken: watch::Sender<u64>,
    effects: Mutex<BTreeMap<&'static str, u64>>,
    draws: AtomicU64,
}

impl FaultControl {
    /// Breaks the connection of every run under way for a moment.
    pub fn reconnect(&self) {
        self.0.broken.send_modify(|times| *times += 1);
    }

    /// How often each fault took effect. One that never did has tested nothing.
    pub fn effects(&self) -> BTreeMap<&'static str, u64> {
        self.lock().clone()
    }

    pub(crate) fn count(&self, effect: &'static str) {
        *self.lock().entry(effect).or_default() += 1;
    }

    /// Told of every [`reconnect`](Self::reconnect) from now on.
    pub(crate) fn breaks(&self) -> watch::Receiver<u64> {
        self.0.broken.subscribe()
    }

    /// How many numbers were drawn before.
    pub(crate) fn draw(&self) -> u64 {
        self.0.draws.fetch_add(1, Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.0
            .effects
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
