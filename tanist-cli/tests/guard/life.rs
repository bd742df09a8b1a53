use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Signal, pidfd_send_signal};

use crate::Test;
use crate::look::{BECOMES_ROOT_S, children, exists, pidfd, provide_setpriv, wait_for_exec};
use crate::plan::Plan;

/// What happens while all goes well.
pub(crate) const TESTS: &[Test] = &[
    (
        "a_child_begins_ends_and_leaves_nothing",
        a_child_begins_ends_and_leaves_nothing,
    ),
    (
        "a_child_that_ends_by_itself_is_reported",
        a_child_that_ends_by_itself_is_reported,
    ),
    (
        "what_a_child_leaves_behind_is_stopped",
        what_a_child_leaves_behind_is_stopped,
    ),
    (
        "the_stop_signal_is_the_one_asked_for",
        the_stop_signal_is_the_one_asked_for,
    ),
    (
        "a_signal_reaches_the_child_s_group_alone",
        a_signal_reaches_the_child_s_group_alone,
    ),
    (
        "the_stop_signal_reaches_every_generation",
        the_stop_signal_reaches_every_generation,
    ),
    (
        "what_cannot_be_killed_is_not_called_gone",
        what_cannot_be_killed_is_not_called_gone,
    ),
    (
        "a_stopped_child_ends_by_the_stop_signal",
        a_stopped_child_ends_by_the_stop_signal,
    ),
    (
        "orphans_by_the_thousand_are_reaped",
        orphans_by_the_thousand_are_reaped,
    ),
    (
        "an_idle_guard_is_dismissed_without_a_trace",
        an_idle_guard_is_dismissed_without_a_trace,
    ),
    ("only_a_kill_ends_a_guard", only_a_kill_ends_a_guard),
    (
        "the_lock_is_free_when_the_last_process_is_gone",
        the_lock_is_free_when_the_last_is_gone,
    ),
];

fn a_child_begins_ends_and_leaves_nothing() {
    let mut rig = Plan::default().shell("exec 9>$DIR/wire; echo $TANIST_TERM >&9; exec sleep 1000");
    let mut wire = rig.tripwire("wire");
    rig.tell("release bytes");
    rig.start();
    assert_eq!(wire.line(), "7");
    rig.tell("end 20000");
    assert_eq!(rig.expect("exited "), "signal: 15 (SIGTERM)");
    rig.expect("empty");
    assert!(!wire.is_held());
    rig.dismiss();
    assert!(!rig.was_released());
}

fn a_child_that_ends_by_itself_is_reported() {
    let mut rig = Plan::default().shell("exit 42");
    rig.start();
    assert_eq!(rig.expect("exited "), "exit status: 42");
    rig.expect("empty");
    rig.dismiss();
}

/// It also keeps standard output open, which nobody must wait for.
///
/// F71: a grandchild keeps the output.
fn what_a_child_leaves_behind_is_stopped() {
    let mut rig = Plan::default().shell("exec 9>$DIR/wire; sleep 1000 & echo up >&9");
    let mut wire = rig.tripwire("wire");
    rig.start();
    assert_eq!(wire.line(), "up");
    assert_eq!(rig.expect("exited "), "exit status: 0");
    rig.expect("empty");
    assert!(!wire.is_held());
    rig.dismiss();
}

fn the_stop_signal_is_the_one_asked_for() {
    let plan = Plan {
        stop_signal: Signal::INT,
        ..Plan::default()
    };
    let mut rig = plan.shell(
        "exec 9>$DIR/wire; trap '' TERM; trap 'exit 5' INT; echo up >&9; \
         while :; do sleep 0.01; done",
    );
    let mut wire = rig.tripwire("wire");
    rig.start();
    assert_eq!(wire.line(), "up");
    rig.tell("end 20000");
    assert_eq!(rig.expect("exited "), "exit status: 5");
    rig.expect("empty");
}

