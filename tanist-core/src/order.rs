use std::time::Duration;

use crate::candidate::{EntryId, Member};
use crate::event::EndCause;
use crate::fact::Ask;
use crate::memory::Memory;
use crate::moment::Moment;
use crate::record::Record;
use crate::release::Release;
use crate::term::Term;
use crate::view::Stamp;

/// What the core asks for: of the session, of the state directory, of the work.
///
/// Orders are carried out in the order they are given; `Remember` is durable before the next one
/// is looked at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::large_enum_variant,
    reason = "an order is handed over once and not stored"
)]
pub enum Order {
    /// Open a session.
    Open,
    /// Read the election anew and report it.
    Look,
    /// What to be woken by from now on. The directive and the own entry are always watched.
    Watch(Focus),
    /// Put this commit to the store's quorum and report what became of it.
    Commit {
        /// Returned with the answer.
        ask: Ask,
        /// What to commit.
        commit: Commit,
    },
    /// End the session, as far as this election is concerned.
    Close,
    /// Keep this on this machine, durably.
    Remember(Memory),
    /// Start the work.
    Begin(Beginning),
    /// The work's deadline is now this; it may also move back.
    Until {
        /// Every process of the work is gone by then.
        safe_until: Moment,
    },
    /// End the work, and say `Stopped` when it is verified gone.
    End {
        /// Why.
        cause: EndCause,
        /// From the stop signal to the kill; never beyond what `safe_until` leaves.
        grace: Duration,
    },
}

/// What the work is told when it starts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Beginning {
    /// The fencing token.
    pub term: Term,
    /// Every process of the work is gone by then, unless the deadline is extended.
    pub safe_until: Moment,
    /// Our place in the line.
    pub entry: EntryId,
    /// The record as it stands in the store.
    pub record: Stamp,
    /// The node that led before, if it is known.
    pub previous: Option<String>,
    /// That node did not give the leadership back, and nobody after it has said that it is fenced:
    /// where its machine is paused or cut off, something of its work may still come through.
    pub deposes: bool,
    /// Why this leadership came about.
    pub reason: Reason,
}

/// Why a leadership came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The first of this election.
    Start,
    /// The leader gave the leadership back because it wanted to.
    Handover,
    /// The leader failed: it was killed, its work ended by itself or was unhealthy, it lost the
    /// lease, or its record was gone.
    Failover,
    /// An operator named us.
    Switchover,
}

impl Reason {
    /// The word used in the child's environment, records and events.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Handover => "handover",
            Self::Failover => "failover",
            Self::Switchover => "switchover",
        }
    }

    /// Reads [`Reason::word`] back.
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Start,
            Self::Handover,
            Self::Failover,
            Self::Switchover,
        ]
        .into_iter()
        .find(|reason| reason.word() == word)
    }

    /// Why somebody leads after a record that says `resigned` because of `word`.
    ///
    /// `resigned` says that the work is verified gone, not that it went well: the guard of a dead
    /// supervisor writes it, and so does a leader that lost its lease or its work.
    pub(crate) fn after(word: &str) -> Self {
        let failed = EndCause::parse(word).is_some_and(EndCause::is_failure);
        if failed || word == Release::REASON {
            Self::Failover
        } else {
            Self::Handover
        }
    }
}

/// What to be woken by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Focus {
    /// Record and beat: we are next.
    Record,
    /// One entry of another candidate.
    Entry(EntryId),
    /// Our own leadership: the line, for foreign candidates, and our own entry.
    Own,
}

/// A guarded commit: all or nothing, decided by the store's quorum.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Commit {
    /// Create the record. Guard: there is none.
    Found {
        /// A record of term 0 that says `resigned`.
        record: Record,
    },
    /// Publish our member value and create our entry, under a name that contains the instance id.
    Stand {
        /// What we tell of ourselves.
        member: Member,
    },
    /// Change our member value. No guard.
    Publish {
        /// What we tell of ourselves.
        member: Member,
    },
    /// Take the leadership. Guard: entry, record and beat exactly as named.
    Claim {
        /// Our own place.
        entry: EntryId,
        /// The record's version; `None` where there is none.
        over: Option<Stamp>,
        /// The beat's version; `None` where there is none.
        beat: Option<Stamp>,
        /// The record to write.
        record: Record,
        /// The deposed leader's entry, deleted if it still has that creation id.
        depose: Option<EntryId>,
    },
    /// Renew. Guard: the record at this version, our entry.
    Renew {
        /// The record's version.
        record: Stamp,
        /// Our own place.
        entry: EntryId,
        /// What happens to the beat.
        beat: BeatWrite,
    },
    /// Turn our `waiting` record into `leading`. Guard: the record at this version, our entry.
    Lead {
        /// Our own place.
        entry: EntryId,
        /// The record's version.
        over: Stamp,
        /// The record to write.
        record: Record,
    },
    /// Write `resigned` and delete our entry. Guard: the record at this version.
    Withdraw {
        /// Our own place.
        entry: EntryId,
        /// The record's version.
        over: Stamp,
        /// The record to write.
        record: Record,
    },
    /// Delete an entry of ours, and our member value with it. Guard: its creation id.
    Leave {
        /// The place to give up.
        entry: EntryId,
    },
}

/// What a renewal does to the beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BeatWrite {
    /// Write this count.
    Put(u64),
    /// Delete it: all that a full store still commits.
    Drop,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_a_failure_is_a_failover_however_well_it_was_tidied_up() {
        for (word, reason) in [
            ("resigned", Reason::Handover),
            ("leaving", Reason::Handover),
            ("switchover", Reason::Handover),
            ("unhealthy", Reason::Failover),
            ("ousted", Reason::Failover),
            ("lease-due", Reason::Failover),
            ("work-ended", Reason::Failover),
            ("supervisor-died", Reason::Failover),
            ("a word of a later version", Reason::Handover),
        ] {
            assert_eq!(Reason::after(word), reason, "{word}");
        }
    }

    #[test]
    fn words_read_back() {
        for word in ["start", "handover", "failover", "switchover"] {
            assert_eq!(Reason::parse(word).map(Reason::word), Some(word));
        }
        assert_eq!(Reason::parse("work-ended"), None);
    }
}
