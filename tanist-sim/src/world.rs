//! The false world: real machines of the core, everything around them false.
//!
//! What it leaves out on purpose, because the design promises nothing there (its section 3,
//! limits); each is one function below or in [`blow`]:
//!
//! * Store and machine wiped together: record and every entry vanish only while every machine has
//!   seen the election before.
//! * Different leases and no record: where leases differ, the record is never lost alone.
//! * A backup that forgets a leader nobody else has seen: it is restored only while the memory of
//!   every machine knows the present term; and no disk dies until the leases of then are over.
//! * A restore cuts every connection, and what was on the wire is gone with it.
//! * Guard and supervisor killed at once: only with their machine. Such a pair, and a paused
//!   machine, leave the protection to the term.

mod blow;
mod commits;
mod core;
mod guards;
mod machine;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tanist_core::{Input, InstanceId, Now};

use crate::action::{Action, Sent, Step};
use crate::happening::Happening;
use crate::ledger::Ledger;
use crate::node::{Frozen, Node, Tree};
use crate::property::Violation;
use crate::setup::Setup;
use crate::store::Store;

/// One state of everything.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) setup: Arc<Setup>,
    /// Real time since the run began.
    pub(crate) time: Duration,
    pub(crate) store: Arc<Store>,
    /// The backup.
    pub(crate) saved: Option<Arc<Store>>,
    pub(crate) nodes: Vec<Arc<Node>>,
    pub(crate) ledger: Ledger,
    /// How many activations there were.
    pub(crate) started: u32,
    /// What did not hold, if anything.
    pub(crate) broken: Option<Violation>,
    /// What has to be carried somewhere since the last action; for those who schedule.
    pub(crate) signals: Vec<Signal>,
    /// What the machines said, for a trace; `None` while nobody reads it.
    pub(crate) notes: Option<Vec<String>>,
    /// What the core is yet to be told within this action.
    inputs: VecDeque<(usize, Input)>,
    /// What it was told within this action.
    told: usize,
}

/// Something is on its way, or due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// A commit was sent.
    Sent { node: usize, sent: Sent },
    /// An answer set off.
    Answered { node: usize, sent: Sent },
    /// The core wants a view.
    Look { node: usize },
    /// A view set off.
    View { node: usize },
    /// The core wants a session.
    Open { node: usize },
    /// A message, or the end of the pipe, waits for a guard.
    Order { node: usize, work: u32 },
    /// A message waits for the supervisor.
    Report { node: usize, work: u32 },
    /// A tree was asked to stop, or killed.
    Stopping {
        node: usize,
        work: u32,
        killed: bool,
    },
    /// A helper wants its next step done.
    Release { node: usize, work: u32 },
    /// The election in the store changed.
    Changed,
}

impl World {
    /// Machines without any process, and an empty store.
    pub(crate) fn new(setup: Arc<Setup>) -> Self {
        let nodes = setup.machines.iter().map(|_| Arc::default()).collect();
        Self {
            setup,
            time: Duration::ZERO,
            store: Arc::default(),
            saved: None,
            nodes,
            ledger: Ledger::default(),
            started: 0,
            broken: None,
            signals: Vec::new(),
            notes: None,
            inputs: VecDeque::new(),
            told: 0,
        }
    }

    /// Lets one thing happen.
    pub(crate) fn apply(&mut self, action: &Action) {
        self.told = 0;
        match action {
            Action::Pass { by } => self.pass(*by),
            Action::At { node, step } => self.step(*node, *step),
            Action::Store(blow) => self.blow(blow),
        }
        while let Some((node, input)) = self.inputs.pop_front() {
            self.tell_now(node, input);
        }
    }

    /// Every live process tree, with its node and its guard's number.
    pub(crate) fn trees(&self) -> impl Iterator<Item = (usize, &Tree, u32)> {
        self.nodes.iter().enumerate().flat_map(|(node, it)| {
            it.works
                .iter()
                .filter_map(move |work| work.tree.as_ref().map(|tree| (node, tree, work.serial)))
        })
    }

    /// The clocks of one machine.
    pub(crate) fn now(&self, node: usize) -> Now {
        self.setup.now(node, self.time)
    }

    fn pass(&mut self, by: Duration) {
        let time = self.time + by;
        for node in 0..self.nodes.len() {
            if self.nodes[node].works() {
                let to = self.setup.now(node, time).at;
                self.happened(&Happening::Passing { node, to });
            }
        }
        self.time = time;
    }

    fn step(&mut self, node: usize, step: Step) {
        match step {
            Step::Boot => self.boot(node),
            Step::Wake => self.tell(node, Input::Wake),
            Step::GuardWake { work } => self.wake_guard(node, work),
            Step::Open => self.open(node),
            Step::Connect => self.connect(node),
            Step::Disconnect => self.disconnect(node),
            Step::End => self.end_session(node),
            Step::Alive { ago } => self.keep_alive(node, ago),
            Step::Decide { sent, again } => self.decide(node, sent, again),
            Step::Lose { sent } => self.lose(node, sent),
            Step::Answer { sent } => self.answer(node, sent),
            Step::LoseAnswer { sent } => drop(self.take_answer(node, sent)),
            Step::GiveUp { sent } => self.give_up(node, sent),
            Step::Read => self.read(node),
            Step::View => self.view(node),
            Step::Order { work } => self.read_order(node, work),
            Step::Report { work } => self.read_report(node, work),
            Step::Exit { work } => self.exit(node, work),
            Step::Empty { work } => self.empty(node, work),
            Step::Release { work, lost } => self.release(node, work, lost),
            Step::ReleaseLost { work } => self.signal(Signal::Release { node, work }),
            Step::KillSupervisor => self.kill_supervisor(node),
            Step::KillGuard { work } => self.kill_guard(node, work),
            Step::KillMachine { disk } => self.kill_machine(node, disk),
            Step::FreezeSupervisor => self.freeze(node, Frozen::Supervisor),
            Step::FreezeMachine => self.freeze(node, Frozen::Machine),
            Step::Thaw => self.freeze(node, Frozen::Nothing),
            Step::Resign => self.tell(node, Input::Resign),
            Step::Leave => self.tell(node, Input::Leave),
            Step::Health(health) => self.feel(node, health),
            Step::Priority(priority) => self.tell(node, Input::Priority(priority)),
        }
    }

    fn happened(&mut self, happening: &Happening<'_>) {
        if self.broken.is_some() {
            return;
        }
        self.broken = self.setup.properties.iter().find_map(|property| {
            let what = (property.check)(self, happening)?;
            Some(Violation {
                property: property.name,
                what,
            })
        });
    }

    fn node(&mut self, node: usize) -> &mut Node {
        Arc::make_mut(&mut self.nodes[node])
    }

    fn signal(&mut self, signal: Signal) {
        self.signals.push(signal);
    }

    fn note(&mut self, node: usize, what: impl FnOnce() -> String) {
        if let Some(notes) = &mut self.notes {
            notes.push(format!("node {node} {}", what()));
        }
    }
}

/// The instance of the given start of a node: never used before within a run.
pub(crate) fn instance_of(node: usize, start: u32) -> InstanceId {
    InstanceId::new((node as u128) << 8 | u128::from(start))
}
