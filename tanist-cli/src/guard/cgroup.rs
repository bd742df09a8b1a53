use std::ffi::{CString, OsString};
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags};

/// A cgroup (version 2) that holds one child's tree and nothing else.
///
/// Everything that killing needs is opened when it is made, and nothing here allocates after that.
#[derive(Debug)]
pub(super) struct Cgroup {
    path: PathBuf,
    parent: OwnedFd,
    name: CString,
    kill: OwnedFd,
    events: OwnedFd,
}

const PREFIX: &str = "tanist-";

impl Cgroup {
    /// Makes a cgroup below the one this process is in. The error says why that cannot be.
    pub(super) fn create() -> Result<Self, String> {
        let parent = directory()?;
        let namespace = pid_namespace().map_err(|e| format!("/proc/self/ns/pid: {e}"))?;
        remove_abandoned(&parent, namespace);
        let pid = rustix::process::getpid().as_raw_pid();
        let started = start_time(pid).ok_or("/proc/self/stat is unreadable")?;
        let path = parent.join(name_for(namespace, pid, started));
        let failed = |error| format!("no cgroup at {}: {error}", path.display());
        fs::create_dir(&path).map_err(failed)?;
        let cgroup = Self::open(&path).map_err(|error| {
            let _ = fs::remove_dir(&path);
            match error.kind() {
                io::ErrorKind::NotFound => "cgroup.kill needs Linux 5.14".to_owned(),
                _ => format!("no control of {}: {error}", path.display()),
            }
        })?;
        Ok(cgroup)
    }

    /// Opens one that another process has made.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let (parent, name) = path
            .parent()
            .zip(path.file_name())
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let directory = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let open = |file: &str, flags| {
            rustix::fs::open(path.join(file), flags | OFlags::CLOEXEC, Mode::empty())
        };
        Ok(Self {
            path: path.to_owned(),
            parent: rustix::fs::open(parent, directory, Mode::empty())?,
            name: CString::new(name.as_bytes())?,
            kill: open("cgroup.kill", OFlags::WRONLY)?,
            events: open("cgroup.events", OFlags::RDONLY)?,
        })
    }

    /// Where it is mounted.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Moves `pid` into it. Before the guard's set-up is done only.
    pub(super) fn add(&self, pid: i32) -> Result<(), String> {
        let procs = self.path.join("cgroup.procs");
        fs::write(&procs, pid.to_string())
            .map_err(|error| format!("no process can be moved to {}: {error}", procs.display()))
    }

    /// Kills all that is in it, frozen or not, whoever it runs as.
    pub(super) fn kill(&self) {
        // It fails only once the cgroup is removed, and then nothing is in it.
        let _ = rustix::io::write(&self.kill, b"1");
    }

    /// Whether a process is in it or below it. What cannot be read counts as yes.
    pub(super) fn is_populated(&self) -> bool {
        let mut text = [0; 64];
        match rustix::io::pread(&self.events, &mut text, 0) {
            Ok(length) => !text[..length]
                .split(|byte| *byte == b'\n')
                .any(|l| l == b"populated 0"),
            Err(rustix::io::Errno::NODEV) => false,
            Err(_) => true,
        }
    }

    /// What has something to say when [`Cgroup::is_populated`] may have changed since it was asked.
    pub(super) fn events(&self) -> BorrowedFd<'_> {
        self.events.as_fd()
    }

    /// Removes it, if it is empty and the tree made no cgroups of its own below it.
    pub(super) fn remove(&self) {
        let _ = rustix::fs::unlinkat(&self.parent, &self.name, AtFlags::REMOVEDIR);
    }
}

/// The directory of the cgroup in which this process is. The error says why there is none.
pub(crate) fn directory() -> Result<PathBuf, String> {
    let mounts = fs::read("/proc/self/mountinfo").map_err(|e| format!("mountinfo: {e}"))?;
    let own = fs::read("/proc/self/cgroup").map_err(|e| format!("/proc/self/cgroup: {e}"))?;
    own_directory(&mounts, &own)
}

/// Whether [`Cgroup::create`] could do its work, as far as that can be told without making one.
pub(crate) fn to_be_had() -> Result<PathBuf, String> {
    let parent = directory()?;
    let writable = |path: &Path| {
        rustix::fs::access(path, rustix::fs::Access::WRITE_OK)
            .map_err(|error| format!("{}: {error}", path.display()))
    };
    writable(&parent)?;
    writable(&parent.join("cgroup.procs"))?;
    // The root of the hierarchy has none; what is made below it has.
    let is_root = !parent.join("cgroup.type").exists();
    if !is_root && !parent.join("cgroup.kill").exists() {
        return Err("cgroup.kill needs Linux 5.14".to_owned());
    }
    Ok(parent)
}

