use std::fmt;
use std::time::Duration;

use tanist_core::{Health, InstanceId, NodeUntil};

/// One thing that happens in the world. A trace is a list of these, as they were applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Real time moves on.
    Pass { by: Duration },
    /// Something happens to a node.
    At { node: usize, step: Step },
    /// Something is done to the store.
    Store(Blow),
}

/// What can happen on a machine, or to what it has on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A supervisor starts, as a new instance.
    Boot,
    /// The election's timer fires.
    Wake,
    /// A guard's timer fires.
    GuardWake { work: u32 },
    /// The session is opened and connected.
    Open,
    /// The session gets a new connection.
    Connect,
    /// The session loses its connection. What is on the wire may still arrive.
    Disconnect,
    /// The session learns that it is over.
    End,
    /// A keepalive, sent so long ago, is answered.
    Alive { ago: Duration },
    /// A commit reaches the store and is decided; `again`: a copy of it stays on the wire.
    Decide { sent: Sent, again: bool },
    /// A commit is lost before it reaches the store.
    Lose { sent: Sent },
    /// The oldest answer to this ask arrives.
    Answer { sent: Sent },
    /// That answer is lost.
    LoseAnswer { sent: Sent },
    /// The session waits for an answer no longer: it reports that the outcome is unknown.
    GiveUp { sent: Sent },
    /// The store is read for this node.
    Read,
    /// The oldest view arrives.
    View,
    /// The guard reads the next message of its supervisor, or the end of the pipe.
    Order { work: u32 },
    /// The supervisor reads the next message of its guard.
    Report { work: u32 },
    /// The child ends by itself.
    Exit { work: u32 },
    /// The last process of the tree is gone.
    Empty { work: u32 },
    /// The release helper's next step is decided by the store; `lost`: the answer is lost.
    Release { work: u32, lost: bool },
    /// The helper's request is lost before it reaches the store.
    ReleaseLost { work: u32 },
    /// The supervisor dies.
    KillSupervisor,
    /// A guard dies.
    KillGuard { work: u32 },
    /// The machine dies; `disk`: its state directory too.
    KillMachine { disk: bool },
    /// The supervisor stops running.
    FreezeSupervisor,
    /// Nothing on the machine runs.
    FreezeMachine,
    /// All runs again.
    Thaw,
    /// The operator asks the node to resign.
    Resign,
    /// The node leaves for good.
    Leave,
    /// Its health checks change their mind.
    Health(Health),
    /// Its priority is changed.
    Priority(u32),
}

/// Which commit: a number of one instance's asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) instance: InstanceId,
    pub(crate) id: u64,
}

