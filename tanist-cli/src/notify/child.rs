use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::SocketAddr;

use rustix::net::sockopt::set_socket_passcred;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use tanist::InstanceId;
use tokio::io::Interest;
use tokio::net::UnixDatagram;

use super::sender::Admitted;

/// Where our child says how it is, in place of our own service manager.
///
/// Its name is abstract, so that a child of any user can reach it. So can every process of the
/// machine; what is not of the child's tree is not heard.
#[derive(Debug)]
pub(crate) struct ChildSocket {
    socket: Option<UnixDatagram>,
    name: String,
    admitted: Admitted,
    heard: VecDeque<ChildWord>,
}

/// What a child says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChildWord {
    /// It serves.
    Ready,
    /// A line for people.
    Status(String),
    /// It makes progress.
    Alive,
    /// It asks to be taken for stuck.
    Stuck,
}

/// What systemd takes at most.
const LONGEST: usize = 4096;

impl ChildSocket {
    /// The socket of one start of a node.
    ///
    /// # Errors
    ///
    /// What the system says; the child can do without.
    pub(crate) fn open(election: &str, instance: InstanceId) -> io::Result<Self> {
        let name = format!("tanist/{election}/{instance}");
        let address = SocketAddr::from_abstract_name(&name)?;
        let socket = std::os::unix::net::UnixDatagram::bind_addr(&address)?;
        socket.set_nonblocking(true)?;
        set_socket_passcred(&socket, true)?;
        Ok(Self {
            socket: Some(UnixDatagram::from_std(socket)?),
            name,
            ..Self::none()
        })
    }

    /// In place of one that cannot be had.
    pub(crate) const fn none() -> Self {
        Self {
            socket: None,
            name: String::new(),
            admitted: Admitted::below(0),
            heard: VecDeque::new(),
        }
    }

    /// What the child finds in its environment.
    pub(crate) fn variable(&self) -> Option<(OsString, OsString)> {
        let address = format!("@{}", self.name);
        let is_open = self.socket.is_some();
        is_open.then(|| ("NOTIFY_SOCKET".into(), address.into()))
    }

    /// From now on those below this guard are heard, and nobody else. What came before is forgotten.
    pub(crate) fn hear_below(&mut self, guard: u32) {
        self.admitted = Admitted::below(guard);
        self.heard.clear();
        // More than a socket holds.
        const MOST: usize = 4096;
        if let Some(socket) = &self.socket {
            (0..MOST)
                .take_while(|_| receive(socket).is_ok())
                .for_each(drop);
        }
    }

    /// The child runs as this process.
    pub(crate) fn child_runs(&mut self, child: u32) {
        self.admitted.runs(child);
    }

    /// The next word of the child. Cancel safe.
    pub(crate) async fn next(&mut self) -> ChildWord {
        loop {
            if let Some(word) = self.heard.pop_front() {
                return word;
            }
            let Some(socket) = &self.socket else {
                return std::future::pending().await;
            };
            // An error shows with the next attempt.
            let _ = socket.readable().await;
            match socket.try_io(Interest::READABLE, || receive(socket)) {
                Ok(Some(message)) if self.admitted.includes(message.pid, message.user) => {
                    self.heard.extend(words(&message.text));
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // It can fail only for want of memory, and must not turn for ever.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
            }
        }
    }
}

struct Message {
    pid: u32,
    user: u32,
    text: String,
}

/// One message and who sent it. Descriptors that come along are closed: there is room for none.
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

fn words(text: &str) -> impl Iterator<Item = ChildWord> + '_ {
    text.lines().filter_map(|line| match line.split_once('=')? {
        ("READY", "1") => Some(ChildWord::Ready),
        ("WATCHDOG", "1") => Some(ChildWord::Alive),
        ("WATCHDOG", "trigger") => Some(ChildWord::Stuck),
        ("STATUS", status) => {
            let plain = status.chars().map(|c| if c.is_control() { ' ' } else { c });
            Some(ChildWord::Status(plain.take(200).collect()))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_lines_and_what_is_not_ours_is_passed_over() {
        let words: Vec<_> =
            words("READY=1\nMAINPID=7\nSTATUS=up \u{1b}[2J=2\nWATCHDOG=1\nWATCHDOG=trigger\nX")
                .collect();
        let status = ChildWord::Status("up  [2J=2".to_owned());
        assert_eq!(
            words,
            [ChildWord::Ready, status, ChildWord::Alive, ChildWord::Stuck]
        );
    }

    #[tokio::test]
    async fn only_those_below_the_guard_are_heard() {
        let mut inner =
            ChildSocket::open("demo", InstanceId::new(u128::from(std::process::id()))).unwrap();
        let (_, address) = inner.variable().unwrap();
        let address = address
            .to_str()
            .unwrap()
            .strip_prefix('@')
            .unwrap()
            .to_owned();
        let address = SocketAddr::from_abstract_name(address).unwrap();
        let child = std::os::unix::net::UnixDatagram::unbound().unwrap();
        let say = |text: &str| child.send_to_addr(text.as_bytes(), &address).unwrap();
        // Nobody is below the first process of all but by it.
        inner.hear_below(u32::MAX - 1);
        say("STATUS=from a stranger");
        let deaf = tokio::time::timeout(std::time::Duration::from_millis(50), inner.next());
        assert!(deaf.await.is_err());
        // Said by the child before, and not read: the next one is not ready for that.
        say("READY=1");
        inner.hear_below(std::process::id());
        inner.child_runs(std::process::id());
        say("READY=1\nSTATUS=up");
        assert_eq!(inner.next().await, ChildWord::Ready);
        assert_eq!(inner.next().await, ChildWord::Status("up".to_owned()));
        let deaf = tokio::time::timeout(std::time::Duration::from_millis(50), inner.next());
        assert!(deaf.await.is_err());
    }
}
