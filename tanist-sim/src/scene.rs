use std::sync::Arc;
use std::time::Duration;

use tanist_core::{Commit, Health, InstanceId, Moment, RecordState, State};

use crate::action::{Action, Blow, Sent, Step};
use crate::budget::Budget;
use crate::fingerprint::Fingerprint;
use crate::node::{Answer, Frozen, Node, Request, Work};
use crate::world::World;

/// One tick of the enumerator. Everything shorter is rounded up to it, and within a tick every
/// order is possible.
pub(crate) const TICK: Duration = Duration::from_secs(1);

/// A state of the enumeration: the world, and the faults that may still come.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) left: Budget,
    /// When it ends.
    pub(crate) horizon: Duration,
    /// How many messages of a node may be on the wire each way.
    pub(crate) on_wire: usize,
    /// Whether messages that can mean nothing any more are taken off the wire.
    pub(crate) tidy: bool,
    /// Whether a node may be without a connection for as long as it likes; else that is a late
    /// message at the end of each tick.
    pub(crate) dark: bool,
    /// The last step changed the store.
    pub(crate) fresh: bool,
    /// Fingerprints of the nodes and of the store.
    pub(crate) prints: [u128; 2],
    pub(crate) store_print: u128,
}

impl Scene {
    /// What stands for this state. What it shares with `before` is not looked at again.
    pub(crate) fn fingerprint(&mut self, before: Option<&Self>) -> u128 {
        let world = &self.world;
        let known = |node: usize| {
            let before = before?;
            let same = Arc::ptr_eq(&world.nodes[node], &before.world.nodes[node]);
            same.then(|| before.prints[node])
        };
        let prints =
            [0, 1].map(|node| known(node).unwrap_or_else(|| Fingerprint::of(&world.nodes[node])));
        let store = before
            .filter(|before| Arc::ptr_eq(&world.store, &before.world.store))
            .map_or_else(
                || Fingerprint::of(&world.store),
                |before| before.store_print,
            );
        self.prints = prints;
        self.store_print = store;
        let saved = world.saved.as_ref().map(Fingerprint::of);
        // Whether a backup may be taken now.
        let fresh = self.fresh && world.saved.is_none() && self.left.restores > 0;
        Fingerprint::of(&(
            prints,
            store,
            saved,
            fresh,
            world.time,
            &world.ledger,
            &self.left,
        ))
    }

    /// Everything that can happen next, in a fixed order.
    pub(crate) fn choices(&self) -> Vec<Action> {
        let mut choices = Vec::new();
        for (number, node) in self.world.nodes.iter().enumerate() {
            let from = choices.len();
            self.overflow(number, node, &mut choices);
            if choices.len() > from {
                // Too much on the wire: something has to be lost first.
                return choices.split_off(from);
            }
        }
        let mut must_happen = false;
        for (number, node) in self.world.nodes.iter().enumerate() {
            must_happen |= self.timers(number, node, &mut choices);
            self.wire(number, node, &mut choices);
            self.processes(number, node, &mut choices);
            self.mishaps(number, node, &mut choices);
        }
        self.blows(&mut choices);
        let waits = self.left.late == Budget::ALL_LATE || self.late() <= self.left.late;
        if !must_happen && waits && self.world.time < self.horizon {
            choices.push(Action::Pass { by: TICK });
        }
        choices
    }

    /// The scene after one of its choices.
    pub(crate) fn after(&self, choice: &Action) -> Self {
        let mut next = self.clone();
        next.spend(choice);
        next.world.apply(choice);
        next.world.signals.clear();
        next.fresh = !Arc::ptr_eq(&self.world.store, &next.world.store);
        if next.tidy {
            next.tidy_up();
        }
        next
    }

    /// Takes renewals off the wire that cannot be committed any more, because their version of the
    /// record is gone for good, and whose answers their sender does not await, because it has no
    /// tenure. That they are harmless in its next tenure is for the plans without this.
    fn tidy_up(&mut self) {
        let stamp = self.world.store.record_stamp();
        for node in &mut self.world.nodes {
            let moved_on = |instance: InstanceId| {
                node.supervisor.as_ref().is_none_or(|supervisor| {
                    supervisor.instance != instance
                        || matches!(
                            supervisor.election.state(),
                            State::Standby | State::Detached | State::Closed
                        )
                })
            };
            let idle_request = |request: &Request| {
                matches!(&*request.commit, Commit::Renew { record, .. } if Some(*record) != stamp)
                    && moved_on(request.instance)
            };
            let idle_answer = |answer: &Answer| answer.ask.renewal && moved_on(answer.instance);
            let requests: Vec<bool> = node.requests.iter().map(idle_request).collect();
            let answers: Vec<bool> = node.answers.iter().map(idle_answer).collect();
            if requests.contains(&true) || answers.contains(&true) {
                let node = Arc::make_mut(node);
                let (mut requests, mut answers) = (requests.into_iter(), answers.into_iter());
                node.requests.retain(|_| requests.next() != Some(true));
                node.answers.retain(|_| answers.next() != Some(true));
            }
        }
    }

