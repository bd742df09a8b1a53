use std::time::Duration;

use tanist_core::{InstanceId, Moment};

use super::chance::Chance;
use crate::action::Step;

/// What surrounds one node.
pub(super) struct Host {
    /// What happens on its wire is drawn from here.
    pub(super) wire: Chance,
    /// And what happens on its machine.
    pub(super) local: Chance,
    /// Nothing gets through until then.
    pub(super) cut_until: Duration,
    /// No commit gets through until then.
    pub(super) mute_until: Duration,
    /// No answer to a commit gets through until then.
    pub(super) deaf_until: Duration,
    /// Its keepalives are answered whatever became of the session.
    pub(super) lied_until: Duration,
    pub(super) connecting: bool,
    pub(super) reading: bool,
    /// Its supervisor was told to leave, and only a new one stands again.
    pub(super) leaving: bool,
    /// What waits for a process that does not run.
    pub(super) held: Vec<Step>,
    pub(super) wake: Option<Timer>,
    pub(super) guard_wakes: Vec<(u32, Timer)>,
}

/// A session as the store sees it.
pub(super) struct Session {
    pub(super) node: usize,
    pub(super) instance: InstanceId,
    pub(super) until: Duration,
}

/// A process is woken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Timer {
    /// What it asked for.
    pub(super) wake: Moment,
    /// When the machine gets to it.
    pub(super) at: Duration,
}

impl Host {
    pub(super) fn new(chance: &mut Chance) -> Self {
        Self {
            wire: chance.fork(),
            local: chance.fork(),
            cut_until: Duration::ZERO,
            mute_until: Duration::ZERO,
            deaf_until: Duration::ZERO,
            lied_until: Duration::ZERO,
            connecting: false,
            reading: false,
            leaving: false,
            held: Vec::new(),
            wake: None,
            guard_wakes: Vec::new(),
        }
    }
}

/// Mostly hardly any, sometimes all that is allowed.
pub(super) fn lateness(chance: &mut Chance, most: Duration) -> Duration {
    // Less than all, for clocks that round up.
    let most = most - most / 1_000;
    let share = if chance.hits(30) { most } else { most / 50 };
    chance.up_to(share)
}
