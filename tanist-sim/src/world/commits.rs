//! Commits and views between a node and the store.

use std::sync::Arc;

use tanist_core::{
    Commit, Defects, Fact, Input, InstanceId, Moment, Outcome, RecordState, ReleaseStep,
};

use super::{Signal, World};
use crate::action::Sent;
use crate::happening::Happening;
use crate::node::{Answer, Frozen, Proof};
use crate::store::Effect;

impl World {
    /// The store decides a commit, and its answer sets off.
    pub(super) fn decide(&mut self, node: usize, sent: Sent, again: bool) {
        let Some(place) = self.find_request(node, sent) else {
            return;
        };
        let mut request = self.nodes[node].requests[place].clone();
        if again {
            self.node(node).requests[place].copy = true;
        } else {
            self.node(node).requests.remove(place);
        }
        let before = self.store.record.as_ref();
        let before = before.map(|(record, _)| (record.term, record.state == RecordState::Leading));
        let defects = self.setup.defects;
        let (outcome, effect) =
            Arc::make_mut(&mut self.store).decide(request.instance, &request.commit, &defects);
        self.note(node, || format!("is decided: {}", tell(&outcome)));
        if let Outcome::Committed(_) = outcome {
            let commit = Arc::clone(&request.commit);
            self.took(request.instance, &commit, &effect);
        }
        let copy = std::mem::take(&mut request.copy);
        let alive = self.nodes[node]
            .supervisor
            .as_ref()
            .is_some_and(|supervisor| supervisor.instance == request.instance);
        if copy || !alive {
            return;
        }
        let record = match &*request.commit {
            Commit::Claim { record, .. } | Commit::Lead { record, .. } => {
                (record.term, record.state == RecordState::Leading)
            }
            _ => before.unwrap_or_default(),
        };
        self.node(node).answers.push_back(Answer {
            instance: request.instance,
            ask: request.ask,
            sent: request.sent,
            commit: request.commit,
            outcome,
            record,
            late: false,
        });
        self.signal(Signal::Answered { node, sent });
    }

    pub(super) fn decide_release(
        &mut self,
        owner: InstanceId,
        step: &ReleaseStep,
        defects: &Defects,
    ) -> Outcome {
        let (outcome, effect) = Arc::make_mut(&mut self.store).decide_release(step, defects);
        self.had(owner, &effect);
        outcome
    }

    pub(super) fn lose(&mut self, node: usize, sent: Sent) {
        if let Some(place) = self.find_request(node, sent) {
            self.node(node).requests.remove(place);
        }
    }

    /// The oldest answer to this ask reaches its supervisor.
    pub(super) fn answer(&mut self, node: usize, sent: Sent) {
        if !self.nodes[node].supervises() {
            return;
        }
        let Some(answer) = self.take_answer(node, sent) else {
            return;
        };
        self.prove(node, &answer);
        let (ask, outcome) = (answer.ask, answer.outcome);
        self.tell(node, Input::Fact(Fact::Answered { ask, outcome }));
    }

    /// The session stops waiting. The commit may still be on its way, and take effect.
    pub(super) fn give_up(&mut self, node: usize, sent: Sent) {
        if !self.nodes[node].supervises() {
            return;
        }
        let waiting = self
            .find_request(node, sent)
            .filter(|place| !self.nodes[node].requests[*place].copy);
        let ask = if let Some(place) = waiting {
            let request = &mut self.node(node).requests[place];
            request.copy = true;
            Some(request.ask)
        } else {
            self.take_answer(node, sent).map(|answer| answer.ask)
        };
        if let Some(ask) = ask {
            let outcome = Outcome::Unknown;
            self.tell(node, Input::Fact(Fact::Answered { ask, outcome }));
        }
    }

    pub(super) fn take_answer(&mut self, node: usize, sent: Sent) -> Option<Answer> {
        let place = self.nodes[node]
            .answers
            .iter()
            .position(|answer| answer.instance == sent.instance && answer.ask.id == sent.id)?;
        self.node(node).answers.remove(place)
    }

    /// The store is read; what was read sets off.
    pub(super) fn read(&mut self, node: usize) {
        let view = Arc::new(self.store.view());
        if self.nodes[node].link().is_none() {
            return;
        }
        let reader = self.node(node);
        if let Some(supervisor) = &mut reader.supervisor {
            supervisor.looks = false;
        }
        reader.views.push_back(view);
        if self.setup.instant_views {
            self.view(node);
        } else {
            self.signal(Signal::View { node });
        }
    }

