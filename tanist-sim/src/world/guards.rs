//! The guard, its tree and its release helper.

use tanist_core::{Input, Moment, ReleaseStep, Term, WorkAction, WorkInput, WorkReport, Workload};

use super::{Signal, World};
use crate::happening::Happening;
use crate::node::{Frozen, Guard, ToGuard, Tree, Work};

impl World {
    /// A guard that has not begun stands ready for the claim that is about to be sent.
    pub(super) fn prepare_guard(&mut self, node: usize) {
        self.dismiss(node);
        let timing = self.setup.machines[node].timing;
        let node = self.node(node);
        let Some(owner) = node
            .supervisor
            .as_ref()
            .map(|supervisor| supervisor.instance)
        else {
            return;
        };
        if node.works.iter().any(|work| work.serves(owner)) {
            return;
        }
        node.guards += 1;
        let guard = Guard {
            workload: Workload::new(timing),
            wake: None,
            release: None,
            claim: None,
            limit: None,
            orphaned: false,
        };
        node.works.push(Work {
            serial: node.guards,
            owner,
            guard: Some(guard),
            tree: None,
            helper: None,
            orders: std::collections::VecDeque::new(),
            reports: std::collections::VecDeque::new(),
            over: false,
        });
    }

    /// The supervisor writes to its guard.
    pub(super) fn order(&mut self, node: usize, order: ToGuard) {
        let Some(work) = self.own_work(node) else {
            return;
        };
        work.orders.push_back(order);
        let serial = work.serial;
        self.on_pipe(node, serial);
    }

    /// The supervisor needs the guard of an ended activation no more.
    pub(super) fn dismiss(&mut self, node: usize) {
        let used = self.own_work(node).is_some_and(|work| {
            work.tree.is_none()
                && work
                    .guard
                    .as_ref()
                    .is_none_or(|guard| guard.limit.is_some())
        });
        if used {
            self.order(node, ToGuard::Dismiss);
        }
    }

    /// The guard reads one message, or the end of the pipe.
    pub(super) fn read_order(&mut self, node: usize, serial: u32) {
        if self.nodes[node].frozen == Frozen::Machine {
            return;
        }
        let alive = self.alive(node, serial);
        let Some(work) = self.work(node, serial) else {
            return;
        };
        let order = work.orders.pop_front();
        let Some(guard) = &mut work.guard else {
            return;
        };
        let input = match order {
            None if alive || guard.orphaned => return,
            None => {
                guard.orphaned = true;
                WorkInput::SupervisorGone
            }
            Some(ToGuard::Release { release, claim }) => {
                guard.release = Some(release);
                guard.claim = Some(claim);
                return;
            }
            Some(ToGuard::Begin { safe_until, limit }) => {
                guard.limit = Some(limit);
                WorkInput::Begin { safe_until }
            }
            Some(ToGuard::Until { safe_until }) => WorkInput::Until { safe_until },
            Some(ToGuard::End { grace }) => WorkInput::End { grace },
            Some(ToGuard::Dismiss) => WorkInput::Dismissed,
        };
        self.guard(node, serial, input);
    }

    /// The supervisor reads one message of its guard. What was meant for a dead one, nobody reads.
    pub(super) fn read_report(&mut self, node: usize, serial: u32) {
        let alive = self.alive(node, serial);
        if alive && !self.nodes[node].supervises() {
            return;
        }
        let report = self
            .work(node, serial)
            .and_then(|work| work.reports.pop_front());
        match report {
            Some(WorkReport::Empty) if alive => {
                self.tell(node, Input::Stopped);
            }
            Some(_) | None => {}
        }
        self.clear(node);
    }

    pub(super) fn wake_guard(&mut self, node: usize, serial: u32) {
        if self.nodes[node].frozen != Frozen::Machine {
            self.guard(node, serial, WorkInput::Wake);
        }
    }

