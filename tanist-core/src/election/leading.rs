//! Leading: renewals, their answers, and every reason to stop.

use super::Election;
use crate::event::EndCause;
use crate::fact::{Ask, Outcome, Refusal};
use crate::lease::Lease;
use crate::line;
use crate::moment::{Moment, Now};
use crate::order::{BeatWrite, Commit, Order};
use crate::state::{Elect, State, Yielding};

impl Election {
    pub(super) fn lead(&mut self, now: Now) {
        self.renew_when_due(now.at);
        self.tell_deadline();
        let due = self
            .safe_until()
            .map(|until| self.config.timing.term_at(until));
        let cause = if due.is_none_or(|due| now.at >= due) {
            Some(EndCause::LeaseDue)
        } else {
            self.reason_to_yield(now)
        };
        if let Some(cause) = cause {
            self.start_yielding(now, cause);
            self.yield_up(now);
        } else if !self.is_published() {
            self.publish(now.at);
        }
    }

    fn reason_to_yield(&self, now: Now) -> Option<EndCause> {
        if self.leaving {
            return Some(EndCause::Leaving);
        }
        if self.resigning {
            return Some(EndCause::Resigned);
        }
        if !self.health.may_lead() {
            return Some(EndCause::Unhealthy);
        }
        let view = self.view()?;
        let named = view.directive.successor(now.unix)?;
        let able =
            named != self.config.node && line::able_successor(view, named, now.unix).is_some();
        able.then_some(EndCause::Switchover)
    }

    pub(super) fn renew_when_due(&mut self, now: Moment) {
        if self.tenure().is_none_or(|tenure| now < tenure.renew_at) {
            return;
        }
        if self.is_vouched(now) {
            self.renew(now, false);
        } else {
            let next = now + self.config.timing.renew_every();
            if let Some(tenure) = self.tenure_mut() {
                tenure.renew_at = next;
            }
        }
    }

    /// Whether the work may be renewed at `now`. Work that is being stopped has its own limit.
    fn is_vouched(&self, now: Moment) -> bool {
        let runs = matches!(self.state, State::Leading(_));
        !runs || self.vouched_until.is_none_or(|until| now <= until)
    }

    /// Somebody vouches until then. What was withheld goes out at once.
    pub(super) fn vouched(&mut self, now: Moment, until: Option<Moment>) {
        let was_vouched = self.is_vouched(now);
        self.vouched_until = until;
        if !was_vouched
            && self.is_vouched(now)
            && let Some(tenure) = self.tenure_mut()
        {
            tenure.renew_at = tenure.renew_at.min(now);
        }
    }

    /// Sends a renewal, whether or not the one before was answered.
    fn renew(&mut self, now: Moment, drop_beat: bool) {
        let ask = self.ask(now, true);
        let next = now + self.config.timing.renew_every();
        let Some(tenure) = self.tenure_mut() else {
            return;
        };
        let beat = if drop_beat {
            tenure.dropped = Some(ask.id);
            BeatWrite::Drop
        } else {
            tenure.beat += 1;
            tenure.renew_at = next;
            BeatWrite::Put(tenure.beat)
        };
        let (record, entry) = (tenure.stamp, tenure.entry().clone());
        self.order(Order::Commit {
            ask,
            commit: Commit::Renew {
                record,
                entry,
                beat,
            },
        });
    }

    pub(super) fn renewal_answered(&mut self, now: Now, ask: Ask, outcome: Outcome) {
        let Some(tenure) = self.tenure() else {
            return;
        };
        let over = matches!(&self.state, State::Yielding(yielding) if yielding.stopped);
        if ask.id < tenure.first_ask || over {
            return;
        }
        match outcome {
            Outcome::Committed(_) => self.renewed(now, ask),
            Outcome::Refused(refusal) => {
                self.notice_refusal(&refusal);
                self.renewal_refused(now, ask, &refusal);
            }
            Outcome::NotSent | Outcome::Unknown => {
                if self.config.defects.lost_renewal_is_loss {
                    self.shut_out(now, &Refusal::RecordChanged);
                }
            }
        }
    }

    fn renewed(&mut self, now: Now, ask: Ask) {
        let asked_at = if self.config.defects.lease_from_receipt {
            now.at
        } else {
            ask.asked_at
        };
        let length = self.config.timing.lease();
        if let Some(tenure) = self.tenure_mut() {
            match &mut tenure.lease {
                Some(lease) => lease.extend(asked_at),
                None => tenure.lease = Some(Lease::new(asked_at, length)),
            }
        }
        if let State::Elect(Elect::Confirming(tenure)) = &self.state {
            self.state = State::Elect(Elect::Ready(tenure.clone()));
        }
    }

    fn renewal_refused(&mut self, now: Now, ask: Ask, refusal: &Refusal) {
        match refusal {
            Refusal::RecordChanged | Refusal::EntryMissing | Refusal::Held => {
                self.shut_out(now, refusal);
            }
            // A put was refused for want of space: a deletion is still committed, and as good.
            Refusal::Full => {
                let is_put = self
                    .tenure()
                    .is_some_and(|tenure| tenure.dropped != Some(ask.id));
                if is_put && self.is_vouched(now.at) {
                    self.renew(now.at, true);
                }
            }
            Refusal::BeatChanged | Refusal::Denied { .. } => {}
        }
    }

    /// The store's quorum says that the leadership is not ours any more.
    fn shut_out(&mut self, now: Now, refusal: &Refusal) {
        match &self.state {
            State::Leading(_) => self.start_yielding(now, EndCause::Ousted),
            State::Yielding(_) => self.yielding_ousted(),
            State::Elect(_) => self.tenure_refused(refusal),
            State::Detached | State::Standby | State::Closed => {}
        }
    }

    pub(super) fn tell_deadline(&mut self) {
        let safe_until = self.safe_until();
        if let (Some(safe_until), Some(tenure)) = (safe_until, self.tenure_mut())
            && tenure.told != Some(safe_until)
        {
            tenure.told = Some(safe_until);
            self.order(Order::Until { safe_until });
        }
    }

    pub(super) fn start_yielding(&mut self, now: Now, cause: EndCause) {
        let State::Leading(tenure) = &self.state else {
            return;
        };
        let tenure = tenure.clone();
        if cause == EndCause::Resigned {
            self.resigning = false;
            self.stand_aside(now.at);
        }
        self.state = State::Yielding(Yielding {
            tenure,
            cause,
            stopped: false,
            entry_only: false,
            give_up_at: None,
        });
        self.end_work(cause);
    }
}
