use std::time::Duration;

use crate::moment::Moment;

/// What happened, as the guard tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WorkInput {
    /// The supervisor says: start, unless it is too late.
    Begin {
        /// The deadline at first.
        safe_until: Moment,
    },
    /// The supervisor moved the deadline, to either side.
    Until {
        /// The deadline from now on.
        safe_until: Moment,
    },
    /// The supervisor says: stop.
    End {
        /// From the stop signal to the kill, if the deadline leaves that much.
        grace: Duration,
    },
    /// The end of the supervisor's pipe: it is dead.
    SupervisorGone,
    /// The exec succeeded: the child runs.
    Started,
    /// The child itself has ended; others of its tree may live.
    Exited,
    /// No process of the tree is left. Verified, not assumed.
    Empty,
    /// The supervisor has withdrawn, or needs this guard no more. Only after `Empty`.
    Dismissed,
    /// The release helper has ended.
    Released,
    /// One of the guard's own programs has ended unasked. A guard that has not begun ends itself:
    /// found out only by the election, this would cost the leadership.
    Crippled,
    /// Time has passed.
    Wake,
}
