//! The claim: what it says, and what its answer means.

use super::{Election, Purpose};
use crate::candidate::EntryId;
use crate::event::Event;
use crate::fact::{Ask, Receipt, Refusal};
use crate::lease::Lease;
use crate::moment::{Moment, Now};
use crate::order::{Commit, Reason};
use crate::record::{Record, RecordState};
use crate::state::{Claim, Elect, State, Tenure};
use crate::term::Term;
use crate::view::{Stamp, Vacancy};

impl Election {
    pub(super) fn send_claim(&mut self, now: Now, entry: EntryId) {
        let Some(seen) = &self.seen else {
            return;
        };
        let view = &seen.view;
        let old = view.record.known();
        let stored = old.map_or(Term::ZERO, |record| record.term);
        let term = if self.config.defects.term_from_revision {
            Term::new(view.position.revision + 1)
        } else {
            stored.successor(self.memory.highest_term, now.unix)
        };
        let leads = old.filter(|record| record.state != RecordState::Resigned);
        // A leader whose renewals leave no trace has to be shut out before its lease is waited out.
        let free = view.vacancy == Vacancy::Free && self.is_explained(seen);
        let silent = !free && leads.is_some() && view.beat.is_none();
        let state = if silent && !self.config.defects.no_grace {
            RecordState::Waiting
        } else {
            RecordState::Leading
        };
        let own = self.config.timing.lease();
        let lease = match (state, old) {
            (RecordState::Waiting, Some(record)) => own.max(record.lease),
            _ => own,
        };
        let reason = self.reason(now.unix, old);
        let (previous, deposes) = predecessor(old);
        let record = Record {
            format: Record::FORMAT,
            election: self.config.election.clone(),
            term,
            node: self.config.node.clone(),
            instance: self.config.instance,
            address: self.config.address.clone(),
            entry: entry.clone(),
            lease,
            state,
            reason: reason.word().to_owned(),
            at: now.unix,
            unfenced: deposes.then(|| previous.clone().unwrap_or_default()),
            unknown: old.map(|record| record.unknown.clone()).unwrap_or_default(),
        };
        let depose = leads
            .map(|record| record.entry.clone())
            .filter(|deposed| *deposed != entry);
        let (over, beat) = (view.record_stamp, view.beat);
        self.proposed = Some(term);
        self.state = State::Elect(Elect::Claiming(Claim {
            record: record.clone(),
            over,
            beat,
            previous,
            deposes,
            reason,
        }));
        let claim = Commit::Claim {
            entry,
            over,
            beat,
            record,
            depose,
        };
        self.commit(now.at, Purpose::Claim, claim);
    }

    fn reason(&self, unix: u64, old: Option<&Record>) -> Reason {
        let named = self.view().and_then(|view| view.directive.successor(unix));
        match old {
            Some(record) if record.state == RecordState::Resigned => {
                if named == Some(self.config.node.as_str()) {
                    Reason::Switchover
                } else if record.term == Term::ZERO {
                    Reason::Start
                } else {
                    Reason::after(&record.reason)
                }
            }
            // As far as this store knows, nobody ever led.
            None if !self.witnessed => Reason::Start,
            Some(_) | None => Reason::Failover,
        }
    }

    pub(super) fn claimed(&mut self, now: Now, ask: Ask, receipt: &Receipt) {
        let State::Elect(Elect::Claiming(claim)) = &self.state else {
            return;
        };
        let Some(stamp) = receipt.record else {
            // Committed, but the backend does not say as what: find out.
            self.claim_unknown();
            self.want_look();
            return;
        };
        let claim = claim.clone();
        let asked_at = if self.config.defects.lease_from_receipt {
            now.at
        } else {
            ask.asked_at
        };
        let claimed_none = claim.over.is_none();
        let mut tenure = self.tenure_of(claim, stamp);
        tenure.renew_at = ask.asked_at + self.config.timing.renew_every();
        // Where there was no record, losing ours again would look as if it had never been: only the
        // beat tells the others that somebody has led meanwhile, and a claim does not write it.
        if claimed_none {
            tenure.renew_at = ask.asked_at;
        } else if tenure.record.state == RecordState::Leading {
            tenure.lease = Some(Lease::new(asked_at, self.config.timing.lease()));
        }
        self.elected(now.at, tenure);
    }

