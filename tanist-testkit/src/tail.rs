use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;
use tanist_core::Moment;

use crate::boot_clock;

/// The growing end of a file: whole lines as they are appended, without looking again and again.
#[derive(Debug)]
pub struct Tail {
    file: File,
    changes: OwnedFd,
    rest: Vec<u8>,
}

impl Tail {
    /// Follows `path` from its beginning; creates it if it is not there.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened or watched.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        OpenOptions::new().append(true).create(true).open(path)?;
        let changes =
            inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
        inotify::add_watch(&changes, path, inotify::WatchFlags::MODIFY)?;
        Ok(Self {
            file: File::open(path)?,
            changes,
            rest: Vec::new(),
        })
    }

    /// The whole lines that were appended since the last call.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn read_new(&mut self) -> io::Result<String> {
        self.file.read_to_end(&mut self.rest)?;
        let whole = self
            .rest
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |end| end + 1);
        let lines: Vec<u8> = self.rest.drain(..whole).collect();
        Ok(String::from_utf8_lossy(&lines).into_owned())
    }

    /// Reads new lines into `take` until it says that it has what it wants.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::TimedOut`], naming `what`, when `until` has passed without it.
    pub fn wait_for<T>(
        &mut self,
        what: &str,
        until: Moment,
        mut take: impl FnMut(&str) -> Option<T>,
    ) -> io::Result<T> {
        loop {
            let new = self.read_new()?;
            if let Some(wanted) = take(&new) {
                return Ok(wanted);
            }
            let left = until.since(boot_clock::now());
            if left.is_zero() {
                let message = format!("waited in vain for {what}");
                return Err(io::Error::new(io::ErrorKind::TimedOut, message));
            }
            self.changed(left)?;
        }
    }

    fn changed(&self, within: Duration) -> io::Result<()> {
        let within = Timespec::try_from(within).map_err(|_| io::ErrorKind::InvalidInput)?;
        match poll(
            &mut [PollFd::new(&self.changes, PollFlags::IN)],
            Some(&within),
        ) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        // What changed is read from the file itself; the events only wake us.
        match rustix::io::read(&self.changes, &mut [0_u8; 4096]) {
            Ok(_) | Err(rustix::io::Errno::AGAIN) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn only_whole_lines_come_and_a_wait_in_vain_says_for_what() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let mut tail = Tail::open(&path).unwrap();
        let mut writer = OpenOptions::new().append(true).open(&path).unwrap();
        writer.write_all(b"one\ntw").unwrap();
        assert_eq!(tail.read_new().unwrap(), "one\n");
        let until = boot_clock::now() + Duration::from_millis(20);
        let error = tail
            .wait_for("two", until, |new| new.contains("two").then_some(()))
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(error.to_string(), "waited in vain for two");
        writer.write_all(b"o\n").unwrap();
        assert_eq!(tail.read_new().unwrap(), "two\n");
    }

    #[test]
    fn a_wait_ends_with_the_line_it_waits_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let mut tail = Tail::open(&path).unwrap();
        let writer = std::thread::spawn(move || {
            let mut file = OpenOptions::new().append(true).open(&path).unwrap();
            for number in 0..100 {
                file.write_all(format!("{number}\n").as_bytes()).unwrap();
            }
        });
        let until = boot_clock::now() + Duration::from_secs(60);
        let mut seen = 0;
        let last = tail.wait_for("line 99", until, |new| {
            seen += new.lines().count();
            new.lines()
                .last()
                .filter(|line| *line == "99")
                .map(str::to_owned)
        });
        assert_eq!((last.unwrap().as_str(), seen), ("99", 100));
        writer.join().unwrap();
    }
}
