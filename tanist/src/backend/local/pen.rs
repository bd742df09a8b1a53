use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use tanist_core::{
    Candidate, Directive, EntryId, InstanceId, Member, Outcome, Owner, Position, Receipt, Record,
    Refusal, Stamp, View,
};

use super::entry_file;
use super::ledger::{ENTRY, Ledger, identity, stamp_of};
use super::probe::Probe;
use crate::backend::Transition;
use crate::private_dir::{self, Durability};

/// Where the counter is in the file of the mutex. Nobody reads or writes it without the pen, so it
/// is changed in place.
const COUNTER_AT: u64 = 8;

/// The right to read a consistent state and to write, held for a few file operations.
///
/// Not the leadership: that is the lock on [`Ledger::lock_path`].
#[derive(Debug)]
pub(super) struct Pen<'a> {
    pub(super) ledger: &'a Ledger,
    mutex: File,
}

/// A value with the revision at which it was written.
#[derive(Serialize, Deserialize)]
struct Revised<T> {
    revision: u64,
    #[serde(flatten)]
    value: T,
}

impl<'a> Pen<'a> {
    pub(super) const fn new(ledger: &'a Ledger, mutex: File) -> Self {
        Self { ledger, mutex }
    }

    /// The election as it stands. Removes what dead candidates left behind.
    pub(super) fn view(&self, probe: &Probe<'_>) -> io::Result<View> {
        let ledger = self.ledger;
        let (record, record_stamp) = ledger.record()?;
        let line = self.line()?;
        let mut members = BTreeMap::new();
        for instance in line.iter().filter_map(Candidate::instance) {
            if let Some(bytes) = private_dir::read(&self.member_path(instance))?
                && let Ok(member) = serde_json::from_slice::<Member>(&bytes)
            {
                members.insert(instance, member);
            }
        }
        let vacancy = probe.vacancy(&record, &line)?;
        let position = Position {
            store: identity(&ledger.root)?,
            revision: self.revision()?,
        };
        let (directive, _) = self.directive()?;
        Ok(View {
            position,
            record,
            record_stamp,
            beat: None,
            line,
            members,
            directive,
            vacancy,
        })
    }

    /// Who stands, in the order in which they came.
    fn line(&self) -> io::Result<Vec<Candidate>> {
        let mut line = Vec::new();
        for item in self.ledger.places.read_dir()? {
            let name = item?.file_name();
            let instance = name
                .to_str()
                .and_then(|name| name.strip_prefix(ENTRY))
                .and_then(InstanceId::parse);
            let Some(instance) = instance else {
                continue;
            };
            if let Some(entry) = self.living_entry(instance)? {
                line.push(Candidate {
                    entry,
                    owner: Owner::Instance(instance),
                });
            }
        }
        line.sort_by(|a, b| (a.entry.created, &a.entry.key).cmp(&(b.entry.created, &b.entry.key)));
        Ok(line)
    }

