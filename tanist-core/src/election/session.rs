//! What the session reports, before any state has its say.

use super::{Election, Look, Pending, Purpose, Session};
use crate::event::{Alarm, EndCause, Event};
use crate::fact::{Fact, Outcome, Refusal};
use crate::moment::{Moment, Now};
use crate::order::Order;
use crate::record::{InstanceId, Reading, RecordState};
use crate::seen::Seen;
use crate::state::{Elect, State};
use crate::term::Term;
use crate::view::View;

impl Election {
    pub(super) fn open(&mut self) {
        if matches!(self.session, Session::Closed | Session::Retry { .. }) {
            self.session = Session::Opening;
            self.order(Order::Open);
        }
    }

    pub(super) fn reopen(&mut self, now: Moment) {
        if let Session::Retry { at } = self.session
            && now >= at
        {
            self.open();
        }
    }

    pub(super) fn take_in(&mut self, now: Now, fact: Fact) {
        match fact {
            Fact::Opened(grant) => {
                self.session = Session::Open(grant);
                self.backoff.reset();
                if self.state == State::Detached {
                    self.state = State::Standby;
                }
            }
            Fact::Connected { link } => self.connected(link),
            Fact::Disconnected => self.disconnected(),
            Fact::Alive { asked_at } => {
                self.alive_at = self.alive_at.max(Some(asked_at));
            }
            Fact::Viewed { link, view } => self.viewed(now, link, view),
            Fact::Answered { ask, outcome } => {
                if let Outcome::Committed(receipt) = &outcome {
                    self.floor = self.floor.max(receipt.revision);
                }
                if ask.renewal {
                    self.renewal_answered(now, ask, outcome);
                } else if self.pending.is_some_and(|pending| pending.ask == ask) {
                    self.commit_answered(now, outcome);
                }
            }
            Fact::Ended { why, retry } => self.session_ended(now, why, retry),
        }
    }

    fn connected(&mut self, link: u64) {
        self.link = Some(link);
        if !self.config.defects.count_survives_reconnect {
            self.seen = None;
        }
        self.floor = 0;
        self.focus = None;
        self.claim_at = None;
        self.look = Look::Wanted;
    }

    fn disconnected(&mut self) {
        self.link = None;
        if !self.config.defects.count_survives_reconnect {
            self.seen = None;
        }
        self.focus = None;
        self.claim_at = None;
    }

    fn session_ended(&mut self, now: Now, why: String, retry: bool) {
        self.disconnected();
        self.seen = None;
        self.session = Session::Retry {
            at: now.at + self.backoff.next_wait(),
        };
        self.alive_at = None;
        self.published = None;
        self.pending = None;
        if !retry {
            self.alarm(Alarm::Denied { why });
        }
        if let Some(entry) = self.entry.clone() {
            self.tell(Event::EntryLost);
            self.lose_entry(entry);
        }
        match &self.state {
            State::Standby | State::Elect(Elect::Claiming(_) | Elect::Unsure(_)) => {
                self.state = State::Detached;
            }
            State::Elect(_) => self.give_up_election(EndCause::Ousted),
            State::Leading(_) => self.start_yielding(now, EndCause::Ousted),
            State::Yielding(_) => self.yielding_ousted(),
            State::Detached | State::Closed => {}
        }
    }

    fn viewed(&mut self, now: Now, link: u64, view: View) {
        if self.link != Some(link) || self.is_late(&view) {
            return;
        }
        self.floor = view.position.revision;
        self.notice_position(&view);
        self.notice_record(&view);
        self.notice_own(now.at, &view);
        self.look = Look::Content;
        match &mut self.seen {
            Some(seen) => seen.update(view, now.at),
            None => self.seen = Some(Seen::new(view, now.at)),
        }
        self.notice_line();
        self.notice_member();
        self.notice_raise();
    }

    fn is_late(&self, view: &View) -> bool {
        view.position.store == self.highest.store && view.position.revision < self.floor
    }

    /// Within one store the revision only grows; anything else is a restore or another store.
    fn notice_position(&mut self, view: &View) {
        let (old, new) = (self.highest, view.position);
        let known = old.revision > 0;
        if known && (new.store != old.store || new.revision < old.revision) {
            self.distrust = Some(self.memory.highest_term);
            self.alarm(Alarm::StoreWentBack);
        }
        self.highest = new;
    }

    fn notice_record(&mut self, view: &View) {
        match &view.record {
            Reading::Absent => self.tell_leader(None),
            Reading::Known(record) => {
                self.witnessed = true;
                self.learn(record.term, record.lease);
                if self.distrust.is_some_and(|term| record.term > term) {
                    self.distrust = None;
                }
                let leads = record.state != RecordState::Resigned;
                let leader = (record.node.clone(), record.instance, record.term);
                self.tell_leader(leads.then_some(leader));
                let other = record.instance != self.config.instance;
                if leads
                    && other
                    && record.lease != self.config.timing.lease()
                    && self.told.lease_of != Some(record.term)
                {
                    self.told.lease_of = Some(record.term);
                    let node = record.node.clone();
                    self.tell(Event::Alarm(Alarm::DifferentLease { node }));
                }
            }
            Reading::Newer { format } => self.alarm(Alarm::NewerRecord { format: *format }),
            Reading::Garbage { why } => self.alarm(Alarm::GarbageRecord { why: why.clone() }),
        }
    }

