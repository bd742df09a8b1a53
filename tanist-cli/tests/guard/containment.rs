use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Signal, pidfd_send_signal};

use crate::Test;
use crate::deadline::STUBBORN;
use crate::rig::{PIDS, Plan, Rig, exists, pidfd};

/// What holds a tree together.
pub(crate) const TESTS: &[Test] = &[
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
    (
        "a_pid_namespace_dies_with_both",
        a_pid_namespace_dies_with_both,
    ),
    (
        "a_pid_namespace_of_an_ordinary_user_dies_with_both",
        an_ordinary_user_s_pid_namespace,
    ),
    (
        "a_pid_namespace_shows_only_itself",
        a_pid_namespace_shows_only_itself,
    ),
    (
        "a_child_in_a_pid_namespace_is_reported",
        a_child_in_a_pid_namespace_is_reported,
    ),
    (
        "a_pid_namespace_ends_by_its_deadline",
        a_pid_namespace_ends_by_its_deadline,
    ),
];

/// Where a cgroup can be made on this machine, if anywhere, told apart from the product's own way:
/// by trying every mounted hierarchy of version 2.
fn cgroups_are_writable() -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let own = fs::read_to_string("/proc/self/cgroup").unwrap();
    let Some(own) = own.lines().find_map(|line| line.strip_prefix("0::/")) else {
        return false;
    };
    let points = mounts
        .lines()
        .filter(|line| line.split(' ').nth(2) == Some("cgroup2"));
    points
        .filter_map(|line| line.split(' ').nth(1))
        .any(|point| {
            let trial = Path::new(point)
                .join(own)
                .join(format!("trial-{}", std::process::id()));
            let made = fs::create_dir(&trial).is_ok() && trial.join("cgroup.kill").exists();
            let _ = fs::remove_dir(&trial);
            made
        })
}

fn stubborn(rig: &mut Rig) -> crate::tripwire::Tripwire {
    let mut wire = rig.tripwire("wire");
    rig.tell("release these bytes");
    rig.begin(Duration::from_secs(600));
    rig.expect("started ");
    for _ in 0..3 {
        wire.line();
    }
    wire
}

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

