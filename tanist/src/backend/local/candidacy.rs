use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock};
use tanist_core::{
    Commit, EntryId, InstanceId, Member, Outcome, Receipt, Record, Refusal, Stamp, View,
};

use super::entry_file;
use super::ledger::{Ledger, is_at};
use super::pen::Pen;
use super::probe::{Probe, naming_lock};
use super::{Held, failure};
use crate::{clock, private_dir};

/// What this process holds in one election: its entry and, while it leads, the lock. Both are open
/// files, so the kernel gives them back however the process ends.
#[derive(Debug)]
pub(super) struct Candidacy {
    pub(super) ledger: Ledger,
    instance: InstanceId,
    held: Held,
    entry: Option<Entry>,
    /// Open on the lock file and kept open, because closing it wakes everybody who waits for it.
    lock: Option<Arc<File>>,
    /// The entry for which the lock was taken.
    leads: Option<EntryId>,
    /// Record or history were written, and a power cut may still take that back.
    written: bool,
}

#[derive(Debug)]
struct Entry {
    id: EntryId,
    file: File,
}

impl Candidacy {
    pub(super) const fn new(ledger: Ledger, instance: InstanceId, held: Held) -> Self {
        Self {
            ledger,
            instance,
            held,
            entry: None,
            lock: None,
            leads: None,
            written: false,
        }
    }

    pub(super) const fn instance(&self) -> InstanceId {
        self.instance
    }

    /// The election as it stands now.
    pub(super) fn view(&mut self) -> io::Result<View> {
        let ledger = self.ledger.clone();
        let pen = ledger.pen()?;
        let lock = if self.leads.is_some() {
            None
        } else {
            Some(self.lock_file()?)
        };
        let view = pen.view(&match &lock {
            Some(lock) => Probe::Try(lock),
            None => Probe::Ours,
        })?;
        drop(pen);
        Ok(ledger.name_holder(view))
    }

    /// Carries out a commit.
    pub(super) fn commit(&mut self, commit: &Commit) -> Outcome {
        let done = match commit {
            Commit::Found { record } => self.found(record),
            Commit::Stand { member } => self.stand(member),
            Commit::Publish { member } => self.publish(member),
            Commit::Claim {
                entry,
                over,
                beat,
                record,
                depose,
            } => {
                if beat.is_some() {
                    return Outcome::Refused(Refusal::BeatChanged);
                }
                self.claim(entry, *over, record, depose.as_ref())
            }
            Commit::Renew {
                record,
                entry,
                beat: _,
            } => self.renew(*record, entry),
            Commit::Lead {
                entry,
                over,
                record,
            } => self.lead(entry, *over, record),
            Commit::Withdraw {
                entry,
                over,
                record,
            } => self.withdraw(entry, *over, record),
            Commit::Leave { entry } => self.leave(entry),
        };
        done.unwrap_or_else(|error| {
            tracing::warn!(election = self.ledger.election, %error, "a commit failed");
            failure(&error)
        })
    }

    pub(super) const fn is_written(&self) -> bool {
        self.written
    }

    /// Whether record or history were written since this was asked last.
    pub(super) const fn take_written(&mut self) -> bool {
        std::mem::replace(&mut self.written, false)
    }

    /// Gives up the place in the line. A lock that was not withdrawn stays with those processes of
    /// the work that have it open, and is free when they are gone.
    pub(super) fn close(&mut self) {
        let Some(entry) = self.entry.take() else {
            return;
        };
        let deleted = self
            .ledger
            .pen()
            .and_then(|pen| pen.delete_entry(&entry.id));
        if let Err(error) = deleted {
            // The next one who looks removes it, because nobody holds it any more.
            tracing::debug!(election = self.ledger.election, %error, "the entry was left behind");
        }
    }

    fn found(&mut self, record: &Record) -> io::Result<Outcome> {
        self.ledger.found()?;
        let ledger = self.ledger.clone();
        let pen = ledger.pen()?;
        self.write_record(&pen, None, record)
    }

