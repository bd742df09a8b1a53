use std::fs::{self, File};
use std::io::Write;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, pidfd_send_signal, prlimit};
use tanist_testkit::Need;

use crate::Test;
use crate::deadline::STUBBORN;
use crate::look::{
    children, exists, has_ended, innermost_session, parent, pidfd, runs, wait_until_open,
    wait_until_reaped,
};
use crate::plan::Plan;
use crate::rig::Rig;
use crate::tripwire::Tripwire;

/// Whoever is killed, the others clear up.
pub(crate) const TESTS: &[Test] = &[
    (
        "a_killed_supervisor_costs_the_tree_then_releases",
        a_killed_supervisor,
    ),
    (
        "a_killed_supervisor_of_an_idle_guard_leaves_nothing",
        a_killed_supervisor_of_an_idle_guard,
    ),
    (
        "a_killed_supervisor_after_empty_is_released_for",
        a_killed_supervisor_after_empty,
    ),
    (
        "a_killed_guard_is_swept_after",
        a_killed_guard_is_swept_after,
    ),
    (
        "a_killed_guard_of_an_ordinary_user_is_swept_after",
        a_killed_guard_of_an_ordinary_user,
    ),
    (
        "a_killed_guard_whose_session_is_led_from_outside_is_swept_after",
        a_killed_guard_whose_session_is_led_from_outside,
    ),
    (
        "a_killed_idle_guard_leaves_nothing",
        a_killed_idle_guard_leaves_nothing,
    ),
    ("a_sweep_touches_nobody_else", a_sweep_touches_nobody_else),
    (
        "a_sweep_spares_who_was_there_before",
        a_sweep_spares_who_was_there_before,
    ),
    (
        "a_sweep_that_is_hindered_says_so_and_goes_on",
        a_sweep_that_is_hindered_says_so_and_goes_on,
    ),
    (
        "a_guard_that_is_hindered_says_so_and_goes_on",
        a_guard_that_is_hindered_says_so_and_goes_on,
    ),
    (
        "both_killed_takes_the_child_along",
        both_killed_takes_the_child_along,
    ),
    (
        "both_killed_takes_another_user_s_child_along",
        both_killed_takes_another_user_s_child_along,
    ),
    (
        "a_killed_supervisor_s_lock_is_free_before_the_release",
        a_killed_supervisor_s_lock_is_free_before_the_release,
    ),
    (
        "a_release_waits_for_the_tree_of_another_guard",
        a_release_waits_for_the_tree_of_another_guard,
    ),
    (
        "a_dead_release_program_s_number_hides_nobody",
        a_dead_release_program_s_number_hides_nobody,
    ),
];

/// With a stubborn tree that is up; answers with the guard.
fn stubborn(rig: &mut Rig) -> (i32, Tripwire) {
    let mut wire = rig.tripwire("wire");
    let (guard, _) = rig.ready();
    rig.tell("release these bytes");
    rig.begin(Duration::from_secs(600));
    rig.expect("started ");
    for _ in 0..3 {
        wire.line();
    }
    (guard, wire)
}

/// F74: SIGKILL for the supervisor of a tree that ignores SIGTERM.
fn a_killed_supervisor() {
    let mut rig = Plan::default().shell(STUBBORN);
    let (_, mut wire) = stubborn(&mut rig);
    let tree = fs::read_to_string(rig.path("pids")).unwrap();
    assert_eq!(tree.lines().count(), 3);
    rig.kill();
    // The release program itself looked who of the tree was alive when it was told to act.
    assert_eq!(rig.released(), "these bytes []");
    assert!(!wire.is_held());
    assert_eq!(rig.allocations(), 0, "the guard allocated");
    wire.all_ended();
}

/// Who waits for the lock need not wait for the release program.
fn a_killed_supervisor_s_lock_is_free_before_the_release() {
    let mut rig = Plan::default().shell(STUBBORN);
    let mut wire = rig.tripwire("wire");
    rig.ready();
    rig.tell("release these bytes");
    let lock = rig.begin_with_lock();
    rig.expect("started ");
    for _ in 0..3 {
        wire.line();
    }
    assert!(lock.try_lock().is_err());
    rig.kill();
    assert_eq!(rig.released(), "these bytes [] free");
}

