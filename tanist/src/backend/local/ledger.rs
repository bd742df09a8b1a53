use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use tanist_core::{
    Candidate, Directive, EntryId, InstanceId, Outcome, Owner, Position, Reading, RecordState,
    Stamp, Vacancy, View,
};

use super::pen::Pen;
use super::probe::Probe;
use super::{entry_file, failure, holders};
use crate::backend::{Amendment, Snapshot};
use crate::clock;
use crate::damage::Part;
use crate::private_dir::{self, Durability};

/// Where everything but entries and locks is.
pub(super) const SIDE: &str = ".tanist";

pub(super) const ENTRY: &str = "entry-";

/// The files of one election. All methods block, none for longer than a disk takes and a second.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    pub(super) root: PathBuf,
    pub(super) election: String,
    /// Entries and the lock.
    pub(super) places: PathBuf,
    /// Record, directive, history, members.
    pub(super) side: PathBuf,
}

/// Gives the store its identity, once and for all.
pub(super) fn found_store(root: &Path) -> io::Result<()> {
    let side = root.join(SIDE);
    private_dir::make_inner(&side)?;
    let path = side.join("store");
    if private_dir::read(&path)?.is_some() {
        return Ok(());
    }
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let id = InstanceId::new(u128::from_le_bytes(random)).to_string();
    let mine = side.join(format!("store-{id}"));
    private_dir::replace(&mine, id.as_bytes(), Durability::PowerCut)?;
    // A link is made only where there is none, so the first of several founders wins.
    let linked = std::fs::hard_link(&mine, &path);
    private_dir::remove(&mine)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

impl Ledger {
    pub(super) fn new(root: &Path, election: &str) -> Self {
        Self {
            root: root.to_owned(),
            election: election.to_owned(),
            places: root.join(election),
            side: root.join(SIDE).join(election),
        }
    }

    pub(super) fn lock_path(&self) -> PathBuf {
        self.places.join("lock")
    }

    pub(super) fn record_path(&self) -> PathBuf {
        self.side.join("record")
    }

    pub(super) fn directive_path(&self) -> PathBuf {
        self.side.join("directive")
    }

    pub(super) fn history_path(&self) -> PathBuf {
        self.side.join("history")
    }

    pub(super) fn entry_path(&self, instance: InstanceId) -> PathBuf {
        self.places.join(format!("{ENTRY}{instance}"))
    }

    pub(super) fn entry_key(&self, instance: InstanceId) -> String {
        format!("{}/{ENTRY}{instance}", self.election)
    }

    /// The file of an entry of this election, and whose it is.
    pub(super) fn find_entry(&self, entry: &EntryId) -> Option<(PathBuf, InstanceId)> {
        let name = entry.key.strip_prefix(&self.election)?.strip_prefix('/')?;
        let instance = InstanceId::parse(name.strip_prefix(ENTRY)?)?;
        Some((self.entry_path(instance), instance))
    }

    /// Makes the directories of the election, unless they are there.
    pub(super) fn found(&self) -> io::Result<()> {
        found_store(&self.root)?;
        private_dir::make_inner(&self.places)?;
        private_dir::make_inner(&self.side)?;
        private_dir::make_inner(&self.side.join("member"))
    }

    /// Takes the pen. Whoever was stopped while he held it must not stop all others for ever, so
    /// the wait is bounded: by a second in which nobody else took it either.
    pub(super) fn pen(&self) -> io::Result<Pen<'_>> {
        const PATIENCE: Duration = Duration::from_secs(1);
        const SHORTEST: Duration = Duration::from_micros(20);
        // A write takes a few milliseconds at most; who has waited longer waits in a crowd.
        const SOON: Duration = Duration::from_millis(10);
        const LONGEST_SOON: Duration = Duration::from_micros(200);
        const LONGEST: Duration = Duration::from_millis(8);
        let path = self.side.join("mutex");
        let mut mutex = private_dir::open_or_create(&path)?;
        let begun = Instant::now();
        let mut step = SHORTEST;
        let (mut turn, mut since) = (turn_of(&mutex)?, Instant::now());
        loop {
            match flock(&mutex, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) if is_at(&mutex, &path)? => {
                    let next = turn_of(&mutex)?.wrapping_add(1);
                    mutex.write_all_at(&next.to_ne_bytes(), 0)?;
                    return Ok(Pen::new(self, mutex));
                }
                Ok(()) => mutex = private_dir::open_or_create(&path)?,
                Err(rustix::io::Errno::WOULDBLOCK) => {}
                Err(error) => return Err(error.into()),
            }
            let present = turn_of(&mutex)?;
            if present != turn {
                (turn, since) = (present, Instant::now());
            } else if since.elapsed() > PATIENCE {
                let why = format!(
                    "{} is held by a process that does not go on",
                    path.display()
                );
                return Err(io::Error::new(io::ErrorKind::TimedOut, why));
            }
            std::thread::sleep(step);
            let longest = if begun.elapsed() < SOON {
                LONGEST_SOON
            } else {
                LONGEST
            };
            step = (step * 2).min(longest);
        }
    }

    /// The election without a session of ours.
    ///
    /// Creates nothing: where a directory is missing, nobody stands.
    pub(super) fn snapshot(&self) -> io::Result<Snapshot> {
        match self.read() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Snapshot {
                view: self.nothing()?,
                directive_stamp: None,
                history: Vec::new(),
                renewed_at: None,
                holders: Vec::new(),
            }),
            other => other,
        }
    }

    fn read(&self) -> io::Result<Snapshot> {
        let pen = self.pen()?;
        let probe = private_dir::open(&self.lock_path(), OpenOptions::new().read(true))?;
        let view = pen.view(&Probe::of(probe.as_ref()))?;
        let (_, directive_stamp) = pen.directive()?;
        let history = pen.history()?;
        let leader = view.record.known().map(|record| record.entry.clone());
        let renewed_at = match leader.and_then(|entry| self.find_entry(&entry)) {
            Some((path, _)) => entry_file::renewed_at(&path)?,
            None => None,
        };
        drop(pen);
        let view = self.name_holder(view);
        // Sooner than it is over: whoever finds it to be so a moment later has the names.
        let silent = |at| {
            let lease = view.record.known().map(|record| record.lease);
            lease.is_some_and(|lease| clock::now().at.since(at) > lease / 2)
        };
        let holders = if view.lingering().is_some() || renewed_at.is_some_and(silent) {
            holders::holders(&self.lock_path())
        } else {
            Vec::new()
        };
        Ok(Snapshot {
            view,
            directive_stamp,
            history,
            renewed_at,
            holders,
        })
    }

    /// Puts whoever holds the lock without leading by the record at the head of the line.
    pub(super) fn name_holder(&self, mut view: View) -> View {
        let leads = view
            .record
            .known()
            .is_some_and(|r| r.state != RecordState::Resigned);
        if view.vacancy == Vacancy::Held && !leads {
            let key = format!("{}/lock", self.election);
            let label = holders::describe(&self.lock_path());
            let owner = Owner::Foreign {
                label,
                session: true,
            };
            view.line.insert(
                0,
                Candidate {
                    entry: EntryId { key, created: 0 },
                    owner,
                },
            );
        }
        view
    }

    /// The record and its version, without the pen: it is replaced as a whole.
    pub(super) fn record(&self) -> io::Result<(Reading, Option<Stamp>)> {
        let Some(bytes) = private_dir::read(&self.record_path())? else {
            return Ok((Reading::Absent, None));
        };
        if bytes.is_empty() {
            // Nobody writes that, but a power cut may leave it of a file that was just replaced.
            return Ok((Reading::Absent, None));
        }
        let Ok(mut value) = serde_json::from_slice::<serde_json::Value>(&bytes) else {
            return Ok((
                Reading::decode(&bytes, &self.election),
                Some(stamp_of(&bytes)),
            ));
        };
        let revision = value
            .as_object_mut()
            .and_then(|fields| fields.remove("revision"));
        // One written by hand has no revision; its bytes tell it from others.
        let stamp = match revision.and_then(|revision| revision.as_u64()) {
            Some(revision) => Stamp {
                created: revision,
                version: revision,
            },
            None => stamp_of(&bytes),
        };
        let reading = Reading::decode(value.to_string().as_bytes(), &self.election);
        Ok((reading, Some(stamp)))
    }

    /// A guarded write without a session.
    pub(super) fn amend(&self, amendment: &Amendment) -> Outcome {
        if let Err(error) = self.found() {
            return failure(&error);
        }
        let pen = match self.pen() {
            Ok(pen) => pen,
            Err(error) => return failure(&error),
        };
        let done = match amendment {
            Amendment::Direct {
                over,
                record,
                directive,
            } => pen.direct(*over, *record, directive),
            Amendment::DeleteEntry { entry } => pen.delete_entry(entry),
            Amendment::WriteRecord { over, record } => pen.write_record(*over, record),
            Amendment::Repair { over, mend } => pen.repair(over, mend),
        };
        drop(pen);
        let durable = match amendment {
            Amendment::Direct { .. } => private_dir::sync(&self.directive_path()),
            Amendment::Repair { mend, .. } => match mend.part() {
                Part::Directive => private_dir::sync(&self.directive_path()),
                Part::Record | Part::History => self.sync(),
            },
            // A release must not wait for the disk: after a power cut the lock is free anyway.
            Amendment::WriteRecord { record, .. } if record.state != RecordState::Resigned => {
                self.sync()
            }
            Amendment::WriteRecord { .. } | Amendment::DeleteEntry { .. } => Ok(()),
        };
        match (done, durable) {
            (Ok(Outcome::Committed(_)), Err(_)) => Outcome::Unknown,
            (Ok(outcome), _) => outcome,
            (Err(error), _) => failure(&error),
        }
    }

    /// Makes record and history survive a power cut. Without the pen, because a disk may take
    /// long, and nobody's leadership depends on it.
    pub(super) fn sync(&self) -> io::Result<()> {
        private_dir::sync(&self.record_path())?;
        private_dir::sync(&self.history_path())
    }

    /// The view of an election that nobody ever stood in.
    pub(super) fn nothing(&self) -> io::Result<View> {
        let store = match identity(&self.root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            other => other?,
        };
        Ok(View {
            position: Position { store, revision: 0 },
            record: Reading::Absent,
            record_stamp: None,
            beat: None,
            line: Vec::new(),
            members: BTreeMap::new(),
            directive: Directive::default(),
            vacancy: Vacancy::Free,
        })
    }
}

/// How often the pen was taken: only whether it changed means anything.
fn turn_of(mutex: &File) -> io::Result<u64> {
    let mut turn = [0; 8];
    mutex.read_at(&mut turn, 0)?;
    Ok(u64::from_ne_bytes(turn))
}

/// Whether an open file is still the one at its path.
pub(super) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let own = file.metadata()?;
    match path.symlink_metadata() {
        Ok(there) => Ok(own.nlink() > 0 && own.ino() == there.ino() && own.dev() == there.dev()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// What tells this store from another at the same place.
pub(super) fn identity(root: &Path) -> io::Result<u64> {
    let path = root.join(SIDE).join("store");
    let bytes = private_dir::read(&path)?.ok_or(io::ErrorKind::NotFound)?;
    Ok(digest(&bytes))
}

pub(super) fn stamp_of(bytes: &[u8]) -> Stamp {
    Stamp {
        created: 0,
        version: digest(bytes),
    }
}

/// FNV-1a: tells apart what nobody made up to be mistaken.
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
