use std::fs;

use rustix::process::{Signal, pidfd_send_signal};
use tanist_testkit::Need;

use crate::Test;
use crate::look::{exists, pidfd};
use crate::plan::Plan;
use crate::rig::{PIDS, Rig};
use crate::tripwire::Tripwire;

/// Where `/proc` is mounted with `hidepid`: who may not be traced cannot be seen, one's own child
/// neither.
pub(crate) const TESTS: &[Test] = &[
    ("who_is_hidden_is_not_called_gone", || ends_whole("2")),
    ("who_may_not_be_looked_at_is_killed", || ends_whole("1")),
    (
        "a_hidden_orphan_of_a_killed_guard_is_not_called_gone",
        a_hidden_orphan_of_a_killed_guard_is_not_called_gone,
    ),
];

/// Cannot be traced, and neither can its escapee; none of them obeys.
const UNTRACEABLE: &str = "\
import ctypes, os, signal
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
wire = os.open(os.environ['DIR'] + '/wire', os.O_WRONLY)
if os.fork() == 0:
    os.setsid()
    if os.fork(): os._exit(0)
    open(os.environ['DIR'] + '/pids', 'w').write(str(os.getpid()))
    os.write(wire, b'escaped\\n')
    while True: signal.pause()
os.wait()
os.write(wire, b'up\\n')
while True: signal.pause()
";

fn untraceable(hidepid: &'static str) -> Option<(Rig, i32, Tripwire)> {
    if !Need::Root.go_on() {
        return None;
    }
    let mut rig = Plan {
        hidepid: Some(hidepid),
        ..Plan::default()
    }
    .python(UNTRACEABLE);
    let mut wire = rig.tripwire("wire");
    let (guard, _) = rig.ready();
    rig.begin(std::time::Duration::from_secs(600));
    rig.expect("started ");
    let mut said = [wire.line(), wire.line()];
    said.sort();
    assert_eq!(said, ["escaped", "up"]);
    Some((rig, guard, wire))
}

fn ends_whole(hidepid: &'static str) {
    let Some((mut rig, _, mut wire)) = untraceable(hidepid) else {
        return;
    };
    rig.tell("end 0");
    rig.expect("exited ");
    rig.expect("empty");
    assert!(!wire.is_held());
    rig.dismiss();
}

/// Its start cannot be read, so it may be a stranger: it is waited for.
fn a_hidden_orphan_of_a_killed_guard_is_not_called_gone() {
    let Some((rig, guard, mut wire)) = untraceable("2") else {
        return;
    };
    pidfd_send_signal(pidfd(guard), Signal::KILL).unwrap();
    rig.expect("lingering 1");
    assert!(wire.is_held() && !exists(guard));
    let inside = fs::read_to_string(rig.path(PIDS)).unwrap();
    let escapee = rig.outer_number(inside.parse().unwrap());
    pidfd_send_signal(pidfd(escapee), Signal::KILL).unwrap();
    rig.expect("gone");
    assert!(!wire.is_held());
}
