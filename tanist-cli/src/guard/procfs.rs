use std::ffi::CStr;
use std::io::{self, Cursor, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags, RawDir};
use rustix::io::retry_on_intr;

/// What the kernel says of processes, read through buffers made beforehand.
///
/// Nothing here allocates once it is open.
#[derive(Debug)]
pub(super) struct Procfs {
    root: OwnedFd,
    text: Box<[u8; TEXT]>,
    entries: Box<[MaybeUninit<u8>; ENTRIES]>,
}

/// What the kernel says of one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) parent: i32,
    pub(super) group: i32,
    pub(super) session: i32,
    /// When it started, in ticks since the boot; `None` if that is hidden from this process.
    pub(super) started: Option<u64>,
}

const TEXT: usize = 4096;
const ENTRIES: usize = 4096;
const PATH: usize = 64;

impl Procfs {
    /// Opens `/proc`, which has to be the one of this process's own PID namespace.
    pub(super) fn open() -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open("/proc", flags, Mode::empty())?;
        let mut procfs = Self {
            root,
            text: Box::new([0; TEXT]),
            entries: Box::new([MaybeUninit::uninit(); ENTRIES]),
        };
        let own = rustix::process::getpid().as_raw_pid();
        if std::fs::read_link("/proc/self")?.as_os_str() != own.to_string().as_str() {
            return Err(io::Error::other("/proc belongs to another PID namespace"));
        }
        // A kernel built without this file looks as if nobody had children.
        procfs.open_file(&format!("{own}/task/{own}/children"))?;
        procfs.each_child(own, |_| ())?;
        Ok(procfs)
    }

    /// What the kernel says of `pid`.
    pub(super) fn stat(&mut self, pid: i32) -> io::Result<Stat> {
        let mut path = [0; PATH];
        let file = self.open_file(write_path(&mut path, format_args!("{pid}/stat"))?)?;
        let text = &mut self.text[..512];
        let length = retry_on_intr(|| rustix::io::read(&file, &mut *text))?;
        parse_stat(&self.text[..length]).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// Calls `found` with each child of every thread of `pid`, zombies included.
    ///
    /// Children of our own that nobody but the calling thread reaps are never missed; of a running
    /// process one may be, so who wants all stops it first or looks again.
    pub(super) fn each_child(&mut self, pid: i32, mut found: impl FnMut(i32)) -> io::Result<()> {
        let mut path = [0; PATH];
        let tasks = write_path(&mut path, format_args!("{pid}/task"))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let tasks = rustix::fs::openat(&self.root, tasks, flags, Mode::empty())?;
        let mut directory = RawDir::new(tasks.as_fd(), &mut self.entries[..]);
        let mut answer = Ok(());
        while let Some(entry) = directory.next() {
            let entry = entry?;
            let Some(thread) = number(entry.file_name()) else {
                continue;
            };
            let read = each_child_of(&self.root, pid, thread, &mut self.text[..], &mut found);
            match read {
                // The thread ended meanwhile; its children moved to another one or to a reaper.
                Err(error) if gone(&error) => {}
                read => answer = answer.and(read),
            }
        }
        answer
    }

    fn open_file(&self, path: &str) -> io::Result<OwnedFd> {
        open_under(&self.root, path)
    }
}

fn each_child_of(
    root: &OwnedFd,
    pid: i32,
    thread: i32,
    text: &mut [u8],
    found: &mut impl FnMut(i32),
) -> io::Result<()> {
    let mut path = [0; PATH];
    let path = write_path(&mut path, format_args!("{pid}/task/{thread}/children"))?;
    let file = open_under(root, path)?;
    let mut pending = 0;
    loop {
        let length = retry_on_intr(|| rustix::io::read(&file, &mut *text))?;
        if length == 0 {
            break;
        }
        for byte in &text[..length] {
            if byte.is_ascii_digit() {
                pending = pending * 10 + i32::from(byte - b'0');
            } else if pending > 0 {
                found(std::mem::take(&mut pending));
            }
        }
    }
    if pending > 0 {
        found(pending);
    }
    Ok(())
}

fn open_under(root: &OwnedFd, path: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(root, path, flags, Mode::empty())?)
}

fn write_path<'a>(
    buffer: &'a mut [u8; PATH],
    path: std::fmt::Arguments<'_>,
) -> io::Result<&'a str> {
    let mut cursor = Cursor::new(&mut buffer[..]);
    cursor.write_fmt(path)?;
    let length = usize::try_from(cursor.position()).unwrap_or(0);
    str::from_utf8(&buffer[..length]).map_err(|_| io::ErrorKind::InvalidData.into())
}

fn number(name: &CStr) -> Option<i32> {
    name.to_str().ok()?.parse().ok()
}

/// The second field, the program's name, may itself hold blanks and brackets.
fn parse_stat(text: &[u8]) -> Option<Stat> {
    let after_name = text.iter().rposition(|byte| *byte == b')')? + 1;
    let mut fields = text[after_name..].split(|byte| *byte == b' ').skip(2);
    let mut next = || str::from_utf8(fields.next()?).ok()?.parse().ok();
    let (parent, group, session) = (next()?, next()?, next()?);
    let started = str::from_utf8(fields.nth(15)?).ok()?.trim_ascii_end();
    Some(Stat {
        parent,
        group,
        session,
        started: Some(started.parse().ok()?),
    })
}

/// Whether it says that there is no such process: it has ended meanwhile, or is hidden from this one.
pub(super) fn gone(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    [rustix::io::Errno::NOENT, rustix::io::Errno::SRCH]
        .iter()
        .any(|e| code == Some(e.raw_os_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_full_of_brackets_does_not_confuse() {
        let text = b"12 (a) S 9 9 (9) R 3 4 5 0 -1 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23\n";
        let stat = parse_stat(text).unwrap();
        assert_eq!(
            stat,
            Stat {
                parent: 3,
                group: 4,
                session: 5,
                started: Some(21)
            }
        );
        assert_eq!(parse_stat(b"12 (a"), None);
    }

    #[test]
    fn a_child_is_listed_with_its_parent_until_it_is_reaped() {
        let mut procfs = Procfs::open().unwrap();
        let own = rustix::process::getpid().as_raw_pid();
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let pid = child.id().cast_signed();
        let mut listed = |pid| {
            let mut seen = false;
            procfs
                .each_child(own, |child| seen |= child == pid)
                .unwrap();
            seen
        };
        assert!(listed(pid));
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(!listed(pid));
        assert_eq!(
            procfs.stat(own).unwrap().parent,
            std::os::unix::process::parent_id().cast_signed()
        );
    }
}
