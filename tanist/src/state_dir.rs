use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use tanist_core::Memory;

use crate::error::{Error, ErrorKind};
use crate::private_dir::{self, Durability};
use crate::target::check_election;

const READ: &str = "read the state directory";
const WRITE: &str = "write the state directory";

/// What this machine remembers of `election` in the state directory `dir`: the highest term and the
/// longest lease that it ever saw. Creates nothing; where nothing was kept, it is nothing.
///
/// # Errors
///
/// [`ErrorKind::Unsafe`] for a directory that others could write to, [`ErrorKind::Garbage`] for a
/// file that tanist did not write.
pub fn remembered(dir: &Path, election: &str) -> Result<Memory, Error> {
    check_election(election)?;
    if !private_dir::check(dir, READ)? {
        return Ok(Memory::default());
    }
    StateDir::new(dir.to_owned(), election).read()
}

/// What this machine remembers of one election, on its own disk: one small file per election.
///
/// Several processes may share a directory; nothing that one of them saw is ever forgotten for
/// what another did not see.
#[derive(Clone, Debug)]
pub(crate) struct StateDir {
    dir: PathBuf,
    file: PathBuf,
}

impl StateDir {
    pub(crate) fn new(dir: PathBuf, election: &str) -> Self {
        let file = dir.join(format!("{election}.json"));
        Self { dir, file }
    }

    /// What is remembered; nothing, if nothing was ever kept.
    pub(crate) fn load(&self) -> Result<Memory, Error> {
        private_dir::prepare(&self.dir, READ)?;
        self.read()
    }

    fn read(&self) -> Result<Memory, Error> {
        let failed = |error| Error::io(READ, error).with("path", self.file.display());
        match private_dir::read(&self.file).map_err(failed)? {
            None => Ok(Memory::default()),
            Some(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                Error::new(
                    ErrorKind::Garbage,
                    READ,
                    "the file is not what tanist wrote",
                )
                .with("path", self.file.display())
                .hint(
                    "it is replaced at the next change; until then terms rise by the store \
                           and the wall clock",
                )
                .caused_by(error)
            }),
        }
    }

    /// Keeps `memory`, together with what is there already; durable on return.
    pub(crate) fn save(&self, memory: Memory) -> Result<(), Error> {
        private_dir::prepare(&self.dir, WRITE)?;
        let failed = |error| Error::io(WRITE, error).with("path", self.file.display());
        let _lock = lock(&self.dir)?;
        // What cannot be read is worth nothing, and was told when it was loaded.
        let mut all = self.load().unwrap_or_default();
        if !all.learn(memory.highest_term, memory.longest_lease) {
            return Ok(());
        }
        let bytes = serde_json::to_vec(&all).map_err(|error| failed(error.into()))?;
        private_dir::replace(&self.file, &bytes, Durability::PowerCut).map_err(failed)
    }
}

/// Locks the directory against other writers until the file is dropped. A process that was stopped
/// in between must not stop all others, so the wait is bounded.
fn lock(dir: &Path) -> Result<File, Error> {
    const PATIENCE: Duration = Duration::from_secs(1);
    const STEP: Duration = Duration::from_millis(1);
    let failed = |error| Error::io(WRITE, error).with("path", dir.display());
    let file = File::open(dir).map_err(failed)?;
    let begun = Instant::now();
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK) if begun.elapsed() < PATIENCE => {
                std::thread::sleep(STEP);
            }
            Err(error) => return Err(failed(error.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tanist_core::Term;

    use super::*;

    fn memory(term: u64, millis: u64) -> Memory {
        Memory {
            highest_term: Term::new(term),
            longest_lease: Duration::from_millis(millis),
        }
    }

    #[test]
    fn what_was_kept_is_remembered_and_only_grows() {
        let temp = tempfile::tempdir().unwrap();
        let state = StateDir::new(temp.path().join("state"), "jobs");
        assert_eq!(state.load().unwrap(), Memory::default());
        state.save(memory(7, 300)).unwrap();
        state.save(memory(5, 8000)).unwrap();
        assert_eq!(state.load().unwrap(), memory(7, 8000));
        let other = StateDir::new(temp.path().join("state"), "mail");
        assert_eq!(other.load().unwrap(), Memory::default());
    }

    /// F98: an empty, a half written, a garbled state file.
    #[test]
    fn a_corrupt_file_is_told_and_replaced() {
        let temp = tempfile::tempdir().unwrap();
        let state = StateDir::new(temp.path().join("state"), "jobs");
        state.save(memory(7, 300)).unwrap();
        for garbage in [&b""[..], b"{\"highest_term\":", b"\xff\xfe", b"[]"] {
            fs::write(&state.file, garbage).unwrap();
            let error = state.load().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Garbage);
            state.save(memory(9, 300)).unwrap();
            assert_eq!(state.load().unwrap(), memory(9, 300));
        }
    }

    #[test]
    fn many_writers_lose_nothing() {
        let temp = tempfile::tempdir().unwrap();
        let state = StateDir::new(temp.path().join("state"), "jobs");
        std::thread::scope(|scope| {
            for writer in 1..=8_u64 {
                let state = &state;
                scope.spawn(move || {
                    for round in 0..10 {
                        state.save(memory(writer * 100 + round, writer)).unwrap();
                    }
                });
            }
        });
        assert_eq!(state.load().unwrap(), memory(809, 8));
    }

    /// F98: a directory that is none.
    #[test]
    fn a_place_that_cannot_be_written_is_an_error_not_a_panic() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("file");
        fs::write(&file, "").unwrap();
        let state = StateDir::new(file.join("state"), "jobs");
        assert_eq!(state.save(memory(1, 1)).unwrap_err().kind(), ErrorKind::Io);
        assert!(state.load().is_err());
    }
}