fn a_cgroup_is_killed_while_frozen() {
    let Some((mut rig, _, path)) = with_cgroup(STUBBORN) else {
        return;
    };
    let mut wire = stubborn(&mut rig);
    fs::write(path.join("cgroup.freeze"), "1").unwrap();
    let soon = crate::rig::now() + Duration::from_millis(1_900);
    rig.tell(&format!("until {}", soon.since_origin().as_nanos()));
    rig.expect("deadline-reached");
    assert!(wire.all_ended() <= soon);
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

/// Every process of it forks as long as it can; a limit keeps a failure from harming the machine.
fn a_fork_bomb_does_not_run_ahead() {
    let mut rig = Plan::default().python(
        "import os\n\
         wire = os.open(os.environ['DIR'] + '/wire', os.O_WRONLY)\n\
         os.setsid() if os.getpid() != os.getpgid(0) else None\n\
         depth = 0\n\
         while True:\n\
         \tif os.fork() == 0:\n\
         \t\tdepth += 1\n\
         \t\tos.setsid()\n\
         \t\tif depth > 12: os.read(os.open(os.environ['DIR'] + '/never', os.O_RDONLY), 1)\n\
         \telse:\n\
         \t\tif depth == 8: os.write(wire, b'up\\n')\n\
         \t\tif os.fork() == 0: depth += 1\n\
         \t\telse: os.read(os.open(os.environ['DIR'] + '/never', os.O_RDONLY), 1)\n\
         \t\tif depth > 10: os.read(os.open(os.environ['DIR'] + '/never', os.O_RDONLY), 1)\n",
    );
    let mut wire = rig.tripwire("wire");
    let never = rig.tripwire("never");
    rig.start();
    assert_eq!(wire.line(), "up");
    rig.tell("end 0");
    rig.expect("exited ");
    rig.expect_past("lingering", "empty");
    assert!(!wire.is_held());
    rig.dismiss();
    drop(never);
}

/// Three hundred generations, each in a session of its own.
fn a_chain_deeper_than_the_buffers_is_swept() {
    let mut rig = Plan::default().python(
        "import os\n\
         wire = os.open(os.environ['DIR'] + '/wire', os.O_WRONLY)\n\
         for _ in range(300):\n\
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
    rig.expect_past("lingering", "empty");
    assert!(!wire.is_held());
    rig.dismiss();
    drop(never);
}

fn dies_with_both(unprivileged: bool) {
    let mut rig = Plan {
        contain: "pidns",
        unprivileged,
        ..Plan::default()
    }
    .shell(STUBBORN);
    let (guard, containment) = rig.ready();
    assert_eq!(containment, "pidns");
    let mut wire = stubborn(&mut rig);
    let guard = pidfd(guard);
    pidfd_send_signal(&guard, Signal::STOP).unwrap();
    rig.freeze();
    assert!(wire.is_held());
    pidfd_send_signal(&guard, Signal::KILL).unwrap();
    rig.kill();
    wire.all_ended();
    assert!(!rig.was_released());
}

fn a_pid_namespace_dies_with_both() {
    dies_with_both(false);
}

fn an_ordinary_user_s_pid_namespace() {
    dies_with_both(true);
}

fn a_pid_namespace_shows_only_itself() {
    for unprivileged in [false, true] {
        let mut rig = Plan {
            contain: "pidns",
            unprivileged,
            ..Plan::default()
        }
        .shell(
            "exec 9>$DIR/wire; echo $(id -u) $(ls /proc | grep -c '^[0-9]') >&9; \
             grep -E '^CapEff' /proc/self/status | tr -d '\\t' >&9; exec sleep 1000",
        );
        let mut wire = rig.tripwire("wire");
        let child = rig.start();
        assert!(exists(child));
        let uid = if unprivileged {
            crate::rig::ordinary_uid()
        } else {
            own_uid()
        };
        let line = wire.line();
        let (who, seen) = line.split_once(' ').unwrap();
        // Itself, the first process, and the pipeline that counts.
        assert!(
            who == uid.to_string() && seen.parse::<u32>().unwrap() <= 6,
            "{line}"
        );
        let privilege = wire.line();
        assert_eq!(
            privilege == "CapEff:0000000000000000",
            uid != 0,
            "{privilege}"
        );
        rig.tell("end 20000");
        assert_eq!(rig.expect("exited "), "signal: 15 (SIGTERM)");
        rig.expect("empty");
        rig.dismiss();
    }
}

fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn a_child_in_a_pid_namespace_is_reported() {
    let mut rig = Plan {
        contain: "pidns",
        ..Plan::default()
    }
    .shell("exit 42");
    rig.start();
    assert_eq!(rig.expect("exited "), "exit status: 42");
    rig.expect("empty");
    rig.dismiss();
    let mut rig = Plan {
        contain: "pidns",
        ..Plan::default()
    }
    .command(&["no-such-command"]);
    rig.ready();
    rig.begin(Duration::from_secs(600));
    rig.expect("exec-failed 127 ");
    rig.expect("empty");
    rig.dismiss();
}

fn a_pid_namespace_ends_by_its_deadline() {
    let mut rig = Plan {
        contain: "pidns",
        unprivileged: true,
        ..Plan::default()
    }
    .shell(STUBBORN);
    rig.ready();
    let mut wire = stubborn(&mut rig);
    let soon = crate::rig::now() + Duration::from_millis(1_900);
    rig.tell(&format!("until {}", soon.since_origin().as_nanos()));
    assert!(wire.all_ended() <= soon);
    rig.expect("deadline-reached");
    rig.expect("exited ");
    rig.expect("empty");
    rig.dismiss();
}
