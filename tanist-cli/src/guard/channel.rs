use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::cmsg_space;
use rustix::io::retry_on_intr;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};

/// The longest message. The kernel's default socket buffer takes three of them.
pub(super) const MESSAGE_MAX: usize = 64 * 1024;

/// The longest message a guard or one of its programs sends: a path and a sentence.
pub(super) const NOTICE_MAX: usize = 8 * 1024;

/// The most descriptors one message carries.
pub(super) const DESCRIPTORS_MAX: usize = 8;

/// Descriptors that came with a message. They close when this is dropped.
#[derive(Debug, Default)]
pub(super) struct Descriptors {
    held: [Option<OwnedFd>; DESCRIPTORS_MAX],
}

impl Descriptors {
    /// Takes them out in the order in which they were sent.
    pub(super) fn take_each(&mut self) -> impl Iterator<Item = OwnedFd> + '_ {
        self.held.iter_mut().filter_map(Option::take)
    }

    /// Those held, in the order in which they were sent.
    pub(super) fn iter(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.held.iter().flatten().map(OwnedFd::as_fd)
    }

    fn put(&mut self, descriptor: OwnedFd) {
        if let Some(free) = self.held.iter_mut().find(|held| held.is_none()) {
            *free = Some(descriptor);
        }
    }
}

/// Two connected ends that keep message boundaries; neither survives an exec.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SocketFlags::CLOEXEC;
    Ok(rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        flags,
        None,
    )?)
}

/// Sends one whole message, never an empty one: that would read as the end.
///
/// With [`SendFlags::DONTWAIT`] a full buffer is [`io::ErrorKind::WouldBlock`] and nothing was
/// sent.
pub(super) fn send(
    socket: impl AsFd,
    message: &[u8],
    descriptors: &[BorrowedFd<'_>],
    flags: SendFlags,
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::other("too many descriptors for one message"));
    }
    let body = [IoSlice::new(message)];
    let flags = flags | SendFlags::NOSIGNAL;
    retry_on_intr(|| rustix::net::sendmsg(socket.as_fd(), &body, &mut control, flags))?;
    Ok(())
}

/// Receives one message; `None` is the end: the other side is gone.
pub(super) fn receive(
    socket: impl AsFd,
    buffer: &mut [u8],
    descriptors: &mut Descriptors,
    flags: RecvFlags,
) -> io::Result<Option<usize>> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = flags | RecvFlags::CMSG_CLOEXEC;
    let received = retry_on_intr(|| {
        let mut body = [IoSliceMut::new(&mut *buffer)];
        rustix::net::recvmsg(socket.as_fd(), &mut body, &mut control, flags)
    });
    let received = match received {
        Ok(received) => received,
        // What a killed peer leaves behind when it had unread messages.
        Err(rustix::io::Errno::CONNRESET) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(passed) = message {
            passed.for_each(|descriptor| descriptors.put(descriptor));
        }
    }
    if received.flags.contains(ReturnFlags::TRUNC) {
        return Err(io::Error::other(
            "a message longer than the guard's protocol allows",
        ));
    }
    Ok((received.bytes > 0).then_some(received.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_arrives_whole_with_its_descriptors_and_then_the_end() {
        let (near, far) = pair().unwrap();
        let (passed, kept) = pair().unwrap();
        let message = vec![7; MESSAGE_MAX];
        send(&near, &message, &[passed.as_fd()], SendFlags::empty()).unwrap();
        drop((near, passed));

        let mut buffer = vec![0; MESSAGE_MAX];
        let mut descriptors = Descriptors::default();
        let length = receive(&far, &mut buffer, &mut descriptors, RecvFlags::empty()).unwrap();
        assert_eq!(length, Some(MESSAGE_MAX));
        assert_eq!(buffer, message);
        let passed = descriptors.take_each().next().unwrap();
        send(&passed, b"x", &[], SendFlags::empty()).unwrap();
        let mut one = [0; 1];
        let length = receive(&kept, &mut one, &mut descriptors, RecvFlags::empty()).unwrap();
        assert_eq!((length, &one), (Some(1), b"x"));
        let end = receive(&far, &mut buffer, &mut descriptors, RecvFlags::empty()).unwrap();
        assert_eq!(end, None);
    }
}
