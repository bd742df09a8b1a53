//! What is due when: requests that were not answered, views that are wanted, timers.

use super::{Election, Look, Pending, Purpose, Session};
use crate::fact::Ask;
use crate::line;
use crate::moment::{Moment, Now};
use crate::order::{Commit, Focus, Order};
use crate::state::{Elect, State};

impl Election {
    pub(super) fn advance(&mut self, now: Now) {
        self.expire(now);
        self.reopen(now.at);
        match &self.state {
            State::Detached | State::Standby => self.stand_by(now),
            State::Elect(_) => self.elect(now),
            State::Leading(_) => self.lead(now),
            State::Yielding(_) => self.yield_up(now),
            State::Closed => return,
        }
        self.keep_focus(now);
        self.keep_looking(now.at);
    }

    /// An answer that did not come within R is an unknown outcome, and the next try may go out.
    pub(super) fn expire(&mut self, now: Now) {
        let timeout = self.config.timing.request_timeout();
        if let Some(pending) = self.pending
            && now.at >= pending.ask.asked_at + timeout
        {
            self.pending = None;
            self.commit_unknown(now, pending.purpose);
        }
        if self.retry_at.is_some_and(|at| now.at >= at) {
            self.retry_at = None;
        }
    }

    pub(super) fn keep_looking(&mut self, now: Moment) {
        if self.link.is_none() {
            return;
        }
        let due = match self.look {
            Look::Content => false,
            Look::Wanted => true,
            Look::Asked { at } => now >= at + self.config.timing.request_timeout(),
        };
        if due {
            self.look = Look::Asked { at: now };
            self.order(Order::Look);
        }
    }

    pub(super) const fn want_look(&mut self) {
        if matches!(self.look, Look::Content) {
            self.look = Look::Wanted;
        }
    }

    pub(super) fn keep_focus(&mut self, now: Now) {
        if self.link.is_none() {
            return;
        }
        let focus = match (&self.state, &self.entry, &self.seen) {
            (State::Standby, Some(entry), Some(seen)) => {
                match line::standing(&seen.view, entry, now.unix) {
                    line::Standing::Ranked { above: None, .. } => Focus::Record,
                    line::Standing::Ranked {
                        above: Some(above), ..
                    } => Focus::Entry(above),
                    line::Standing::BehindForeign { entry, .. } => Focus::Entry(entry),
                    line::Standing::Absent | line::Standing::Barred => Focus::Own,
                }
            }
            _ => Focus::Own,
        };
        if self.focus.as_ref() != Some(&focus) {
            // What happened before the watch was set is not reported by it.
            if self.focus.is_some() && focus != Focus::Own {
                self.want_look();
            }
            self.focus = Some(focus.clone());
            self.order(Order::Watch(focus));
        }
    }

    pub(super) fn wake_at(&self) -> Option<Moment> {
        let timing = &self.config.timing;
        let timeout = timing.request_timeout();
        let mut wake: Option<Moment> = None;
        let mut at = |moment: Option<Moment>| wake = [wake, moment].into_iter().flatten().min();
        at(self.pending.map(|pending| pending.ask.asked_at + timeout));
        at(self.retry_at);
        if let (Look::Asked { at: asked_at }, Some(_)) = (self.look, self.link) {
            at(Some(asked_at + timeout));
        }
        if let Session::Retry { at: again } = self.session {
            at(Some(again));
        }
        match &self.state {
            State::Standby => {
                at(self.leave_by);
                at(self.claim_at);
                at(self.aside_until);
            }
            State::Elect(elect) => {
                at(self.tenure().map(|tenure| tenure.renew_at));
                if let Elect::Waiting { ready_at, .. } = elect
                    && self.pending.is_none()
                    && self.retry_at.is_none()
                {
                    at(Some(*ready_at));
                }
            }
            State::Leading(tenure) => {
                at(Some(tenure.renew_at));
                at(self
                    .deadline(tenure)
                    .map(|safe_until| timing.term_at(safe_until)));
            }
            State::Yielding(yielding) => {
                at(yielding.give_up_at);
                if !yielding.stopped && yielding.cause.is_planned() {
                    at(Some(yielding.tenure.renew_at));
                    at(self
                        .deadline(&yielding.tenure)
                        .map(|until| timing.term_at(until)));
                }
            }
            State::Detached | State::Closed => {}
        }
        wake
    }

    pub(super) fn ask(&mut self, now: Moment, renewal: bool) -> Ask {
        let id = self.next_ask;
        self.next_ask += 1;
        Ask {
            id,
            asked_at: now,
            renewal,
        }
    }

    pub(super) fn commit(&mut self, now: Moment, purpose: Purpose, commit: Commit) {
        let ask = self.ask(now, false);
        self.pending = Some(Pending { ask, purpose });
        self.order(Order::Commit { ask, commit });
    }

    /// Whether another commit may be sent now.
    pub(super) const fn is_free(&self) -> bool {
        self.pending.is_none() && self.retry_at.is_none() && self.link.is_some()
    }

    pub(super) fn retry_later(&mut self, now: Moment) {
        self.retry_at = Some(now + self.backoff.next_wait());
    }
}
