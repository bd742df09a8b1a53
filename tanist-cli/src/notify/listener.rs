use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use tokio::sync::Notify;

use super::ChildWord;
use super::budget::Budget;
use super::sender::Admitted;
use super::words::Words;

/// The thread that reads what is said to us, and finds out who said it.
///
/// Anybody may send as much as he likes. So it is done beside the loop that renews, within a budget,
/// and what is handed over has a size that nobody can add to.
#[derive(Debug)]
pub(super) struct Listener(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    socket: UnixDatagram,
    state: Mutex<State>,
    /// There is a word.
    told: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// How many children there were, so that a late word of one is not taken for the next one's.
    round: u64,
    admitted: Admitted,
    words: Words,
    is_closed: bool,
}

/// What systemd takes at most.
const LONGEST: usize = 4096;

/// More than it ever uses: it counts where all memory is locked.
const STACK: usize = 128 * 1024;

impl Listener {
    /// Begins to listen, to nobody.
    pub(super) fn start(socket: UnixDatagram) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            socket,
            state: Mutex::default(),
            told: Notify::new(),
        });
        let theirs = Arc::clone(&shared);
        thread::Builder::new()
            .name("tanist-words".to_owned())
            .stack_size(STACK)
            .spawn(move || theirs.listen())?;
        Ok(Self(shared))
    }

    /// From now on those below this guard are heard. What came before is forgotten.
    pub(super) fn hear_below(&self, guard: u32) {
        // More than a socket holds.
        const MOST: usize = 4096;
        let mut state = self.0.lock();
        state.round += 1;
        state.admitted = Admitted::below(guard);
        state.words = Words::default();
        // Nobody else reads meanwhile: what is read after this came after it.
        (0..MOST)
            .take_while(|_| receive(&self.0.socket).is_ok())
            .for_each(drop);
    }

    /// The child runs as this process.
    pub(super) fn child_runs(&self, child: u32) {
        self.0.lock().admitted.runs(child);
    }

    /// The next word. Cancel safe; however many there are, others get their turn.
    pub(super) async fn next(&self) -> ChildWord {
        tokio::task::consume_budget().await;
        loop {
            let word = self.0.lock().words.pop();
            match word {
                Some(word) => return word,
                None => self.0.told.notified().await,
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        // It fails only where the thread needs no waking.
        let _ = self.0.socket.shutdown(Shutdown::Both);
    }
}

impl Shared {
    fn listen(&self) {
        let mut budget = Budget::new(tanist::clock::now().at);
        loop {
            if let Some(pause) = budget.pause(tanist::clock::now().at) {
                thread::sleep(pause);
            }
            // An error shows with the attempt that follows.
            let _ = poll(&mut [PollFd::new(&self.socket, PollFlags::IN)], None);
            let state = self.lock();
            if state.is_closed {
                return;
            }
            let received = receive(&self.socket);
            let (round, admitted) = (state.round, state.admitted);
            drop(state);
            match received {
                Ok(Some(message)) => self.take(&message, round, admitted, &mut budget),
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // It can fail only for want of memory, and must not turn for ever.
                Err(_) => thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    fn take(&self, message: &Message, round: u64, admitted: Admitted, budget: &mut Budget) {
        let counts = budget.allows(message.user, admitted.knows(message.user))
            && admitted.includes(message.pid, message.user);
        budget.found(message.user, counts);
        if !counts {
            return;
        }
        let mut state = self.lock();
        if state.round == round {
            state.words.hear(&message.text);
            drop(state);
            self.told.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Message {
    pid: u32,
    user: u32,
    text: String,
}

/// One message and who sent it, if there is one. Descriptors that come along are closed: there is
/// room for none.
fn receive(socket: &UnixDatagram) -> io::Result<Option<Message>> {
    let mut bytes = [0; LONGEST];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(
        socket.as_fd(),
        &mut [IoSliceMut::new(&mut bytes)],
        &mut ancillary,
        RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC,
    )?;
    let sender = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmCredentials(sender) => Some(sender),
        _ => None,
    });
    Ok(sender.map(|sender| Message {
        pid: sender.pid.as_raw_pid().cast_unsigned(),
        user: sender.uid.as_raw(),
        text: String::from_utf8_lossy(&bytes[..received.bytes]).into_owned(),
    }))
}