    /// The child ends by itself; others of its tree go with it.
    pub(super) fn exit(&mut self, node: usize, serial: u32) {
        let Some(tree) = self.work(node, serial).and_then(|work| work.tree.as_mut()) else {
            return;
        };
        tree.stopping = true;
        self.guard(node, serial, WorkInput::Exited);
        self.signal(Signal::Stopping {
            node,
            work: serial,
            killed: false,
        });
    }

    /// The last process of the tree is gone, and whoever watches it has verified that.
    pub(super) fn empty(&mut self, node: usize, serial: u32) {
        let frozen = self.nodes[node].frozen;
        let Some(work) = self.work(node, serial) else {
            return;
        };
        // Without its guard, the supervisor has to see it.
        let seen = match frozen {
            Frozen::Nothing => true,
            Frozen::Supervisor => work.guard.is_some(),
            Frozen::Machine => false,
        };
        if !seen || work.tree.take().is_none() {
            return;
        }
        self.note(node, || format!("has no process of tree {serial} any more"));
        self.verified_empty(node, serial);
    }

    /// One step of the release helper, decided by the store at this instant.
    pub(super) fn release(&mut self, node: usize, serial: u32, lost: bool) {
        let defects = self.setup.defects;
        let unix = self.now(node).unix;
        if self.nodes[node].frozen == Frozen::Machine {
            return;
        }
        let Some(work) = self.work(node, serial) else {
            return;
        };
        let owner = work.owner;
        let Some(mut release) = work.helper.clone() else {
            return;
        };
        let step = release.step().clone();
        self.note(node, || format!("helper {serial} asks {step:?}"));
        let outcome = self.decide_release(owner, &step, &defects);
        let outcome = if lost {
            tanist_core::Outcome::Unknown
        } else {
            outcome
        };
        match &step {
            ReleaseStep::DeleteEntry(_) => release.deleted(&outcome),
            ReleaseStep::Read if !lost => {
                release.read(&self.store.reading(), self.store.record_stamp(), unix);
            }
            ReleaseStep::MarkResigned { .. } => release.marked(&outcome),
            ReleaseStep::Read | ReleaseStep::Done => {}
        }
        let done = *release.step() == ReleaseStep::Done;
        if let Some(work) = self.work(node, serial) {
            work.helper = Some(release);
        }
        if done {
            self.released(node, serial);
        } else {
            self.signal(Signal::Release { node, work: serial });
        }
    }

    fn released(&mut self, node: usize, serial: u32) {
        let Some(work) = self.work(node, serial) else {
            return;
        };
        let owner = work.owner;
        work.helper = None;
        let claim = work.guard.as_ref().and_then(|guard| guard.claim);
        let entry = work.guard.as_ref().and_then(|guard| guard.release.as_ref());
        let entry = entry.map(|release| release.entry().clone());
        if let (Some(entry), Some(claim)) = (entry, claim) {
            self.note(node, || format!("helper {serial} is done"));
            self.happened(&Happening::Released {
                instance: owner,
                entry: &entry,
                term: claim.term,
            });
            self.ledger.released.push((owner, entry));
        }
        self.guard(node, serial, WorkInput::Released);
    }

    /// Tells a guard's machine what happened, and does what it says.
    pub(super) fn guard(&mut self, node: usize, serial: u32, input: WorkInput) {
        let now = self.now(node).at;
        let mut input = Some(input);
        while let Some(next) = input.take() {
            let Some(work) = self.work(node, serial) else {
                return;
            };
            let Some(guard) = &mut work.guard else {
                return;
            };
            guard.workload.handle(now, next);
            while let Some(guard) = self.work(node, serial).and_then(|work| work.guard.as_mut()) {
                match guard.workload.poll() {
                    WorkAction::WaitUntil(moment) => {
                        guard.wake = moment;
                        break;
                    }
                    action => input = self.act(node, serial, action).or(input),
                }
            }
        }
        self.clear(node);
    }

