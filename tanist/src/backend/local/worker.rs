use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use tanist_core::{Ask, Commit, Focus, Outcome, View};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::candidacy::Candidacy;
use super::ledger::{Ledger, is_at};
use super::probe::Probe;
use super::session::BLIND_POLL;
use super::watcher::{Watcher, What};
use crate::hands::Hands;
use crate::link::{ElectionName, Reports};
use crate::private_dir;

/// How long after a write its fsync begins: a disk that is busy with one holds up every file
/// operation, and so the next in line.
const SYNC_AFTER: Duration = Duration::from_millis(250);

/// What a worker is asked for.
#[derive(Debug)]
pub(super) enum Task {
    /// Read the election and report it.
    Look,
    /// The same if what is watched has changed: for those who get no news from the kernel.
    Glance,
    /// Watch this from now on.
    Watch(Focus),
    Commit {
        ask: Ask,
        commit: Box<Commit>,
    },
}

/// One election of a session: its file operations, one after the other, so that a slow one holds up
/// no other election.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) election: ElectionName,
    pub(super) reports: Reports,
    /// Number of the present connection; 0 is none.
    pub(super) link: Arc<AtomicU64>,
    pub(super) watcher: Option<Arc<Watcher>>,
    /// Told what is wrong when the store cannot be read.
    pub(super) troubles: mpsc::UnboundedSender<String>,
    /// Who does the file operations.
    pub(super) files: Hands,
    /// Who waits for the disk.
    pub(super) disk: Hands,
}

/// What goes to and fro between the worker and the thread that does its file operations.
#[derive(Debug)]
struct Desk {
    part: Part,
    election: ElectionName,
    watcher: Option<Arc<Watcher>>,
    focus: Focus,
    watches: Vec<i32>,
    glimpse: Glimpse,
    /// There is no election to watch yet.
    missing: bool,
}

/// What tells without a read that something was written: file numbers and times of change.
type Glimpse = [Option<(u64, i64, i64)>; 4];

/// How a process takes part in an election.
#[derive(Debug)]
pub(super) enum Part {
    Candidate(Candidacy),
    Observer {
        ledger: Ledger,
        /// Kept open, because closing it is an event for those who watch the lock.
        lock: Option<File>,
    },
}

impl Worker {
    /// Works until there is nobody left to ask, then gives up the place in the line.
    pub(super) async fn run(self, part: Part, mut tasks: mpsc::UnboundedReceiver<Task>) {
        let mut desk = Desk {
            part,
            election: self.election.clone(),
            watcher: self.watcher.clone(),
            focus: Focus::Own,
            watches: Vec::new(),
            glimpse: Glimpse::default(),
            missing: false,
        };
        let mut sync_at: Option<Instant> = None;
        loop {
            let task = tokio::select! {
                task = tasks.recv() => task,
                // What is not there cannot be watched, and an observer does not make it.
                () = sleep(BLIND_POLL), if desk.missing => Some(Task::Look),
                () = sleep_until(sync_at.unwrap_or_else(Instant::now)), if sync_at.is_some() => {
                    sync_at = None;
                    desk.sync(&self.disk);
                    continue;
                }
            };
            let Some(task) = task else {
                break;
            };
            let mut look = false;
            let mut next = Some(task);
            // Everything that has come meanwhile is answered by one view.
            while let Some(task) = next {
                match task {
                    Task::Look => look = true,
                    Task::Glance => look = look || desk.glance(),
                    Task::Watch(focus) => {
                        // What happened before it was watched has to be seen.
                        look = look || focus != Focus::Own;
                        desk.focus = focus;
                    }
                    Task::Commit { ask, commit } => {
                        desk = match self.commit(desk, ask, commit).await {
                            Some(desk) => desk,
                            None => return,
                        };
                    }
                }
                next = tasks.try_recv().ok();
            }
            if desk.is_written() && sync_at.is_none() {
                sync_at = Some(Instant::now() + SYNC_AFTER);
            }
            if look {
                desk = match self.look(desk).await {
                    Some(desk) => desk,
                    None => return,
                };
            }
        }
        // It fails only by a panic, and then the open files go with it.
        let _ = self.files.run(move || desk.close()).await;
    }

    /// `None` when the thread was lost, and with it what was open.
    async fn commit(&self, mut desk: Desk, ask: Ask, commit: Box<Commit>) -> Option<Desk> {
        let done = self.files.run(move || {
            let outcome = desk.commit(&commit);
            (desk, outcome)
        });
        let (desk, outcome) = done.await.ok()?;
        self.reports.answered(&self.election, ask, outcome);
        Some(desk)
    }

    async fn look(&self, mut desk: Desk) -> Option<Desk> {
        // Before the read: what is read on a connection that ends meanwhile is late.
        let link = self.link.load(Ordering::Acquire);
        let done = self.files.run(move || {
            let view = desk.look();
            (desk, view)
        });
        let (desk, view) = done.await.ok()?;
        match view {
            Ok(view) if link > 0 => self.reports.viewed(&self.election, link, view),
            Ok(_) => {}
            Err(error) => {
                // Without the session there is nobody to tell.
                let _ = self
                    .troubles
                    .send(format!("election {}: {error}", self.election));
            }
        }
        Some(desk)
    }
}

impl Desk {
    fn commit(&mut self, commit: &Commit) -> Outcome {
        match &mut self.part {
            Part::Candidate(candidacy) => candidacy.commit(commit),
            // It holds nothing, so nothing can be guarded by it.
            Part::Observer { .. } => Outcome::NotSent,
        }
    }

