use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, FileType, Mode, OFlags};
use tanist_core::Moment;

use crate::rig::{PATIENCE, now};

/// A pipe in the file system that processes of a tree keep open: when the last of them has ended,
/// and not before, it says so. What they write to it is heard first.
pub(crate) struct Tripwire {
    path: PathBuf,
    end: OwnedFd,
    heard: String,
}

impl Tripwire {
    pub(crate) fn new(path: PathBuf) -> Self {
        let everybody = Mode::from_raw_mode(0o666);
        rustix::fs::mknodat(CWD, &path, FileType::Fifo, everybody, 0).unwrap();
        rustix::fs::chmod(&path, everybody).unwrap();
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let end = rustix::fs::open(&path, flags, Mode::empty()).unwrap();
        Self {
            path,
            end,
            heard: String::new(),
        }
    }

    /// The next line that a process of the tree writes.
    pub(crate) fn line(&mut self) -> String {
        loop {
            if let Some((line, rest)) = self.heard.split_once('\n') {
                let line = line.to_owned();
                self.heard = rest.to_owned();
                return line;
            }
            self.wait_for(PollFlags::IN);
            self.read();
        }
    }

    /// What was written that no line was asked for.
    pub(crate) fn rest(&mut self) -> String {
        self.read();
        std::mem::take(&mut self.heard)
    }

    /// Waits until nobody keeps it open any more, and says when that was seen.
    pub(crate) fn all_ended(&mut self) -> Moment {
        self.wait_for(PollFlags::HUP);
        now()
    }

    /// Whether anybody keeps it open.
    pub(crate) fn is_held(&mut self) -> bool {
        let mut fds = [PollFd::new(&self.end, PollFlags::IN)];
        poll(
            &mut fds,
            Some(&Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            }),
        )
        .unwrap();
        !fds[0].revents().contains(PollFlags::HUP)
    }

    fn wait_for(&mut self, wanted: PollFlags) {
        let until = now() + PATIENCE;
        loop {
            let left = until.since(now());
            assert!(
                !left.is_zero(),
                "nothing happened on {} ({wanted:?})",
                self.path.display()
            );
            let mut fds = [PollFd::new(&self.end, wanted & PollFlags::IN)];
            poll(&mut fds, Some(&timespec(left))).unwrap();
            let seen = fds[0].revents();
            if seen.contains(wanted) {
                return;
            }
            assert!(
                !seen.contains(PollFlags::HUP),
                "all ended before they wrote"
            );
        }
    }

    fn read(&mut self) {
        let mut bytes = [0; 4096];
        let mut file = File::from(self.end.as_fd().try_clone_to_owned().unwrap());
        let length = file.read(&mut bytes).unwrap();
        self.heard
            .push_str(&String::from_utf8_lossy(&bytes[..length]));
    }
}

pub(crate) fn timespec(span: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(span.as_secs()).unwrap(),
        tv_nsec: span.subsec_nanos().into(),
    }
}