/// What is done to the store, by its faults or by other hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Blow {
    /// The entry at this place of the line vanishes.
    LoseEntry { place: usize },
    /// A session ends: this instance's entry goes.
    Expire { instance: InstanceId },
    /// The record vanishes.
    LoseRecord,
    /// The beat vanishes.
    LoseBeat,
    /// Record, beat and every entry vanish.
    Wipe,
    /// A backup is taken.
    Save,
    /// All is as the backup had it; `record_only`: only record and beat are.
    Restore { record_only: bool },
    /// It takes no writes but deletions.
    Full(bool),
    /// It denies every commit.
    Denied(bool),
    /// A foreign client stands in the line.
    Foreign { session: bool },
    /// The first foreign entry goes.
    ForeignLeaves,
    /// An operator names the next leader.
    Successor(Option<NodeUntil>),
    /// An operator pauses the election.
    Pause(Option<u64>),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass { by } => write!(f, "{by:?} pass"),
            Self::At { node, step } => write!(f, "node {node}: {step}"),
            Self::Store(blow) => write!(f, "store: {blow}"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boot => f.write_str("a supervisor starts"),
            Self::Wake => f.write_str("the election's timer fires"),
            Self::GuardWake { work } => write!(f, "the timer of guard {work} fires"),
            Self::Open => f.write_str("the session is opened"),
            Self::Connect => f.write_str("a new connection"),
            Self::Disconnect => f.write_str("the connection is lost"),
            Self::End => f.write_str("the session learns that it is over"),
            Self::Alive { ago } => write!(f, "a keepalive sent {ago:?} ago is answered"),
            Self::Decide { sent, again: false } => write!(f, "{sent} reaches the store"),
            Self::Decide { sent, again: true } => {
                write!(
                    f,
                    "{sent} reaches the store, and a copy of it is still on its way"
                )
            }
            Self::Lose { sent } => write!(f, "{sent} is lost"),
            Self::Answer { sent } => write!(f, "the answer to {sent} arrives"),
            Self::LoseAnswer { sent } => write!(f, "the answer to {sent} is lost"),
            Self::GiveUp { sent } => write!(f, "what became of {sent} is unknown"),
            Self::Read => f.write_str("the store is read"),
            Self::View => f.write_str("what was read arrives"),
            Self::Order { work } => write!(f, "guard {work} reads its pipe"),
            Self::Report { work } => write!(f, "the supervisor hears of guard {work}"),
            Self::Exit { work } => write!(f, "the child of guard {work} ends by itself"),
            Self::Empty { work } => write!(f, "the tree of guard {work} is empty"),
            Self::Release { work, lost: false } => write!(f, "helper {work} does its next step"),
            Self::Release { work, lost: true } => {
                write!(
                    f,
                    "helper {work} does its next step, but its answer is lost"
                )
            }
            Self::ReleaseLost { work } => write!(f, "a request of helper {work} is lost"),
            Self::KillSupervisor => f.write_str("the supervisor is killed"),
            Self::KillGuard { work } => write!(f, "guard {work} is killed"),
            Self::KillMachine { disk: false } => f.write_str("the machine dies"),
            Self::KillMachine { disk: true } => f.write_str("the machine and its disk die"),
            Self::FreezeSupervisor => f.write_str("the supervisor is stopped"),
            Self::FreezeMachine => f.write_str("the machine is paused"),
            Self::Thaw => f.write_str("it runs again"),
            Self::Resign => f.write_str("it is asked to resign"),
            Self::Leave => f.write_str("it is asked to leave"),
            Self::Health(health) => write!(f, "its health is {health:?}"),
            Self::Priority(priority) => write!(f, "its priority is {priority}"),
        }
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instance = self.instance.to_string();
        write!(f, "ask {} of {}", self.id, &instance[instance.len() - 4..])
    }
}

impl fmt::Display for Blow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoseEntry { place } => write!(f, "entry {place} of the line vanishes"),
            Self::Expire { .. } => f.write_str("a session ends"),
            Self::LoseRecord => f.write_str("the record vanishes"),
            Self::LoseBeat => f.write_str("the beat vanishes"),
            Self::Wipe => f.write_str("record, beat and all entries vanish"),
            Self::Save => f.write_str("a backup is taken"),
            Self::Restore { record_only: false } => f.write_str("the backup is restored"),
            Self::Restore { record_only: true } => f.write_str("record and beat are rolled back"),
            Self::Full(true) => f.write_str("it is full"),
            Self::Full(false) => f.write_str("there is space again"),
            Self::Denied(true) => f.write_str("it denies every commit"),
            Self::Denied(false) => f.write_str("it allows commits again"),
            Self::Foreign { session: true } => f.write_str("a foreign client stands in the line"),
            Self::Foreign { session: false } => {
                f.write_str("a foreign entry without a session stands in the line")
            }
            Self::ForeignLeaves => f.write_str("the first foreign entry goes"),
            Self::Successor(Some(named)) => write!(f, "{} is named to lead next", named.node),
            Self::Successor(None) => f.write_str("nobody is named any more"),
            Self::Pause(Some(until)) => write!(f, "paused until second {until}"),
            Self::Pause(None) => f.write_str("no pause any more"),
        }
    }
}
