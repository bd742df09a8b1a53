//! What is on its way arrives, late or never.

use std::time::Duration;

use tanist_core::{Candidate, EntryId, Focus, InstanceId};

use super::agenda::Due;
use super::course::{Course, FOREVER};
use super::host::Session;
use crate::action::{Action, Blow, Sent, Step};
use crate::node::Supervisor;
use crate::world::Signal;

/// Stop signals of a thousand that are ignored.
const DEAF_CHILDREN: u64 = 150;

impl Course<'_> {
    pub(super) fn carry(&mut self, signal: Signal) {
        let now = self.world.time;
        match signal {
            Signal::Sent { node, sent } => self.send(node, sent),
            Signal::Answered { node, sent } => self.answer(node, sent),
            Signal::Look { node } => {
                if let Some(delay) = self.passage(node) {
                    self.later(now + delay, node, Step::Read);
                }
            }
            Signal::View { node } => {
                let at = now.max(self.hosts[node].cut_until) + self.delay(node);
                self.later(at, node, Step::View);
            }
            Signal::Open { node } => {
                let at = now + self.delay(node);
                self.later(at, node, Step::Open);
            }
            Signal::Order { node, work } => {
                let at = now + self.short_delay(node);
                self.later(at, node, Step::Order { work });
            }
            Signal::Report { node, work } => {
                let at = now + self.short_delay(node);
                self.later(at, node, Step::Report { work });
            }
            Signal::Stopping { node, work, killed } => self.stopping(node, work, killed),
            Signal::Release { node, work } => self.release(node, work),
            Signal::Changed => (0..self.hosts.len()).for_each(|node| self.notify(node)),
        }
    }

    fn send(&mut self, node: usize, sent: Sent) {
        let now = self.world.time;
        if self.hosts[node].wire.hits(self.weather.unknown_permille) {
            // Before the store decides, after it, or when the answer is there already.
            let patience = self.hosts[node].wire.up_to(self.weather.usual * 4);
            self.later(now + patience, node, Step::GiveUp { sent });
        }
        let host = &self.hosts[node];
        let mute = host.mute_until > now;
        let passage = if mute { None } else { self.passage(node) };
        let Some(delay) = passage else {
            let at = now + self.delay(node);
            self.later(at, node, Step::Lose { sent });
            return;
        };
        let doubled = self.weather.doubled_permille;
        if self.hosts[node].wire.hits(doubled) {
            self.later(now + delay, node, Step::Decide { sent, again: true });
            let more = self.weather.slow.max(self.weather.usual);
            let copy = self.hosts[node].wire.up_to(more);
            self.later(
                now + delay + copy,
                node,
                Step::Decide { sent, again: false },
            );
        } else {
            self.later(now + delay, node, Step::Decide { sent, again: false });
        }
    }

    fn answer(&mut self, node: usize, sent: Sent) {
        let now = self.world.time;
        let deaf = self.hosts[node].deaf_until > now;
        match self.passage(node) {
            Some(delay) if !deaf => self.later(now + delay, node, Step::Answer { sent }),
            _ => self.later(now, node, Step::LoseAnswer { sent }),
        }
    }

    /// How long a message takes. `None`: it never arrives.
    fn passage(&mut self, node: usize) -> Option<Duration> {
        let delay = self.delay(node);
        let (lost, now) = (self.weather.lost_permille, self.world.time);
        let host = &mut self.hosts[node];
        if host.cut_until > now {
            // The kernel sends again what was not acknowledged, once it can.
            let again = host.cut_until < FOREVER && host.wire.hits(300);
            return again.then(|| host.cut_until - now + delay);
        }
        (!host.wire.hits(lost)).then_some(delay)
    }

    fn stopping(&mut self, node: usize, work: u32, killed: bool) {
        let machine = &self.lot.setup.machines[node];
        let (timing, clock) = (machine.timing, machine.clock);
        let host = &mut self.hosts[node];
        let most = if killed {
            timing.kill_time() - timing.kill_time() / 1_000
        } else if host.local.hits(DEAF_CHILDREN) {
            return;
        } else {
            [
                timing.kill_time(),
                timing.lost_stop_timeout(),
                timing.lease() * 2,
            ][host.local.index(3)]
        };
        let usual = if host.local.hits(700) {
            most / 20
        } else {
            most
        };
        let takes = host.local.up_to(usual);
        // A process tree dies by its machine's clock.
        let at = clock
            .time_of(clock.moment(self.world.time) + takes)
            .max(self.world.time);
        self.later(at, node, Step::Empty { work });
    }

    fn release(&mut self, node: usize, work: u32) {
        let now = self.world.time;
        let timeout = self.lot.setup.machines[node].timing.request_timeout();
        match self.passage(node) {
            Some(delay) => {
                let lost = self.weather.lost_permille;
                let lost = self.hosts[node].wire.hits(lost);
                let at = now + delay * 2;
                self.later(at, node, Step::Release { work, lost });
            }
            None => {
                let at = now + timeout + self.delay(node);
                self.later(at, node, Step::ReleaseLost { work });
            }
        }
    }

    /// The store tells a session of what it watches.
    fn notify(&mut self, node: usize) {
        let now = self.world.time;
        if self.hosts[node].reading || self.hosts[node].cut_until > now {
            return;
        }
        let supervisor = self.world.nodes[node].supervisor.as_ref();
        if !supervisor.is_some_and(|it| it.link.is_some() && self.concerns(it)) {
            return;
        }
        self.hosts[node].reading = true;
        let at = now + self.delay(node);
        self.later(at, node, Step::Read);
    }

    /// Whether what a session watches differs from the latest view.
    fn concerns(&self, supervisor: &Supervisor) -> bool {
        let Some(view) = supervisor.election.view() else {
            return false;
        };
        let store = &self.world.store;
        // Creation ids first: within one connection they tell entries apart, and names are long.
        let stands = |entry: &EntryId| {
            store
                .line
                .iter()
                .any(|it| it.entry.created == entry.created && it.entry == *entry)
        };
        let created = |line: &[Candidate]| line.iter().map(|it| it.entry.created).sum::<u64>();
        let own = || {
            supervisor
                .election
                .entry()
                .is_some_and(|entry| !stands(entry))
        };
        view.directive != store.directive
            || match &supervisor.focus {
                Some(Focus::Record) => {
                    view.record_stamp != store.record_stamp() || view.beat != store.beat || own()
                }
                Some(Focus::Entry(entry)) => !stands(entry) || own(),
                Some(Focus::Own) | None => created(&view.line) != created(&store.line),
            }
    }

    pub(super) fn poll(&mut self, node: usize) {
        let now = self.world.time;
        let half = self.lot.setup.ttl / 2;
        let at = now + self.hosts[node].local.between(half - half / 5, half);
        self.agenda.enter(at, Due::Poll { node });
        let linked = self.world.nodes[node].link().is_some();
        if linked && self.hosts[node].cut_until <= now {
            self.step(node, Step::Read);
        }
    }

    pub(super) fn open_session(&mut self, node: usize) {
        let Some(instance) = self.world.nodes[node]
            .supervisor
            .as_ref()
            .map(|it| it.instance)
        else {
            return;
        };
        self.sessions
            .retain(|_, session| session.instance != instance);
        self.add_session(node, instance);
    }

    fn add_session(&mut self, node: usize, instance: InstanceId) {
        let until = self.world.time + self.lot.setup.ttl;
        self.opened += 1;
        let number = self.opened;
        self.sessions.insert(
            number,
            Session {
                node,
                instance,
                until,
            },
        );
        self.agenda.enter(until, Due::Expire { session: number });
    }

    pub(super) fn expire(&mut self, number: u64) {
        let Some(session) = self.sessions.get(&number) else {
            return;
        };
        if session.until > self.world.time {
            self.agenda
                .enter(session.until, Due::Expire { session: number });
            return;
        }
        let instance = session.instance;
        self.sessions.remove(&number);
        self.apply(&Action::Store(Blow::Expire { instance }));
    }

    /// A keepalive is answered, or it turns out that the session is gone.
    pub(super) fn keepalive(&mut self, node: usize) {
        let (now, ttl) = (self.world.time, self.lot.setup.ttl);
        let ago = self.delay(node);
        let at = now + self.hosts[node].local.between(ttl / 4, ttl / 3);
        self.agenda.enter(at, Due::Keepalive { node });
        let it = &self.world.nodes[node];
        let Some(supervisor) = it.supervisor.as_ref().filter(|_| it.supervises()) else {
            return;
        };
        let ago = ago.min(ttl / 4);
        if supervisor.link.is_none() || self.hosts[node].cut_until > now {
            return;
        }
        let instance = supervisor.instance;
        let mut own = self.sessions.values_mut();
        let session = own.find(|session| session.instance == instance && session.node == node);
        match session {
            Some(session) => session.until = session.until.max(now - ago.min(now) + ttl),
            None if self.hosts[node].lied_until > now => {}
            None => {
                self.step(node, Step::End);
                return;
            }
        }
        // It says nothing to anybody while no foreign client stands in the line.
        if self.lot.foreign {
            self.step(node, Step::Alive { ago });
        }
    }

    /// A restored store has the sessions of then; those that it does not know are over.
    pub(super) fn restore_sessions(&mut self) {
        let instances: Vec<_> = self
            .world
            .store
            .line
            .iter()
            .filter_map(|candidate| candidate.instance())
            .collect();
        self.sessions
            .retain(|_, session| instances.contains(&session.instance));
        for instance in instances {
            if !self
                .sessions
                .values()
                .any(|session| session.instance == instance)
            {
                // Nobody's any more, so it ends by itself.
                self.add_session(usize::MAX, instance);
            }
        }
    }
}
