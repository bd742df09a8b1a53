use crate::candidate::EntryId;
use crate::event::EndCause;
use crate::lease::Lease;
use crate::moment::Moment;
use crate::order::Reason;
use crate::record::Record;
use crate::term::Term;
use crate::view::Stamp;

/// What is true of this node in its election; each state carries only what is true in it.
///
/// ```text
///             opened              may claim                    lease covers start and stop
///  Detached ─────────► Standby ─────────────► Elect ──────────────────────────────► Leading
///     ▲                   ▲  ▲   refused        │ │ shut out, or leaves               │
///     │ session ended     │  └──────────────────┘ ▼                                   ▼
///     └───────────────────┘◄──────── withdrawn ─ Yielding ◄── resigned · ousted · lease due
///                                                   └──── leaving ────► Closed
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// No session of the store.
    Detached,
    /// Stands in the line, or is about to.
    Standby,
    /// Has sent a claim, and does not work yet.
    Elect(Elect),
    /// The work may run.
    Leading(Tenure),
    /// The work is being stopped, or the leadership given back.
    Yielding(Yielding),
    /// Left for good.
    Closed,
}

/// How far a claim has come.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Elect {
    /// Sent, not answered.
    Claiming(Claim),
    /// Its outcome is unknown; a view will tell whether it took effect.
    Unsure(Claim),
    /// A view showed that it took effect; one guarded commit is still needed.
    Confirming(Tenure),
    /// The record says `waiting`: the lease of a leader whose renewals were silent has to end.
    Waiting {
        /// The tenure that will be.
        tenure: Tenure,
        /// When that lease has ended for sure.
        ready_at: Moment,
    },
    /// Acknowledged; the work begins as soon as the lease that is left covers start and stop.
    Ready(Tenure),
}

/// A claim as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    pub(crate) record: Record,
    pub(crate) over: Option<Stamp>,
    pub(crate) beat: Option<Stamp>,
    pub(crate) previous: Option<String>,
    pub(crate) deposes: bool,
    pub(crate) reason: Reason,
}

/// One leadership of ours, from the claim that took effect to its withdrawal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tenure {
    pub(crate) record: Record,
    pub(crate) stamp: Stamp,
    /// `None` until a guarded commit of this tenure was acknowledged.
    pub(crate) lease: Option<Lease>,
    /// Answers to renewals asked earlier belong to another tenure, or to another record of ours.
    pub(crate) first_ask: u64,
    pub(crate) renew_at: Moment,
    /// Counts renewals.
    pub(crate) beat: u64,
    /// The latest renewal that deletes the beat, because the store takes no puts.
    pub(crate) dropped: Option<u64>,
    /// The deadline that the work was last told.
    pub(crate) told: Option<Moment>,
    pub(crate) previous: Option<String>,
    pub(crate) deposes: bool,
    /// Nothing was begun, and the leader before was not fenced either: the next one has to.
    pub(crate) unfenced: bool,
    pub(crate) reason: Reason,
}

impl Tenure {
    /// The fencing token.
    pub const fn term(&self) -> Term {
        self.record.term
    }

    /// Our place in the line.
    pub const fn entry(&self) -> &EntryId {
        &self.record.entry
    }

    /// The lease, if a guarded commit was acknowledged.
    pub const fn lease(&self) -> Option<&Lease> {
        self.lease.as_ref()
    }
}

/// The end of one leadership.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Yielding {
    pub(crate) tenure: Tenure,
    pub(crate) cause: EndCause,
    /// The work is verified gone.
    pub(crate) stopped: bool,
    /// The record is not ours any more, or cannot be written: only the entry is left to delete.
    pub(crate) entry_only: bool,
    /// When a node that is leaving gives up an unreachable store.
    pub(crate) give_up_at: Option<Moment>,
}

impl Yielding {
    /// The leadership that ends.
    pub const fn tenure(&self) -> &Tenure {
        &self.tenure
    }

    /// Why it ends.
    pub const fn cause(&self) -> EndCause {
        self.cause
    }
}

/// What the outside is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The work may run.
    Leader,
    /// Stands in the line.
    Standby,
    /// Watches without standing.
    Observer,
    /// Has no session of the store.
    Detached,
}

impl Role {
    /// The word used in role files, output and metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Standby => "standby",
            Self::Observer => "observer",
            Self::Detached => "detached",
        }
    }
}
