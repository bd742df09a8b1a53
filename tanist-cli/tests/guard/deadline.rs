use std::time::Duration;

use tanist_core::{Moment, Timing};

use crate::Test;
use crate::plan::Plan;
use crate::rig::{Rig, now};
use crate::tripwire::Tripwire;

/// A tree is gone by the deadline, whatever its processes and the supervisor do.
pub(crate) const TESTS: &[Test] = &[
    (
        "a_frozen_supervisor_of_an_ordinary_user",
        a_frozen_supervisor_of_an_ordinary_user,
    ),
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

/// Half a second of it is for a kill that a busy machine delays.
pub(crate) const LEASE: Duration = Duration::from_secs(4);

/// Enough to start in: a renewal and stopping, which is 2.5 s, and some.
const ENOUGH: Duration = Duration::from_secs(4);

impl Rig {
    /// Moves the deadline so near that stopping begins at once, and ends by force in 1.5 s.
    pub(crate) fn move_the_deadline_near(&mut self) -> Moment {
        let safe_until = now() + Duration::from_secs(2);
        self.tell(&format!("until {}", safe_until.since_origin().as_nanos()));
        safe_until
    }
}

/// Waits for the end of a tree, which is no later than the deadline and no earlier than the kill.
pub(crate) fn assert_killed_in_time(wire: &mut Tripwire, safe_until: Moment) {
    let ended = wire.all_ended();
    assert!(ended <= safe_until, "{:?} late", ended.since(safe_until));
    let kill_at = Timing::from_lease(LEASE).unwrap().kill_at(safe_until);
    assert!(ended >= kill_at, "{:?} early", kill_at.since(ended));
}

fn timed() -> Plan {
    Plan {
        lease_ms: 4_000,
        ..Plan::default()
    }
}

/// F61, F68: SIGSTOP for the supervisor of a tree that ignores SIGTERM.
fn a_frozen_supervisor_costs_the_child_in_time() {
    frozen_supervisor(timed());
}

/// F61, F70: the same without any right.
fn a_frozen_supervisor_of_an_ordinary_user() {
    frozen_supervisor(Plan {
        unprivileged: true,
        contain: "auto",
        ..timed()
    });
}

fn frozen_supervisor(plan: Plan) {
    let mut rig = plan.shell(STUBBORN);
    let mut wire = rig.tripwire("wire");
    rig.ready();
    let safe_until = rig.begin(ENOUGH);
    rig.expect("started ");
    for _ in 0..3 {
        wire.line();
    }
    rig.freeze();
    assert_killed_in_time(&mut wire, safe_until);
    rig.thaw();
    rig.expect("deadline-reached");
    rig.expect("exited signal: 9");
    rig.expect("empty");
    rig.dismiss();
}

fn a_child_that_obeys_is_not_killed() {
    let mut rig = timed()
        .shell("exec 9>$DIR/wire; trap 'exit 3' TERM; echo up >&9; while :; do sleep 0.01; done");
    let mut wire = rig.tripwire("wire");
    rig.ready();
    rig.begin(ENOUGH);
    rig.expect("started ");
    assert_eq!(wire.line(), "up");
    rig.move_the_deadline_near();
    rig.expect("deadline-reached");
    assert_eq!(rig.expect("exited "), "exit status: 3");
    rig.expect("empty");
    rig.dismiss();
}

fn an_extended_deadline_leaves_it_alone() {
    let mut rig = timed().shell("exec 9>$DIR/wire; echo up >&9; exec sleep 1000");
    let mut wire = rig.tripwire("wire");
    rig.ready();
    let first = rig.begin(Duration::from_secs(3));
    rig.expect("started ");
    assert_eq!(wire.line(), "up");
    let second = first + Duration::from_secs(1);
    rig.tell(&format!("until {}", second.since_origin().as_nanos()));
    rig.expect("deadline-reached");
    let term_at = Timing::from_lease(LEASE).unwrap().term_at(second);
    assert!(now() >= term_at, "the first deadline counted");
    rig.expect("exited ");
    rig.expect("empty");
}

fn a_planned_stop_yields_to_the_deadline() {
    let mut rig = timed().shell(STUBBORN);
    let mut wire = rig.tripwire("wire");
    rig.ready();
    rig.begin(ENOUGH);
    rig.expect("started ");
    for _ in 0..3 {
        wire.line();
    }
    rig.tell("end 600000");
    let safe_until = rig.move_the_deadline_near();
    assert_killed_in_time(&mut wire, safe_until);
    rig.expect("exited ");
    rig.expect("empty");
    rig.dismiss();
}
