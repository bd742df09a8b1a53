//! Standing in the line: getting a place, keeping it, and knowing why not to claim yet.

use super::permit::Permit;
use super::{Election, Look, Purpose, Session};
use crate::candidate::EntryId;
use crate::event::{Alarm, Event, Wait};
use crate::fact::Receipt;
use crate::memory::Memory;
use crate::moment::{Moment, Now};
use crate::order::{Commit, Focus, Order};
use crate::record::{Reading, Record, RecordState};
use crate::state::State;
use crate::term::Term;
use crate::timing::Timing;

impl Election {
    pub(super) fn stand_by(&mut self, now: Now) {
        self.claim_at = None;
        if self.leaving {
            self.leave_line(now.at);
            return;
        }
        if std::mem::take(&mut self.resigning) {
            self.stand_aside(now.at);
        }
        self.end_aside(now.at);
        if self.link.is_none() || !matches!(self.session, Session::Open(_)) {
            self.tell_wait(Wait::Disconnected);
            return;
        }
        // An answer since has called the view in question: to act on it again would only ask the
        // store the same thing again, as fast as it answers.
        if self.seen.is_none() || self.look != Look::Content {
            self.want_look();
            return;
        }
        match self.entry.clone() {
            None => self.enter(now),
            Some(entry) => self.consider(now, entry),
        }
    }

    /// Lets others go first, until another leads or 2G have passed.
    pub(super) fn stand_aside(&mut self, now: Moment) {
        self.aside_until = Some(now + Timing::grace(self.config.timing.lease()) * 2);
        self.aside_since = self.memory.highest_term;
    }

    fn end_aside(&mut self, now: Moment) {
        let Some(until) = self.aside_until else {
            return;
        };
        let another_led = self
            .view()
            .and_then(|view| view.record.known())
            .is_some_and(|record| {
                let led = record.state != RecordState::Resigned || record.term > self.aside_since;
                led && record.instance != self.config.instance
            });
        if now >= until || another_led {
            self.aside_until = None;
        }
    }

    fn leave_line(&mut self, now: Moment) {
        let timeout = self.config.timing.request_timeout();
        let give_up_at = *self.leave_by.get_or_insert(now + timeout * 2);
        let Some(entry) = self.entry.clone() else {
            if self.pending.is_none() || now >= give_up_at {
                self.close();
            }
            return;
        };
        if now >= give_up_at || self.link.is_none() {
            self.close();
        } else if self.is_free() {
            self.commit(now, Purpose::Leave, Commit::Leave { entry });
        }
    }

    pub(super) fn close(&mut self) {
        self.order(Order::Close);
        self.state = State::Closed;
        self.session = Session::Closed;
        self.link = None;
        self.pending = None;
        self.retry_at = None;
    }

    fn enter(&mut self, now: Now) {
        let Some(seen) = &self.seen else {
            return;
        };
        if matches!(
            seen.view.record,
            Reading::Newer { .. } | Reading::Garbage { .. }
        ) {
            self.tell_wait(Wait::Refused);
            return;
        }
        let own = seen
            .view
            .line
            .iter()
            .find(|candidate| candidate.instance() == Some(self.config.instance))
            .map(|candidate| candidate.entry.clone());
        // Whoever has seen this election knows that there was a record, so that it was lost: to write
        // `resigned` now would tell the next one that nobody can be at work.
        let empty = seen.view.record == Reading::Absent
            && seen.view.line.is_empty()
            && self.memory == Memory::default();
        self.tell_wait(Wait::NotStanding);
        if let Some(entry) = own {
            // An answer that was lost, or a place that we gave up and a restore brought back.
            if self.ghosts.contains(&entry) {
                self.leave_ghost(now.at, entry);
            } else {
                self.take_place(entry);
            }
        } else if !self.is_free() {
            // What was sent last decides first.
        } else if empty {
            let record = self.founding_record(now.unix);
            self.commit(now.at, Purpose::Found, Commit::Found { record });
        } else {
            let member = self.member();
            self.published = Some(member.clone());
            self.commit(now.at, Purpose::Stand, Commit::Stand { member });
        }
    }

