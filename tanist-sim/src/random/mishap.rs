use std::fmt;
use std::time::Duration;

use tanist_core::Health;

use super::chance::Chance;

/// One fault, or one thing that people do, as it was drawn before the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mishap {
    pub(super) at: Duration,
    /// Whom it hits, where it hits a node.
    pub(super) target: Target,
    /// For how long, where it ends.
    pub(super) lasts: Duration,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Who is at work then; else that node.
    Leader {
        or: usize,
    },
    Node(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    FreezeSupervisor,
    FreezeMachine,
    KillSupervisor,
    KillGuard,
    KillMachine {
        disk: bool,
    },
    Exit,
    /// The session loses its connection and makes a new one.
    Disconnect,
    /// Nothing gets through, either way.
    Cut,
    /// No node gets through to the store.
    StoreDown,
    /// Reads and keepalives get through, commits do not.
    Mute,
    /// Commits get through, their answers do not.
    Deaf,
    /// The store ends the session.
    EndSession,
    /// The session believes that it is over; the store does not.
    Forget,
    /// Keepalives are answered, whatever became of the session.
    Lie,
    LoseEntry {
        place: usize,
    },
    LoseRecord,
    LoseBeat,
    Wipe,
    Save,
    Restore,
    Rollback,
    Full,
    Denied,
    Foreign {
        session: bool,
    },
    Resign,
    Leave,
    Health(Health),
    Priority(u32),
    Successor,
    Pause,
}

/// The most common faults more than once.
const KINDS: [Kind; 43] = [
    Kind::FreezeSupervisor,
    Kind::FreezeSupervisor,
    Kind::FreezeSupervisor,
    Kind::FreezeMachine,
    Kind::KillSupervisor,
    Kind::KillSupervisor,
    Kind::KillSupervisor,
    Kind::KillGuard,
    Kind::KillGuard,
    Kind::KillMachine { disk: false },
    Kind::KillMachine { disk: false },
    Kind::KillMachine { disk: true },
    Kind::Exit,
    Kind::Disconnect,
    Kind::Disconnect,
    Kind::Cut,
    Kind::Cut,
    Kind::Cut,
    Kind::StoreDown,
    Kind::Mute,
    Kind::Deaf,
    Kind::Deaf,
    Kind::EndSession,
    Kind::EndSession,
    Kind::Forget,
    Kind::Lie,
    Kind::LoseEntry { place: 0 },
    Kind::LoseEntry { place: 1 },
    Kind::LoseRecord,
    Kind::LoseBeat,
    Kind::Wipe,
    Kind::Save,
    Kind::Save,
    Kind::Restore,
    Kind::Rollback,
    Kind::Full,
    Kind::Denied,
    Kind::Resign,
    Kind::Resign,
    Kind::Leave,
    Kind::Health(Health::Critical),
    Kind::Successor,
    Kind::Pause,
];

/// Those that are too much for every run.
const RARE: [Kind; 5] = [
    Kind::Foreign { session: true },
    Kind::Foreign { session: false },
    Kind::Health(Health::Warning),
    Kind::Priority(0),
    Kind::Priority(200),
];

impl Mishap {
    /// One that begins before `end`, on one of so many nodes.
    pub(super) fn draw(chance: &mut Chance, end: Duration, nodes: usize, lease: Duration) -> Self {
        let node = chance.index(nodes);
        let target = if chance.hits(500) {
            Target::Leader { or: node }
        } else {
            Target::Node(node)
        };
        let kind = if chance.hits(150) {
            RARE[chance.index(RARE.len())]
        } else {
            KINDS[chance.index(KINDS.len())]
        };
        let longest = [lease / 4, lease, lease * 3][chance.index(3)];
        Self {
            at: chance.up_to(end),
            target,
            lasts: chance.up_to(longest),
            kind,
        }
    }
}

impl fmt::Display for Mishap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.as_secs_f64();
        write!(
            f,
            "{at:>8.3}s {:?}, {:?}, for {:?}",
            self.kind, self.target, self.lasts
        )
    }
}
