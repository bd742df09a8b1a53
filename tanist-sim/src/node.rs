use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tanist_core::{
    Ask, Commit, Election, Focus, InstanceId, Memory, Moment, Outcome, Release, Term, View,
    WorkReport, Workload,
};

use crate::store::Store;

/// Everything that runs on one machine, and what it has on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    /// The process that talks to the store. `None`: dead.
    pub(crate) supervisor: Option<Supervisor>,
    /// The processes of one child each, the supervisor's own last. Those of a dead supervisor
    /// stay until they have released.
    pub(crate) works: Vec<Work>,
    /// The state directory.
    pub(crate) memory: Memory,
    /// How often a supervisor was started here.
    pub(crate) starts: u32,
    /// How many guards were started here.
    pub(crate) guards: u32,
    /// Connections so far.
    pub(crate) links: u64,
    /// Commits on their way to the store, of dead supervisors too.
    pub(crate) requests: Vec<Request>,
    /// Answers on their way back.
    pub(crate) answers: VecDeque<Answer>,
    /// Views on their way, in the order of one connection.
    pub(crate) views: VecDeque<Arc<View>>,
    /// What does not run.
    pub(crate) frozen: Frozen,
}

/// What of a machine does not run just now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Frozen {
    #[default]
    Nothing,
    /// Stopped, or starved; the guard runs.
    Supervisor,
    /// A paused machine.
    Machine,
}

/// The supervisor: the real election, and the session that carries its orders.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Supervisor {
    pub(crate) election: Election,
    pub(crate) instance: InstanceId,
    /// The core asked for a session.
    pub(crate) opening: bool,
    /// The session stands, as far as the session knows.
    pub(crate) open: bool,
    pub(crate) link: Option<u64>,
    pub(crate) wake: Option<Moment>,
    pub(crate) focus: Option<Focus>,
    /// A view was asked for and not yet read.
    pub(crate) looks: bool,
    /// Its health checks fail.
    pub(crate) critical: bool,
    /// Nobody vouches for its work later than this.
    pub(crate) vouched_until: Option<Moment>,
    /// The newest acknowledged guarded commit of the present tenure, by true send time.
    pub(crate) proof: Option<Proof>,
}

/// An acknowledged guarded commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Proof {
    pub(crate) term: Term,
    /// When it was really sent.
    pub(crate) sent: Moment,
    /// Whether the record says `leading` since.
    pub(crate) leading: bool,
}

/// What a machine knew when it claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Claimed {
    pub(crate) term: Term,
    /// The highest term it had seen.
    pub(crate) knew: Term,
    /// Its wall clock.
    pub(crate) unix: u64,
}

/// One guard and the processes it is there for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Work {
    /// Its number on this machine.
    pub(crate) serial: u32,
    /// The supervisor it belongs to.
    pub(crate) owner: InstanceId,
    /// `None`: dead.
    pub(crate) guard: Option<Guard>,
    /// The child and all its descendants. `None`: none is alive.
    pub(crate) tree: Option<Tree>,
    /// The release helper. `None`: not running.
    pub(crate) helper: Option<Release>,
    /// From the supervisor, in order.
    pub(crate) orders: VecDeque<ToGuard>,
    /// To the supervisor, in order.
    pub(crate) reports: VecDeque<WorkReport>,
    /// The supervisor dismissed it, or it is done.
    pub(crate) over: bool,
}

/// The guard: the real workload, and what it was handed for a release.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Guard {
    pub(crate) workload: Workload,
    pub(crate) wake: Option<Moment>,
    /// What the helper would run with.
    pub(crate) release: Option<Release>,
    /// The claim that its work would begin with.
    pub(crate) claim: Option<Claimed>,
    /// By the acknowledged commit that its work began with, every process is gone by then.
    pub(crate) limit: Option<Moment>,
    /// It has read the end of the supervisor's pipe.
    pub(crate) orphaned: bool,
}

/// A message from the supervisor to its guard.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::large_enum_variant, reason = "few are on a pipe at once")]
pub(crate) enum ToGuard {
    /// What a release would need; it is sent before the claim is.
    Release {
        release: Release,
        claim: Claimed,
    },
    /// `limit` is the world's own count of the lease.
    Begin {
        safe_until: Moment,
        limit: Moment,
    },
    Until {
        safe_until: Moment,
    },
    End {
        grace: Duration,
    },
    Dismiss,
}

/// A live process tree.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tree {
    pub(crate) term: Term,
    /// It was asked to stop and may end at any time.
    pub(crate) stopping: bool,
    /// It was killed and will be empty within `K_k`.
    pub(crate) killed: bool,
    /// By the newest acknowledged commit, every process is gone by then.
    pub(crate) limit: Moment,
    /// Its machine was paused, so that only the term protects.
    pub(crate) excused: bool,
}

/// A commit on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Request {
    pub(crate) instance: InstanceId,
    pub(crate) ask: Ask,
    /// When it was really sent, by its machine's clock.
    pub(crate) sent: Moment,
    pub(crate) commit: Arc<Commit>,
    /// It is a second copy: its answer goes nowhere.
    pub(crate) copy: bool,
    /// It is counted as late; for the enumerator.
    pub(crate) late: bool,
}

/// An answer on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Answer {
    pub(crate) instance: InstanceId,
    pub(crate) ask: Ask,
    pub(crate) sent: Moment,
    pub(crate) commit: Arc<Commit>,
    pub(crate) outcome: Outcome,
    /// The record's term when it was decided, and whether it said `leading`.
    pub(crate) record: (Term, bool),
    /// It is counted as late; for the enumerator.
    pub(crate) late: bool,
}

impl Work {
    /// Whether this is the guard that a supervisor talks to: not over, and not dismissed.
    pub(crate) fn serves(&self, supervisor: InstanceId) -> bool {
        self.owner == supervisor && !self.over && !self.orders.contains(&ToGuard::Dismiss)
    }
}

impl Node {
    /// Whether any process of any tree may be alive.
    pub(crate) fn works(&self) -> bool {
        self.works.iter().any(|work| work.tree.is_some())
    }

    /// Whether the supervisor is alive and runs.
    pub(crate) fn supervises(&self) -> bool {
        self.supervisor.is_some() && self.frozen == Frozen::Nothing
    }

    /// Whether the supervisor's session has a connection.
    pub(crate) fn link(&self) -> Option<u64> {
        self.supervisor
            .as_ref()
            .and_then(|supervisor| supervisor.link)
    }
}

impl Supervisor {
    /// Whether the core asks for a view, or what it watches has changed. Another view of the same
    /// would tell nothing.
    pub(crate) fn has_news(&self, store: &Store) -> bool {
        let Some(view) = self.election.view().filter(|_| !self.looks) else {
            return true;
        };
        let own = || self.election.entry().is_some_and(|entry| !store.has(entry));
        view.directive != store.directive
            || match &self.focus {
                Some(Focus::Record) => {
                    view.record_stamp != store.record_stamp() || view.beat != store.beat || own()
                }
                Some(Focus::Entry(entry)) => !store.has(entry) || own(),
                Some(Focus::Own) | None => view.line != store.line,
            }
    }
}
