use std::time::Duration;

use tanist_core::Timing;

use crate::Test;
use crate::rig::{Plan, now};

/// A tree is gone by the deadline, whatever its processes and the supervisor do.
pub(crate) const TESTS: &[Test] = &[
    (
        "a_frozen_supervisor_costs_the_child_in_time",
        a_frozen_supervisor_costs_the_child_in_time,
    ),
    (
        "a_child_that_obeys_is_not_killed",
        a_child_that_obeys_is_not_killed,
    ),
    (
        "an_extended_deadline_leaves_the_child_alone",
        an_extended_deadline_leaves_it_alone,
    ),
    (
        "a_planned_stop_yields_to_the_deadline",
        a_planned_stop_yields_to_the_deadline,
    ),
];

/// Ignores the stop signal, and has descendants in other sessions that ignore it too.
pub(crate) const STUBBORN: &str = "exec 9>$DIR/wire; trap '' TERM; echo $$ >>$DIR/pids; \
     (setsid sh -c 'echo $$ >>$DIR/pids; echo escaped >&9; exec sleep 1000' &); \
     setsid sh -c '(setsid sh -c \"echo \\$\\$ >>$DIR/pids; echo escaped >&9; exec sleep 1000\" &)'; \
     echo up >&9; while :; do sleep 1000; done";

const LEASE: Duration = Duration::from_secs(2);

fn a_frozen_supervisor_costs_the_child_in_time() {
    let mut rig = Plan::default().shell(STUBBORN);
    let mut wire = rig.tripwire("wire");
    rig.ready();
    let safe_until = rig.begin(LEASE);
    rig.expect("started ");
    for _ in 0..3 {
        wire.line();
    }
    rig.freeze();
    let ended = wire.all_ended();
    assert!(ended <= safe_until, "{:?} late", ended.since(safe_until));
    let kill_at = Timing::from_lease(LEASE).unwrap().kill_at(safe_until);
    assert!(ended >= kill_at, "{:?} early", kill_at.since(ended));
    rig.thaw();
    rig.expect("deadline-reached");
    rig.expect("exited signal: 9");
    rig.expect("empty");
    rig.dismiss();
}

fn a_child_that_obeys_is_not_killed() {
    let mut rig = Plan::default()
        .shell("exec 9>$DIR/wire; trap 'exit 3' TERM; echo up >&9; while :; do sleep 0.01; done");
    let mut wire = rig.tripwire("wire");
    rig.ready();
    let safe_until = rig.begin(LEASE);
    rig.expect("started ");
    rig.expect("deadline-reached");
    let ended = wire.all_ended();
    let timing = Timing::from_lease(LEASE).unwrap();
    assert!(ended >= timing.term_at(safe_until) && ended <= safe_until);
    assert_eq!(rig.expect("exited "), "exit status: 3");
    rig.expect("empty");
}

fn an_extended_deadline_leaves_it_alone() {
    let mut rig = Plan::default().shell("exec 9>$DIR/wire; echo up >&9; exec sleep 1000");
    let mut wire = rig.tripwire("wire");
    rig.ready();
    let first = rig.begin(LEASE);
    rig.expect("started ");
    wire.line();
    let second = first + LEASE;
    rig.tell(&format!("until {}", second.since_origin().as_nanos()));
    rig.expect("deadline-reached");
    let timing = Timing::from_lease(LEASE).unwrap();
    assert!(
        now() >= timing.term_at(second),
        "the first deadline counted"
    );
    rig.expect("exited ");
    rig.expect("empty");
}

fn a_planned_stop_yields_to_the_deadline() {
    let mut rig = Plan::default().shell(STUBBORN);
    let mut wire = rig.tripwire("wire");
    rig.ready();
    let safe_until = rig.begin(LEASE);
    rig.expect("started ");
    for _ in 0..3 {
        wire.line();
    }
    rig.tell("end 600000");
    assert!(wire.all_ended() <= safe_until);
    rig.expect("exited ");
    rig.expect("empty");
    rig.dismiss();
}
