use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Signal, pidfd_send_signal};

use crate::Test;
use crate::deadline::{STUBBORN, assert_killed_in_time};
use crate::look::{BECOMES_ROOT_S, pidfd, provide_setpriv, wait_for_exec};
use crate::plan::Plan;
use crate::rig::{NOBODY, PATIENCE, PIDS, Rig};
use crate::tripwire::{Tripwire, timespec};

/// What holds a tree together.
pub(crate) const TESTS: &[Test] = &[
    (
        "a_cgroup_reaches_whom_signals_do_not",
        a_cgroup_reaches_whom_signals_do_not,
    ),
    (
        "a_delegated_cgroup_serves_an_ordinary_user",
        a_delegated_cgroup_serves_an_ordinary_user,
    ),
    (
        "an_abandoned_cgroup_is_removed_by_the_next",
        an_abandoned_cgroup_is_removed_by_the_next,
    ),
    (
        "auto_takes_a_cgroup_or_says_why_not",
        auto_takes_a_cgroup_or_says_why_not,
    ),
    (
        "a_required_cgroup_is_refused_to_who_may_not",
        a_required_cgroup_is_refused_to_who_may_not,
    ),
    (
        "a_cgroup_is_killed_while_frozen",
        a_cgroup_is_killed_while_frozen,
    ),
    (
        "a_cgroup_outlives_a_killed_guard_by_nothing",
        a_cgroup_outlives_a_killed_guard_by_nothing,
    ),
    (
        "a_fork_bomb_does_not_run_ahead",
        a_fork_bomb_does_not_run_ahead,
    ),
    (
        "a_chain_deeper_than_the_buffers_is_swept",
        a_chain_deeper_than_the_buffers_is_swept,
    ),
];

