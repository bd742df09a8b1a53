use rustix::process::Signal;

use crate::stage::Stage;

/// F79: every kind of code.
#[test]
fn the_childs_code_passes_through() {
    let stage = Stage::new();
    for code in [0, 1, 7, 75, 255] {
        let ended = stage.run(&["--once"], &format!("exit {code}")).ended();
        assert_eq!(ended, (code, "child:exited".to_owned()));
    }
}

/// F79: the child ends by a signal.
#[test]
fn a_childs_signal_is_128_and_its_number() {
    let stage = Stage::new();
    for (name, number) in [("KILL", 9), ("TERM", 15), ("SEGV", 11)] {
        let ended = stage.run(&["--once"], &format!("kill -{name} $$")).ended();
        assert_eq!(ended, (128 + number, "child:signal".to_owned()));
    }
}

#[test]
fn a_stop_ends_with_the_childs_code_too() {
    let stage = Stage::new();
    let script = "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done";
    let mut node = stage.run(&["--once"], script);
    assert_eq!(node.line(), "ready");
    node.signal(Signal::TERM);
    assert_eq!(node.ended(), (9, "child:exited".to_owned()));
}

#[test]
fn a_lost_leadership_ends_with_75_or_what_was_asked() {
    for (flags, code) in [
        (&["--once"][..], 75),
        (&["--once", "--lost-exit-code", "8"][..], 8),
    ] {
        let stage = Stage::new();
        let mut node = stage.run(flags, "echo up; exec sleep 1000");
        node.line();
        // Whoever removes the lock's file takes the leadership away.
        std::fs::remove_file(stage.run_dir().join("demo/lock")).unwrap();
        assert_eq!(node.ended(), (code, "tanist:lease-lost".to_owned()));
    }
}

#[test]
fn without_once_a_lost_leadership_is_stood_for_again() {
    let stage = Stage::new();
    let mut node = stage.run(&[], "echo $TANIST_TERM; exec sleep 1000");
    let first: u64 = node.line().parse().unwrap();
    std::fs::remove_file(stage.run_dir().join("demo/lock")).unwrap();
    let second: u64 = node.line().parse().unwrap();
    assert!(second > first, "{second} after {first}");
}
