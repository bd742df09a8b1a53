use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use crate::stage::{Node, Stage, children, state_of};

/// Works until it is killed.
const WORK: &str = "echo up; exec sleep 1000";

/// One that leads, and one that stands by, with its guard's program that runs as `verb`.
fn pair(stage: &Stage, verb: &str) -> (Node, Node, i32) {
    let mut first = stage.run(&["--node", "a", "--lease", "2s"], WORK);
    first.line();
    let mut second = stage.run(&["--node", "b", "--lease", "2s"], WORK);
    second.event("standby");
    let programs = children(second.pid()).into_iter().flat_map(children);
    let found: Vec<i32> = programs.filter(|pid| runs(*pid, verb)).collect();
    assert_eq!(found.len(), 1, "no {verb}, or more than one");
    (first, second, found[0])
}

fn runs(pid: i32, verb: &str) -> bool {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    words.split(|byte| *byte == 0).nth(1) == Some(verb.as_bytes())
}

fn signal(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

/// F75: SIGKILL for a program of a waiting guard.
#[test]
fn a_standby_replaces_a_guard_that_lost_one_of_its_programs() {
    for verb in ["__launch", "__release"] {
        let stage = Stage::new();
        let (mut first, mut second, program) = pair(&stage, verb);
        signal(program, Signal::KILL);
        second.event("guard");
        first.kill();
        assert_eq!(second.line(), "up", "{verb}");
    }
}

/// F86: SIGSTOP for the program that is to become the child.
#[test]
fn who_is_elected_and_cannot_start_gives_the_leadership_back() {
    let stage = Stage::new();
    let (mut first, mut second, launcher) = pair(&stage, "__launch");
    signal(launcher, Signal::STOP);
    first.kill();
    second.event("elected");
    second.event("too-late");
    second.event("released");
    // And stands again, with another guard.
    assert_eq!(second.line(), "up");
}

#[test]
fn who_is_elected_with_a_frozen_guard_gives_the_leadership_back() {
    let stage = Stage::new();
    let mut first = stage.run(&["--node", "a", "--lease", "1s"], WORK);
    first.line();
    let mut second = stage.run(&["--node", "b", "--lease", "1s"], WORK);
    second.event("standby");
    let guards = children(second.pid());
    let guard = guards.into_iter().find(|pid| runs(*pid, "__guard"));
    signal(guard.unwrap(), Signal::STOP);
    first.kill();
    second.event("elected");
    assert_eq!(second.event("silent")["guard"], guard.unwrap());
    second.event("guard");
    second.event("released");
    // And stands again, with another guard.
    assert_eq!(second.line(), "up");
}

#[test]
fn who_leads_with_a_frozen_guard_ends_when_it_is_told_to() {
    // The second way freezes it before it could start the child.
    for started in [true, false] {
        let stage = Stage::new();
        let flags = ["--lease", "1s", "--stop-timeout", "100ms"];
        let mut first = stage.run(&flags, WORK);
        first.line();
        let mut last = if started {
            let guard = first.event("started")["guard"].as_i64().unwrap();
            signal(i32::try_from(guard).unwrap(), Signal::STOP);
            first
        } else {
            let mut second = stage.run(&flags, WORK);
            second.event("standby");
            let guards = children(second.pid());
            let guard = guards.into_iter().find(|pid| runs(*pid, "__guard"));
            signal(guard.unwrap(), Signal::STOP);
            first.kill();
            second.event("elected");
            second
        };
        last.signal(Signal::TERM);
        last.event("silent");
        // The child died with its guard.
        last.event("guard");
        assert_eq!(last.ended(), (0, "tanist:stopped".to_owned()));
    }
}

/// The guard that a node stands by with.
fn guard_of(node: &Node) -> i32 {
    let guards = children(node.pid());
    guards
        .into_iter()
        .find(|pid| runs(*pid, "__guard"))
        .unwrap()
}

/// F75, F80: SIGKILL for every guard that a standby starts.
#[test]
fn a_guard_that_dies_again_and_again_is_replaced_ever_more_slowly() {
    let stage = Stage::new();
    let (mut first, mut second, _) = pair(&stage, "__launch");
    let begun = std::time::Instant::now();
    let times = 8;
    for time in 1..=times {
        signal(guard_of(&second), Signal::KILL);
        let said = second.event("guard")["message"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(
            said.contains(&format!("{time} times in a row")),
            time > 1,
            "{said}"
        );
        if time < times {
            assert!(
                second.event("guard")["message"]
                    .to_string()
                    .contains("ready")
            );
        }
    }
    // Half of 20, 40, 80 ... milliseconds, but for the last one.
    assert!(begun.elapsed() >= std::time::Duration::from_millis(10 * (128 - 1)));
    // Elected while there is none, it does not wait for it.
    first.kill();
    assert_eq!(second.line(), "up");
}

/// F61, F90: SIGSTOP for the guard of a standby that is told to end.
#[test]
fn a_standby_that_ends_leaves_no_frozen_guard_behind() {
    let stage = Stage::new();
    let (_first, mut second, _) = pair(&stage, "__launch");
    let guard = guard_of(&second);
    let programs = children(guard);
    signal(guard, Signal::STOP);
    second.signal(Signal::TERM);
    assert_eq!(second.event("silent")["guard"], guard);
    assert_eq!(second.ended(), (0, "tanist:stopped".to_owned()));
    assert!(
        programs
            .into_iter()
            .chain([guard])
            .all(|pid| state_of(pid).is_none())
    );
}