    /// A claim of ours took effect, as far as its record shows.
    fn elected(&mut self, now: Moment, tenure: Tenure) {
        self.proposed = None;
        self.distrust = None;
        let (term, lease) = (tenure.term(), tenure.record.lease);
        self.learn(term, lease);
        self.tell(Event::Elected {
            term,
            reason: tenure.reason,
        });
        self.state = State::Elect(if tenure.record.state == RecordState::Waiting {
            Elect::Waiting {
                ready_at: now + self.grace(lease),
                tenure,
            }
        } else if tenure.lease.is_some() {
            Elect::Ready(tenure)
        } else {
            Elect::Confirming(tenure)
        });
    }

    fn tenure_of(&self, claim: Claim, stamp: Stamp) -> Tenure {
        Tenure {
            record: claim.record,
            stamp,
            lease: None,
            first_ask: self.next_ask,
            renew_at: Moment::ORIGIN,
            beat: 0,
            dropped: None,
            told: None,
            previous: claim.previous,
            deposes: claim.deposes,
            unfenced: false,
            reason: claim.reason,
        }
    }

    pub(super) fn claim_refused(&mut self, refusal: &Refusal) {
        if matches!(refusal, Refusal::EntryMissing)
            && let Some(entry) = self.entry.clone()
        {
            self.tell(Event::EntryLost);
            self.lose_entry(entry);
        }
        self.back_to_standby();
    }

    pub(super) fn back_to_standby(&mut self) {
        self.state = State::Standby;
        self.want_look();
    }

    pub(super) fn claim_unknown(&mut self) {
        if let State::Elect(Elect::Claiming(claim)) = &self.state {
            self.state = State::Elect(Elect::Unsure(claim.clone()));
        }
    }

    /// A fresh view tells what became of a claim of unknown outcome.
    pub(super) fn resolve(&mut self, now: Now, claim: Claim) {
        let Some(view) = self.view() else {
            return;
        };
        let took_effect = view.record.known().is_some_and(|record| {
            record.instance == claim.record.instance
                && record.term == claim.record.term
                && record.state != RecordState::Resigned
        });
        match (took_effect, view.record_stamp) {
            (true, Some(stamp)) => {
                let mut tenure = self.tenure_of(claim, stamp);
                if self.config.defects.begin_unguarded {
                    tenure.lease = Some(Lease::new(now.at, self.config.timing.lease()));
                }
                self.elected(now.at, tenure);
            }
            // It can still take effect as long as what it names stands: `proposed` remembers.
            _ => self.back_to_standby(),
        }
    }

    /// A claim of ours that was given up for lost took effect after all.
    pub(super) fn takes_up_late_claim(&mut self, now: Now) -> bool {
        let Some(view) = self.view() else {
            return false;
        };
        let Some(record) = view.record.known().filter(|record| {
            record.instance == self.config.instance
                && record.state != RecordState::Resigned
                && Some(record.term) == self.proposed
                && Some(&record.entry) == self.entry.as_ref()
        }) else {
            return false;
        };
        let claim = Claim {
            record: record.clone(),
            over: None,
            beat: None,
            previous: record.unfenced.clone().filter(|node| !node.is_empty()),
            deposes: record.unfenced.is_some(),
            reason: Reason::parse(&record.reason).unwrap_or(Reason::Failover),
        };
        self.resolve(now, claim);
        self.elect(now);
        true
    }
}

/// Who led before `old` is overwritten, and whether it did not give the leadership back.
fn predecessor(old: Option<&Record>) -> (Option<String>, bool) {
    let Some(record) = old else {
        return (None, true);
    };
    let resigned = record.state == RecordState::Resigned;
    match record.unfenced.as_ref().filter(|_| resigned) {
        // Who came after it has begun nothing.
        Some(node) => (Some(node.clone()).filter(|node| !node.is_empty()), true),
        None => {
            let node = (record.term > Term::ZERO).then(|| record.node.clone());
            (node, !resigned)
        }
    }
}