    fn overflow(&self, number: usize, node: &Node, choices: &mut Vec<Action>) {
        let at = |step| Action::At { node: number, step };
        if node.requests.len() > self.on_wire {
            let sent = node.requests.iter().map(|it| Sent {
                instance: it.instance,
                id: it.ask.id,
            });
            choices.extend(sent.map(|sent| at(Step::Lose { sent })));
        } else if node.answers.len() > self.on_wire {
            let sent = node.answers.iter().map(|it| Sent {
                instance: it.instance,
                id: it.ask.id,
            });
            choices.extend(sent.map(|sent| at(Step::LoseAnswer { sent })));
        }
    }

    /// Whatever is due on a running machine happens before the tick ends.
    fn timers(&self, number: usize, node: &Node, choices: &mut Vec<Action>) -> bool {
        let now = self.world.now(number).at;
        let due = |wake: Option<Moment>| wake.is_some_and(|moment| moment <= now);
        let before = choices.len();
        if node.supervises() && node.supervisor.as_ref().is_some_and(|it| due(it.wake)) {
            choices.push(Action::At {
                node: number,
                step: Step::Wake,
            });
        }
        let mut killed = false;
        for work in node.works.iter().filter(|_| node.frozen != Frozen::Machine) {
            if work.guard.as_ref().is_some_and(|guard| due(guard.wake)) {
                let step = Step::GuardWake { work: work.serial };
                choices.push(Action::At { node: number, step });
            }
            killed |= work.tree.as_ref().is_some_and(|tree| tree.killed);
        }
        killed || choices.len() > before
    }

    fn wire(&self, number: usize, node: &Node, choices: &mut Vec<Action>) {
        let mut at = |step| choices.push(Action::At { node: number, step });
        for request in &node.requests {
            let sent = Sent {
                instance: request.instance,
                id: request.ask.id,
            };
            at(Step::Decide { sent, again: false });
            if self.left.doubles > 0 && !request.copy {
                at(Step::Decide { sent, again: true });
            }
        }
        let Some(supervisor) = node.supervisor.as_ref().filter(|_| node.supervises()) else {
            return;
        };
        for answer in &node.answers {
            at(Step::Answer {
                sent: Sent {
                    instance: answer.instance,
                    id: answer.ask.id,
                },
            });
        }
        if supervisor.opening {
            at(Step::Open);
        } else if supervisor.open && supervisor.link.is_none() {
            at(Step::Connect);
        }
        if supervisor.link.is_none() {
            return;
        }
        if supervisor.has_news(&self.world.store) && node.views.is_empty() {
            at(Step::Read);
        }
        if !node.views.is_empty() {
            at(Step::View);
        }
    }

    fn processes(&self, number: usize, node: &Node, choices: &mut Vec<Action>) {
        let mut at = |step| choices.push(Action::At { node: number, step });
        if node.supervisor.is_none() {
            at(Step::Boot);
        }
        for work in &node.works {
            let serial = work.serial;
            if work.tree.as_ref().is_some_and(|tree| tree.stopping) {
                at(Step::Empty { work: serial });
            }
            if work.helper.is_some() {
                at(Step::Release {
                    work: serial,
                    lost: false,
                });
                if self.left.strays > 0 {
                    at(Step::Release {
                        work: serial,
                        lost: true,
                    });
                }
            }
        }
    }

    fn mishaps(&self, number: usize, node: &Node, choices: &mut Vec<Action>) {
        let mut at = |step| choices.push(Action::At { node: number, step });
        let left = &self.left;
        if left.freezes > 0 && node.supervises() && node.works() {
            at(Step::FreezeSupervisor);
        }
        if node.frozen == Frozen::Supervisor {
            at(Step::Thaw);
        }
        let Some(supervisor) = node.supervisor.as_ref().filter(|_| node.supervises()) else {
            return;
        };
        if left.cuts > 0 && supervisor.link.is_some() {
            at(Step::Disconnect);
        }
        if left.ends > 0 && supervisor.open {
            at(Step::End);
        }
        if left.kills > 0 {
            at(Step::KillSupervisor);
        }
        if left.resigns > 0 && node.works() {
            at(Step::Resign);
        }
        if left.moods > 0 && matches!(supervisor.election.state(), State::Elect(_)) {
            at(Step::Health(Health::Critical));
        }
        if supervisor.critical {
            at(Step::Health(Health::Healthy));
        }
        let runs = |work: &&Work| work.tree.as_ref().is_some_and(|tree| !tree.stopping);
        for work in node.works.iter().filter(runs) {
            if left.guards > 0 && work.guard.is_some() && work.owner == supervisor.instance {
                at(Step::KillGuard { work: work.serial });
            }
            if left.exits > 0 {
                at(Step::Exit { work: work.serial });
            }
        }
    }

