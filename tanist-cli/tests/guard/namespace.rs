use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Signal, pidfd_send_signal};

use crate::Test;
use crate::containment::stubborn;
use crate::deadline::{STUBBORN, assert_killed_in_time};
use crate::look::{exists, ordinary_uid, pidfd};
use crate::plan::Plan;
use crate::rig::Rig;

/// The only containment that covers guard and supervisor killed together.
pub(crate) const TESTS: &[Test] = &[
    ("it_dies_with_both", it_dies_with_both),
    (
        "an_ordinary_user_s_dies_with_both",
        an_ordinary_user_s_dies_with_both,
    ),
    ("it_shows_only_itself", it_shows_only_itself),
    ("its_child_s_end_is_reported", its_child_s_end_is_reported),
    ("it_ends_by_its_deadline", it_ends_by_its_deadline),
    ("its_refusal_says_what_to_do", its_refusal_says_what_to_do),
];

/// The rig with a PID namespace; nothing where there is none, after the refusal has been looked at.
fn with_namespace(unprivileged: bool, command: &[&str]) -> Option<Rig> {
    let rig = Plan {
        contain: "pidns",
        lease_ms: 4_000,
        unprivileged,
        ..Plan::default()
    }
    .command(command);
    if are_permitted(unprivileged) {
        return Some(rig);
    }
    let why = rig.expect("refused ");
    assert!(
        why.contains("--contain pidns needs root or user namespaces"),
        "{why}"
    );
    None
}

/// As another program finds it.
pub(crate) fn are_permitted(unprivileged: bool) -> bool {
    let is_root = rustix::process::geteuid().is_root();
    let mut unshare = Command::new("unshare");
    if unprivileged || !is_root {
        unshare.arg("--user");
    }
    unshare.args(["--pid", "--fork", "true"]);
    unshare.stderr(Stdio::null());
    if unprivileged && is_root {
        unshare.uid(ordinary_uid()).gid(ordinary_uid());
    }
    unshare.status().unwrap().success()
}

fn dies_with_both(unprivileged: bool) {
    let Some(mut rig) = with_namespace(unprivileged, &["sh", "-c", STUBBORN]) else {
        return;
    };
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

fn it_dies_with_both() {
    dies_with_both(false);
}

fn an_ordinary_user_s_dies_with_both() {
    dies_with_both(true);
}

fn it_shows_only_itself() {
    let script = "exec 9>$DIR/wire; echo $(id -u) $(ls /proc | grep -c '^[0-9]') >&9; \
                  grep -E '^CapEff' /proc/self/status | tr -d '\\t' >&9; exec sleep 1000";
    for unprivileged in [false, true] {
        let Some(mut rig) = with_namespace(unprivileged, &["sh", "-c", script]) else {
            continue;
        };
        let mut wire = rig.tripwire("wire");
        let child = rig.start();
        assert!(exists(child));
        let own = rustix::process::geteuid().as_raw();
        let uid = if unprivileged { ordinary_uid() } else { own };
        let line = wire.line();
        let (who, seen) = line.split_once(' ').unwrap();
        // Itself, the first process, and the pipeline that counts.
        assert!(
            who == uid.to_string() && seen.parse::<u32>().unwrap() <= 6,
            "{line}"
        );
        // What it took to make the namespace is not the child's.
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

fn its_child_s_end_is_reported() {
    let Some(mut rig) = with_namespace(false, &["sh", "-c", "exit 42"]) else {
        return;
    };
    rig.start();
    assert_eq!(rig.expect("exited "), "exit status: 42");
    rig.expect("empty");
    rig.dismiss();
    let Some(mut rig) = with_namespace(true, &["no-such-command"]) else {
        return;
    };
    rig.ready();
    rig.begin(Duration::from_secs(600));
    rig.expect("exec-failed 127 ");
    rig.expect("empty");
    rig.dismiss();
}

fn it_ends_by_its_deadline() {
    let Some(mut rig) = with_namespace(true, &["sh", "-c", STUBBORN]) else {
        return;
    };
    rig.ready();
    let mut wire = stubborn(&mut rig);
    let safe_until = rig.move_the_deadline_near();
    assert_killed_in_time(&mut wire, safe_until);
    rig.expect("deadline-reached");
    rig.expect("exited ");
    rig.expect("empty");
    rig.dismiss();
}

/// A namespace in which no further ones are allowed is easily made, where any may be made at all.
fn its_refusal_says_what_to_do() {
    let plan = Plan {
        contain: "pidns",
        without_namespaces: true,
        ..Plan::default()
    };
    let rig = plan.shell("touch $DIR/ran");
    let why = rig.expect("refused ");
    assert!(
        why.contains("--contain pidns needs root or user namespaces"),
        "{why}"
    );
    assert!(why.contains("or choose another --contain"), "{why}");
    assert!(!rig.path("ran").exists());
}
