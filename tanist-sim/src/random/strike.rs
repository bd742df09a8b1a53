//! Mishaps, as they take effect.

use std::time::Duration;

use tanist_core::{Health, NodeUntil};

use super::agenda::Due;
use super::course::Course;
use super::mishap::{Kind, Mishap, Target};
use crate::action::{Action, Blow, Step};
use crate::node::Frozen;

impl Course<'_> {
    /// Whether it took effect.
    pub(super) fn strike(&mut self, mishap: &Mishap) -> bool {
        let node = match mishap.target {
            Target::Node(node) => node,
            Target::Leader { or } => self.world.trees().next().map_or(or, |(node, _, _)| node),
        };
        if self.world.nodes[node].frozen != Frozen::Nothing {
            return false;
        }
        let until = self.world.time + mishap.lasts;
        let host = &mut self.hosts[node];
        match mishap.kind {
            Kind::Cut => {
                host.cut_until = until;
                self.notice_cut(node);
            }
            Kind::StoreDown => {
                for node in 0..self.hosts.len() {
                    self.hosts[node].cut_until = until;
                    self.notice_cut(node);
                }
            }
            Kind::Mute => host.mute_until = until,
            Kind::Deaf => host.deaf_until = until,
            Kind::Lie => host.lied_until = until,
            Kind::FreezeSupervisor
            | Kind::FreezeMachine
            | Kind::KillSupervisor
            | Kind::KillGuard
            | Kind::KillMachine { .. }
            | Kind::Exit => return self.strike_process(node, mishap),
            Kind::Disconnect
            | Kind::EndSession
            | Kind::Forget
            | Kind::Resign
            | Kind::Leave
            | Kind::Health(_)
            | Kind::Priority(_) => return self.strike_node(node, mishap),
            Kind::LoseEntry { .. }
            | Kind::LoseRecord
            | Kind::LoseBeat
            | Kind::Wipe
            | Kind::Save
            | Kind::Restore
            | Kind::Rollback
            | Kind::Full
            | Kind::Denied
            | Kind::Foreign { .. }
            | Kind::Successor
            | Kind::Pause => return self.strike_store(node, mishap),
        }
        true
    }

    /// Where one cannot take effect, a node loses its connection: no run is short of faults.
    pub(super) fn strike_instead(&mut self, mishap: &Mishap) -> bool {
        (0..self.hosts.len()).any(|node| {
            let (target, kind) = (Target::Node(node), Kind::Disconnect);
            self.world.nodes[node].link().is_some()
                && self.strike(&Mishap {
                    target,
                    kind,
                    ..*mishap
                })
        })
    }

    fn strike_process(&mut self, node: usize, mishap: &Mishap) -> bool {
        let it = &self.world.nodes[node];
        let guard = it
            .works
            .iter()
            .rfind(|work| work.guard.is_some())
            .map(|work| work.serial);
        let tree = it
            .works
            .iter()
            .rfind(|work| work.tree.is_some())
            .map(|work| work.serial);
        let until = self.world.time + mishap.lasts;
        let (step, end) = match mishap.kind {
            Kind::FreezeSupervisor => (Step::FreezeSupervisor, Some(Step::Thaw)),
            Kind::FreezeMachine => (Step::FreezeMachine, Some(Step::Thaw)),
            Kind::KillSupervisor => (Step::KillSupervisor, Some(Step::Boot)),
            Kind::KillMachine { disk } => (Step::KillMachine { disk }, Some(Step::Boot)),
            Kind::KillGuard => {
                let Some(work) = guard else {
                    return false;
                };
                (Step::KillGuard { work }, None)
            }
            _ => {
                let Some(work) = tree else {
                    return false;
                };
                (Step::Exit { work }, None)
            }
        };
        if it.supervisor.is_none() && step == Step::FreezeSupervisor {
            return false;
        }
        self.step(node, step);
        if let Some(end) = end {
            self.agenda
                .enter(until, Due::Later(Box::new(Action::At { node, step: end })));
        }
        true
    }

    fn strike_node(&mut self, node: usize, mishap: &Mishap) -> bool {
        let until = self.world.time + mishap.lasts;
        let mut end = |step| {
            self.agenda
                .enter(until, Due::Later(Box::new(Action::At { node, step })))
        };
        let step = match mishap.kind {
            Kind::Disconnect => Step::Disconnect,
            Kind::Forget => Step::End,
            Kind::Resign => Step::Resign,
            Kind::Leave => {
                // Somebody stops the service, and starts it again.
                end(Step::KillSupervisor);
                end(Step::Boot);
                Step::Leave
            }
            Kind::Health(health) => {
                end(Step::Health(Health::Healthy));
                Step::Health(health)
            }
            Kind::Priority(priority) => {
                end(Step::Priority(self.lot.setup.machines[node].priority));
                Step::Priority(priority)
            }
            _ => return self.end_session(node),
        };
        if self.world.nodes[node].supervisor.is_none() {
            return false;
        }
        self.step(node, step);
        true
    }

    fn end_session(&mut self, node: usize) -> bool {
        let Some(instance) = self.world.nodes[node]
            .supervisor
            .as_ref()
            .map(|it| it.instance)
        else {
            return false;
        };
        self.sessions
            .retain(|_, session| session.instance != instance);
        self.apply(&Action::Store(Blow::Expire { instance }));
        true
    }

    fn strike_store(&mut self, node: usize, mishap: &Mishap) -> bool {
        // What people ask for, they ask for some time.
        let later = self.world.time + mishap.lasts * 2;
        let second = self.world.now(node).unix + mishap.lasts.as_secs() * 2 + 1;
        let (blow, end) = match mishap.kind {
            Kind::LoseEntry { place } => (Blow::LoseEntry { place }, None),
            Kind::LoseRecord => (Blow::LoseRecord, None),
            Kind::LoseBeat => (Blow::LoseBeat, None),
            Kind::Wipe => (Blow::Wipe, None),
            Kind::Save => (Blow::Save, None),
            Kind::Restore => (Blow::Restore { record_only: false }, None),
            Kind::Rollback => (Blow::Restore { record_only: true }, None),
            Kind::Full => (Blow::Full(true), Some(Blow::Full(false))),
            Kind::Denied => (Blow::Denied(true), Some(Blow::Denied(false))),
            Kind::Foreign { session } => (Blow::Foreign { session }, Some(Blow::ForeignLeaves)),
            Kind::Successor => {
                let named = NodeUntil {
                    node: format!("n{node}"),
                    until: second,
                };
                (Blow::Successor(Some(named)), Some(Blow::Successor(None)))
            }
            _ => (Blow::Pause(Some(second)), Some(Blow::Pause(None))),
        };
        if !self.world.allows(&blow) {
            return false;
        }
        let restored = blow == Blow::Restore { record_only: false };
        self.apply(&Action::Store(blow));
        if restored {
            self.restore_sessions();
        }
        if let Some(end) = end {
            self.agenda
                .enter(later, Due::Later(Box::new(Action::Store(end))));
        }
        true
    }

    /// A client needs a while to see that nothing gets through any more.
    pub(super) fn notice_cut(&mut self, node: usize) {
        let timeout = self.lot.setup.machines[node].timing.request_timeout();
        let at = self.world.time + self.hosts[node].wire.up_to(timeout * 2);
        self.later(at, node, Step::Disconnect);
    }

    /// Heals all, or all of the core; what is outside it stays broken for ever.
    pub(super) fn heal(&mut self) {
        self.healed = true;
        let timing = &self.lot.setup.machines[0].timing;
        self.weather = super::weather::Weather::fair(
            self.lot
                .setup
                .machines
                .iter()
                .map(|machine| machine.timing.request_timeout())
                .min()
                .unwrap_or_else(|| timing.request_timeout()),
        );
        for blow in [
            Blow::Full(false),
            Blow::Denied(false),
            Blow::Successor(None),
            Blow::Pause(None),
        ] {
            self.apply(&Action::Store(blow));
        }
        while self
            .world
            .store
            .line
            .iter()
            .any(|candidate| candidate.instance().is_none())
        {
            self.apply(&Action::Store(Blow::ForeignLeaves));
        }
        let core = self.lot.healing.and_then(|healing| healing.core);
        for node in 0..self.hosts.len() {
            if core.is_none_or(|core| core == node) {
                self.heal_node(node);
            } else {
                self.break_node(node);
            }
        }
        let lease = self.lot.setup.lease(0);
        self.agenda.enter(self.world.time + lease, Due::Bump);
    }

    fn heal_node(&mut self, node: usize) {
        let host = &mut self.hosts[node];
        host.cut_until = Duration::ZERO;
        host.mute_until = Duration::ZERO;
        host.deaf_until = Duration::ZERO;
        host.lied_until = Duration::ZERO;
        self.step(node, Step::Thaw);
        if self.hosts[node].leaving {
            self.step(node, Step::KillSupervisor);
        }
        self.step(node, Step::Boot);
        self.step(node, Step::Health(Health::Healthy));
        self.step(node, Step::Priority(self.lot.setup.machines[node].priority));
    }

    fn break_node(&mut self, node: usize) {
        self.step(node, Step::Thaw);
        match self.chance.below(4) {
            0 => self.step(node, Step::KillMachine { disk: false }),
            1 => self.step(node, Step::FreezeSupervisor),
            2 => {
                self.hosts[node].cut_until = super::course::FOREVER;
                self.notice_cut(node);
            }
            _ => self.hosts[node].mute_until = super::course::FOREVER,
        }
    }

    /// One lost request, or a short loss of the connection, that a leader has to survive.
    pub(super) fn bump(&mut self) {
        let lease = self.lot.setup.lease(0);
        let at = self.world.time + self.chance.between(lease * 2, lease * 4);
        self.agenda.enter(at, Due::Bump);
        let leader = self.world.trees().next().map(|(node, ..)| node);
        if let Some(node) = leader {
            self.step(node, Step::Disconnect);
        }
    }
}
