//! Hooks that hang, flood, leave daemons, cannot run, or are overtaken by events.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::hooks::{ended, hook, node, read, working};
use crate::stage::Stage;

/// Whether a process whose number a hook has written is there.
fn exists(stage: &Stage, name: &str) -> bool {
    let pid = read(stage, name);
    assert!(!pid.trim().is_empty(), "{name} was not written");
    std::path::Path::new("/proc").join(pid.trim()).exists()
}

/// F85: a hook that hangs.
#[test]
fn a_hook_that_hangs_is_killed_with_all_it_started() {
    let stage = Stage::new();
    let stubborn = r#"trap "" TERM; echo $$ >"$DIR/own";
        setsid sh -c 'trap "" TERM; echo $$ >"$DIR/daemon"; echo ready; while :; do sleep 1; done' &
        while :; do sleep 1; done"#;
    let hooks = [hook("before-promote", stubborn)];
    let flags = ["--once", "--hook-timeout", "1s"];
    let began = Instant::now();
    let mut a = node(&stage, "a", &flags, &hooks);
    a.event("hook-output");
    let told = ended(&mut a, "before-promote");
    let text = told["message"].as_str().unwrap();
    assert!(text.contains("its time was over"), "{text}");
    assert!(!exists(&stage, "own") && !exists(&stage, "daemon"));
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(a.ended(), (75, "tanist:hook-refused".to_owned()));
}

/// F85: a hook that forks a daemon.
#[test]
fn a_hook_that_leaves_a_daemon_holding_its_output_keeps_nobody_waiting() {
    let stage = Stage::new();
    let leaves = r#"(setsid sh -c 'echo $$ >"$DIR/daemon"; echo up; exec sleep 1000' &);
        until [ -s "$DIR/daemon" ]; do :; done"#;
    let mut a = node(&stage, "a", &[], &[hook("before-promote", leaves)]);
    a.line();
    assert_eq!(ended(&mut a, "before-promote")["result"], "ok");
    assert!(!exists(&stage, "daemon"));
}

/// F85: a hook that floods.
#[test]
fn a_flood_is_cut_counted_and_holds_nobody_up() {
    const FLOOD: u64 = 3_000_000;
    let stage = Stage::new();
    let script = format!("yes | head -c {FLOOD}; head -c {FLOOD} /dev/zero; echo >&2 last");
    let mut a = node(
        &stage,
        "a",
        &["--lease", "4s"],
        &[hook("after-promote", &script)],
    );
    a.line();
    let (mut lines, mut dropped) = (0, 0);
    loop {
        let line = a.any();
        assert!(
            line["event"] != "ending" && line["event"] != "log",
            "{line}"
        );
        match line["event"].as_str() {
            Some("hook-output") => {
                lines += 1;
                assert!(line["message"].as_str().unwrap().len() < 1_200);
                dropped += line["dropped"].as_u64().unwrap_or_default();
            }
            Some("hook") => {
                assert_eq!(line["result"], "ok", "{line}");
                break;
            }
            _ => {}
        }
    }
    assert!((100..=201).contains(&lines), "{lines}");
    // Ends of lines are not counted.
    let least = FLOOD / 2 + FLOOD - 40_000;
    assert!((least..=2 * FLOOD).contains(&dropped), "{dropped}");
}

/// F85: a hook that fails.
#[test]
fn what_cannot_be_run_when_its_time_comes_is_a_veto() {
    let stage = Stage::new();
    for (name, change) in [("gone", "rm \"$0\""), ("closed", "chmod 644 \"$0\"")] {
        let program = stage.path(name);
        let shell = |script: &str| {
            let mut sh = std::process::Command::new("sh");
            let status = sh.args(["-c", script]).arg(&program).status();
            assert!(status.unwrap().success(), "{script}");
        };
        shell("cp /bin/true \"$0\"");
        let mut a = node(&stage, "a", &[], &[]);
        a.line();
        let given = [format!("--hook=before-promote={}", program.display())];
        let mut b = node(&stage, "b", &["--once"], &given);
        b.event("standby");
        shell(change);
        a.signal(Signal::TERM);
        let told = ended(&mut b, "before-promote");
        let text = told["message"].as_str().unwrap();
        assert!(text.contains("cannot execute"), "{text}");
        assert_eq!(b.ended(), (75, "tanist:hook-refused".to_owned()));
        a.ended();
    }
}

