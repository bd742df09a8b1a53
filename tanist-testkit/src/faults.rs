use std::collections::BTreeSet;
use std::time::Duration;

/// What goes wrong. Nothing by default.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// The same seed gives the same choices.
    pub seed: u64,
    /// Answers and views come up to this much later, each by its own draw.
    pub delay: Duration,
    /// Of a thousand commits, how many happen without an answer.
    pub lost_answers: u64,
    /// Of a thousand commits, how many never reach the store, without an answer.
    pub lost_requests: u64,
    /// Of a thousand answers, how many are replaced by an honest `Unknown`.
    pub unknown: u64,
    /// What it gets wrong every time.
    pub lies: BTreeSet<Lie>,
    /// What it must not tell.
    pub secret: String,
}

/// A mistake that backends are written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lie {
    /// A refused claim is reported as committed.
    ClaimsWin,
    /// A claim is written over whatever record there is.
    ClaimsOverAnything,
    /// Every refusal is reported as a commit.
    NothingIsRefused,
    /// An answer carries the instant of its arrival instead of that of the ask.
    AnswersAreRestamped,
    /// A renewal is answered by what is nearest, without asking the store.
    RenewalsAreAnsweredHere,
    /// Only the record is looked at when a claim is decided, not the entry.
    LapsedMayWin,
    /// A view comes when it is asked for, and never else.
    ViewsOnlyWhenAsked,
    /// Once a view showed that we lead, it is shown for ever.
    ViewsAreFrozen,
    /// What was begun goes on when the run is dropped.
    Outlives,
    /// A withdrawal is acknowledged and not sent.
    WithdrawalsAreSwallowed,
    /// What operators and helpers write is acknowledged and not sent.
    AmendmentsAreSwallowed,
    /// A directive is written over whatever there is.
    DirectivesOverAnything,
    /// A value that cannot be read is replaced whatever is there by then.
    RepairsOverAnything,
    /// A reconnection gives the place up and takes a new one.
    ReconnectionsStandAnew,
    /// A refused session is reported as one that may be tried again.
    RefusalsAreRetried,
    /// Errors repeat the credentials.
    SecretsAreTold,
}
