use std::time::Duration;

use crate::candidate::EntryId;
use crate::moment::Moment;
use crate::order::Reason;
use crate::record::InstanceId;
use crate::term::Term;

/// News for observers, logs and metrics. Nothing is decided by them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// We stand in the line.
    Standing {
        /// Our place.
        entry: EntryId,
    },
    /// Our claim was acknowledged.
    Elected {
        /// Our term.
        term: Term,
        /// Why.
        reason: Reason,
    },
    /// The work was told to begin.
    Began {
        /// Our term.
        term: Term,
    },
    /// The work was told to end.
    Ending {
        /// The term that ends.
        term: Term,
        /// Why.
        cause: EndCause,
    },
    /// The work is verified gone.
    Stopped {
        /// The term that ended.
        term: Term,
    },
    /// The record says `resigned`: another may claim at once.
    Withdrawn {
        /// The term that ended.
        term: Term,
    },
    /// Our entry is gone without our doing.
    EntryLost,
    /// Another instance leads, or nobody does.
    LeaderChanged {
        /// The leader's node, instance and term.
        leader: Option<(String, InstanceId, Term)>,
    },
    /// Why we do not claim, whenever that changes.
    Waiting(Wait),
    /// Something that should not be.
    Alarm(Alarm),
}

/// Why the work was told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndCause {
    /// The owner resigned.
    Resigned,
    /// The process is leaving the election.
    Leaving,
    /// An operator named another node.
    Switchover,
    /// Our own health checks are critical.
    Unhealthy,
    /// A guarded commit found another's record or no entry of ours.
    Ousted,
    /// No guarded commit was acknowledged for too long.
    LeaseDue,
    /// The work ended by itself.
    WorkEnded,
}

impl EndCause {
    /// The word used in records and events.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Resigned => "resigned",
            Self::Leaving => "leaving",
            Self::Switchover => "switchover",
            Self::Unhealthy => "unhealthy",
            Self::Ousted => "ousted",
            Self::LeaseDue => "lease-due",
            Self::WorkEnded => "work-ended",
        }
    }

    /// Reads [`EndCause::word`] back.
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Resigned,
            Self::Leaving,
            Self::Switchover,
            Self::Unhealthy,
            Self::Ousted,
            Self::LeaseDue,
            Self::WorkEnded,
        ]
        .into_iter()
        .find(|cause| cause.word() == word)
    }

    /// Whether the leader did not end because somebody wanted it to.
    pub const fn is_failure(self) -> bool {
        match self {
            Self::Resigned | Self::Leaving | Self::Switchover => false,
            Self::Unhealthy | Self::Ousted | Self::LeaseDue | Self::WorkEnded => true,
        }
    }

    /// Whether the leadership is still ours while the work stops: then it stops in its own time
    /// and the lease is renewed meanwhile.
    pub const fn is_planned(self) -> bool {
        match self {
            Self::Resigned
            | Self::Leaving
            | Self::Switchover
            | Self::Unhealthy
            | Self::WorkEnded => true,
            Self::Ousted | Self::LeaseDue => false,
        }
    }
}

/// Why a standby does not claim.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Wait {
    /// The store cannot be reached.
    Disconnected,
    /// We do not stand in the line yet.
    NotStanding,
    /// Somebody leads.
    Leader {
        /// The node that leads.
        node: String,
    },
    /// A foreign candidate stands before us.
    Foreign {
        /// Its place.
        entry: EntryId,
        /// What its entry shows of it.
        label: String,
    },
    /// The record and beat must stand unchanged until then.
    Grace {
        /// When a claim may be sent.
        until: Moment,
    },
    /// Nobody leads, and candidates of higher rank go first.
    Turn {
        /// When a claim may be sent, if none of them has led by then.
        until: Moment,
    },
    /// An operator paused the election until this wall-clock second.
    Paused {
        /// Seconds since 1970.
        until: u64,
    },
    /// Our priority is 0.
    NeverLeads,
    /// Our health checks are critical.
    Unhealthy,
    /// We resigned and let others go first.
    Aside,
    /// The record is not one we may overwrite.
    Refused,
}

/// A thing that should not be, recorded. The election goes on as safely as it can.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Alarm {
    /// The record cannot be read; it is left alone and nobody claims.
    GarbageRecord {
        /// What is wrong with it.
        why: String,
    },
    /// The record is of a later format; it is left alone and this version does not claim.
    NewerRecord {
        /// Its format.
        format: u32,
    },
    /// A foreign entry will never go away by itself.
    ForeignWithoutSession {
        /// Its place.
        entry: EntryId,
    },
    /// The store was restored or replaced.
    StoreWentBack,
    /// The store takes no writes but deletions.
    StoreFull,
    /// Our credentials do not allow what we must do.
    Denied {
        /// Which right is missing.
        why: String,
    },
    /// Another instance carries our node's name.
    DuplicateNode {
        /// That instance.
        instance: InstanceId,
    },
    /// The leader has gone, with its guard; what it started lives on and keeps its lock, longer than
    /// a guard would let it. Nobody leads until that has ended.
    Lingering {
        /// The leader's node.
        node: String,
    },
    /// The leader's lease is not the one configured here.
    DifferentLease {
        /// The leader's node.
        node: String,
    },
    /// The store gave the leadership, but its answer came too late for the work to begin under it.
    AnswersLate {
        /// Within which span of being asked for it has to come.
        within: Duration,
    },
}
