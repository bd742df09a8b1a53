use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// Threads for what blocks: file operations, and disks that take their time.
///
/// One is there from the beginning and stays, so that what is asked for later is done even where the
/// system gives no further thread. More of them come and go with the work, as far as the system gives
/// them; where it does not, the work waits its turn.
///
/// The runtime's own threads will not do: it lets them all go when they are idle, and panics where
/// it gets no new one.
#[derive(Clone)]
pub(crate) struct Hands {
    board: Arc<Board>,
    /// The last one that is dropped sends the threads home, when they have done what is left.
    _owner: Arc<Owner>,
}

struct Owner(Arc<Board>);

#[derive(Default)]
struct Board {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// A thread waits for the next one.
    is_awaited: bool,
    threads: usize,
    over: bool,
}

/// How many threads there are at most.
const MOST: usize = 64;

impl Hands {
    /// One thread, for as long as this or a clone of it lives.
    ///
    /// # Errors
    ///
    /// The system gives no thread.
    pub(crate) fn hire() -> io::Result<Self> {
        let board = Arc::<Board>::default();
        board.lock().threads = 1;
        Board::start(&board)?;
        let owner = Owner(Arc::clone(&board));
        Ok(Self {
            board,
            _owner: Arc::new(owner),
        })
    }

    /// Does `work` on one of the threads.
    ///
    /// Dropped, it goes on and nobody hears of it.
    ///
    /// # Errors
    ///
    /// It panicked.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        let (tell, told) = oneshot::channel();
        self.start(move || {
            // Nobody may be waiting any more.
            let _ = tell.send(work());
        });
        told.await
            .map_err(|_| io::Error::other("a file operation panicked"))
    }

    /// The same without waiting for it.
    pub(crate) fn start(&self, work: impl FnOnce() + Send + 'static) {
        let mut state = self.board.lock();
        state.jobs.push_back(Box::new(work));
        let more = state.jobs.len() > usize::from(state.is_awaited) && state.threads < MOST;
        state.threads += usize::from(more);
        drop(state);
        self.board.news.notify_one();
        if more && Board::start(&self.board).is_err() {
            // Those there are do it, one after the other.
            self.board.lock().threads -= 1;
        }
    }
}

impl Board {
    fn start(board: &Arc<Self>) -> io::Result<()> {
        let board = Arc::clone(board);
        let thread = std::thread::Builder::new().name("hand".to_owned());
        thread.spawn(move || board.serve()).map(drop)
    }

    fn serve(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                // Who waits for it sees that nothing came of it.
                let _ = catch_unwind(AssertUnwindSafe(job));
                state = self.lock();
                continue;
            }
            if state.over || state.is_awaited {
                break;
            }
            state.is_awaited = true;
            state = self
                .news
                .wait_while(state, |state| state.jobs.is_empty() && !state.over)
                .unwrap_or_else(PoisonError::into_inner);
            state.is_awaited = false;
        }
        state.threads -= 1;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No job is done while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.lock().over = true;
        self.0.news.notify_all();
    }
}

impl fmt::Debug for Hands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hands").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[tokio::test]
    async fn several_things_that_wait_for_each_other_are_done_at_once() {
        let hands = Hands::hire().unwrap();
        let (tell, told) = channel();
        let waits = hands.run(move || told.recv().unwrap());
        let says = hands.run(move || tell.send(7).unwrap());
        let (seven, said) = tokio::join!(waits, says);
        assert_eq!((seven.unwrap(), said.is_ok()), (7, true));
    }

    #[tokio::test]
    async fn one_panic_does_not_end_the_others_work() {
        let hands = Hands::hire().unwrap();
        let lost = hands.run(|| panic!("on purpose")).await;
        assert!(lost.is_err());
        assert_eq!(hands.run(|| 1).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn what_was_asked_for_is_done_although_nobody_is_left_to_ask() {
        let hands = Hands::hire().unwrap();
        let (tell, told) = channel();
        hands.start(move || tell.send(1).unwrap());
        drop(hands);
        assert_eq!(told.recv().unwrap(), 1);
        // The thread has gone home, and its end of the channel with it.
        assert!(told.recv().is_err());
    }
}
