//! Giving the leadership back: stop, verify gone, then withdraw.

use super::{Election, Purpose, Session};
use crate::event::{EndCause, Event};
use crate::fact::Refusal;
use crate::moment::{Moment, Now};
use crate::order::{Commit, Order};
use crate::record::RecordState;
use crate::state::{State, Yielding};

impl Election {
    pub(super) fn yield_up(&mut self, now: Now) {
        let State::Yielding(yielding) = &self.state else {
            return;
        };
        if !yielding.stopped {
            if yielding.cause.is_planned() {
                self.renew_when_due(now.at);
                self.tell_deadline();
                self.hasten_when_due(now.at);
            }
            if !self.config.defects.withdraw_before_empty {
                return;
            }
        }
        self.withdraw(now);
    }

    /// Orders the end of the work, or orders it again with less time.
    pub(super) fn end_work(&mut self, cause: EndCause) {
        let timing = &self.config.timing;
        let grace = if cause.is_planned() {
            timing.stop_timeout()
        } else {
            timing.lost_stop_timeout()
        };
        if let Some(term) = self.term() {
            self.tell(Event::Ending { term, cause });
        }
        self.order(Order::End { cause, grace });
    }

    /// A planned stop has its own time, but never more than the lease.
    fn hasten_when_due(&mut self, now: Moment) {
        let due = self
            .safe_until()
            .map(|until| self.config.timing.term_at(until));
        if due.is_none_or(|due| now >= due) {
            self.turn_into(EndCause::LeaseDue);
        }
    }

    pub(super) fn yielding_ousted(&mut self) {
        if let State::Yielding(Yielding { stopped: false, .. }) = self.state {
            self.turn_into(EndCause::Ousted);
        }
    }

    fn turn_into(&mut self, cause: EndCause) {
        if let State::Yielding(yielding) = &mut self.state
            && yielding.cause.is_planned()
        {
            yielding.cause = cause;
            self.end_work(cause);
        }
    }

    pub(super) fn work_stopped(&mut self, now: Now) {
        if let State::Leading(tenure) = &self.state {
            let tenure = tenure.clone();
            let (term, cause) = (tenure.term(), EndCause::WorkEnded);
            self.tell(Event::Ending { term, cause });
            self.state = State::Yielding(Yielding {
                tenure,
                cause,
                stopped: false,
                entry_only: false,
                give_up_at: None,
            });
            if std::mem::take(&mut self.resigning) {
                self.stand_aside(now.at);
            }
        }
        if let State::Yielding(yielding) = &mut self.state
            && !yielding.stopped
        {
            yielding.stopped = true;
            let term = yielding.tenure.term();
            self.tell(Event::Stopped { term });
        }
    }

    pub(super) const fn hand_on_unfenced(&mut self) {
        if let Some(tenure) = self.tenure_mut() {
            tenure.unfenced = true;
        }
    }

    fn withdraw(&mut self, now: Now) {
        if self.leaving && self.gives_up(now.at) {
            self.close();
            return;
        }
        if !self.is_free() {
            return;
        }
        let State::Yielding(yielding) = &self.state else {
            return;
        };
        let entry = yielding.tenure.entry().clone();
        if yielding.entry_only {
            self.commit(now.at, Purpose::Leave, Commit::Leave { entry });
            return;
        }
        let mut record = yielding.tenure.record.clone();
        record.state = RecordState::Resigned;
        yielding.cause.word().clone_into(&mut record.reason);
        record.at = now.unix;
        if !yielding.tenure.unfenced {
            record.unfenced = None;
        }
        let over = yielding.tenure.stamp;
        self.commit(
            now.at,
            Purpose::Withdraw,
            Commit::Withdraw {
                entry,
                over,
                record,
            },
        );
    }

    /// A node that leaves tries to reach the store until its lease would have ended anyway.
    fn gives_up(&mut self, now: Moment) -> bool {
        let timeout = self.config.timing.request_timeout();
        let safe_until = self.safe_until().unwrap_or(now);
        let State::Yielding(yielding) = &mut self.state else {
            return false;
        };
        let give_up_at = safe_until.max(now + timeout * 2);
        now >= *yielding.give_up_at.get_or_insert(give_up_at)
    }

    pub(super) fn withdrawn(&mut self) {
        if let Some(term) = self.term() {
            self.tell(Event::Withdrawn { term });
        }
        self.given_back();
    }

    pub(super) fn withdraw_refused(&mut self, refusal: &Refusal) {
        match refusal {
            Refusal::EntryMissing => self.given_back(),
            Refusal::RecordChanged | Refusal::BeatChanged | Refusal::Held | Refusal::Full => {
                self.retry_at = None;
                if let State::Yielding(yielding) = &mut self.state {
                    yielding.entry_only = true;
                }
            }
            Refusal::Denied { .. } => {}
        }
    }

    /// An entry of ours is deleted: the one given back, or one that should not have been there.
    pub(super) fn left(&mut self) {
        match self.state {
            State::Yielding(_) => self.given_back(),
            State::Detached | State::Standby if self.leaving => self.close(),
            State::Detached
            | State::Standby
            | State::Elect(_)
            | State::Leading(_)
            | State::Closed => self.want_look(),
        }
    }

    fn given_back(&mut self) {
        if let Some(entry) = self.tenure().map(|tenure| tenure.entry().clone()) {
            self.lose_entry(entry);
        }
        if self.leaving {
            self.close();
            return;
        }
        self.state = match self.session {
            Session::Open(_) => State::Standby,
            Session::Closed | Session::Opening | Session::Retry { .. } => State::Detached,
        };
        self.seen = None;
        self.want_look();
    }
}