/// Where a cgroup can be made on this machine, if anywhere, told apart from the product's own way:
/// by trying every mounted hierarchy of version 2.
fn home_of_cgroups() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let own = fs::read_to_string("/proc/self/cgroup").unwrap();
    let own = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let points = mounts
        .lines()
        .filter(|line| line.split(' ').nth(2) == Some("cgroup2"));
    let homes = points.filter_map(|line| Some(Path::new(line.split(' ').nth(1)?).join(own)));
    homes.into_iter().find(|home| {
        let trial = home.join(format!(
            "trial-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        let made = fs::create_dir(&trial).is_ok() && trial.join("cgroup.kill").exists();
        let _ = fs::remove_dir(&trial);
        made
    })
}

fn cgroups_are_writable() -> bool {
    home_of_cgroups().is_some()
}

pub(crate) fn stubborn(rig: &mut Rig) -> Tripwire {
    let mut wire = rig.tripwire("wire");
    rig.tell("release these bytes");
    rig.begin(Duration::from_secs(600));
    rig.expect("started ");
    for _ in 0..3 {
        wire.line();
    }
    wire
}

/// F70: with and without the right to one.
fn auto_takes_a_cgroup_or_says_why_not() {
    let mut rig = Plan {
        contain: "auto",
        ..Plan::default()
    }
    .shell(STUBBORN);
    let (_, containment) = rig.ready();
    let path = containment.strip_prefix("cgroup ").map(PathBuf::from);
    assert_eq!(path.is_some(), cgroups_are_writable(), "{containment}");
    let mut wire = stubborn(&mut rig);
    if let Some(path) = &path {
        let inside = fs::read_to_string(path.join("cgroup.procs")).unwrap();
        let tree = fs::read_to_string(rig.path(PIDS)).unwrap();
        assert!(
            tree.lines()
                .all(|pid| inside.lines().any(|inside| inside == pid)),
            "{inside}"
        );
    }
    rig.tell("end 0");
    rig.expect("exited ");
    rig.expect("empty");
    assert!(!wire.is_held());
    rig.dismiss();
    assert!(
        path.is_none_or(|path| !path.exists()),
        "the cgroup is left behind"
    );

    let plan = Plan {
        contain: "auto",
        unprivileged: true,
        ..Plan::default()
    };
    let (_, containment) = plan.shell("exit").ready();
    assert!(containment.starts_with("sweep (") || containment.starts_with("cgroup "));
}

/// F70: an ordinary user that requires a control group.
fn a_required_cgroup_is_refused_to_who_may_not() {
    for (contain, require_cgroup) in [("cgroup", false), ("auto", true), ("sweep", true)] {
        let plan = Plan {
            contain,
            require_cgroup,
            unprivileged: true,
            ..Plan::default()
        };
        let rig = plan.shell("touch $DIR/ran");
        let why = rig.expect("refused ");
        assert!(
            why.contains("a cgroup is required but not to be had"),
            "{why}"
        );
        assert!(
            why.contains("run as root") && why.contains("Delegate=yes"),
            "{why}"
        );
        assert!(!rig.path("ran").exists());
    }
}

/// The rig with a cgroup; nothing where there is none, after the refusal has been looked at.
fn with_cgroup(script: &str) -> Option<(Rig, i32, PathBuf)> {
    let rig = Plan {
        contain: "cgroup",
        lease_ms: 4_000,
        ..Plan::default()
    }
    .shell(script);
    if !cgroups_are_writable() {
        let why = rig.expect("refused ");
        assert!(
            why.contains("a cgroup is required but not to be had"),
            "{why}"
        );
        return None;
    }
    let (guard, containment) = rig.ready();
    let path = PathBuf::from(containment.strip_prefix("cgroup ").unwrap());
    Some((rig, guard, path))
}

/// F84: `cgroup.freeze` for the work.
fn a_cgroup_is_killed_while_frozen() {
    let Some((mut rig, _, path)) = with_cgroup(STUBBORN) else {
        return;
    };
    let mut wire = stubborn(&mut rig);
    fs::write(path.join("cgroup.freeze"), "1").unwrap();
    let safe_until = rig.move_the_deadline_near();
    rig.expect("deadline-reached");
    assert_killed_in_time(&mut wire, safe_until);
    rig.expect("exited signal: 9");
    rig.expect("empty");
    rig.dismiss();
    assert!(!path.exists());
}

fn a_cgroup_outlives_a_killed_guard_by_nothing() {
    let Some((mut rig, guard, path)) = with_cgroup(STUBBORN) else {
        return;
    };
    let mut wire = stubborn(&mut rig);
    pidfd_send_signal(pidfd(guard), Signal::KILL).unwrap();
    rig.expect("gone");
    assert!(!wire.is_held() && !path.exists());
}

/// Every process starts two more in sessions of their own, and is still at it when the kill comes;
/// there is an end to it so that a failure does not harm the machine.
///
/// F69: processes that start more in sessions of their own, all the time.
fn a_fork_bomb_does_not_run_ahead() {
    let mut rig = Plan::default().python(
        "import os\n\
         wire = os.open(os.environ['DIR'] + '/wire', os.O_WRONLY)\n\
         depth = 0\n\
         while depth < 8 and (os.fork() == 0 or os.fork() == 0):\n\
         \tos.setsid()\n\
         \tdepth += 1\n\
         \tif depth == 4: os.write(wire, b'up\\n')\n\
         os.read(os.open(os.environ['DIR'] + '/never', os.O_RDONLY), 1)\n",
    );
    let mut wire = rig.tripwire("wire");
    let never = rig.tripwire("never");
    rig.start();
    assert_eq!(wire.line(), "up");
    rig.tell("end 0");
    rig.expect("exited ");
    rig.expect("empty");
    assert!(!wire.is_held());
    rig.dismiss();
    drop(never);
}

/// Two hundred generations, each in a session of its own.
///
/// F69: two hundred generations, a session each.
fn a_chain_deeper_than_the_buffers_is_swept() {
    let mut rig = Plan::default().python(
        "import os\n\
         wire = os.open(os.environ['DIR'] + '/wire', os.O_WRONLY)\n\
         for _ in range(200):\n\
         \tif os.fork(): os.read(os.open(os.environ['DIR'] + '/never', os.O_RDONLY), 1)\n\
         \tos.setsid()\n\
         os.write(wire, b'up\\n')\n\
         os.read(os.open(os.environ['DIR'] + '/never', os.O_RDONLY), 1)\n",
    );
    let mut wire = rig.tripwire("wire");
    let never = rig.tripwire("never");
    rig.start();
    assert_eq!(wire.line(), "up");
    rig.tell("end 0");
    rig.expect("exited ");
    rig.expect("empty");
    assert!(!wire.is_held());
    rig.dismiss();
    drop(never);
}

/// A cgroup of which an ordinary user may move processes, as a service manager delegates one. To be
/// removed by the test. Nothing where this test cannot make one.
fn delegated_cgroup(name: &str) -> Option<PathBuf> {
    let home = home_of_cgroups().filter(|_| rustix::process::geteuid().is_root())?;
    let delegated = home.join(format!("{name}-{}", std::process::id()));
    fs::create_dir(&delegated).unwrap();
    for file in [&delegated, &delegated.join("cgroup.procs")] {
        chown(file, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    Some(delegated)
}

fn in_delegated_cgroup(delegated: &Path, script: &str) -> (Rig, i32, PathBuf) {
    let cgroup = Some(delegated.to_owned());
    let rig = Plan {
        contain: "cgroup",
        cgroup,
        ..Plan::default()
    }
    .shell(script);
    let (guard, containment) = rig.ready();
    (
        rig,
        guard,
        PathBuf::from(containment.strip_prefix("cgroup ").unwrap()),
    )
}

fn end_and_remove(mut rig: Rig, mut wire: Tripwire, delegated: &Path) {
    rig.tell("end 0");
    rig.expect("exited ");
    rig.expect("empty");
    assert!(!wire.is_held());
    rig.dismiss();
    drop(rig);
    wait_until_empty(delegated);
    fs::remove_dir(delegated).unwrap();
}

fn a_delegated_cgroup_serves_an_ordinary_user() {
    let Some(delegated) = delegated_cgroup("serves") else {
        return a_required_cgroup_is_refused_to_who_may_not();
    };
    let (mut rig, guard, path) = in_delegated_cgroup(&delegated, STUBBORN);
    assert_eq!(path.parent(), Some(delegated.as_path()));
    assert_eq!(
        fs::metadata(format!("/proc/{guard}")).unwrap().uid(),
        NOBODY
    );
    let wire = stubborn(&mut rig);
    end_and_remove(rig, wire, &delegated);
}

fn a_cgroup_reaches_whom_signals_do_not() {
    let Some(delegated) = delegated_cgroup("reaches") else {
        return a_required_cgroup_is_refused_to_who_may_not();
    };
    let (mut rig, ..) = in_delegated_cgroup(&delegated, BECOMES_ROOT_S);
    let mut wire = rig.tripwire("wire");
    provide_setpriv(&rig);
    rig.begin(Duration::from_secs(600));
    let child = rig.expect("started ").parse().unwrap();
    assert_eq!(wire.line(), "up");
    wait_for_exec(child, Path::new("sleep"));
    assert_eq!(fs::metadata(format!("/proc/{child}")).unwrap().uid(), 0);
    end_and_remove(rig, wire, &delegated);
}

fn an_abandoned_cgroup_is_removed_by_the_next() {
    let script = "exec 9>$DIR/wire; echo up >&9; exec sleep 1000";
    let Some((mut rig, guard, path)) = with_cgroup(script) else {
        return;
    };
    let mut wire = rig.tripwire("wire");
    rig.begin(Duration::from_secs(600));
    rig.expect("started ");
    assert_eq!(wire.line(), "up");
    let guard = pidfd(guard);
    pidfd_send_signal(&guard, Signal::STOP).unwrap();
    rig.freeze();
    pidfd_send_signal(&guard, Signal::KILL).unwrap();
    rig.kill();
    wire.all_ended();
    crate::look::wait_for_end(&guard);
    wait_until_empty(&path);
    let (mut next, ..) = with_cgroup("exit").unwrap();
    assert!(!path.exists());
    next.dismiss();
}

/// Waits until the kernel says that nobody is in the cgroup, or that it is removed.
fn wait_until_empty(cgroup: &Path) {
    let Ok(events) = fs::File::open(cgroup.join("cgroup.events")) else {
        return;
    };
    let mut text = [0; 64];
    while let Ok(length) = events.read_at(&mut text, 0) {
        if String::from_utf8_lossy(&text[..length]).contains("populated 0") {
            return;
        }
        let mut fds = [PollFd::new(&events, PollFlags::PRI)];
        assert_eq!(
            poll(&mut fds, Some(&timespec(PATIENCE))),
            Ok(1),
            "it is never empty"
        );
    }
}