/// The directory of the cgroup of `own` in a machine of these `mounts`.
fn own_directory(mounts: &[u8], own: &[u8]) -> Result<PathBuf, String> {
    let own = own
        .split(|byte| *byte == b'\n')
        .find_map(|line| line.strip_prefix(b"0::"))
        .ok_or("this machine has no cgroup hierarchy of version 2")?;
    let own = PathBuf::from(OsString::from_vec(own.to_vec()));
    let mounted = mounts
        .split(|byte| *byte == b'\n')
        .filter_map(cgroup2_mount);
    let mut inside = mounted.filter_map(|(root, point)| {
        let below = own.strip_prefix(root).ok()?;
        (!below
            .components()
            .any(|c| c == std::path::Component::ParentDir))
        .then(|| point.components().chain(below.components()).collect())
    });
    inside
        .next()
        .ok_or_else(|| "no cgroup file system of version 2 is mounted".to_owned())
}

/// Root and mount point of one line of mountinfo, if it is a cgroup file system of version 2.
fn cgroup2_mount(line: &[u8]) -> Option<(PathBuf, PathBuf)> {
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let separator = fields.iter().position(|field| *field == b"-")?;
    let is_cgroup2 = *fields.get(separator + 1)? == b"cgroup2";
    is_cgroup2.then_some((unescape(fields.get(3)?), unescape(fields.get(4)?)))
}

/// Blanks, tabs, line ends and backslashes stand as three octal digits.
fn unescape(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, tail)) = rest.split_first() {
        let octal = (*first == b'\\')
            .then(|| tail.get(..3))
            .flatten()
            .and_then(|digits| str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        bytes.push(octal.unwrap_or(*first));
        rest = if octal.is_some() { &tail[3..] } else { tail };
    }
    PathBuf::from(OsString::from_vec(bytes))
}

/// What the cgroup of a guard is called.
fn name_for(namespace: u64, pid: i32, started: u64) -> String {
    format!("{PREFIX}{namespace}-{pid}-{started}")
}

/// The PID namespace of this process: outside of it, a number is somebody else's.
fn pid_namespace() -> io::Result<u64> {
    Ok(fs::metadata("/proc/self/ns/pid")?.ino())
}

/// Removes what guards of this PID namespace that were killed could not remove; the kernel refuses
/// where anybody lives. Whether one of another namespace lives cannot be told from here, and its
/// cgroup may be empty only because it was made this instant.
fn remove_abandoned(parent: &Path, namespace: u64) {
    let of_this_namespace = format!("{PREFIX}{namespace}-");
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some((pid, started)) = name
            .to_str()
            .and_then(|name| name.strip_prefix(&of_this_namespace))
            .and_then(|owner| owner.split_once('-'))
        else {
            continue;
        };
        let owner_lives = pid
            .parse()
            .ok()
            .and_then(start_time)
            .is_some_and(|now| now.to_string() == started);
        if !owner_lives {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

/// When `pid` started, in ticks since the boot: with the number it names one process for good. One
/// that has ended and only waits to be reaped is gone.
fn start_time(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let has_ended = matches!(fields.next()?, "Z" | "X");
    let started = fields.nth(18)?.parse().ok()?;
    (!has_ended).then_some(started)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &[u8] = b"31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw\n\
        40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n\
        41 31 0:38 / /sys/fs/cgroup/uni\\040fied rw,relatime shared:9 - cgroup2 cgroup2 rw\n";

    #[test]
    fn the_hierarchy_is_found_wherever_it_is_mounted() {
        let own = b"9:name=systemd:/\n0::/system.slice/x.service\n";
        let found = own_directory(HYBRID, own).unwrap();
        assert_eq!(
            found,
            Path::new("/sys/fs/cgroup/uni fied/system.slice/x.service")
        );
        assert_eq!(
            own_directory(HYBRID, b"0::/\n").unwrap(),
            Path::new("/sys/fs/cgroup/uni fied")
        );
    }

    #[test]
    fn a_container_sees_its_own_part_only() {
        let mounts = b"41 31 0:38 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
        let inside = own_directory(mounts, b"0::/docker/abc/sub\n").unwrap();
        assert_eq!(inside, Path::new("/sys/fs/cgroup/sub"));
        assert!(own_directory(mounts, b"0::/elsewhere\n").is_err());
        assert!(own_directory(HYBRID, b"0::/../outside\n").is_err());
    }

    #[test]
    fn only_what_is_known_to_be_abandoned_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let here = pid_namespace().unwrap();
        let pid = rustix::process::getpid().as_raw_pid();
        let started = start_time(pid).unwrap();
        let make = |name: String| {
            let path = parent.path().join(name);
            fs::create_dir(&path).unwrap();
            path
        };
        let kept = [
            make(name_for(here, pid, started)),
            make(name_for(here + 1, pid, started + 1)),
            make("user.slice".to_owned()),
        ];
        let abandoned = make(name_for(here, pid, started + 1));
        remove_abandoned(parent.path(), here);
        assert!(kept.iter().all(|path| path.exists()) && !abandoned.exists());
    }

    #[test]
    fn a_machine_without_version_2_is_told_apart() {
        let error = own_directory(HYBRID, b"8:pids:/\n").unwrap_err();
        assert!(error.contains("no cgroup hierarchy"), "{error}");
        let error = own_directory(b"", b"0::/\n").unwrap_err();
        assert!(error.contains("is mounted"), "{error}");
    }
}
