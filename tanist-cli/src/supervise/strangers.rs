use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use crate::guard;

/// Reaps children that this process never had: those of others, whose parents ended before them.
///
/// The first process of a container gets them all, and whoever was started by a shell's `exec` may
/// have some. The ends of guards are left to those who wait for them.
#[derive(Debug)]
pub(super) struct Strangers(JoinHandle<()>);

/// Thousands that end together are reaped together.
const BREATH: Duration = Duration::from_millis(20);

impl Strangers {
    /// From now on, for as long as this lives.
    ///
    /// # Errors
    ///
    /// The signal that tells of them cannot be caught.
    pub(super) fn reap() -> std::io::Result<Self> {
        let mut ended = signal(SignalKind::child())?;
        Ok(Self(tokio::spawn(async move {
            loop {
                // What cannot be looked at is looked at again when the next one ends.
                let _ = guard::reap_strangers();
                tokio::time::sleep(BREATH).await;
                if ended.recv().await.is_none() {
                    return;
                }
            }
        })))
    }
}

impl Drop for Strangers {
    fn drop(&mut self) {
        self.0.abort();
    }
}
