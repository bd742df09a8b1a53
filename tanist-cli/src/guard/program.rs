use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::net::RecvFlags;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::channel::{self, Descriptors, MESSAGE_MAX};
use super::spec::GuardSpec;
use super::wire::{Notice, text};

/// One of our own programs, started before the election is won, that waits to be told.
#[derive(Debug)]
pub(super) struct Program {
    /// Its number until it is reaped; after that the number may be anybody's.
    pub(super) pid: Option<i32>,
    pub(super) pidfd: OwnedFd,
    /// The other end is its standard input. Closed once there is nothing more to tell.
    pub(super) line: Option<OwnedFd>,
}

impl Program {
    /// Starts this very program again with `arguments`, in a process group of its own.
    ///
    /// Its parent-death signal follows the calling thread, so that has to be the only one.
    pub(super) fn spawn(arguments: &[OsString], stdout: Stdio) -> io::Result<Self> {
        let (near, far) = channel::pair()?;
        let child = Command::new(GuardSpec::SELF)
            .arg0("tanist")
            .args(arguments)
            .process_group(0)
            .stdin(far)
            .stdout(stdout)
            .spawn()?;
        let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
        Ok(Self {
            pid: Some(child.id().cast_signed()),
            pidfd,
            line: Some(near),
        })
    }

    /// Waits until it says that it is prepared, and answers what it adds to that.
    pub(super) fn await_prepared(&self) -> Result<String, String> {
        self.line.as_ref().map_or_else(
            || Err(ENDED.to_owned()),
            |line| await_prepared(line.as_fd()),
        )
    }

    /// Sends it a signal; one that has ended already is no failure.
    pub(super) fn signal(&self, signal: Signal) {
        let _ = pidfd_send_signal(&self.pidfd, signal);
    }
}

/// Waits until the program at the other end says that it is prepared.
pub(super) fn await_prepared(line: BorrowedFd<'_>) -> Result<String, String> {
    let mut buffer = vec![0; MESSAGE_MAX];
    let mut none = Descriptors::default();
    let length = channel::receive(line, &mut buffer, &mut none, RecvFlags::empty())
        .map_err(|error| error.to_string())?
        .ok_or(ENDED)?;
    match Notice::decode(&buffer[..length]) {
        Some(Notice::Prepared { detail }) => Ok(text(detail)),
        Some(Notice::Refused { reason }) => Err(text(reason)),
        _ => Err("one of our own programs said something unexpected during its set-up".to_owned()),
    }
}

const ENDED: &str = "one of our own programs ended during its set-up";
