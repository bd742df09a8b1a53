use std::collections::BTreeMap;
use std::sync::Arc;

use tanist_core::{
    BeatWrite, Candidate, Commit, Defects, Directive, EntryId, InstanceId, Member, Outcome, Owner,
    Position, Reading, Receipt, Record, RecordState, Refusal, ReleaseStep, Stamp, Term, Vacancy,
    View,
};

/// The store as it really is: one copy, every commit decided at one instant.
///
/// Versions are etcd's: a stamp is the revision at which a value was created and last written.
/// They are unique until the store is restored from a backup; then its revision goes back too, and
/// stamps repeat.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Store {
    pub(crate) revision: u64,
    pub(crate) record: Option<(Arc<Record>, Stamp)>,
    pub(crate) beat: Option<Stamp>,
    /// In creation order.
    pub(crate) line: Vec<Candidate>,
    pub(crate) members: BTreeMap<InstanceId, Member>,
    pub(crate) directive: Directive,
    /// Takes no writes but deletions.
    pub(crate) full: bool,
    /// Denies every commit.
    pub(crate) denied: bool,
}

/// What one commit changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effect {
    /// What the record says now, and in which term, if it was written.
    pub(crate) wrote: Option<(RecordState, Term)>,
    /// Which entry was named for deletion, and which was deleted.
    pub(crate) deleted: Option<(EntryId, Candidate)>,
}

impl Store {
    /// Decides one commit of `instance`: all or nothing.
    pub(crate) fn decide(
        &mut self,
        instance: InstanceId,
        commit: &Commit,
        defects: &Defects,
    ) -> (Outcome, Effect) {
        if let Some(refusal) = self.refusal(instance, commit, defects) {
            return (Outcome::Refused(refusal), Effect::default());
        }
        self.revision += 1;
        let mut receipt = Receipt {
            revision: self.revision,
            ..Receipt::default()
        };
        let mut effect = Effect::default();
        match commit {
            Commit::Found { record } | Commit::Lead { record, .. } => {
                receipt.record = self.write(record, &mut effect);
            }
            Commit::Stand { member } => {
                let entry = EntryId {
                    key: key(instance),
                    created: self.revision,
                };
                self.line.push(Candidate {
                    entry: entry.clone(),
                    owner: Owner::Instance(instance),
                });
                self.members.insert(instance, member.clone());
                receipt.entry = Some(entry);
            }
            Commit::Publish { member } => {
                self.members.insert(instance, member.clone());
            }
            Commit::Claim { record, depose, .. } => {
                receipt.record = self.write(record, &mut effect);
                if let Some(deposed) = depose {
                    self.delete(deposed, defects, &mut effect);
                }
            }
            Commit::Renew {
                beat: BeatWrite::Put(_),
                ..
            } => self.put_beat(),
            Commit::Renew {
                beat: BeatWrite::Drop,
                ..
            } => self.beat = None,
            Commit::Withdraw { entry, record, .. } => {
                receipt.record = self.write(record, &mut effect);
                self.delete(entry, defects, &mut effect);
                self.members.remove(&instance);
            }
            Commit::Leave { entry } => {
                self.delete(entry, defects, &mut effect);
                self.members.remove(&instance);
            }
        }
        (Outcome::Committed(receipt), effect)
    }

    /// Decides one step of a release helper. `Read` and `Done` change nothing.
    pub(crate) fn decide_release(
        &mut self,
        step: &ReleaseStep,
        defects: &Defects,
    ) -> (Outcome, Effect) {
        let mut effect = Effect::default();
        if self.denied {
            return (Outcome::Refused(denied()), effect);
        }
        match step {
            ReleaseStep::DeleteEntry(entry) => {
                if !self.names(entry, defects) {
                    return (Outcome::Refused(Refusal::EntryMissing), effect);
                }
                self.revision += 1;
                self.delete(entry, defects, &mut effect);
            }
            ReleaseStep::MarkResigned { over, record } => {
                if self.full {
                    return (Outcome::Refused(Refusal::Full), effect);
                }
                let refusal = self
                    .guard_own(record.instance)
                    .or_else(|| self.guard(None, Some(*over)));
                if let Some(refusal) = refusal {
                    return (Outcome::Refused(refusal), effect);
                }
                self.revision += 1;
                self.write(record, &mut effect);
            }
            ReleaseStep::Read | ReleaseStep::Done => {}
        }
        (
            Outcome::Committed(Receipt {
                revision: self.revision,
                ..Receipt::default()
            }),
            effect,
        )
    }

    /// All of it, as one read finds it.
    pub(crate) fn view(&self) -> View {
        View {
            position: Position {
                store: 1,
                revision: self.revision,
            },
            record: self.reading(),
            record_stamp: self.record_stamp(),
            beat: self.beat,
            line: self.line.clone(),
            members: self.members.clone(),
            directive: self.directive.clone(),
            vacancy: Vacancy::ByLease,
        }
    }

    /// The record as a read finds it.
    pub(crate) fn reading(&self) -> Reading {
        self.record.as_ref().map_or(Reading::Absent, |(record, _)| {
            Reading::Known(Record::clone(record))
        })
    }

