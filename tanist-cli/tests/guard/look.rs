use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tanist_core::Moment;

use crate::rig::{NOBODY, PATIENCE, Rig, now};
use crate::tripwire::timespec;

/// A process that a test signals: by descriptor, like everything else.
pub(crate) fn pidfd(pid: i32) -> OwnedFd {
    pidfd_open(Pid::from_raw(pid).unwrap(), PidfdFlags::empty()).unwrap()
}

/// Whether a process with this number is there.
pub(crate) fn exists(pid: i32) -> bool {
    File::open(format!("/proc/{pid}/stat")).is_ok()
}

/// The numbers of a process's children.
pub(crate) fn children(pid: i32) -> Vec<i32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    list.split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect()
}

/// The numbers of all that descend from a process.
pub(crate) fn descendants(pid: i32) -> Vec<i32> {
    let below = |child: i32| descendants(child).into_iter().chain([child]);
    children(pid).into_iter().flat_map(below).collect()
}

/// Whether a process runs as this one of the guard's programs.
pub(crate) fn runs(pid: i32, verb: &str) -> bool {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    let mut words = words.split(|byte| *byte == 0);
    words.nth(1) == Some(verb.as_bytes())
}

/// The number of a process in the innermost namespace it is in.
pub(crate) fn innermost(pid: i32) -> i32 {
    last_of(pid, "NSpid:")
}

/// The number of a process's session there: zero if that is led from outside.
pub(crate) fn innermost_session(pid: i32) -> i32 {
    last_of(pid, "NSsid:")
}

pub(crate) fn parent(pid: i32) -> i32 {
    last_of(pid, "PPid:")
}

/// The last number of a line in what the kernel says of a process.
fn last_of(pid: i32, line: &str) -> i32 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let numbers = status.lines().find_map(|it| it.strip_prefix(line));
    let last = numbers.unwrap().split_whitespace().next_back();
    last.unwrap().parse().unwrap()
}

/// Who runs when the plan says unprivileged.
pub(crate) fn ordinary_uid() -> u32 {
    let own = rustix::process::geteuid();
    if own.is_root() { NOBODY } else { own.as_raw() }
}

/// Whether the process behind `pidfd` has ended, reaped or not.
pub(crate) fn has_ended(pidfd: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(pidfd, PollFlags::IN)];
    poll(&mut fds, Some(&timespec(Duration::ZERO))).unwrap() == 1
}

/// Waits until the process behind `pidfd` has ended.
pub(crate) fn wait_for_end(pidfd: &OwnedFd) {
    let mut fds = [PollFd::new(pidfd, PollFlags::IN)];
    assert_eq!(
        poll(&mut fds, Some(&timespec(PATIENCE))),
        Ok(1),
        "it never ended"
    );
}

/// Waits until one of the processes has ended.
pub(crate) fn wait_for_any_end(programs: &[OwnedFd]) {
    let watch = |program| PollFd::new(program, PollFlags::IN);
    let mut fds: Vec<PollFd<'_>> = programs.iter().map(watch).collect();
    let ended = poll(&mut fds, Some(&timespec(PATIENCE)));
    assert_eq!(ended, Ok(1), "none of them ended");
}

/// Waits until a guard has set its timer, which it does when it has carried out all it was told.
/// There is no event for that, so it looks again.
pub(crate) fn wait_until_armed(guard: i32) {
    let until = now() + PATIENCE;
    let is_armed = || {
        let files = fs::read_dir(format!("/proc/{guard}/fdinfo")).unwrap();
        let mut infos = files.filter_map(|file| fs::read_to_string(file.ok()?.path()).ok());
        infos.any(|info| {
            let left = info
                .lines()
                .find_map(|line| line.strip_prefix("it_value: "));
            left.is_some_and(|left| left.trim() != "(0, 0)")
        })
    };
    while !is_armed() {
        assert!(now() < until, "the guard waits for no moment");
        std::thread::yield_now();
    }
}

/// Stops a process, lets it go on, and waits until it sleeps again: whatever was there for it to do
/// is done then.
pub(crate) fn wait_until_asleep(pid: i32) {
    let process = pidfd(pid);
    let state = || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit(") ").next().unwrap().chars().next()
    };
    for (signal, wanted) in [(Signal::STOP, 'T'), (Signal::CONT, 'S')] {
        pidfd_send_signal(&process, signal).unwrap();
        while state() != Some(wanted) {
            std::thread::yield_now();
        }
    }
}

/// Waits until a moment has passed.
pub(crate) fn wait_until_past(moment: Moment) {
    while now() <= moment {
        poll(&mut [], Some(&timespec(moment.since(now())))).unwrap();
    }
}

/// Waits until a process has this open, or has ended. There is no event for that, so it looks again.
pub(crate) fn wait_until_open(pid: i32, link: &str) {
    let until = now() + PATIENCE;
    let is_open = || {
        let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else {
            return true;
        };
        let mut links = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
        links.any(|open| open.as_os_str() == link)
    };
    while !is_open() {
        assert!(now() < until, "{pid} never opened {link}");
        std::thread::yield_now();
    }
}

/// Waits until the number of an ending process is free. There is no event for that, so it looks
/// again.
pub(crate) fn wait_until_reaped(pid: i32) {
    let until = now() + PATIENCE;
    while exists(pid) {
        assert!(now() < until, "nobody reaped {pid}");
        std::thread::yield_now();
    }
}

/// Waits until the process runs `program`. There is no event for an exec, so it looks again.
pub(crate) fn wait_for_exec(pid: i32, program: &Path) {
    let until = now() + PATIENCE;
    let arrived = || fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    while !arrived().starts_with(program.as_os_str().as_encoded_bytes()) {
        assert!(now() < until, "no exec of {}", program.display());
        std::thread::yield_now();
    }
}

/// Copies what is to be executed, by another process: a descriptor of this one, open for writing,
/// would be inherited by what a parallel test starts, and until that has closed it nobody can execute
/// the file.
pub(crate) fn copy_program(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg(from).arg(to).status();
    assert!(copied.unwrap().success(), "no copy at {}", to.display());
}

/// The script of a child that becomes root's all the way, whoever starts it, if root runs the test.
pub(crate) const BECOMES_ROOT_S: &str =
    "exec 9>$DIR/wire; echo up >&9; exec $DIR/setpriv --reuid=0 sleep 1000";

/// Puts in place what [`BECOMES_ROOT_S`] needs.
pub(crate) fn provide_setpriv(rig: &Rig) {
    let path = std::env::var_os("PATH").unwrap();
    let mut places = std::env::split_paths(&path).map(|place| place.join("setpriv"));
    let setpriv = rig.path("setpriv");
    copy_program(&places.find(|place| place.exists()).unwrap(), &setpriv);
    fs::set_permissions(&setpriv, fs::Permissions::from_mode(0o4755)).unwrap();
}