    /// The entry of `instance`, if its process lives. Else what is left of it is removed.
    fn living_entry(&self, instance: InstanceId) -> io::Result<Option<EntryId>> {
        let path = self.ledger.entry_path(instance);
        let Some(file) = private_dir::open(&path, OpenOptions::new().read(true))? else {
            return Ok(None);
        };
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Err(rustix::io::Errno::WOULDBLOCK) => {}
            Err(error) => return Err(error.into()),
            Ok(()) => {
                self.remove_entry(instance)?;
                return Ok(None);
            }
        }
        Ok(entry_file::created_in(&file)?.map(|created| EntryId {
            key: self.ledger.entry_key(instance),
            created,
        }))
    }

    fn remove_entry(&self, instance: InstanceId) -> io::Result<bool> {
        let there = private_dir::remove(&self.ledger.entry_path(instance))?;
        private_dir::remove(&self.member_path(instance))?;
        Ok(there)
    }

    pub(super) fn member_path(&self, instance: InstanceId) -> PathBuf {
        self.ledger.side.join("member").join(instance.to_string())
    }

    pub(super) fn write_member(&self, instance: InstanceId, member: &Member) -> io::Result<u64> {
        let revision = self.next_revision()?;
        let bytes = serde_json::to_vec_pretty(member)?;
        private_dir::replace(&self.member_path(instance), &bytes, Durability::Crash)?;
        Ok(revision)
    }

    /// Makes the entry of `instance`, locked before anybody can see it.
    pub(super) fn create_entry(&self, instance: InstanceId) -> io::Result<(EntryId, File)> {
        let created = self.next_revision()?;
        let path = self.ledger.entry_path(instance);
        let new = self.ledger.side.join("entry.new");
        private_dir::remove(&new)?;
        let file = private_dir::open_or_create(&new)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        entry_file::write(&file, created)?;
        std::fs::rename(&new, &path)?;
        Ok((
            EntryId {
                key: self.ledger.entry_key(instance),
                created,
            },
            file,
        ))
    }

    /// Guard: the creation id.
    pub(super) fn delete_entry(&self, doomed: &EntryId) -> io::Result<Outcome> {
        let missing = Ok(Outcome::Refused(Refusal::EntryMissing));
        let Some((path, instance)) = self.ledger.find_entry(doomed) else {
            return missing;
        };
        if entry_file::created(&path)? != Some(doomed.created) {
            return missing;
        }
        let revision = self.next_revision()?;
        self.remove_entry(instance)?;
        Ok(Outcome::Committed(Receipt {
            revision,
            record: None,
            entry: None,
        }))
    }

    /// Guard: the record's version.
    pub(super) fn write_record(&self, over: Option<Stamp>, record: &Record) -> io::Result<Outcome> {
        let (_, stamp) = self.ledger.record()?;
        if stamp != over {
            return Ok(Outcome::Refused(Refusal::RecordChanged));
        }
        let revision = self.next_revision()?;
        let bytes = serde_json::to_vec_pretty(&Revised {
            revision,
            value: record,
        })?;
        let stamp = Stamp {
            created: revision,
            version: revision,
        };
        let path = self.ledger.record_path();
        if let Err(error) = private_dir::replace(&path, &bytes, Durability::Crash) {
            let (_, there) = self.ledger.record()?;
            // It failed on the way back.
            return if there == Some(stamp) {
                Ok(Outcome::Unknown)
            } else {
                Err(error)
            };
        }
        if let Err(error) = self.remember(&Transition::of(record)) {
            // For people only: no reason to undo what is done.
            tracing::warn!(election = self.ledger.election, %error, "the history was not written");
        }
        Ok(Outcome::Committed(Receipt {
            revision,
            record: Some(stamp),
            entry: None,
        }))
    }

    /// Guards: the versions of directive and record.
    pub(super) fn direct(
        &self,
        over: Option<Stamp>,
        record: Option<Stamp>,
        directive: &Directive,
    ) -> io::Result<Outcome> {
        let (_, stamp) = self.directive()?;
        if stamp != over || self.ledger.record()?.1 != record {
            return Ok(Outcome::Refused(Refusal::RecordChanged));
        }
        let revision = self.next_revision()?;
        let bytes = serde_json::to_vec_pretty(&Revised {
            revision,
            value: directive,
        })?;
        let path = self.ledger.directive_path();
        private_dir::replace(&path, &bytes, Durability::Crash)?;
        Ok(Outcome::Committed(Receipt {
            revision,
            record: None,
            entry: None,
        }))
    }

    /// One that cannot be read asks for nothing, and can be written over.
    pub(super) fn directive(&self) -> io::Result<(Directive, Option<Stamp>)> {
        let Some(bytes) = private_dir::read(&self.ledger.directive_path())? else {
            return Ok((Directive::default(), None));
        };
        match serde_json::from_slice::<Revised<Directive>>(&bytes) {
            Ok(Revised { revision, value }) => Ok((
                value,
                Some(Stamp {
                    created: revision,
                    version: revision,
                }),
            )),
            Err(error) => {
                tracing::warn!(election = self.ledger.election, %error, "garbage in the directive");
                Ok((Directive::default(), Some(stamp_of(&bytes))))
            }
        }
    }

    /// Why these bytes are no directive, if they are none.
    pub(super) fn directive_fault(bytes: &[u8]) -> Option<String> {
        let read = serde_json::from_slice::<Revised<Directive>>(bytes);
        read.err().map(|why| why.to_string())
    }

    pub(super) fn history(&self) -> io::Result<Vec<Transition>> {
        let lines = self.history_lines()?;
        let latest = &lines[lines.len().saturating_sub(Transition::KEPT)..];
        Ok(latest
            .iter()
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect())
    }

    pub(super) fn history_lines(&self) -> io::Result<Vec<Vec<u8>>> {
        let bytes = private_dir::read(&self.ledger.history_path())?.unwrap_or_default();
        let lines = bytes.split(|byte| *byte == b'\n');
        Ok(lines
            .filter(|line| !line.is_empty())
            .map(<[u8]>::to_vec)
            .collect())
    }

    /// Adds a line. The file is replaced only now and then, because on some file systems that means
    /// to wait for the disk.
    fn remember(&self, transition: &Transition) -> io::Result<()> {
        let path = self.ledger.history_path();
        // The line break comes first: what a crash may have left of another line stays alone.
        let mut line = b"\n".to_vec();
        serde_json::to_writer(&mut line, transition)?;
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        let mut file = private_dir::open(&path, &mut options)?.ok_or(io::ErrorKind::NotFound)?;
        file.write_all(&line)?;
        let lines = self.history_lines()?;
        if lines.len() <= Transition::KEPT * 2 {
            return Ok(());
        }
        let kept = lines[lines.len() - Transition::KEPT..].join(&b'\n');
        private_dir::replace(&path, &kept, Durability::Crash)
    }

    /// How far the election has come: every write makes it greater.
    pub(super) fn revision(&self) -> io::Result<u64> {
        let mut counter = [0; 8];
        let length = self.mutex.read_at(&mut counter, COUNTER_AT)?;
        match u64::from_le_bytes(counter) {
            revision if length == counter.len() && revision > 0 => Ok(revision),
            _ => self.recovered_revision(),
        }
    }

    /// A counter that was lost starts from the greatest number that it gave out and that counts.
    fn recovered_revision(&self) -> io::Result<u64> {
        let (_, record) = self.ledger.record()?;
        let mut revision = record.map_or(0, |stamp| stamp.created);
        for item in self.ledger.places.read_dir()? {
            revision = revision.max(entry_file::created(&item?.path())?.unwrap_or(0));
        }
        Ok(revision)
    }

    /// Written before what it numbers, so that no number is given out twice. A power cut may take
    /// it back, but no process lives through that with an old number in hand.
    fn next_revision(&self) -> io::Result<u64> {
        let next = self.revision()?.saturating_add(1);
        self.mutex.write_all_at(&next.to_le_bytes(), COUNTER_AT)?;
        Ok(next)
    }
}

#[cfg(test)]
#[path = "pen_tests.rs"]
mod tests;
