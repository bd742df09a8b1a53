//! What is done to the store, within the limits.

use std::sync::Arc;
use std::time::Duration;

use tanist_core::{RecordState, Stamp, Term};

use super::{Signal, World};
use crate::action::Blow;

impl World {
    pub(super) fn blow(&mut self, blow: &Blow) {
        if !self.allows(blow) {
            return;
        }
        // What other hands change moves the revision on; a restored store is what it was.
        if !matches!(blow, Blow::Save | Blow::Restore { record_only: false }) {
            self.store().revision += 1;
        }
        match blow {
            Blow::LoseEntry { place } => drop(self.store().strike(*place)),
            Blow::Expire { instance } => {
                let place = self
                    .store
                    .line
                    .iter()
                    .position(|candidate| candidate.instance() == Some(*instance));
                if let Some(place) = place {
                    self.store().strike(place);
                }
            }
            Blow::LoseRecord => {
                self.store().record = None;
                self.forget();
            }
            Blow::LoseBeat => self.store().beat = None,
            Blow::Wipe => {
                let store = self.store();
                store.record = None;
                store.beat = None;
                store.line.clear();
                store.members.clear();
                self.forget();
            }
            Blow::Save => self.saved = Some(Arc::clone(&self.store)),
            Blow::Restore { record_only } => self.restore(*record_only),
            Blow::Full(full) => self.store().full = *full,
            Blow::Denied(denied) => self.store().denied = *denied,
            Blow::Foreign { session } => {
                self.ledger.foreign += 1;
                let number = self.ledger.foreign;
                self.store().add_foreign(number, *session);
            }
            Blow::ForeignLeaves => {
                let line = &self.store.line;
                let place = line
                    .iter()
                    .position(|candidate| candidate.instance().is_none());
                if let Some(place) = place {
                    self.store().strike(place);
                }
            }
            Blow::Successor(named) => self.store().directive.successor.clone_from(named),
            Blow::Pause(until) => self.store().directive.paused_until = *until,
        }
        self.signal(Signal::Changed);
    }

    /// Whether the design promises anything under this blow: see the limits of the world.
    pub(crate) fn allows(&self, blow: &Blow) -> bool {
        match blow {
            Blow::LoseRecord => self.one_lease() && self.store.record.is_some(),
            Blow::Wipe => self.one_lease() && self.all_have_seen(),
            Blow::Restore { .. } => self
                .saved
                .as_ref()
                .is_some_and(|saved| saved.revision < self.store.revision && self.covers_restore()),
            Blow::LoseBeat => self.store.beat.is_some(),
            Blow::LoseEntry { place } => *place < self.store.line.len(),
            Blow::Expire { .. }
            | Blow::Save
            | Blow::Full(_)
            | Blow::Denied(_)
            | Blow::Foreign { .. }
            | Blow::ForeignLeaves
            | Blow::Successor(_)
            | Blow::Pause(_) => true,
        }
    }

    /// A restore breaks every connection, and what was on the wire is gone. A record alone is put
    /// back by other hands, as a new version with its old content.
    fn restore(&mut self, record_only: bool) {
        let Some(saved) = self.saved.clone() else {
            return;
        };
        self.forget();
        let store = self.store();
        if record_only {
            let stamp = Stamp {
                created: store.revision,
                version: store.revision,
            };
            store.record = saved.record.clone().map(|(record, _)| (record, stamp));
            store.beat = saved.beat.map(|_| stamp);
            return;
        }
        let (full, denied) = (store.full, store.denied);
        *store = saved.as_ref().clone();
        (store.full, store.denied) = (full, denied);
        for node in 0..self.nodes.len() {
            let it = self.node(node);
            it.requests.clear();
            it.answers.clear();
            self.disconnect(node);
        }
    }

    fn forget(&mut self) {
        self.ledger.forgotten = true;
        self.ledger.forgot_at = Some(self.time);
    }

    fn store(&mut self) -> &mut crate::store::Store {
        Arc::make_mut(&mut self.store)
    }

    /// A record deleted by hand is covered where all nodes use one lease.
    fn one_lease(&self) -> bool {
        let first = self.setup.lease(0);
        (1..self.nodes.len()).all(|node| self.setup.lease(node) == first)
    }

    /// An election wiped completely is covered while no machine joins that has never seen it.
    fn all_have_seen(&self) -> bool {
        self.nodes
            .iter()
            .all(|node| node.memory.longest_lease > Duration::ZERO)
    }

    /// A backup is covered while nobody is at work whom another machine has never heard of.
    fn covers_restore(&self) -> bool {
        let (stored, resigned) = self
            .store
            .record
            .as_ref()
            .map_or((Term::ZERO, true), |(r, _)| {
                (r.term, r.state == RecordState::Resigned)
            });
        let known = |term: Term| {
            self.nodes
                .iter()
                .all(|node| node.memory.highest_term >= term)
        };
        let at_work = self
            .trees()
            .map(|(_, tree, _)| tree.term)
            .max()
            .unwrap_or_default();
        known(if resigned {
            at_work
        } else {
            stored.max(at_work)
        })
    }
}