    fn blows(&self, choices: &mut Vec<Action>) {
        let left = &self.left;
        let store = &self.world.store;
        let mut blow = |left: u8, blow: Blow| {
            if left > 0 && self.world.allows(&blow) {
                choices.push(Action::Store(blow));
            }
        };
        for place in 0..store.line.len() {
            blow(left.entries, Blow::LoseEntry { place });
        }
        blow(left.records, Blow::LoseRecord);
        blow(left.beats, Blow::LoseBeat);
        blow(left.wipes, Blow::Wipe);
        if self.world.saved.is_none() {
            // A backup of nothing restores nothing that a wipe does not, and one taken later, of the
            // same, is the same.
            let worth = store.record.is_some() && self.fresh;
            blow(
                u8::from(worth) * (left.restores | left.rollbacks),
                Blow::Save,
            );
        }
        blow(left.restores, Blow::Restore { record_only: false });
        blow(left.rollbacks, Blow::Restore { record_only: true });
        if store.full {
            blow(1, Blow::Full(false));
        } else {
            // Only renewals are affected in a way of their own.
            let led = store
                .record
                .as_ref()
                .is_some_and(|(r, _)| r.state != RecordState::Resigned);
            blow(u8::from(led) * left.fulls, Blow::Full(true));
        }
    }

    /// How many messages become late if the tick ends now.
    fn late(&self) -> u8 {
        let count = |node: &Node| {
            let requests = node.requests.iter().filter(|it| !it.late).count();
            let answers = node.answers.iter().filter(|it| !it.late).count();
            let blind = node.supervisor.as_ref().is_some_and(|supervisor| {
                let unread = !node.views.is_empty() || supervisor.has_news(&self.world.store);
                let linked = supervisor.link.is_some();
                let wants = supervisor.opening || supervisor.open && !linked;
                node.supervises() && (linked && unread || wants && !self.dark)
            });
            let helpers = node
                .works
                .iter()
                .filter(|work| work.helper.is_some())
                .count();
            requests + answers + helpers + usize::from(blind)
        };
        let late = self
            .world
            .nodes
            .iter()
            .map(|node| count(node))
            .sum::<usize>();
        u8::try_from(late).unwrap_or(u8::MAX)
    }

    fn mark_late(&mut self) {
        for node in &mut self.world.nodes {
            if node.requests.iter().any(|it| !it.late) || node.answers.iter().any(|it| !it.late) {
                let node = Arc::make_mut(node);
                node.requests.iter_mut().for_each(|it| it.late = true);
                node.answers.iter_mut().for_each(|it| it.late = true);
            }
        }
    }

    fn spend(&mut self, choice: &Action) {
        if let Action::Pass { .. } = choice {
            if self.left.late != Budget::ALL_LATE {
                self.left.late = self.left.late.saturating_sub(self.late());
            }
            self.mark_late();
        }
        let left = &mut self.left;
        let spent = match choice {
            Action::Pass { .. } => None,
            Action::At { step, .. } => match step {
                Step::Decide { again: true, .. } => Some(&mut left.doubles),
                Step::Disconnect => Some(&mut left.cuts),
                Step::End => Some(&mut left.ends),
                Step::KillSupervisor => Some(&mut left.kills),
                Step::KillGuard { .. } => Some(&mut left.guards),
                Step::Exit { .. } => Some(&mut left.exits),
                Step::Resign => Some(&mut left.resigns),
                Step::Health(Health::Critical) => Some(&mut left.moods),
                Step::FreezeSupervisor => Some(&mut left.freezes),
                Step::Release { lost: true, .. } => Some(&mut left.strays),
                _ => None,
            },
            Action::Store(blow) => match blow {
                Blow::LoseEntry { .. } => Some(&mut left.entries),
                Blow::LoseRecord => Some(&mut left.records),
                Blow::LoseBeat => Some(&mut left.beats),
                Blow::Wipe => Some(&mut left.wipes),
                Blow::Restore { record_only: false } => Some(&mut left.restores),
                Blow::Restore { record_only: true } => Some(&mut left.rollbacks),
                Blow::Full(true) => Some(&mut left.fulls),
                _ => None,
            },
        };
        if let Some(spent) = spent {
            *spent = spent.saturating_sub(1);
        }
    }
}