    /// The record's version.
    pub(crate) fn record_stamp(&self) -> Option<Stamp> {
        self.record.as_ref().map(|(_, stamp)| *stamp)
    }

    /// Whether this very entry stands.
    pub(crate) fn has(&self, entry: &EntryId) -> bool {
        self.line.iter().any(|candidate| candidate.entry == *entry)
    }

    /// A foreign client stands in the line.
    pub(crate) fn add_foreign(&mut self, number: u64, session: bool) {
        self.revision += 1;
        self.line.push(Candidate {
            entry: EntryId {
                key: format!("e/f{number}"),
                created: self.revision,
            },
            owner: Owner::Foreign {
                label: "foreign".to_owned(),
                session,
            },
        });
    }

    /// Somebody else, or the end of a session, deletes an entry and what goes with it.
    pub(crate) fn strike(&mut self, place: usize) -> Option<Candidate> {
        if place >= self.line.len() {
            return None;
        }
        self.revision += 1;
        let struck = self.line.remove(place);
        if let Some(instance) = struck.instance() {
            self.members.remove(&instance);
        }
        Some(struck)
    }

    fn refusal(&self, instance: InstanceId, commit: &Commit, defects: &Defects) -> Option<Refusal> {
        if self.denied {
            return Some(denied());
        }
        let unfulfilled = match commit {
            Commit::Found { .. } => self.record.is_some().then_some(Refusal::RecordChanged),
            // The name is taken: by an answer that was lost, or by what a restore brought back.
            Commit::Stand { .. } => self
                .line
                .iter()
                .any(|candidate| candidate.instance() == Some(instance))
                .then_some(Refusal::RecordChanged),
            Commit::Publish { .. } => None,
            Commit::Claim {
                entry, over, beat, ..
            } => self
                .guard(Some(entry), *over)
                .or_else(|| (self.beat != *beat).then_some(Refusal::BeatChanged)),
            Commit::Renew { record, entry, .. } => self
                .guard_own(instance)
                .or_else(|| self.guard(Some(entry), Some(*record))),
            Commit::Lead { entry, over, .. } => self
                .guard_own(instance)
                .or_else(|| self.guard(Some(entry), Some(*over))),
            Commit::Withdraw { over, .. } => self
                .guard_own(instance)
                .or_else(|| self.guard(None, Some(*over))),
            Commit::Leave { entry } => {
                (!self.names(entry, defects)).then_some(Refusal::EntryMissing)
            }
        };
        let deletes_only = matches!(
            commit,
            Commit::Leave { .. }
                | Commit::Renew {
                    beat: BeatWrite::Drop,
                    ..
                }
        );
        unfulfilled.or_else(|| (self.full && !deletes_only).then_some(Refusal::Full))
    }

    /// Whose record it is counts too: the design has etcd compare the record's value, because a
    /// stamp can repeat after a restore.
    fn guard_own(&self, instance: InstanceId) -> Option<Refusal> {
        let own = self
            .record
            .as_ref()
            .is_some_and(|(record, _)| record.instance == instance);
        (!own).then_some(Refusal::RecordChanged)
    }

    fn guard(&self, entry: Option<&EntryId>, record: Option<Stamp>) -> Option<Refusal> {
        if self.record_stamp() != record {
            return Some(Refusal::RecordChanged);
        }
        entry
            .is_some_and(|entry| !self.has(entry))
            .then_some(Refusal::EntryMissing)
    }

    fn write(&mut self, record: &Record, effect: &mut Effect) -> Option<Stamp> {
        let created = self
            .record_stamp()
            .map_or(self.revision, |stamp| stamp.created);
        let stamp = Stamp {
            created,
            version: self.revision,
        };
        self.record = Some((Arc::new(record.clone()), stamp));
        effect.wrote = Some((record.state, record.term));
        Some(stamp)
    }

    fn put_beat(&mut self) {
        let created = self.beat.map_or(self.revision, |stamp| stamp.created);
        self.beat = Some(Stamp {
            created,
            version: self.revision,
        });
    }

    fn delete(&mut self, named: &EntryId, defects: &Defects, effect: &mut Effect) {
        let place = self.line.iter().position(|candidate| {
            candidate.entry == *named
                || (defects.delete_by_name && candidate.entry.key == named.key)
        });
        if let Some(place) = place {
            effect.deleted = Some((named.clone(), self.line.remove(place)));
        }
    }

    fn names(&self, named: &EntryId, defects: &Defects) -> bool {
        self.has(named)
            || (defects.delete_by_name && self.line.iter().any(|c| c.entry.key == named.key))
    }
}

/// The name of an instance's entry.
pub(crate) fn key(instance: InstanceId) -> String {
    // The last digits are enough to tell a run's instances apart, and short to read.
    let text = instance.to_string();
    format!("e/{}", &text[text.len() - 4..])
}

fn denied() -> Refusal {
    Refusal::Denied {
        why: "write".to_owned(),
    }
}