    pub(super) fn view(&mut self, node: usize) {
        if !self.nodes[node].supervises() {
            return;
        }
        let Some(link) = self.nodes[node].link() else {
            return;
        };
        if let Some(view) = self.node(node).views.pop_front() {
            self.note(node, || format!("sees {}", describe(&view)));
            let view = Arc::unwrap_or_clone(view);
            self.tell(node, Input::Fact(Fact::Viewed { link, view }));
        }
    }

    pub(super) fn keep_alive(&mut self, node: usize, ago: std::time::Duration) {
        if self.nodes[node].link().is_some() && self.nodes[node].frozen == Frozen::Nothing {
            let asked_at = self.setup.now(node, self.time.saturating_sub(ago)).at;
            self.tell(node, Input::Fact(Fact::Alive { asked_at }));
        }
    }

    /// Until when the newest acknowledged commit of the present tenure covers work.
    pub(super) fn proven_until(&self, node: usize) -> Option<Moment> {
        let proof = self.nodes[node].supervisor.as_ref()?.proof?;
        Some(proof.sent + self.setup.lease(node))
    }

    /// The world's own count of the lease: only what a guarded commit proved, from its sending.
    fn prove(&mut self, node: usize, answer: &Answer) {
        let guarded = matches!(
            &*answer.commit,
            Commit::Claim { .. } | Commit::Renew { .. } | Commit::Lead { .. }
        );
        if !(guarded && matches!(answer.outcome, Outcome::Committed(_))) {
            return;
        }
        let lease = self.setup.lease(node);
        let (term, leading) = answer.record;
        let node = self.node(node);
        let Some(supervisor) = &mut node.supervisor else {
            return;
        };
        let known = supervisor
            .proof
            .filter(|proof| proof.term >= term && proof.leading);
        let sent = match known {
            Some(proof) if proof.term > term || proof.sent >= answer.sent || !leading => return,
            Some(_) | None => answer.sent,
        };
        supervisor.proof = Some(Proof {
            term,
            sent,
            leading,
        });
        let owner = supervisor.instance;
        if !leading {
            return;
        }
        for work in node.works.iter_mut().filter(|work| work.owner == owner) {
            if let Some(tree) = work.tree.as_mut().filter(|tree| tree.term == term) {
                tree.limit = tree.limit.max(sent + lease);
            }
        }
    }

    fn took(&mut self, instance: InstanceId, commit: &Commit, effect: &Effect) {
        self.happened(&Happening::Took { instance, commit });
        self.had(instance, effect);
    }

    fn had(&mut self, instance: InstanceId, effect: &Effect) {
        if let Some((state, term)) = effect.wrote {
            self.happened(&Happening::Wrote {
                state,
                term,
                instance,
            });
            if term > self.ledger.highest {
                self.ledger.forgotten = false;
            }
        }
        if let Some((named, deleted)) = &effect.deleted {
            self.happened(&Happening::Deleted { named, deleted });
        }
        self.signal(Signal::Changed);
    }

    fn find_request(&self, node: usize, sent: Sent) -> Option<usize> {
        self.nodes[node]
            .requests
            .iter()
            .position(|request| request.instance == sent.instance && request.ask.id == sent.id)
    }
}

fn tell(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Committed(receipt) => format!("committed as revision {}", receipt.revision),
        Outcome::Refused(refusal) => format!("refused, {refusal:?}"),
        Outcome::NotSent => "never sent".to_owned(),
        Outcome::Unknown => "unknown".to_owned(),
    }
}

fn describe(view: &tanist_core::View) -> String {
    let record = view.record.known().map_or_else(
        || "no record".to_owned(),
        |record| {
            format!(
                "record {} of {} in term {}: {:?}",
                view.record_stamp.map_or(0, |stamp| stamp.version),
                record.node,
                record.term,
                record.state
            )
        },
    );
    let beat = view
        .beat
        .map_or_else(|| "no beat".to_owned(), |b| format!("beat {}", b.version));
    let line: Vec<String> = view.line.iter().map(|it| it.entry.to_string()).collect();
    format!("{record}, {beat}, line [{}]", line.join(" "))
}
