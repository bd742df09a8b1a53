use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use crate::stage::{Node, Stage};

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

fn children(pid: i32) -> Vec<i32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let lists = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("children")));
    let lists: Vec<String> = lists.collect::<Result<_, _>>().unwrap();
    let all = lists.iter().flat_map(|list| list.split_whitespace());
    all.map(|pid| pid.parse().unwrap()).collect()
}

fn runs(pid: i32, verb: &str) -> bool {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    words.split(|byte| *byte == 0).nth(1) == Some(verb.as_bytes())
}

fn signal(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

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