    fn stand(&mut self, member: &Member) -> io::Result<Outcome> {
        self.ledger.found()?;
        let pen = self.ledger.pen()?;
        let revision = pen.write_member(self.instance, member)?;
        if let Some(entry) = &self.entry
            && is_at(&entry.file, &self.ledger.entry_path(self.instance))?
        {
            let id = entry.id.clone();
            return Ok(Outcome::Committed(Receipt {
                revision,
                record: None,
                entry: Some(id),
            }));
        }
        let (id, file) = pen.create_entry(self.instance)?;
        let revision = id.created;
        self.entry = Some(Entry {
            id: id.clone(),
            file,
        });
        Ok(Outcome::Committed(Receipt {
            revision,
            record: None,
            entry: Some(id),
        }))
    }

    fn publish(&self, member: &Member) -> io::Result<Outcome> {
        self.ledger.found()?;
        let revision = self.ledger.pen()?.write_member(self.instance, member)?;
        Ok(Outcome::Committed(Receipt {
            revision,
            record: None,
            entry: None,
        }))
    }

    fn claim(
        &mut self,
        entry: &EntryId,
        over: Option<Stamp>,
        record: &Record,
        depose: Option<&EntryId>,
    ) -> io::Result<Outcome> {
        // A lock of a leadership that was lost: it proves nothing about the next.
        self.unlock()?;
        let ledger = self.ledger.clone();
        let pen = ledger.pen()?;
        if !self.stands_as(entry)? {
            return Ok(Outcome::Refused(Refusal::EntryMissing));
        }
        if ledger.record()?.1 != over {
            return Ok(Outcome::Refused(Refusal::RecordChanged));
        }
        let lock = self.lock_file()?;
        match flock(&*lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) if is_at(&lock, &ledger.lock_path())? => {}
            Ok(()) | Err(rustix::io::Errno::WOULDBLOCK) => {
                return Ok(Outcome::Refused(Refusal::Held));
            }
            Err(error) => return Err(error.into()),
        }
        self.leads = Some(entry.clone());
        if let Some(own) = &self.entry {
            entry_file::renew(&own.file, clock::now().at);
        }
        self.held.lock().insert(ledger.election.clone(), lock);
        let written = self.write_record(&pen, over, record);
        match &written {
            Ok(Outcome::Committed(_)) => {
                if let Some(deposed) = depose {
                    pen.delete_entry(deposed)?;
                }
            }
            // It may stand there: whether it does is seen, and the lock is kept until then.
            Ok(Outcome::Unknown) => {}
            Ok(Outcome::Refused(_) | Outcome::NotSent) | Err(_) => self.unlock()?,
        }
        written
    }

    /// Proof enough without the pen: nobody but the holder of the lock writes the record, and what
    /// is checked can only be lost for good.
    fn renew(&self, record: Stamp, entry: &EntryId) -> io::Result<Outcome> {
        let (Some(lock), Some(leads)) = (&self.lock, &self.leads) else {
            return Ok(Outcome::Refused(Refusal::EntryMissing));
        };
        let (place, path) = (
            self.ledger.entry_path(self.instance),
            self.ledger.lock_path(),
        );
        if leads != entry || !self.stands_as(entry)? {
            return Ok(lost(&place, "is gone", Refusal::EntryMissing));
        }
        if !is_at(lock, &path)? {
            return Ok(lost(&path, "is gone", Refusal::EntryMissing));
        }
        // Ours already, unless a process that inherited it gave it away.
        match flock(&**lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Ok(lost(&path, "is locked by another", Refusal::Held));
            }
            Err(error) => return Err(error.into()),
        }
        if self.ledger.record()?.1 != Some(record) {
            let path = self.ledger.record_path();
            return Ok(lost(&path, "is not ours", Refusal::RecordChanged));
        }
        if let Some(own) = &self.entry {
            entry_file::renew(&own.file, clock::now().at);
        }
        let receipt = Receipt {
            revision: 0,
            record: Some(record),
            entry: None,
        };
        Ok(Outcome::Committed(receipt))
    }

    fn lead(&mut self, entry: &EntryId, over: Stamp, record: &Record) -> io::Result<Outcome> {
        let ledger = self.ledger.clone();
        let pen = ledger.pen()?;
        match self.renew(over, entry)? {
            Outcome::Committed(_) => self.write_record(&pen, Some(over), record),
            refused => Ok(refused),
        }
    }

    fn withdraw(&mut self, entry: &EntryId, over: Stamp, record: &Record) -> io::Result<Outcome> {
        let ledger = self.ledger.clone();
        let pen = ledger.pen()?;
        let written = self.write_record(&pen, Some(over), record)?;
        if !matches!(written, Outcome::Committed(_)) {
            return Ok(written);
        }
        pen.delete_entry(entry)?;
        self.forget_entry(entry);
        // The lock last: who finds it free must find everything else done.
        self.unlock()?;
        Ok(written)
    }

    fn leave(&mut self, entry: &EntryId) -> io::Result<Outcome> {
        if self
            .ledger
            .find_entry(entry)
            .is_none_or(|(_, owner)| owner != self.instance)
        {
            return Ok(Outcome::Refused(Refusal::EntryMissing));
        }
        let ledger = self.ledger.clone();
        let pen = ledger.pen()?;
        let outcome = pen.delete_entry(entry)?;
        self.forget_entry(entry);
        if self.leads.as_ref() == Some(entry) {
            self.unlock()?;
        }
        Ok(outcome)
    }

    fn write_record(
        &mut self,
        pen: &Pen<'_>,
        over: Option<Stamp>,
        record: &Record,
    ) -> io::Result<Outcome> {
        self.written = true;
        match &self.lock {
            Some(lock) if self.leads.is_some() => {
                pen.write_record(over, &naming_lock(record, lock)?)
            }
            Some(_) | None => pen.write_record(over, record),
        }
    }

    fn forget_entry(&mut self, entry: &EntryId) {
        if self.entry.as_ref().is_some_and(|own| own.id == *entry) {
            self.entry = None;
        }
    }

    /// Whether our entry is this one and still at its place.
    fn stands_as(&self, entry: &EntryId) -> io::Result<bool> {
        match &self.entry {
            Some(own) if own.id == *entry => {
                is_at(&own.file, &self.ledger.entry_path(self.instance))
            }
            Some(_) | None => Ok(false),
        }
    }

    /// The lock file as it is at its path now, not locked by us unless we lead.
    fn lock_file(&mut self) -> io::Result<Arc<File>> {
        let path = self.ledger.lock_path();
        if let Some(lock) = &self.lock
            && is_at(lock, &path)?
        {
            return Ok(Arc::clone(lock));
        }
        let lock = Arc::new(private_dir::open_or_create(&path)?);
        self.lock = Some(Arc::clone(&lock));
        Ok(lock)
    }

    /// Gives the lock back for all who have it open, and wakes those who wait for it.
    fn unlock(&mut self) -> io::Result<()> {
        if self.leads.take().is_none() {
            return Ok(());
        }
        self.held.lock().remove(&self.ledger.election);
        if let Some(lock) = self.lock.take() {
            flock(&*lock, FlockOperation::Unlock)?;
        }
        // Unlocking is not an event, closing is; and ours may not be the last copy.
        drop(private_dir::open_or_create(&self.ledger.lock_path())?);
        Ok(())
    }
}

/// The leadership is over because of the file at `path`: whoever looks for the reason has to learn
/// of it here.
fn lost(path: &Path, why: &str, refusal: Refusal) -> Outcome {
    tracing::warn!("{} {why}, so the leadership is lost", path.display());
    Outcome::Refused(refusal)
}

impl Drop for Candidacy {
    fn drop(&mut self) {
        // Otherwise the lock would be held until the whole backend is dropped.
        if self.leads.is_some() {
            self.held.lock().remove(&self.ledger.election);
        }
    }
}