    fn founding_record(&self, unix: u64) -> Record {
        Record {
            format: Record::FORMAT,
            election: self.config.election.clone(),
            term: Term::ZERO,
            node: self.config.node.clone(),
            instance: self.config.instance,
            address: String::new(),
            entry: EntryId::default(),
            lease: self.config.timing.lease(),
            state: RecordState::Resigned,
            reason: "founded".to_owned(),
            at: unix,
            unfenced: None,
            unknown: serde_json::Map::new(),
        }
    }

    pub(super) fn stood(&mut self, receipt: Receipt) {
        self.want_look();
        if let Some(entry) = receipt.entry {
            // The store says that it created this one for us just now.
            self.ghosts.retain(|ghost| *ghost != entry);
            self.seen = None;
            self.take_place(entry);
        }
    }

    fn take_place(&mut self, entry: EntryId) {
        self.entry = Some(entry.clone());
        self.tell(Event::Standing { entry });
        self.want_look();
    }

    /// A put of our own was accepted: the store takes puts, so a leader that renews would show.
    pub(super) fn published_at(&mut self, now: Moment) {
        // The rank follows from what the store shows of everybody, ourselves included.
        self.want_look();
        if let Some(seen) = &mut self.seen
            && seen.view.beat.is_none()
        {
            seen.probed_at.get_or_insert(now);
        }
    }

    fn leave_ghost(&mut self, now: Moment, entry: EntryId) {
        if self.is_free() {
            self.commit(now, Purpose::Leave, Commit::Leave { entry });
        }
    }

    fn consider(&mut self, now: Now, entry: EntryId) {
        let Some(seen) = &self.seen else {
            return;
        };
        if !seen
            .view
            .line
            .iter()
            .any(|candidate| candidate.entry == entry)
        {
            self.tell(Event::EntryLost);
            self.lose_entry(entry);
            self.enter(now);
            return;
        }
        let extra = seen
            .view
            .line
            .iter()
            .filter(|candidate| candidate.instance() == Some(self.config.instance))
            .find(|candidate| candidate.entry != entry)
            .map(|candidate| candidate.entry.clone());
        if self.takes_up_late_claim(now) {
            return;
        }
        if let Some(extra) = extra {
            self.leave_ghost(now.at, extra);
        }
        if !self.is_published() {
            self.publish(now.at);
        }
        self.notice_lingering(now.at);
        match self.permit(now, &entry) {
            Permit::Never(wait) => self.tell_wait(wait),
            Permit::Probe { node } => {
                self.tell_wait(Wait::Leader { node });
                self.publish(now.at);
            }
            Permit::At { moment, wait } => self.claim_when_due(now, entry, moment, wait),
        }
    }

    /// A guard would have ended its leader's work within the lease; then nobody does it any more.
    fn notice_lingering(&mut self, now: Moment) {
        let Some(seen) = &self.seen else {
            return;
        };
        let (Some(since), Some(record)) = (seen.lingers_since, seen.view.lingering()) else {
            return;
        };
        if now >= since + Timing::grace(record.lease) {
            let node = record.node.clone();
            self.alarm(Alarm::Lingering { node });
        }
    }

    pub(super) fn publish(&mut self, now: Moment) {
        if self.is_free() {
            let member = self.member();
            self.published = Some(member.clone());
            self.commit(now, Purpose::Publish, Commit::Publish { member });
        }
    }

    fn claim_when_due(&mut self, now: Now, entry: EntryId, due: Moment, wait: Wait) {
        if now.at < due {
            self.claim_at = Some(due);
            self.tell_wait(wait);
            return;
        }
        // Who does not watch record and beat looks once more, to spare the store a claim that it
        // can only refuse.
        let watches = self.focus == Some(Focus::Record);
        if !watches
            && self
                .seen
                .as_ref()
                .is_some_and(|seen| seen.received_at < due)
        {
            self.want_look();
        } else if self.is_free() {
            self.send_claim(now, entry);
        }
    }
}
