use crate::candidate::EntryId;
use crate::defects::Defects;
use crate::fact::{Outcome, Refusal};
use crate::record::{InstanceId, Reading, Record, RecordState};
use crate::term::Term;
use crate::view::Stamp;

/// What the release helper does for a supervisor that is dead: the third pure machine.
///
/// It runs only after the tree was verified empty. The entry goes first, because its absence
/// refuses every claim and renewal of the dead supervisor that is still on its way; only then can
/// the record be read for good and marked. A step without a definite outcome is repeated, so that
/// what it reports as done stays done.
///
/// ```text
/// DeleteEntry ──► Read ──► MarkResigned ──► Done
///      ▲ unknown    ▲ │ not ours      │ unknown, changed
///      └────────    │ └───────────────┼──────► Done
///                   └─────────────────┘
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Release {
    entry: EntryId,
    instance: InstanceId,
    term: Term,
    step: ReleaseStep,
    marks_first: bool,
    unfenced: bool,
}

/// What the helper has to ask of the store next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one of it in a process that does nothing else"
)]
pub enum ReleaseStep {
    /// Delete this entry. Guard: its creation id. Answer with [`Release::deleted`].
    DeleteEntry(EntryId),
    /// Read the record, as the quorum has it. Answer with [`Release::read`].
    Read,
    /// Write this record. Guard: the record at this version. Answer with [`Release::marked`].
    MarkResigned {
        /// The record's version as it was read.
        over: Stamp,
        /// The record to write.
        record: Record,
    },
    /// Nothing of the dead supervisor can take effect any more.
    Done,
}

impl Release {
    /// Why the records that it marks say `resigned`.
    pub const REASON: &str = "supervisor-died";

    /// The release of the leadership of `instance` in `term`, which stood as `entry`.
    ///
    /// `defects` is for the simulator.
    pub fn new(entry: EntryId, instance: InstanceId, term: Term, defects: Defects) -> Self {
        let marks_first = defects.helper_marks_first;
        let step = if marks_first {
            ReleaseStep::Read
        } else {
            ReleaseStep::DeleteEntry(entry.clone())
        };
        Self {
            entry,
            instance,
            term,
            step,
            marks_first,
            unfenced: false,
        }
    }

    /// The release of a leadership in which nothing was begun, because the leader before was not
    /// fenced yet: the next one has to.
    #[must_use]
    pub const fn unfenced(mut self) -> Self {
        self.unfenced = true;
        self
    }

    /// What to do now. Asking twice gives the same step: each is safe to repeat.
    pub const fn step(&self) -> &ReleaseStep {
        &self.step
    }

    /// The entry that is given back.
    pub const fn entry(&self) -> &EntryId {
        &self.entry
    }

    /// What became of the deletion. An entry that is not there is as good as a deleted one.
    pub fn deleted(&mut self, outcome: &Outcome) {
        let gone = matches!(
            outcome,
            Outcome::Committed(_) | Outcome::Refused(Refusal::EntryMissing)
        );
        if gone && matches!(self.step, ReleaseStep::DeleteEntry(_)) {
            self.step = if self.marks_first {
                ReleaseStep::Done
            } else {
                ReleaseStep::Read
            };
        }
    }

    /// What the record says, with its version, and the wall-clock second of the answer.
    pub fn read(&mut self, reading: &Reading, stamp: Option<Stamp>, unix: u64) {
        if self.step != ReleaseStep::Read {
            return;
        }
        // A record that says `waiting` stands for the lease of another, which may not be over.
        let ours = reading.known().filter(|record| {
            record.instance == self.instance
                && record.term == self.term
                && record.state == RecordState::Leading
        });
        match (ours, stamp) {
            (Some(record), Some(over)) => {
                let record = Record {
                    state: RecordState::Resigned,
                    reason: Self::REASON.to_owned(),
                    at: unix,
                    unfenced: record.unfenced.clone().filter(|_| self.unfenced),
                    ..record.clone()
                };
                self.step = ReleaseStep::MarkResigned { over, record };
            }
            (Some(_), None) | (None, _) => self.marking_is_over(),
        }
    }

