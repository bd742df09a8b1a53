use std::time::Duration;

use crate::Test;
use crate::rig::Plan;

pub(crate) const TESTS: &[Test] = &[(
    "a_child_begins_ends_and_leaves_nothing",
    a_child_begins_ends_and_leaves_nothing,
)];

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
    let _ = Duration::ZERO;
}
