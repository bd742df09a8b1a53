use crate::stage::Stage;

/// What is accepted is kept: a leadership of `--once` that is lost ends with 75, not with the
/// child's own code. It runs alone, because an idle machine is what these promise.
#[test]
fn the_smallest_timings_that_are_accepted_hold_one_leadership() {
    let derived = ["--lease", "160ms"];
    let each = [
        "--lease=91ms",
        "--renew-every=20ms",
        "--request-timeout=30ms",
        "--lost-stop-timeout=0s",
        "--kill-time=10ms",
        "--guard-delay=10ms",
        "--session-ttl=91ms",
    ];
    for timings in [&derived[..], &each] {
        let stage = Stage::new();
        let flags = [&["--once"], timings].concat();
        let mut node = stage.run(&flags, "echo up; sleep 4; exit 7");
        assert_eq!(node.line(), "up");
        let ended = node.ended();
        assert_eq!(ended, (7, "child:exited".to_owned()), "{timings:?}");
    }
}