fn a_signal_reaches_the_child_s_group_alone() {
    let mut rig = Plan::default().python(
        "import os, signal, sys\n\
         wire = os.open(os.environ['DIR'] + '/wire', os.O_WRONLY)\n\
         def note(who): signal.signal(signal.SIGUSR1, lambda *_: os.write(wire, who + b'\\n'))\n\
         ready, go = os.pipe()\n\
         if os.fork() == 0:\n\
         \tos.setsid()\n\
         \tnote(b'other')\n\
         \tos.write(go, b'x')\n\
         \twhile True: signal.pause()\n\
         if os.fork() == 0:\n\
         \tnote(b'mine')\n\
         \tos.write(go, b'x')\n\
         \twhile True: signal.pause()\n\
         note(b'mine')\n\
         os.read(ready, 1), os.read(ready, 1)\n\
         os.write(wire, b'up\\n')\n\
         while True: signal.pause()\n",
    );
    let mut wire = rig.tripwire("wire");
    rig.start();
    assert_eq!(wire.line(), "up");
    rig.tell("signal 10");
    assert_eq!(
        (wire.line().as_str(), wire.line().as_str()),
        ("mine", "mine")
    );
    // Requests are obeyed in turn: had the third one been signalled, it would have said so by now.
    rig.tell("end 0");
    rig.expect("exited ");
    rig.expect("empty");
    assert_eq!(wire.rest(), "");
}

/// F82: SIGSTOP for the child.
fn a_stopped_child_ends_by_the_stop_signal() {
    let mut rig = Plan::default().shell("exec 9>$DIR/wire; echo up >&9; exec sleep 1000");
    let mut wire = rig.tripwire("wire");
    let child = rig.start();
    assert_eq!(wire.line(), "up");
    pidfd_send_signal(pidfd(child), Signal::STOP).unwrap();
    rig.tell("end 600000");
    assert_eq!(rig.expect("exited "), "signal: 15 (SIGTERM)");
    rig.expect("empty");
    rig.dismiss();
}

/// F72: orphans that end at once.
fn orphans_by_the_thousand_are_reaped() {
    let mut rig = Plan::default().python(
        "import os, time\n\
         wire = os.open(os.environ['DIR'] + '/wire', os.O_WRONLY)\n\
         for _ in range(1000):\n\
         \tpid = os.fork()\n\
         \tif pid == 0:\n\
         \t\tos._exit(0) if os.fork() == 0 else os._exit(0)\n\
         \tos.waitpid(pid, 0)\n\
         os.write(wire, b'up\\n')\n\
         os.read(os.open(os.environ['DIR'] + '/never', os.O_RDONLY), 1)\n",
    );
    let mut wire = rig.tripwire("wire");
    let never = rig.tripwire("never");
    let (guard, _) = rig.ready();
    rig.begin(Duration::from_secs(600));
    let child: i32 = rig.expect("started ").parse().unwrap();
    assert_eq!(wire.line(), "up");
    // The reports come from the loop that reaps, so this answer comes after the reaping.
    rig.tell("end 20000");
    rig.expect("exited ");
    rig.expect("empty");
    assert!(!exists(child));
    assert_eq!(
        children(guard).len(),
        1,
        "more than the release program is left"
    );
    rig.dismiss();
    drop(never);
}

fn an_idle_guard_is_dismissed_without_a_trace() {
    let mut rig = Plan::default().shell("touch $DIR/ran");
    let (guard, _) = rig.ready();
    let programs = children(guard);
    assert_eq!(programs.len(), 2, "a launcher and a release program");
    rig.tell("release bytes");
    rig.dismiss();
    assert!(programs.into_iter().all(|pid| !exists(pid)) && !exists(guard));
    assert!(!rig.was_released() && !rig.path("ran").exists());
}

