use std::collections::BTreeMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use tokio::io::unix::AsyncFd;

use crate::link::ElectionName;
use crate::readiness;

/// The kernel's news about files, for all elections of a session.
#[derive(Debug)]
pub(super) struct Watcher {
    inotify: AsyncFd<OwnedFd>,
    watches: Mutex<BTreeMap<i32, Watch>>,
}

/// Something that is watched, and for which election.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Watch {
    election: ElectionName,
    what: What,
}

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// The directory of the record, for the directive and, if need be, the record.
    Side {
        /// Whether the record counts.
        record: bool,
    },
    /// Our own entry.
    Own,
    /// The entry of another.
    Entry,
    /// The lock.
    Lock,
}

impl Watcher {
    /// Fails where the user has no watcher left: there are 128 on most machines.
    pub(super) fn new() -> io::Result<Self> {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        Ok(Self {
            inotify: readiness::of(inotify)?,
            watches: Mutex::default(),
        })
    }

    /// Watches a file or directory, from before this returns. `None` if there is none.
    pub(super) fn add(
        &self,
        path: &Path,
        what: What,
        election: &ElectionName,
    ) -> io::Result<Option<i32>> {
        let gone = WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
        let flags = match what {
            What::Side { .. } => WatchFlags::MOVED_TO | WatchFlags::DELETE | gone,
            // An open file that is unlinked changes its link count, no more.
            What::Own => WatchFlags::ATTRIB | gone,
            What::Entry => WatchFlags::ATTRIB | WatchFlags::CLOSE_WRITE | gone,
            // flock(1) opens it for reading only.
            What::Lock => {
                WatchFlags::ATTRIB | WatchFlags::CLOSE_WRITE | WatchFlags::CLOSE_NOWRITE | gone
            }
        };
        // Locked across both steps, so that no event comes for a watch that is not listed yet.
        let mut watches = self.lock();
        match inotify::add_watch(self.inotify.get_ref(), path, flags) {
            Ok(number) => {
                watches.insert(
                    number,
                    Watch {
                        election: election.clone(),
                        what,
                    },
                );
                Ok(Some(number))
            }
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Watches something no more.
    pub(super) fn remove(&self, number: i32) {
        self.lock().remove(&number);
        // It is gone already if the file is.
        let _ = inotify::remove_watch(self.inotify.get_ref(), number);
    }

    /// Waits for news, and tells of which elections. Cancel-safe.
    pub(super) async fn changed(&self) -> io::Result<Vec<ElectionName>> {
        loop {
            let mut ready = self.inotify.readable().await?;
            let elections = self.drain()?;
            if !elections.is_empty() {
                return Ok(elections);
            }
            ready.clear_ready();
        }
    }

    fn drain(&self) -> io::Result<Vec<ElectionName>> {
        let mut elections = Vec::new();
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(self.inotify.get_ref(), &mut buffer);
        let mut watches = self.lock();
        loop {
            let event = match reader.next() {
                Ok(event) => event,
                Err(rustix::io::Errno::AGAIN) => break,
                Err(error) => return Err(error.into()),
            };
            if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                elections.extend(watches.values().map(|watch| watch.election.clone()));
                continue;
            }
            let Some(watch) = watches.get(&event.wd()) else {
                continue;
            };
            let counts = match (watch.what, event.file_name()) {
                (What::Side { record }, Some(name)) => {
                    name == c"directive" || (record && name == c"record")
                }
                _ => true,
            };
            if counts {
                elections.push(watch.election.clone());
            }
            if event.events().contains(ReadFlags::IGNORED) {
                watches.remove(&event.wd());
            }
        }
        elections.sort_unstable();
        elections.dedup();
        Ok(elections)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<i32, Watch>> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
