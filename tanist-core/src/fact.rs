use std::time::Duration;

use crate::candidate::EntryId;
use crate::moment::Moment;
use crate::view::{Stamp, View};

/// What a session reports. Facts never conclude anything; that is the core's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::large_enum_variant,
    reason = "a fact is handed over once and not stored"
)]
pub enum Fact {
    /// A session of the store is ours.
    Opened(Grant),
    /// The store can be reached, through a new connection with this number. Numbers only grow.
    Connected {
        /// Number of the connection.
        link: u64,
    },
    /// The store cannot be reached for now; the session may live on.
    Disconnected,
    /// The store answered a keepalive that was sent at `asked_at`. Extends nothing of ours: it
    /// only tells how long the store will keep our entry.
    Alive {
        /// When the keepalive was sent.
        asked_at: Moment,
    },
    /// A read of the election came back.
    Viewed {
        /// The connection it was asked on.
        link: u64,
        /// What it found.
        view: View,
    },
    /// A commit was answered, or is known never to be.
    Answered {
        /// The ask, as it was given.
        ask: Ask,
        /// What became of it.
        outcome: Outcome,
    },
    /// The session is over, whatever the reason; every entry of ours goes with it.
    Ended {
        /// Why, for people.
        why: String,
        /// Whether opening another can help.
        retry: bool,
    },
}

/// What the store granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Grant {
    /// The session's length as granted, not as asked.
    pub ttl: Duration,
    /// For how long after an answered keepalive was *sent* the store surely keeps our entry.
    /// Counts only while a foreign candidate stands in the line.
    pub assured: Duration,
}

/// Which commit an answer belongs to, and when it was asked. A backend returns it untouched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ask {
    /// Number of the ask within the election; only grows.
    pub id: u64,
    /// The instant *before* it was sent. Leases are counted from here.
    pub asked_at: Moment,
    /// Whether it is a renewal. A renewal's answer counts whenever it comes, any other's only
    /// while it is awaited.
    pub renewal: bool,
}

/// What became of a commit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The store's quorum decided it, and its guard held.
    Committed(Receipt),
    /// The store's quorum decided it, and its guard did not hold. Nothing was written.
    Refused(Refusal),
    /// It was certainly never sent.
    NotSent,
    /// It may have happened, may yet happen, or may never.
    Unknown,
}

/// What the store said of a commit that happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Receipt {
    /// The store's revision of the commit.
    pub revision: u64,
    /// The version of the record it wrote.
    pub record: Option<Stamp>,
    /// The entry it created.
    pub entry: Option<EntryId>,
}

/// Why a commit's guard did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The record is not the one named: it was changed, deleted or created.
    RecordChanged,
    /// The beat is not the one named.
    BeatChanged,
    /// Our entry is not there, or not with the creation id we know.
    EntryMissing,
    /// The kernel lock is held by another.
    Held,
    /// The store takes no writes but deletions (etcd's NOSPACE).
    Full,
    /// Our credentials do not allow it, or the store will never accept it.
    Denied {
        /// Which right is missing, for people.
        why: String,
    },
}