#[test]
fn a_leadership_lost_before_it_began_takes_its_hook_along() {
    let stage = Stage::new();
    let hooks = [hook(
        "before-promote",
        "echo $$ >\"$DIR/own\"; echo in; exec sleep 1000",
    )];
    let mut a = node(&stage, "a", &["--hook-timeout", "60s"], &hooks);
    a.event("hook-output");
    std::fs::remove_file(stage.run_dir().join("demo/lock")).unwrap();
    assert_eq!(a.event("ending")["cause"], "ousted");
    let told = ended(&mut a, "before-promote");
    let text = told["message"].as_str().unwrap();
    assert!(text.contains("the leadership ends"), "{text}");
    assert!(!exists(&stage, "own") && a.no_line());
}

#[test]
fn after_a_loss_no_hook_runs_before_the_child_is_gone() {
    let stage = Stage::new();
    let note = r#"echo "$0 $TANIST_REASON" >>"$DIR/calls""#;
    let hooks = ["before-demote", "after-demote"].map(|event| hook(event, note));
    let work = r#"trap 'sleep 0.5; echo down >>"$DIR/calls"; exit 0' TERM
        echo up; while :; do sleep 0.05; done"#;
    let mut a = working(&stage, "a", &[], &hooks, work);
    a.line();
    std::fs::remove_file(stage.run_dir().join("demo/lock")).unwrap();
    ended(&mut a, "after-demote");
    assert_eq!(read(&stage, "calls"), "down\nafter-demote ousted\n");
}

#[test]
fn a_stop_signal_ends_a_hook_that_nothing_has_begun_after() {
    let stage = Stage::new();
    let hooks = [hook(
        "before-promote",
        "echo $$ >\"$DIR/own\"; echo in; exec sleep 1000",
    )];
    let mut a = node(&stage, "a", &["--hook-timeout", "1h"], &hooks);
    a.event("hook-output");
    a.signal(Signal::TERM);
    ended(&mut a, "before-promote");
    assert!(!exists(&stage, "own") && a.no_line());
    assert_eq!(a.ended(), (0, "tanist:stopped".to_owned()));
}

#[test]
fn a_hook_before_the_stop_has_half_of_it_at_most() {
    let stage = Stage::new();
    let hooks = [hook("before-demote", "echo in; exec sleep 1000")];
    let work = "trap 'echo down; exit 0' TERM; echo up; while :; do sleep 0.05; done";
    let mut a = working(&stage, "a", &["--stop-timeout", "3s"], &hooks, work);
    a.line();
    a.event("started");
    let told = Instant::now();
    a.signal(Signal::TERM);
    a.event("hook-output");
    assert!(a.no_line(), "the child goes on meanwhile");
    assert_eq!(a.line(), "down");
    let half = told.elapsed();
    assert!(half >= Duration::from_millis(1_490), "{half:?}");
    assert!(half < Duration::from_secs(3), "{half:?}");
    assert_eq!(a.ended(), (0, "tanist:stopped".to_owned()));
}

/// F85: a hook that stops its guard cannot be ended in time, and the child is told in its own.
#[test]
fn a_hook_that_does_not_end_does_not_keep_the_child_from_being_told() {
    let stage = Stage::new();
    let hooks = [hook(
        "before-demote",
        r#"trap "" TERM; echo $$ >"$DIR/own"; kill -STOP $PPID; echo in; while :; do sleep 1; done"#,
    )];
    let work = "trap 'echo down; exit 0' TERM; echo up; while :; do sleep 0.05; done";
    let flags = ["--stop-timeout", "2s", "--lease", "20s"];
    let mut a = working(&stage, "a", &flags, &hooks, work);
    a.line();
    a.event("started");
    let told = Instant::now();
    a.signal(Signal::TERM);
    assert_eq!(a.line(), "down");
    let half = told.elapsed();
    assert!(half >= Duration::from_secs(1), "{half:?}");
    // Its guard is given up on only after a lease: the hook has not ended yet.
    assert!(
        exists(&stage, "own") && half < Duration::from_secs(15),
        "{half:?}"
    );
    assert_eq!(a.event("ended")["status"], 0);
    // And the leadership is given back only when nothing of the hook is left.
    a.event("released");
    assert!(!exists(&stage, "own"));
    assert_eq!(a.ended(), (0, "tanist:stopped".to_owned()));
}

