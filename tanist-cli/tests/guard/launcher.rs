use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::process::{Signal, pidfd_send_signal};
use tanist_core::{Moment, Timing};

use crate::Test;
use crate::deadline::LEASE;
use crate::look::{
    children, descendants, exists, pidfd, runs, wait_for_any_end, wait_until_armed,
    wait_until_asleep, wait_until_past,
};
use crate::namespace::are_permitted as namespaces_are_permitted;
use crate::plan::Plan;
use crate::rig::Rig;

/// What befalls the guard's own programs before one of them is the child.
pub(crate) const TESTS: &[Test] = &[
    (
        "a_launcher_that_was_held_up_looks_again",
        a_launcher_that_was_held_up_looks_again,
    ),
    (
        "a_start_that_is_held_up_is_ended",
        a_start_that_is_held_up_is_ended,
    ),
    (
        "a_start_that_is_held_up_in_a_namespace_is_ended",
        a_start_that_is_held_up_in_a_namespace_is_ended,
    ),
    (
        "a_signal_that_comes_before_the_exec_is_the_child_s",
        a_signal_that_comes_before_the_exec_is_the_child_s,
    ),
    (
        "a_launcher_that_was_killed_costs_the_guard_at_once",
        a_launcher_that_was_killed_costs_the_guard_at_once,
    ),
    (
        "a_release_program_that_was_killed_costs_the_guard_at_once",
        a_release_program_that_was_killed_costs_the_guard_at_once,
    ),
    (
        "a_namespace_s_launcher_that_was_killed_costs_the_guard_at_once",
        a_namespace_s_launcher_that_was_killed_costs_the_guard_at_once,
    ),
];

/// The guard's own look was in time, but then neither it nor the launcher got to run.
///
/// F86: SIGSTOP between the word to start and the exec.
fn a_launcher_that_was_held_up_looks_again() {
    let mut rig = timed("sweep").shell("touch $DIR/ran");
    let (guard, _) = rig.ready();
    let programs = stop(&children(guard));
    let by = begin_in_time(&mut rig, Duration::from_secs(2));
    wait_until_armed(guard);
    let guard = pidfd(guard);
    pidfd_send_signal(&guard, Signal::STOP).unwrap();
    wait_until_past(by);
    for program in &programs {
        pidfd_send_signal(program, Signal::CONT).unwrap();
    }
    // The release program goes on sleeping, the launcher refuses.
    wait_for_any_end(&programs);
    assert!(!rig.path("ran").exists());
    pidfd_send_signal(&guard, Signal::CONT).unwrap();
    rig.expect("too-late");
    rig.expect("empty");
    rig.dismiss();
    assert!(!rig.path("ran").exists());
}

/// However long the lease is by then: a leadership under which nothing runs is nobody's.
///
/// F86: SIGSTOP that nobody ever takes back.
fn a_start_that_is_held_up_is_ended() {
    held_up("sweep");
}

fn a_start_that_is_held_up_in_a_namespace_is_ended() {
    held_up("pidns");
}

fn held_up(contain: &'static str) {
    if contain == "pidns" && !namespaces_are_permitted(false) {
        return held_up("sweep");
    }
    let mut rig = timed(contain).shell("touch $DIR/ran");
    let (guard, _) = rig.ready();
    stop(&descendants(guard));
    let by = begin_in_time(&mut rig, Duration::from_millis(500));
    let far = crate::rig::now() + Duration::from_secs(600);
    rig.tell(&format!("until {}", far.since_origin().as_nanos()));
    rig.expect("too-late");
    assert!(crate::rig::now() > by);
    rig.expect("empty");
    rig.dismiss();
    assert!(!rig.path("ran").exists());
}

fn timed(contain: &'static str) -> Plan {
    Plan {
        lease_ms: 4_000,
        contain,
        ..Plan::default()
    }
}

/// Begins so that the child has this long to start; answers with the moment at which it is too late.
fn begin_in_time(rig: &mut Rig, left: Duration) -> Moment {
    // Of 4 s, 2.5 s have to be left at the start: a renewal, and stopping.
    let safe_until = rig.begin(Duration::from_millis(2_500) + left);
    let by = Timing::from_lease(LEASE).unwrap().start_by(safe_until);
    assert_eq!(by, safe_until - Duration::from_millis(2_500));
    by
}

fn stop(programs: &[i32]) -> Vec<OwnedFd> {
    let stop = |pid: &i32| {
        let program = pidfd(*pid);
        pidfd_send_signal(&program, Signal::STOP).unwrap();
        program
    };
    programs.iter().map(stop).collect()
}

fn a_launcher_that_was_killed_costs_the_guard_at_once() {
    loses("sweep", "__launch");
}

fn a_release_program_that_was_killed_costs_the_guard_at_once() {
    loses("sweep", "__release");
}

fn a_namespace_s_launcher_that_was_killed_costs_the_guard_at_once() {
    if !namespaces_are_permitted(false) {
        return loses("sweep", "__launch");
    }
    loses("pidns", "__launch");
}

/// A guard that stands by unfit is found out before the election, not by it.
fn loses(contain: &'static str, verb: &str) {
    let rig = timed(contain).shell("touch $DIR/ran");
    let (guard, _) = rig.ready();
    let programs = descendants(guard);
    let lost: Vec<i32> = programs
        .iter()
        .copied()
        .filter(|pid| runs(*pid, verb))
        .collect();
    assert_eq!(lost.len(), 1, "{verb} among {programs:?}");
    pidfd_send_signal(pidfd(lost[0]), Signal::KILL).unwrap();
    rig.expect("gone");
    assert!(!exists(guard) && programs.into_iter().all(|pid| !exists(pid)));
    assert_eq!(rig.allocations(), 0, "the guard allocated");
    assert!(!rig.path("ran").exists() && !rig.was_released());
}

/// F78: a signal for the child between the word to start and the exec.
fn a_signal_that_comes_before_the_exec_is_the_child_s() {
    let mut rig = timed("sweep").shell("exec sleep 1000");
    let (guard, _) = rig.ready();
    let programs = stop(&children(guard));
    rig.begin(Duration::from_secs(600));
    wait_until_armed(guard);
    rig.tell("signal 10");
    // Orders are carried out in turn: the request is on its way when this is answered.
    rig.keep_after_gone();
    wait_until_asleep(guard);
    for program in &programs {
        pidfd_send_signal(program, Signal::CONT).unwrap();
    }
    rig.expect("started ");
    assert_eq!(rig.expect("exited "), "signal: 10 (SIGUSR1)");
    rig.expect("empty");
    rig.dismiss();
}