    /// What became of the mark. Unless it was written, the record has to be read again.
    pub fn marked(&mut self, outcome: &Outcome) {
        if !matches!(self.step, ReleaseStep::MarkResigned { .. }) {
            return;
        }
        match outcome {
            Outcome::Committed(_) => self.marking_is_over(),
            Outcome::Refused(_) | Outcome::NotSent | Outcome::Unknown => {
                self.step = ReleaseStep::Read;
            }
        }
    }

    fn marking_is_over(&mut self) {
        self.step = if self.marks_first {
            ReleaseStep::DeleteEntry(self.entry.clone())
        } else {
            ReleaseStep::Done
        };
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fact::Receipt;

    const STAMP: Stamp = Stamp {
        created: 3,
        version: 9,
    };

    fn entry() -> EntryId {
        EntryId {
            key: "jobs/1".to_owned(),
            created: 7,
        }
    }

    fn release() -> Release {
        Release::new(
            entry(),
            InstanceId::new(1),
            Term::new(42),
            Defects::default(),
        )
    }

    fn record(instance: u128, term: u64, state: RecordState) -> Reading {
        Reading::Known(Record {
            format: Record::FORMAT,
            election: "jobs".to_owned(),
            term: Term::new(term),
            node: "a".to_owned(),
            instance: InstanceId::new(instance),
            address: String::new(),
            entry: entry(),
            lease: Duration::from_secs(8),
            state,
            reason: "claim".to_owned(),
            at: 0,
            unfenced: None,
            unknown: serde_json::Map::new(),
        })
    }

    fn committed() -> Outcome {
        Outcome::Committed(Receipt::default())
    }

    #[test]
    fn the_entry_goes_first_then_the_record_says_resigned() {
        let mut release = release();
        assert_eq!(*release.step(), ReleaseStep::DeleteEntry(entry()));
        release.deleted(&committed());
        assert_eq!(*release.step(), ReleaseStep::Read);
        release.read(&record(1, 42, RecordState::Leading), Some(STAMP), 77);
        let ReleaseStep::MarkResigned { over, record } = release.step().clone() else {
            panic!("{release:?}");
        };
        assert_eq!(
            (over, record.state, record.at),
            (STAMP, RecordState::Resigned, 77)
        );
        assert_eq!(record.lease, Duration::from_secs(8));
        release.marked(&committed());
        assert_eq!(*release.step(), ReleaseStep::Done);
    }

    #[test]
    fn a_deletion_without_a_definite_outcome_is_repeated() {
        let mut release = release();
        for outcome in [
            Outcome::Unknown,
            Outcome::NotSent,
            Outcome::Refused(Refusal::Full),
        ] {
            release.deleted(&outcome);
            assert_eq!(
                *release.step(),
                ReleaseStep::DeleteEntry(entry()),
                "{outcome:?}"
            );
        }
        release.deleted(&Outcome::Refused(Refusal::EntryMissing));
        assert_eq!(*release.step(), ReleaseStep::Read);
    }

    #[test]
    fn a_mark_that_was_not_written_is_read_again_and_found_done() {
        let mut release = release();
        release.deleted(&committed());
        for outcome in [Outcome::Unknown, Outcome::Refused(Refusal::RecordChanged)] {
            release.read(&record(1, 42, RecordState::Leading), Some(STAMP), 0);
            release.marked(&outcome);
            assert_eq!(*release.step(), ReleaseStep::Read, "{outcome:?}");
        }
        release.read(&record(1, 42, RecordState::Resigned), Some(STAMP), 0);
        assert_eq!(*release.step(), ReleaseStep::Done);
    }

    #[test]
    fn what_is_not_our_leadership_is_left_alone() {
        for reading in [
            Reading::Absent,
            Reading::Newer { format: 9 },
            record(2, 42, RecordState::Leading),
            record(1, 41, RecordState::Leading),
            record(1, 42, RecordState::Waiting),
        ] {
            let mut release = release();
            release.deleted(&committed());
            release.read(&reading, Some(STAMP), 0);
            assert_eq!(*release.step(), ReleaseStep::Done, "{reading:?}");
        }
    }

    #[test]
    fn an_answer_to_another_step_changes_nothing() {
        let mut release = release();
        release.marked(&committed());
        release.read(&record(1, 42, RecordState::Leading), Some(STAMP), 0);
        assert_eq!(*release.step(), ReleaseStep::DeleteEntry(entry()));
    }
}
