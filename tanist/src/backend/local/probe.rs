use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;

use rustix::fs::{FlockOperation, flock};
use tanist_core::{Candidate, Reading, Record, RecordState, Vacancy};

/// The field of the record that names the lock file: device and file number.
const LOCK: &str = "lock";

/// How to find out whether the lock is held.
pub(super) enum Probe<'a> {
    /// It is ours.
    Ours,
    /// Try it through this descriptor, which does not hold it.
    Try(&'a File),
    /// There is no lock file.
    Absent,
}

impl<'a> Probe<'a> {
    pub(super) const fn of(file: Option<&'a File>) -> Self {
        match file {
            Some(file) => Self::Try(file),
            None => Self::Absent,
        }
    }

    /// What the lock tells of the leader that `record` names.
    pub(super) fn vacancy(&self, record: &Reading, line: &[Candidate]) -> io::Result<Vacancy> {
        let leader = record
            .known()
            .filter(|record| record.state != RecordState::Resigned);
        // By its place: an instance that lost it and stands anew does not lead from there.
        let lives = leader.is_some_and(|leader| line.iter().any(|it| it.entry == leader.entry));
        let file = match self {
            Self::Ours => return Ok(Vacancy::Held),
            // A leader that lives holds the lock; trying it could get in the way of somebody else.
            Self::Try(_) | Self::Absent if lives => return Ok(Vacancy::Held),
            Self::Try(file) if is_locked(file)? => return Ok(Vacancy::Held),
            Self::Try(file) => Some(*file),
            Self::Absent => None,
        };
        let Some(leader) = leader else {
            return Ok(match record {
                Reading::Absent | Reading::Known(_) => Vacancy::Free,
                // Whom it names cannot be read, nor under which lock he works.
                Reading::Newer { .. } | Reading::Garbage { .. } => Vacancy::ByLease,
            });
        };
        // A lock file that was put in the place of the leader's is free however busy the leader is.
        let named = leader.unknown.get(LOCK).and_then(serde_json::Value::as_str);
        Ok(match (named, file) {
            (Some(named), Some(file)) if named == lock_name(file)? => Vacancy::Free,
            _ => Vacancy::ByLease,
        })
    }
}

/// Tries the lock for a moment. Only with the pen, so that no claim comes in between.
fn is_locked(file: &File) -> io::Result<bool> {
    match flock(file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => {
            flock(file, FlockOperation::Unlock)?;
            Ok(false)
        }
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// What tells a lock file from another in its place. The number of a file is not given out again
/// while anybody has it open, so no second file has it as long as the lock is held.
fn lock_name(lock: &File) -> io::Result<String> {
    let is = lock.metadata()?;
    Ok(format!("{}:{}", is.dev(), is.ino()))
}

/// The record with the lock under which its instance works.
///
/// One that waits does no work yet: its record goes on naming the lock of the leader that it shut
/// out, because only that lock tells whether that leader is gone.
pub(super) fn naming_lock(record: &Record, lock: &File) -> io::Result<Record> {
    let mut record = record.clone();
    if record.state != RecordState::Waiting {
        let name = lock_name(lock)?;
        record.unknown.insert(LOCK.to_owned(), name.into());
    }
    Ok(record)
}