/// A hook that acts as leader has a guard of its own. That one is held up here; the release has to
/// wait for it, although its own guard has long verified that the child is gone.
fn a_release_waits_for_the_tree_of_another_guard() {
    let plan = Plan {
        lease_ms: 600_000,
        ..Plan::default()
    };
    let mut rig = plan.shell(STUBBORN);
    let mut wire = rig.tripwire("wire");
    let (guard, _) = rig.ready();
    rig.tell("release-beside these bytes");
    let said = rig.expect("beside ");
    let (beside, stream) = said.split_once(' ').unwrap();
    let beside = pidfd(beside.parse().unwrap());
    rig.begin(Duration::from_secs(600));
    rig.expect("started ");
    for _ in 0..6 {
        wire.line();
    }
    let of_both = fs::read_to_string(rig.path("pids")).unwrap();
    assert_eq!(of_both.lines().count(), 6);
    let mut programs = children(guard).into_iter();
    let release = programs.rfind(|pid| runs(*pid, "__release")).unwrap();
    pidfd_send_signal(&beside, Signal::STOP).unwrap();
    rig.kill();
    wait_until_open(release, &format!("pipe:[{stream}]"));
    assert!(!rig.was_released());
    pidfd_send_signal(&beside, Signal::CONT).unwrap();
    assert_eq!(rig.released(), "these bytes []");
    wire.all_ended();
}

fn a_killed_supervisor_of_an_idle_guard() {
    let rig = Plan::default().shell("touch $DIR/ran");
    let (guard, _) = rig.ready();
    let guard = pidfd(guard);
    rig.kill();
    crate::look::wait_for_end(&guard);
    assert!(!rig.path("ran").exists() && !rig.was_released());
    assert_eq!(rig.allocations(), 0, "the guard allocated");
}

fn a_killed_supervisor_after_empty() {
    let mut rig = Plan::default().shell("exit 0");
    rig.ready();
    rig.tell("release first");
    rig.tell("release these bytes");
    rig.begin(Duration::from_secs(600));
    rig.expect("started ");
    rig.expect("exited ");
    rig.expect("empty");
    rig.kill();
    assert_eq!(rig.released(), "these bytes []");
    assert_eq!(rig.allocations(), 0, "the guard allocated");
}

/// F75: SIGKILL for the guard of such a tree.
fn a_killed_guard_is_swept_after() {
    let mut rig = Plan::default().shell(STUBBORN);
    let (guard, mut wire) = stubborn(&mut rig);
    pidfd_send_signal(pidfd(guard), Signal::KILL).unwrap();
    rig.expect("gone");
    assert!(!wire.is_held());
    assert!(!exists(guard));
    // The supervisor lives and withdraws by itself.
    assert!(!rig.was_released());
}

/// F70, F75: the same without any right.
fn a_killed_guard_of_an_ordinary_user() {
    let mut rig = Plan {
        unprivileged: true,
        ..Plan::default()
    }
    .shell(STUBBORN);
    let (guard, mut wire) = stubborn(&mut rig);
    pidfd_send_signal(pidfd(guard), Signal::KILL).unwrap();
    rig.expect("gone");
    assert!(!wire.is_held() && !exists(guard));
}

/// As in a container that is entered without a session of its own: the kernel says that the
/// supervisor's is number zero.
fn a_killed_guard_whose_session_is_led_from_outside() {
    if !Need::Root.go_on() {
        return;
    }
    let mut rig = Plan {
        led_from_outside: true,
        ..Plan::default()
    }
    .shell(STUBBORN);
    let (guard, mut wire) = stubborn(&mut rig);
    assert_eq!(innermost_session(parent(guard)), 0);
    pidfd_send_signal(pidfd(guard), Signal::KILL).unwrap();
    rig.expect("gone");
    assert!(!wire.is_held() && !exists(guard));
}

