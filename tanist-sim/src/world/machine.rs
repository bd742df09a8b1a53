//! The life of machines and processes, and of a session.

use std::time::Duration;

use tanist_core::{Config, Election, Fact, Grant, Health, Input};

use super::{Signal, World, instance_of};
use crate::node::{Frozen, Node, Supervisor, ToGuard};

impl World {
    /// A supervisor starts on a machine that has none.
    pub(super) fn boot(&mut self, node: usize) {
        if self.nodes[node].supervisor.is_some() {
            return;
        }
        let machine = self.setup.machines[node];
        let defects = self.setup.defects;
        let it = self.node(node);
        it.starts += 1;
        let instance = instance_of(node, it.starts);
        let election = Election::new(Config {
            election: "e".to_owned(),
            node: format!("n{node}"),
            instance,
            address: String::new(),
            priority: machine.priority,
            version: String::new(),
            timing: machine.timing,
            memory: it.memory,
            seed: machine.seed.wrapping_add(u64::from(it.starts)),
            defects,
        });
        it.frozen = Frozen::Nothing;
        it.supervisor = Some(Supervisor {
            election,
            instance,
            opening: false,
            open: false,
            link: None,
            wake: None,
            focus: None,
            looks: false,
            critical: false,
            vouched_until: None,
            proof: None,
        });
        self.tell(node, Input::Start);
    }

    /// The health checks of the node change their mind. A warning comes with silence: nobody vouches
    /// for the work any more.
    pub(super) fn feel(&mut self, node: usize, health: Health) {
        let now = self.now(node).at;
        if let Some(supervisor) = self.running(node) {
            supervisor.critical = health == Health::Critical;
            supervisor.vouched_until = (health == Health::Warning).then_some(now);
            let vouched = Input::Vouched(supervisor.vouched_until);
            let note = String::new();
            self.tell(node, Input::Health { health, note });
            self.tell(node, vouched);
        }
    }

    /// The session is opened, and connected at once.
    pub(super) fn open(&mut self, node: usize) {
        let ttl = self.setup.ttl;
        let Some(supervisor) = self.running(node) else {
            return;
        };
        if !supervisor.opening {
            return;
        }
        supervisor.opening = false;
        supervisor.open = true;
        // As of etcd: the keepalive was sent before the store counted.
        let grant = Grant {
            ttl,
            assured: ttl.mul_f64(0.97),
        };
        self.tell(node, Input::Fact(Fact::Opened(grant)));
        self.connect(node);
    }

    pub(super) fn connect(&mut self, node: usize) {
        if !self.nodes[node].supervises() {
            return;
        }
        let it = self.node(node);
        let link = it.links + 1;
        let Some(supervisor) = it.supervisor.as_mut().filter(|supervisor| supervisor.open) else {
            return;
        };
        supervisor.link = Some(link);
        supervisor.looks = false;
        it.links = link;
        it.views.clear();
        self.tell(node, Input::Fact(Fact::Connected { link }));
    }

    pub(super) fn disconnect(&mut self, node: usize) {
        let it = self.node(node);
        it.views.clear();
        let Some(supervisor) = &mut it.supervisor else {
            return;
        };
        if supervisor.link.take().is_some() {
            // A supervisor that does not run hears of it with the next connection.
            self.tell(node, Input::Fact(Fact::Disconnected));
        }
    }

    /// The session learns that it is over; another can be opened.
    pub(super) fn end_session(&mut self, node: usize) {
        let Some(supervisor) = self.running(node) else {
            return;
        };
        if !supervisor.open {
            return;
        }
        supervisor.open = false;
        supervisor.link = None;
        self.node(node).views.clear();
        let ended = Fact::Ended {
            why: "expired".to_owned(),
            retry: true,
        };
        self.tell(node, Input::Fact(ended));
    }

    /// The supervisor dies; its guards read the end of their pipes.
    pub(super) fn kill_supervisor(&mut self, node: usize) {
        // Without its guard, nobody would be left to end the work: see the limits.
        let alone = self.nodes[node]
            .works
            .iter()
            .any(|work| work.tree.is_some() && work.guard.is_none());
        if alone || self.nodes[node].frozen == Frozen::Machine {
            return;
        }
        let it = self.node(node);
        it.supervisor = None;
        it.frozen = Frozen::Nothing;
        it.answers.clear();
        it.views.clear();
        let serials: Vec<u32> = it.works.iter().map(|work| work.serial).collect();
        for serial in serials {
            self.cut_pipe(node, serial);
        }
    }

