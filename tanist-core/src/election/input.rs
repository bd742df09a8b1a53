use crate::candidate::Health;
use crate::fact::Fact;
use crate::moment::Moment;

/// What is told to an election.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::large_enum_variant,
    reason = "an input is handed over once and not stored"
)]
pub enum Input {
    /// Open a session and stand.
    Start,
    /// The session reports.
    Fact(Fact),
    /// No process of the work is left. Verified, not assumed.
    Stopped,
    /// The leader before could not be fenced, so nothing was begun: the next one has to fence it.
    Unfenced,
    /// The owner gives the leadership up and lets others go first.
    Resign,
    /// The owner leaves the election for good.
    Leave,
    /// The node's own health checks changed their mind.
    Health {
        /// What they say.
        health: Health,
        /// Why, for people; published with it.
        note: String,
    },
    /// Somebody who knows whether the work makes progress vouches for it until then: no renewal is
    /// sent later while it runs, so that the lease of a leader that nobody vouches for ends. `None`
    /// asks nothing of the kind, which is so from the start.
    Vouched(Option<Moment>),
    /// The owner changed the priority.
    Priority(u32),
    /// Time has passed.
    Wake,
}