    fn act(&mut self, node: usize, serial: u32, action: WorkAction) -> Option<WorkInput> {
        let now = self.now(node).at;
        match action {
            WorkAction::Start { by } if now > by => return Some(WorkInput::Empty),
            WorkAction::Start { .. } => {
                self.start(node, serial);
                return Some(WorkInput::Started);
            }
            WorkAction::Stop | WorkAction::Kill => {
                let killed = action == WorkAction::Kill;
                let work = self.work(node, serial)?;
                let Some(tree) = &mut work.tree else {
                    return Some(WorkInput::Empty);
                };
                tree.stopping = true;
                tree.killed |= killed;
                self.note(node, || {
                    format!("guard {serial} {}", if killed { "kills" } else { "stops" })
                });
                self.signal(Signal::Stopping {
                    node,
                    work: serial,
                    killed,
                });
            }
            WorkAction::Report(report) => {
                let work = self.work(node, serial)?;
                work.reports.push_back(report);
                self.on_report(node, serial);
            }
            WorkAction::Release => {
                let work = self.work(node, serial)?;
                let release = work.guard.as_ref().and_then(|guard| guard.release.clone());
                let Some(release) = release else {
                    return Some(WorkInput::Released);
                };
                work.helper = Some(release);
                self.signal(Signal::Release { node, work: serial });
            }
            WorkAction::Exit => {
                if let Some(work) = self.work(node, serial) {
                    work.guard = None;
                    work.over = true;
                }
            }
            WorkAction::WaitUntil(_) => {}
        }
        None
    }

    fn start(&mut self, node: usize, serial: u32) {
        let Some(work) = self.work(node, serial) else {
            return;
        };
        let Some(guard) = &work.guard else {
            return;
        };
        let term = guard.claim.map_or(Term::ZERO, |claim| claim.term);
        let limit = guard.limit.unwrap_or(Moment::ORIGIN);
        work.tree = Some(Tree {
            term,
            stopping: false,
            killed: false,
            limit,
            excused: false,
        });
        let work = work.clone();
        self.note(node, || {
            format!("guard {serial} starts the work of term {term}")
        });
        self.happened(&Happening::Started {
            node,
            term,
            work: &work,
        });
        self.started += 1;
        self.ledger.highest = self.ledger.highest.max(term);
    }

    fn on_pipe(&mut self, node: usize, work: u32) {
        if self.setup.instant_pipes {
            self.read_order(node, work);
        } else {
            self.signal(Signal::Order { node, work });
        }
    }

    fn on_report(&mut self, node: usize, work: u32) {
        if self.setup.instant_pipes && self.nodes[node].supervises() {
            self.read_report(node, work);
        } else {
            self.signal(Signal::Report { node, work });
        }
    }

    fn verified_empty(&mut self, node: usize, serial: u32) {
        let Some(work) = self.work(node, serial) else {
            return;
        };
        if work.guard.is_some() {
            self.guard(node, serial, WorkInput::Empty);
        } else {
            work.over = true;
            self.tell(node, Input::Stopped);
            self.clear(node);
        }
    }

    pub(super) fn work(&mut self, node: usize, serial: u32) -> Option<&mut Work> {
        self.node(node)
            .works
            .iter_mut()
            .find(|work| work.serial == serial)
    }

    /// The guard that the present supervisor talks to.
    fn own_work(&mut self, node: usize) -> Option<&mut Work> {
        let owner = self.nodes[node].supervisor.as_ref()?.instance;
        self.node(node)
            .works
            .iter_mut()
            .rfind(|work| work.serves(owner))
    }

    /// Whether the supervisor that holds the other end of a guard's pipe is alive.
    fn alive(&self, node: usize, serial: u32) -> bool {
        let owner = self.nodes[node].supervisor.as_ref().map(|it| it.instance);
        self.nodes[node]
            .works
            .iter()
            .any(|work| work.serial == serial && Some(work.owner) == owner)
    }

    /// Forgets what is over, unless somebody still has to hear of it.
    fn clear(&mut self, node: usize) {
        let over = |work: &Work| work.over && work.tree.is_none() && work.reports.is_empty();
        if self.nodes[node].works.iter().any(over) {
            self.node(node).works.retain(|work| !over(work));
        }
    }
}