    /// A guard dies; the supervisor sweeps its tree.
    pub(super) fn kill_guard(&mut self, node: usize, serial: u32) {
        if !self.nodes[node].supervises() {
            return;
        }
        let Some(owner) = self.nodes[node].supervisor.as_ref().map(|it| it.instance) else {
            return;
        };
        let Some(work) = self.work(node, serial).filter(|work| work.owner == owner) else {
            return;
        };
        let guard = work.guard.take();
        let orders = std::mem::take(&mut work.orders);
        work.reports.clear();
        if let Some(tree) = &mut work.tree {
            tree.stopping = true;
            tree.killed = true;
            self.signal(Signal::Stopping {
                node,
                work: serial,
                killed: true,
            });
            return;
        }
        work.over = true;
        let begins = orders
            .iter()
            .any(|order| matches!(order, ToGuard::Begin { .. }));
        if begins || guard.as_ref().is_none_or(|guard| guard.limit.is_some()) {
            self.tell(node, Input::Stopped);
            return;
        }
        // Another is made ready, and handed what this one was.
        let handed = guard.and_then(|guard| {
            Some(ToGuard::Release {
                release: guard.release?,
                claim: guard.claim?,
            })
        });
        let on_pipe = orders
            .into_iter()
            .rfind(|order| matches!(order, ToGuard::Release { .. }));
        self.prepare_guard(node);
        if let Some(order) = on_pipe.or(handed) {
            self.order(node, order);
        }
    }

    /// Everything on the machine ends at once; its state directory is kept, unless the disk is
    /// lost too.
    pub(super) fn kill_machine(&mut self, node: usize, disk: bool) {
        if disk && !self.may_lose_disk() {
            return;
        }
        let it = self.node(node);
        let memory = if disk {
            tanist_core::Memory::default()
        } else {
            it.memory
        };
        *it = Node {
            memory,
            starts: it.starts,
            guards: it.guards,
            links: it.links,
            requests: std::mem::take(&mut it.requests),
            ..Node::default()
        };
    }

    pub(super) fn freeze(&mut self, node: usize, frozen: Frozen) {
        // Who sweeps a tree without a guard has to run.
        let sweeps = self.nodes[node]
            .works
            .iter()
            .any(|work| work.tree.is_some() && work.guard.is_none());
        if frozen == Frozen::Supervisor && sweeps {
            return;
        }
        let it = self.node(node);
        let was = std::mem::replace(&mut it.frozen, frozen);
        if frozen == Frozen::Machine {
            for tree in it.works.iter_mut().filter_map(|work| work.tree.as_mut()) {
                tree.excused = true;
            }
        }
        if frozen == Frozen::Nothing && was != Frozen::Nothing {
            self.catch_up(node);
        }
    }

    /// What waited for a process that runs again.
    fn catch_up(&mut self, node: usize) {
        for work in self.nodes[node].works.clone() {
            for _ in &work.orders {
                self.signal(Signal::Order {
                    node,
                    work: work.serial,
                });
            }
            for _ in &work.reports {
                if self.setup.instant_pipes {
                    self.read_report(node, work.serial);
                } else {
                    self.signal(Signal::Report {
                        node,
                        work: work.serial,
                    });
                }
            }
        }
        let lost = self.nodes[node]
            .supervisor
            .as_ref()
            .is_some_and(|supervisor| supervisor.open && supervisor.link.is_none());
        if lost {
            self.tell(node, Input::Fact(Fact::Disconnected));
        }
    }

    fn cut_pipe(&mut self, node: usize, serial: u32) {
        if self.setup.instant_pipes {
            self.read_order(node, serial);
        } else {
            let left = self.work(node, serial).map_or(0, |work| work.orders.len());
            for _ in 0..=left {
                self.signal(Signal::Order { node, work: serial });
            }
        }
    }

    fn running(&mut self, node: usize) -> Option<&mut Supervisor> {
        if self.nodes[node].supervises() {
            self.node(node).supervisor.as_mut()
        } else {
            None
        }
    }

    /// No disk dies while a leader that the store has forgotten may be at work.
    fn may_lose_disk(&self) -> bool {
        let longest = (0..self.nodes.len())
            .map(|node| self.setup.lease(node))
            .max();
        let over = longest.unwrap_or_default() * 2 + Duration::from_secs(1);
        self.ledger.forgot_at.is_none_or(|at| self.time > at + over)
    }
}