fn a_killed_idle_guard_leaves_nothing() {
    let rig = Plan::default().shell("touch $DIR/ran");
    let (guard, _) = rig.ready();
    let programs = children(guard);
    pidfd_send_signal(pidfd(guard), Signal::KILL).unwrap();
    rig.expect("gone");
    assert!(programs.into_iter().all(|pid| !exists(pid)));
    assert!(!rig.path("ran").exists() && !rig.was_released());
}

/// F73, F75: bystanders of every kind beside a killed guard.
fn a_sweep_touches_nobody_else() {
    let mut rig = Plan::default().shell(STUBBORN);
    let (guard, mut wire) = stubborn(&mut rig);
    rig.tell("another-guard");
    let other: i32 = rig.expect("another ").parse().unwrap();
    rig.tell("own-child");
    let own: i32 = rig.expect("own ").parse().unwrap();
    let programs = children(other);
    rig.keep_after_gone();
    pidfd_send_signal(pidfd(guard), Signal::KILL).unwrap();
    rig.expect("gone");
    assert!(!wire.is_held());
    assert!(exists(other) && exists(own) && programs.iter().all(|pid| exists(*pid)));
}

/// As under a shell that started something before it became tanist, or in a container.
fn a_sweep_spares_who_was_there_before() {
    let plan = Plan {
        after_an_elder: true,
        ..Plan::default()
    };
    let mut rig = plan.shell(STUBBORN);
    let (guard, mut wire) = stubborn(&mut rig);
    let elder: i32 = rig.elder();
    let supervisor = rig.pid().as_raw_pid();
    assert!(children(supervisor).contains(&elder));
    rig.keep_after_gone();
    pidfd_send_signal(pidfd(guard), Signal::KILL).unwrap();
    rig.expect("gone");
    assert!(!wire.is_held());
    assert!(exists(elder) && !has_ended(&pidfd(elder)), "swept too");
    pidfd_send_signal(pidfd(elder), Signal::KILL).unwrap();
}

const TOO_MANY: &str = "hindered Too many open files";

/// F99: no descriptor is left for the sweep.
fn a_sweep_that_is_hindered_says_so_and_goes_on() {
    let mut rig = Plan::default().shell(STUBBORN);
    let (guard, mut wire) = stubborn(&mut rig);
    rig.keep_after_gone();
    rig.tell("open-files 0");
    rig.expect("limited");
    pidfd_send_signal(pidfd(guard), Signal::KILL).unwrap();
    rig.expect(TOO_MANY);
    assert!(wire.is_held());
    rig.tell("open-files 256");
    // Nor was it said twice.
    rig.expect("limited");
    rig.expect("gone");
    assert!(!wire.is_held());
}

/// F99: no descriptor is left for the kill.
fn a_guard_that_is_hindered_says_so_and_goes_on() {
    let mut rig = Plan::default().shell(STUBBORN);
    let (guard, mut wire) = stubborn(&mut rig);
    let number = Pid::from_raw(guard);
    let unlimited = prlimit(
        number,
        Resource::Nofile,
        Rlimit {
            current: Some(0),
            maximum: getrlimit(Resource::Nofile).maximum,
        },
    )
    .unwrap();
    rig.tell("end 0");
    // The end of the child itself needs no looking for, but may be said before or after.
    let mut said = [(); 3].map(|()| rig.expect(""));
    said.sort();
    let held = wire.is_held();
    prlimit(number, Resource::Nofile, unlimited).unwrap();
    for (said, wanted) in said.iter().zip(["exited ", TOO_MANY, "lingering "]) {
        assert!(said.starts_with(wanted), "{said}");
    }
    assert!(held);
    rig.expect("empty");
    assert!(!wire.is_held());
    rig.dismiss();
}

/// Kills supervisor and guard so that neither sees the other die: both are stopped before.
fn kill_both(rig: &Rig, guard: i32) {
    let guard = pidfd(guard);
    pidfd_send_signal(&guard, Signal::STOP).unwrap();
    rig.freeze();
    pidfd_send_signal(&guard, Signal::KILL).unwrap();
    rig.kill();
}

