//! Between the claim and the work.

use super::{Election, Look, Purpose};
use crate::event::{Alarm, EndCause, Event};
use crate::fact::{Ask, Receipt, Refusal};
use crate::lease::Lease;
use crate::moment::Now;
use crate::order::{Beginning, Commit, Order};
use crate::record::RecordState;
use crate::state::{Elect, State, Tenure, Yielding};

impl Election {
    pub(super) fn elect(&mut self, now: Now) {
        let State::Elect(elect) = &self.state else {
            return;
        };
        match elect {
            Elect::Claiming(_) => {}
            Elect::Unsure(claim) => {
                if self.look == Look::Content && self.link.is_some() && self.seen.is_some() {
                    let claim = claim.clone();
                    self.resolve(now, claim);
                    // Whatever it was, the new state has something to do at once.
                    if self.state == State::Standby {
                        self.stand_by(now);
                    } else {
                        self.elect(now);
                    }
                }
            }
            Elect::Confirming(_) | Elect::Waiting { .. } | Elect::Ready(_) => {
                if let Some(cause) = self.second_thoughts() {
                    self.give_up_election(cause);
                    self.yield_up(now);
                    return;
                }
                self.renew_when_due(now.at);
                self.raise_when_due(now);
                self.begin_when_ready(now);
            }
        }
    }

    fn second_thoughts(&self) -> Option<EndCause> {
        if self.leaving {
            Some(EndCause::Leaving)
        } else if self.resigning {
            Some(EndCause::Resigned)
        } else if !self.health.may_lead() {
            Some(EndCause::Unhealthy)
        } else {
            None
        }
    }

    /// Gives a leadership back that never worked.
    pub(super) fn give_up_election(&mut self, cause: EndCause) {
        let State::Elect(
            Elect::Confirming(tenure) | Elect::Waiting { tenure, .. } | Elect::Ready(tenure),
        ) = &self.state
        else {
            return;
        };
        let mut tenure = tenure.clone();
        tenure.unfenced = true;
        // Who only waited knows nothing of the leader before: its work may not have ended.
        let waited = tenure.record.state == RecordState::Waiting;
        self.state = State::Yielding(Yielding {
            entry_only: waited && !self.config.defects.resigned_by_waiter,
            tenure,
            cause,
            stopped: true,
            give_up_at: None,
        });
    }

    fn raise_when_due(&mut self, now: Now) {
        let State::Elect(Elect::Waiting { tenure, ready_at }) = &self.state else {
            return;
        };
        if now.at < *ready_at || !self.is_free() {
            return;
        }
        let mut record = tenure.record.clone();
        record.state = RecordState::Leading;
        record.at = now.unix;
        let (entry, over) = (tenure.entry().clone(), tenure.stamp);
        self.commit(
            now.at,
            Purpose::Lead,
            Commit::Lead {
                entry,
                over,
                record,
            },
        );
    }

    pub(super) fn raised(&mut self, ask: Ask, receipt: &Receipt) {
        let lease = Lease::new(ask.asked_at, self.config.timing.lease());
        let next_ask = self.next_ask;
        let Some(stamp) = receipt.record else {
            self.raise_unknown();
            return;
        };
        if let State::Elect(Elect::Waiting { tenure, .. }) = &self.state {
            let mut tenure = tenure.clone();
            tenure.record.state = RecordState::Leading;
            tenure.stamp = stamp;
            tenure.lease = Some(lease);
            // Renewals of the `waiting` record are refused from now on, and that is no loss.
            tenure.first_ask = next_ask;
            tenure.renew_at = ask.asked_at + self.config.timing.renew_every();
            self.state = State::Elect(Elect::Ready(tenure));
        }
    }

    /// The next view shows the record as `waiting` or as `leading`; both are ours.
    pub(super) fn raise_unknown(&mut self) {
        let next_ask = self.next_ask;
        if let Some(tenure) = self.tenure_mut() {
            tenure.first_ask = next_ask;
        }
        self.want_look();
    }

    /// Takes in a view while `waiting`: the raise may have been committed and its answer lost.
    pub(super) fn notice_raise(&mut self) {
        let (State::Elect(Elect::Waiting { tenure, .. }), Some(view)) = (&self.state, self.view())
        else {
            return;
        };
        let raised = view.record.known().is_some_and(|record| {
            record.instance == tenure.record.instance
                && record.term == tenure.term()
                && record.state == RecordState::Leading
        });
        if let (true, Some(stamp)) = (raised, view.record_stamp) {
            let mut tenure = tenure.clone();
            tenure.record.state = RecordState::Leading;
            tenure.stamp = stamp;
            tenure.first_ask = self.next_ask;
            tenure.renew_at = crate::moment::Moment::ORIGIN;
            self.pending = self
                .pending
                .filter(|pending| pending.purpose != Purpose::Lead);
            self.state = State::Elect(Elect::Confirming(tenure));
        }
    }

    /// A guarded commit found another's record or no entry of ours, before any work began.
    pub(super) fn tenure_refused(&mut self, refusal: &Refusal) {
        let (State::Elect(_), Some(tenure)) = (&self.state, self.tenure()) else {
            return;
        };
        let (entry, term) = (tenure.entry().clone(), tenure.term());
        match refusal {
            Refusal::RecordChanged | Refusal::Held => {
                // A raise whose answer was lost changed the record too, and is ours.
                self.proposed = Some(term);
                self.back_to_standby();
            }
            Refusal::EntryMissing => {
                self.tell(Event::EntryLost);
                self.lose_entry(entry);
                self.back_to_standby();
            }
            Refusal::BeatChanged | Refusal::Full | Refusal::Denied { .. } => {}
        }
    }

    fn begin_when_ready(&mut self, now: Now) {
        let State::Elect(Elect::Ready(tenure)) = &self.state else {
            return;
        };
        let Some(safe_until) = self.deadline(tenure) else {
            return;
        };
        let start_by = self.config.timing.start_by(safe_until);
        if now.at > start_by {
            let lease = self.config.timing.lease();
            // Where every answer is as late, it would lead for ever without beginning.
            let within = lease.saturating_sub(safe_until.since(start_by));
            self.alarm(Alarm::AnswersLate { within });
            return;
        }
        let mut tenure: Tenure = tenure.clone();
        tenure.told = Some(safe_until);
        let term = tenure.term();
        self.order(Order::Begin(Beginning {
            term,
            safe_until,
            entry: tenure.entry().clone(),
            record: tenure.stamp,
            previous: tenure.previous.clone(),
            deposes: tenure.deposes,
            reason: tenure.reason,
        }));
        self.tell(Event::Began { term });
        self.told.wait = None;
        self.state = State::Leading(tenure);
    }
}