/// F78: every signal there is, for the guard.
fn only_a_kill_ends_a_guard() {
    let mut rig = Plan::default().shell("exec 9>$DIR/wire; echo up >&9; exec sleep 1000");
    let mut wire = rig.tripwire("wire");
    let (guard, _) = rig.ready();
    let programs = children(guard);
    let all = [
        Signal::HUP,
        Signal::INT,
        Signal::QUIT,
        Signal::TERM,
        Signal::USR1,
        Signal::USR2,
        Signal::PIPE,
        Signal::ALARM,
        Signal::TSTP,
        Signal::TTIN,
        Signal::TTOU,
        Signal::ABORT,
        Signal::CHILD,
    ];
    for pid in programs.into_iter().chain([guard]) {
        for signal in all {
            pidfd_send_signal(pidfd(pid), signal).unwrap();
        }
    }
    rig.begin(Duration::from_secs(600));
    let child: i32 = rig.expect("started ").parse().unwrap();
    assert_eq!(wire.line(), "up");
    for signal in all {
        pidfd_send_signal(pidfd(guard), signal).unwrap();
    }
    assert!(exists(child));
    rig.tell("end 20000");
    assert_eq!(rig.expect("exited "), "signal: 15 (SIGTERM)");
    rig.expect("empty");
    rig.dismiss();
}

/// As the local store needs it: guard and child hold the lock, whatever becomes of the supervisor.
///
/// F92: a descendant that outlives the child.
fn the_lock_is_free_when_the_last_is_gone() {
    let mut rig = Plan::default()
        .shell("exec 9>$DIR/wire; trap '' TERM; (setsid sh -c 'echo up >&9; exec sleep 1000' &)");
    let mut wire = rig.tripwire("wire");
    rig.ready();
    let lock = rig.begin_with_lock();
    rig.expect("started ");
    assert_eq!(wire.line(), "up");
    rig.expect("exited ");
    assert!(lock.try_lock().is_err());
    rig.tell("end 0");
    rig.expect("empty");
    // The guard holds it until it is dismissed: until the leadership is given back.
    assert!(!wire.is_held() && lock.try_lock().is_err());
    rig.dismiss();
    lock.try_lock().unwrap();
}

/// Also those whose parents end by it first.
fn the_stop_signal_reaches_every_generation() {
    let mut rig = Plan::default().python(
        "import os, signal\n\
         wire = os.open(os.environ['DIR'] + '/wire', os.O_WRONLY)\n\
         def end(*_):\n\
         \tos.write(wire, b'stopped\\n')\n\
         \tos._exit(0)\n\
         signal.signal(signal.SIGTERM, end)\n\
         for _ in range(19):\n\
         \tif os.fork():\n\
         \t\twhile True: signal.pause()\n\
         \tos.setsid()\n\
         os.write(wire, b'up\\n')\n\
         while True: signal.pause()\n",
    );
    let mut wire = rig.tripwire("wire");
    rig.start();
    assert_eq!(wire.line(), "up");
    rig.tell("end 600000");
    rig.expect("exited exit status: 0");
    rig.expect("empty");
    assert_eq!(wire.rest().lines().count(), 20);
    rig.dismiss();
}

/// A program that became root's all the way is out of an ordinary guard's reach.
///
/// F83: a child that is beyond the reach of its guard's signals.
fn what_cannot_be_killed_is_not_called_gone() {
    let mut rig = Plan {
        unprivileged: true,
        ..Plan::default()
    }
    .shell(BECOMES_ROOT_S);
    let mut wire = rig.tripwire("wire");
    provide_setpriv(&rig);
    let child = rig.start();
    assert_eq!(wire.line(), "up");
    if !rustix::process::geteuid().is_root() {
        // Nobody here could have made it root's: it refuses, and its end is an end.
        rig.expect("exited exit status: ");
        return drop(rig.expect("empty"));
    }
    wait_for_exec(child, Path::new("sleep"));
    assert_eq!(fs::metadata(format!("/proc/{child}")).unwrap().uid(), 0);
    rig.tell("release these bytes");
    rig.tell("end 0");
    assert_eq!(rig.expect("lingering "), "1");
    // Nor is it called gone when the supervisor is no more.
    rig.kill();
    assert!(exists(child) && wire.is_held() && !rig.was_released());
    pidfd_send_signal(pidfd(child), Signal::KILL).unwrap();
    assert_eq!(rig.released(), "these bytes []");
    assert!(!wire.is_held());
}