#[test]
fn a_second_signal_waits_for_no_hook() {
    let stage = Stage::new();
    let hooks = [hook(
        "before-demote",
        "trap '' TERM; echo $$ >\"$DIR/own\"; echo in; sleep 1000",
    )];
    let flags = ["--stop-timeout", "10m", "--hook-timeout", "1h"];
    let outside = [hook("after-demote", "echo in; exec sleep 1000")];
    let hooks = [&hooks[..], &outside].concat();
    let mut a = node(&stage, "a", &flags, &hooks);
    a.line();
    a.event("started");
    a.signal(Signal::TERM);
    a.event("hook-output");
    a.signal(Signal::INT);
    assert_eq!(a.ended(), (130, "tanist:interrupted".to_owned()));
    assert!(!exists(&stage, "own"));
    let mut b = node(&stage, "b", &["--hook-timeout", "1h"], &outside);
    b.line();
    b.signal(Signal::TERM);
    b.event("hook-output");
    b.signal(Signal::INT);
    assert_eq!(b.ended(), (130, "tanist:interrupted".to_owned()));
}

/// F64: a hook that is slow.
#[test]
fn a_hook_that_is_slow_does_not_hold_up_renewals_or_the_child() {
    let stage = Stage::new();
    let slow = "echo in; exec sleep 1000";
    let hooks = ["after-promote", "on-change"].map(|event| hook(event, slow));
    let flags = ["--lease", "1s", "--hook-timeout", "1h"];
    let mut a = node(&stage, "a", &flags, &hooks);
    a.line();
    a.event("hook-output");
    a.event("hook-output");
    let socket = stage.run_dir().join("demo.a.sock");
    let term = crate::stage::control(&socket, "status")["term"].clone();
    // Several leases long, renewals go on: the deadline that is told moves, and the term stays.
    let until = Instant::now() + Duration::from_secs(3);
    while Instant::now() < until {
        let status = crate::stage::control(&socket, "status");
        assert_eq!(
            (&status["role"], &status["term"]),
            (&"leader".into(), &term)
        );
        assert!(status["valid_ms"].as_u64().unwrap() > 0, "{status}");
    }
    a.signal(Signal::TERM);
    // What runs beside the child ends with the leadership; what runs outside may finish, unless told
    // twice.
    a.event("released");
    a.signal(Signal::INT);
    assert_eq!(a.ended().0, 130);
}

#[test]
fn a_restart_in_place_is_no_promotion() {
    let stage = Stage::new();
    let note = r#"echo "$0" >>"$DIR/calls""#;
    let events = [
        "before-promote",
        "after-promote",
        "before-demote",
        "after-demote",
    ];
    let hooks = events.map(|event| hook(event, note));
    let mut a = node(&stage, "a", &["--on-failure", "restart"], &hooks);
    a.line();
    let first = a.event("started")["pid"].as_u64().unwrap();
    ended(&mut a, "after-promote");
    crate::stage::kill(first);
    a.line();
    // Before it is known to run, there is nothing to be demoted.
    a.event("started");
    a.signal(Signal::TERM);
    a.ended();
    assert_eq!(read(&stage, "calls").lines().collect::<Vec<_>>(), events);
}

#[test]
fn nothing_is_given_back_before_the_hook_is_gone() {
    let stage = Stage::new();
    let stubborn = r#"trap "" TERM; echo $$ >"$DIR/own"; echo in; while :; do sleep 1; done"#;
    let hooks = [hook("after-promote", stubborn)];
    let mut a = node(&stage, "a", &["--hook-timeout", "1h"], &hooks);
    a.line();
    a.event("hook-output");
    let socket = stage.run_dir().join("demo.a.sock");
    assert_eq!(crate::stage::control(&socket, "resign")["ok"], true);
    let mut ended = false;
    loop {
        let line = a.any();
        ended |= line["event"] == "hook";
        if line["event"] == "released" {
            break;
        }
    }
    assert!(
        ended && !exists(&stage, "own"),
        "the hook outlives its leadership"
    );
}