    const fn is_written(&self) -> bool {
        match &self.part {
            Part::Candidate(candidacy) => candidacy.is_written(),
            Part::Observer { .. } => false,
        }
    }

    /// Lets another thread wait for the disk.
    fn sync(&mut self, disk: &Hands) {
        let Some(ledger) = self.take_written() else {
            return;
        };
        // Not awaited: nothing depends on it, and the next commit must not wait for it.
        disk.start(move || {
            if let Err(error) = ledger.sync() {
                tracing::warn!(election = ledger.election, %error, "the disk is not up to date");
            }
        });
    }

    /// The files that a power cut may still take back, if there are any.
    fn take_written(&mut self) -> Option<Ledger> {
        match &mut self.part {
            Part::Candidate(candidacy) => {
                candidacy.take_written().then(|| candidacy.ledger.clone())
            }
            Part::Observer { .. } => None,
        }
    }

    /// Watches first, then reads: what changes in between is read or reported, or both.
    fn look(&mut self) -> io::Result<View> {
        self.watch();
        let read = self.read();
        self.missing = false;
        match (read, &self.part) {
            // New, or swept away by somebody.
            (Err(error), part) if error.kind() == io::ErrorKind::NotFound => match part {
                Part::Candidate(candidacy) => {
                    candidacy.ledger.found()?;
                    self.watch();
                    self.read()
                }
                Part::Observer { ledger, .. } => {
                    let view = ledger.nothing();
                    self.missing = true;
                    view
                }
            },
            (other, _) => other,
        }
    }

    /// Whether a look is due. A few calls that never wait for the disk.
    fn glance(&mut self) -> bool {
        // Who is next has to try the lock, and there is only one.
        if self.focus == Focus::Record {
            return true;
        }
        let (ledger, own) = match &self.part {
            Part::Candidate(candidacy) => {
                let own = candidacy.ledger.entry_path(candidacy.instance());
                (&candidacy.ledger, Some(own))
            }
            Part::Observer { ledger, .. } => (ledger, None),
        };
        let above = match &self.focus {
            Focus::Entry(entry) => ledger.find_entry(entry).map(|(path, _)| path),
            Focus::Record | Focus::Own => None,
        };
        if above.as_deref().is_some_and(is_abandoned) {
            return true;
        }
        let glimpse = [
            Some(ledger.record_path()),
            Some(ledger.directive_path()),
            own,
            above,
        ]
        .map(|path| glimpse(&path?));
        std::mem::replace(&mut self.glimpse, glimpse) != glimpse
    }

    fn read(&mut self) -> io::Result<View> {
        match &mut self.part {
            Part::Candidate(candidacy) => candidacy.view(),
            Part::Observer { ledger, lock } => {
                let path = ledger.lock_path();
                let present = match lock {
                    Some(lock) => is_at(lock, &path)?,
                    None => false,
                };
                if !present {
                    *lock = private_dir::open(&path, OpenOptions::new().read(true))?;
                }
                let view = ledger.pen()?.view(&Probe::of(lock.as_ref()))?;
                Ok(ledger.name_holder(view))
            }
        }
    }

    /// Without watches the poll still sees everything, later.
    fn watch(&mut self) {
        let Some(watcher) = &self.watcher else {
            return;
        };
        let (ledger, own) = match &self.part {
            Part::Candidate(candidacy) => {
                let own = candidacy.ledger.entry_path(candidacy.instance());
                (&candidacy.ledger, Some(own))
            }
            Part::Observer { ledger, .. } => (ledger, None),
        };
        let mut wanted = vec![(
            ledger.side.clone(),
            What::Side {
                record: !matches!(self.focus, Focus::Entry(_)),
            },
        )];
        wanted.extend(own.map(|own| (own, What::Own)));
        match &self.focus {
            Focus::Record | Focus::Own => wanted.push((ledger.lock_path(), What::Lock)),
            Focus::Entry(entry) => match ledger.find_entry(entry) {
                Some((path, _)) => wanted.push((path, What::Entry)),
                None => wanted.push((ledger.lock_path(), What::Lock)),
            },
        }
        let mut watches = Vec::new();
        for (path, what) in wanted {
            match watcher.add(&path, what, &self.election) {
                Ok(number) => watches.extend(number),
                Err(error) => {
                    tracing::warn!(election = &*self.election, %error, "nothing is watched");
                }
            }
        }
        for old in std::mem::replace(&mut self.watches, watches) {
            if !self.watches.contains(&old) {
                watcher.remove(old);
            }
        }
    }

    fn close(mut self) {
        if let Part::Candidate(candidacy) = &mut self.part {
            candidacy.close();
        }
        if let Some(watcher) = &self.watcher {
            self.watches
                .iter()
                .for_each(|number| watcher.remove(*number));
        }
    }
}

fn glimpse(path: &Path) -> Option<(u64, i64, i64)> {
    let is = path.symlink_metadata().ok()?;
    Some((is.ino(), is.ctime(), is.ctime_nsec()))
}

/// Whether nobody holds this entry any more.
fn is_abandoned(path: &Path) -> bool {
    match private_dir::open(path, OpenOptions::new().read(true)) {
        Ok(Some(entry)) => flock(&entry, FlockOperation::NonBlockingLockShared).is_ok(),
        Ok(None) | Err(_) => true,
    }
}
