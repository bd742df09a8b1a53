use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fmt, io};

use super::role_file::RoleFile;
use crate::control::Role;

/// How long the end of the process waits for a slow file system.
const PATIENCE: Duration = Duration::from_millis(500);

/// The files that say what this node is, written by a thread of their own.
///
/// A file system may take its time, for ever if it has gone: no stop and no renewal waits for it. Of
/// several words that wait for it only the latest is written.
pub(super) struct RoleFiles {
    board: Arc<Board>,
    finished: Receiver<()>,
}

#[derive(Default)]
struct Board {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Default)]
struct State {
    /// What is not written yet.
    role: Option<Role>,
    over: bool,
}

impl RoleFiles {
    /// From now on these say what is said here; `missed` hears what could not be written.
    ///
    /// # Errors
    ///
    /// The system gives no thread.
    pub(super) fn keep(
        files: Vec<RoleFile>,
        missed: impl Fn(&RoleFile, io::Error) + Send + 'static,
    ) -> io::Result<Self> {
        let board = Arc::<Board>::default();
        let (done, finished) = sync_channel(1);
        let served = Arc::clone(&board);
        let serve = move || {
            served.serve(missed, files);
            // Nobody may be waiting any more.
            let _ = done.send(());
        };
        let thread = std::thread::Builder::new().name("role".to_owned());
        thread.spawn(serve)?;
        Ok(Self { board, finished })
    }

    /// Has them say `role`, a moment later.
    pub(super) fn say(&self, role: Role) {
        self.board.lock().role = Some(role);
        self.board.news.notify_one();
    }
}

impl Board {
    fn serve(&self, missed: impl Fn(&RoleFile, io::Error), mut files: Vec<RoleFile>) {
        while let Some(role) = self.next() {
            for file in &mut files {
                if let Err(error) = file.say(role) {
                    missed(file, error);
                }
            }
        }
    }

    /// The next word; `None` after the last one.
    fn next(&self) -> Option<Role> {
        let waits = |state: &mut State| state.role.is_none() && !state.over;
        let state = self.news.wait_while(self.lock(), waits);
        state.unwrap_or_else(PoisonError::into_inner).role.take()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing is done while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RoleFiles {
    fn drop(&mut self) {
        self.board.lock().over = true;
        self.board.news.notify_one();
        // Written or not: the process ends now.
        let _ = self.finished.recv_timeout(PATIENCE);
    }
}

impl fmt::Debug for RoleFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoleFiles").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc::channel;

    use super::super::role_file::Form;
    use super::*;

    #[test]
    fn nobody_waits_long_for_a_file_and_only_the_latest_word_is_tried() {
        let dir = tempfile::tempdir().unwrap();
        let (path, fresh) = (dir.path().join("track"), dir.path().join("track.new"));
        let track = RoleFile::create(&path, Form::Track, Role::Standby).unwrap();
        let (tell, told) = channel();
        let (go_on, waits) = channel::<()>();
        let files = RoleFiles::keep(vec![track], move |_, error| {
            tell.send(error).unwrap();
            waits.recv().unwrap();
        })
        .unwrap();
        // The thread is held up while it tells what it could not do.
        fs::create_dir(&fresh).unwrap();
        files.say(Role::Leader);
        told.recv().unwrap();
        files.say(Role::Leader);
        files.say(Role::Standby);
        let began = std::time::Instant::now();
        drop(files);
        assert!(began.elapsed() >= PATIENCE);
        go_on.send(()).unwrap();
        // It says standby already, and the word in between is not tried.
        assert!(told.recv().is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
    }

    #[test]
    fn at_the_end_all_that_was_said_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let (path, word) = (dir.path().join("track"), dir.path().join("role"));
        let track = RoleFile::create(&path, Form::Track, Role::Leader).unwrap();
        let role = RoleFile::create(&word, Form::Word, Role::Leader).unwrap();
        let (tell, told) = channel();
        let files = RoleFiles::keep(vec![track, role], move |file, _| {
            tell.send(file.path().to_owned()).unwrap();
        })
        .unwrap();
        files.say(Role::Failed);
        drop(files);
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
        assert!(!word.exists());
        assert!(told.recv().is_err(), "nothing was missed");
    }
}
