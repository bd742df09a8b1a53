use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tanist_core::Moment;

use crate::boot_clock;

/// A running process, held so that a signal can never reach another that got its number.
#[derive(Debug)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its parent's.
    pub parent: u32,
    /// What it was started as; empty once it is dying.
    pub command: Vec<String>,
    fd: OwnedFd,
}

impl Process {
    /// The process with this number, unless it is gone or a zombie.
    pub fn open(pid: u32) -> Option<Self> {
        let fd = pidfd_open(
            Pid::from_raw(i32::try_from(pid).ok()?)?,
            PidfdFlags::empty(),
        )
        .ok()?;
        let stat = Stat::read(pid).filter(|stat| !stat.is_dead())?;
        let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let command = String::from_utf8_lossy(&command);
        let command = command.split_terminator('\0').map(str::to_owned).collect();
        let process = Self {
            pid,
            parent: stat.parent,
            command,
            fd,
        };
        // What was read is of this process only if it has not ended meanwhile.
        (!process.has_ended()).then_some(process)
    }

    /// All processes that run now.
    ///
    /// # Errors
    ///
    /// When the process table cannot be read.
    pub fn all() -> io::Result<Vec<Self>> {
        let mut all = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let pid = entry?.file_name().to_string_lossy().parse();
            all.extend(pid.ok().and_then(Self::open));
        }
        Ok(all)
    }

    /// Whether it has to do with `folder`: its command line or its environment names a path there,
    /// or it works there. Finds processes that left their tree, their session and their name.
    pub fn belongs_to(&self, folder: &Path) -> bool {
        let name = folder.to_string_lossy();
        let works_there = || {
            fs::read_link(format!("/proc/{}/cwd", self.pid))
                .is_ok_and(|cwd| cwd.starts_with(folder))
        };
        let environment = || {
            let bytes = fs::read(format!("/proc/{}/environ", self.pid)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).contains(name.as_ref())
        };
        self.command.iter().any(|word| word.contains(name.as_ref()))
            || works_there()
            || environment()
    }

    /// Sends a signal; no error if it has ended.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        match pidfd_send_signal(&self.fd, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Stops it where it is, and returns when it stands still.
    ///
    /// # Errors
    ///
    /// When the kernel refuses, or it has ended.
    pub fn freeze(&self) -> io::Result<()> {
        self.signal(Signal::STOP)?;
        loop {
            match self.state() {
                Some('T') => return Ok(()),
                Some(_) => std::thread::yield_now(),
                None => return Err(io::Error::other(format!("{self} has ended"))),
            }
        }
    }

    /// Lets it go on.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn thaw(&self) -> io::Result<()> {
        self.signal(Signal::CONT)
    }

    /// Whether all its threads have ended.
    pub fn has_ended(&self) -> bool {
        poll(
            &mut [PollFd::new(&self.fd, PollFlags::IN)],
            Some(&Timespec::default()),
        ) == Ok(1)
    }

    /// Waits for its end.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::TimedOut`] when `until` has passed and it runs.
    pub fn wait_ended(&self, until: Moment) -> io::Result<()> {
        while !self.has_ended() {
            let left = until.since(boot_clock::now());
            if left.is_zero() {
                let message = format!("{self} does not end");
                return Err(io::Error::new(io::ErrorKind::TimedOut, message));
            }
            let left = Timespec::try_from(left).map_err(|_| io::ErrorKind::InvalidInput)?;
            match poll(&mut [PollFd::new(&self.fd, PollFlags::IN)], Some(&left)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The state letter of the process table, `None` if it is gone: `T` is stopped.
    pub fn state(&self) -> Option<char> {
        Stat::read(self.pid)
            .map(|stat| stat.state)
            .filter(|_| !self.has_ended())
    }

    /// Its session, `None` if it is gone. 0 where the session is led from outside this PID
    /// namespace, as that of everything that a container's runtime starts may be.
    pub fn session(&self) -> Option<u32> {
        Stat::read(self.pid).map(|stat| stat.session)
    }
}

impl std::fmt::Display for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "process {} (parent {}): {}",
            self.pid,
            self.parent,
            self.command.join(" ")
        )
    }
}

struct Stat {
    state: char,
    parent: u32,
    session: u32,
}

impl Stat {
    fn read(pid: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may contain anything, parentheses too.
        let (_, rest) = text.rsplit_once(')')?;
        let mut fields = rest.split_whitespace();
        let state = fields.next()?.chars().next()?;
        Some(Self {
            state,
            parent: fields.next()?.parse().ok()?,
            // After the process group.
            session: fields.nth(1)?.parse().ok()?,
        })
    }

    const fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x')
    }
}