/// The direct child alone: who escaped from it is beyond anybody's reach then, and only the term
/// protects, or a PID namespace.
///
/// F76: SIGKILL for both at once.
fn both_killed_takes_the_child_along() {
    let mut rig = Plan::default().shell(
        "exec 9>$DIR/wire; (setsid sh -c 'exec 9>&-; exec 8>$DIR/escapee; \
         echo $$ >&8; exec sleep 1000' &); echo up >&9; exec sleep 1000",
    );
    let mut wire = rig.tripwire("wire");
    let mut escaped = rig.tripwire("escapee");
    let (guard, _) = rig.ready();
    rig.begin(Duration::from_secs(600));
    rig.expect("started ");
    assert_eq!(wire.line(), "up");
    let escapee: i32 = escaped.line().parse().unwrap();
    kill_both(&rig, guard);
    wire.all_ended();
    assert!(escaped.is_held());
    pidfd_send_signal(pidfd(escapee), Signal::KILL).unwrap();
    escaped.all_ended();
}

/// The kernel disarms the parent-death signal when the user changes; it has to be armed again.
///
/// F76, F77: the same where the child has another user.
fn both_killed_takes_another_user_s_child_along() {
    let user = if rustix::process::geteuid().is_root() {
        "nobody"
    } else {
        "-"
    };
    let plan = Plan {
        user,
        ..Plan::default()
    };
    let mut rig = plan.shell("exec 9>$DIR/wire; echo up >&9; exec sleep 1000");
    let mut wire = rig.tripwire("wire");
    let (guard, _) = rig.ready();
    rig.begin(Duration::from_secs(600));
    rig.expect("started ");
    assert_eq!(wire.line(), "up");
    kill_both(&rig, guard);
    wire.all_ended();
}

/// The child starts an escapee under the number it is told, if that is not nought, and ends.
const UNDER_A_NUMBER: &str = "import ctypes, os, signal, struct\n\
     def fork_as(number):\n\
     \ttid = (ctypes.c_int * 1)(number)\n\
     \targuments = struct.pack('11Q', *[0] * 4, signal.SIGCHLD, *[0] * 3,\n\
     \t\tctypes.addressof(tid), 1, 0)\n\
     \treturn ctypes.PyDLL(None).syscall(435, arguments, len(arguments)) # clone3\n\
     number = int(open(os.environ['DIR'] + '/number').readline())\n\
     escapee = fork_as(number) if number else os.fork()\n\
     if escapee == 0:\n\
     \tsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
     \tos.setsid()\n\
     \twire = os.open(os.environ['DIR'] + '/wire', os.O_WRONLY)\n\
     \tos.write(wire, f'{os.getpid()}\\n'.encode())\n\
     \twhile True: signal.pause()\n\
     os.read(os.open(os.environ['DIR'] + '/never', os.O_RDONLY), 1)\n";

/// A number is free again once its process is reaped, and whoever of the tree has it then is of the
/// tree. Only root can choose numbers; others look at the same escapee under any.
///
/// F73: a descendant gets the number of a dead process.
fn a_dead_release_program_s_number_hides_nobody() {
    let mut rig = Plan::default().python(UNDER_A_NUMBER);
    let mut wire = rig.tripwire("wire");
    let never = rig.tripwire("never");
    let _number = rig.tripwire("number");
    let (guard, _) = rig.ready();
    rig.begin(Duration::from_secs(600));
    let child: i32 = rig.expect("started ").parse().unwrap();
    let mut own = children(guard);
    own.retain(|pid| *pid != child);
    let [releaser] = own[..] else {
        panic!("not one release program but {own:?}");
    };
    pidfd_send_signal(pidfd(releaser), Signal::KILL).unwrap();
    wait_until_reaped(releaser);
    let is_root = rustix::process::geteuid().is_root();
    let number = if is_root { releaser } else { 0 };
    // Kept open: its reader may come after what is written.
    let mut teller = File::options()
        .write(true)
        .open(rig.path("number"))
        .unwrap();
    writeln!(teller, "{number}").unwrap();
    let escapee: i32 = wire.line().parse().unwrap();
    assert!(!is_root || escapee == releaser, "{escapee}, not {releaser}");
    rig.tell("end 0");
    rig.expect("exited ");
    rig.expect("empty");
    assert!(!wire.is_held() && !exists(escapee));
    rig.dismiss();
    drop(never);
}