    /// A view is a hint: what it does not show any more is asked for by a renewal at once.
    fn notice_own(&mut self, now: Moment, view: &View) {
        let Some(entry) = self.tenure().map(|tenure| tenure.entry().clone()) else {
            return;
        };
        let stands = view.line.iter().any(|candidate| candidate.entry == entry);
        if !(stands && self.shows_own(view))
            && let Some(tenure) = self.tenure_mut()
        {
            tenure.renew_at = now;
        }
    }

    fn tell_leader(&mut self, leader: Option<(String, InstanceId, Term)>) {
        if self.told.leader != leader {
            self.told.leader.clone_from(&leader);
            self.tell(Event::LeaderChanged { leader });
        }
    }

    /// A later start with our own name is another node with the same name.
    fn notice_line(&mut self) {
        let (Some(seen), Some(own)) = (&self.seen, &self.entry) else {
            return;
        };
        let duplicate = seen
            .view
            .line
            .iter()
            .filter(|candidate| candidate.entry.created > own.created)
            .filter_map(|candidate| candidate.instance())
            .filter(|instance| *instance != self.config.instance)
            .find(|instance| {
                seen.view
                    .members
                    .get(instance)
                    .is_some_and(|m| m.node == self.config.node)
            });
        if let Some(instance) = duplicate
            && self.told.duplicate != Some(instance)
        {
            self.told.duplicate = Some(instance);
            self.tell(Event::Alarm(Alarm::DuplicateNode { instance }));
        }
    }

    /// A store that was restored shows of us what we told long ago, and the others rank us by it.
    fn notice_member(&mut self) {
        let told = self
            .pending
            .is_some_and(|pending| matches!(pending.purpose, Purpose::Publish | Purpose::Stand));
        let shown = self
            .view()
            .and_then(|view| view.members.get(&self.config.instance));
        if !told && shown.is_some() && shown != self.published.as_ref() {
            self.published = None;
        }
    }

    fn commit_answered(&mut self, now: Now, outcome: Outcome) {
        let Some(Pending { ask, purpose }) = self.pending.take() else {
            return;
        };
        match outcome {
            Outcome::Committed(receipt) => {
                self.backoff.reset();
                self.told.alarm = None;
                match purpose {
                    Purpose::Found => self.want_look(),
                    Purpose::Stand => self.stood(receipt),
                    Purpose::Publish => self.published_at(now.at),
                    Purpose::Claim => self.claimed(now, ask, &receipt),
                    Purpose::Lead => self.raised(ask, &receipt),
                    Purpose::Withdraw => self.withdrawn(),
                    Purpose::Leave => self.left(),
                }
            }
            Outcome::Refused(refusal) => {
                self.notice_refusal(&refusal);
                self.commit_refused(now, purpose, &refusal);
            }
            Outcome::NotSent => {
                self.retry_later(now.at);
                if purpose == Purpose::Claim {
                    self.back_to_standby();
                }
            }
            Outcome::Unknown => self.commit_unknown(now, purpose),
        }
    }

    pub(super) fn notice_refusal(&mut self, refusal: &Refusal) {
        match refusal {
            Refusal::Full => self.alarm(Alarm::StoreFull),
            Refusal::Denied { why } => self.alarm(Alarm::Denied { why: why.clone() }),
            Refusal::RecordChanged
            | Refusal::BeatChanged
            | Refusal::EntryMissing
            | Refusal::Held => {}
        }
    }

    fn commit_refused(&mut self, now: Now, purpose: Purpose, refusal: &Refusal) {
        if matches!(refusal, Refusal::Full | Refusal::Denied { .. }) {
            self.retry_later(now.at);
        }
        match purpose {
            Purpose::Claim => self.claim_refused(refusal),
            Purpose::Lead => self.tenure_refused(refusal),
            Purpose::Withdraw => self.withdraw_refused(refusal),
            Purpose::Leave if matches!(refusal, Refusal::EntryMissing) => self.left(),
            Purpose::Found | Purpose::Stand | Purpose::Publish | Purpose::Leave => {
                self.published = None;
                self.want_look();
            }
        }
    }

    /// Neither success nor failure: a view has to tell, or the same is sent again where that is
    /// harmless.
    pub(super) fn commit_unknown(&mut self, now: Now, purpose: Purpose) {
        self.want_look();
        match purpose {
            Purpose::Claim => self.claim_unknown(),
            Purpose::Lead => self.raise_unknown(),
            Purpose::Withdraw | Purpose::Leave => self.retry_later(now.at),
            Purpose::Found | Purpose::Stand => {
                // The view that was there does not show what became of it.
                self.seen = None;
            }
            Purpose::Publish => self.published = None,
        }
    }
}
