//! `tanist switchover` and `tanist wait`.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::stage::{Node, Stage, at_a_terminal, ends, err, out};

const WORK: &str = "echo $TANIST_TERM $TANIST_REASON; exec sleep 1000";

/// A leader, and those who stand by.
fn line(stage: &Stage, leader: &str, standbys: &[&str]) -> (Node, Vec<Node>, u64) {
    let mut first = stage.run(&["--node", leader], WORK);
    let term = first.line().split(' ').next().unwrap().parse().unwrap();
    let standbys = standbys.iter().map(|name| {
        let mut standby = stage.run(&["--node", name], WORK);
        standby.event("standby");
        standby
    });
    let standbys = standbys.collect();
    (first, standbys, term)
}

fn leader(stage: &Stage) -> String {
    out(&stage.ask(["leader", "demo"])).trim().to_owned()
}

#[test]
fn the_named_node_leads_and_no_name_is_left_behind() {
    let stage = Stage::new();
    let (_a, mut others, term) = line(&stage, "a", &["b", "c"]);
    let switch = ["switchover", "-e", "demo", "--to", "c", "--from", "a", "-y"];
    let output = stage.ask([&switch[..], &["-o", "json"]].concat());
    let turn: Value = serde_json::from_str(&out(&output)).unwrap_or_else(|_| panic!("{output:?}"));
    let before = (&turn["before"]["node"], &turn["before"]["term"]);
    assert_eq!(before, (&"a".into(), &term.into()));
    assert_eq!(turn["after"]["node"], "c", "{turn}");
    let began = others[1].line();
    assert!(began.ends_with(" switchover"), "{began}");
    assert!(others[0].no_line());
    let directive = stage.run_dir().join(".tanist/demo/directive");
    let left = std::fs::read_to_string(directive).unwrap();
    let left: Value = serde_json::from_str(&left).unwrap();
    assert!(!left.to_string().contains("\"node\""), "{left}");
    // It holds already.
    let output = stage.ask(["switchover", "-e", "demo", "--to", "c", "--yes"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let again = &turn["after"]["term"];
    let row = format!("c leads demo in term {again}");
    assert_eq!(out(&output), format!("before: {row}\nafter: {row}\n"));
}

#[test]
fn what_cannot_be_is_refused_and_nothing_is_changed() {
    let stage = Stage::new();
    let refused = |args: &[&str], code: i32, slug: &str| {
        let switch = [&["switchover", "-e", "demo", "--yes"], args].concat();
        let (ended, said) = ends(&stage, &switch);
        assert!(
            ended == code && said.contains(slug),
            "{args:?}: {ended} {said}"
        );
        said
    };
    refused(&[], 4, "election::unknown");
    let (a, _, term) = line(&stage, "a", &[]);
    refused(&[], 75, "switchover::no-candidate");
    let said = refused(&["--to", "b"], 75, "switchover::candidate-absent");
    assert!(said.contains("nothing was changed"), "{said}");
    let mut never = stage.run(&["--node", "never", "--priority", "0"], WORK);
    never.event("standby");
    let said = refused(&["--to", "never"], 75, "switchover::candidate-unable");
    assert!(said.contains("its priority is 0"), "{said}");
    refused(&[], 75, "switchover::no-candidate");
    let mut b = stage.run(&["--node", "b"], WORK);
    b.event("standby");
    let said = refused(&["--from", "b"], 75, "switchover::other-leader");
    assert!(
        said.contains(&format!("a leads it in term {term}")),
        "{said}"
    );
    stage.ask(["pause", "-e", "demo"]);
    let said = refused(&["--to", "b"], 75, "election::paused");
    assert!(said.contains("tanist resume -e demo"), "{said}");
    stage.ask(["resume", "-e", "demo"]);
    assert_eq!(leader(&stage), "a");
    let now = out(&stage.ask(["leader", "demo", "--term"]));
    assert_eq!(now, format!("{term}\n"), "nothing was changed");
    drop((a, b));
    let (ended, said) = ends(&stage, &["wait", "-e", "demo", "--for", "none"]);
    assert_eq!(ended, 0, "{said}");
    refused(&[], 3, "election::no-leader");
}

#[test]
fn a_parked_node_is_no_candidate() {
    let stage = Stage::new();
    let mut bad = stage.run(&["--node", "bad", "--max-failovers", "0/1m"], "exit 7");
    bad.event("parked");
    let (_a, _, _) = line(&stage, "a", &[]);
    let (ended, said) = ends(&stage, &["switchover", "-e", "demo", "--to", "bad", "-y"]);
    let told = said.contains("switchover::candidate-unable") && said.contains("parked");
    assert!(ended == 75 && told, "{ended} {said}");
    assert_eq!(leader(&stage), "a");
}

#[test]
fn without_a_terminal_nothing_happens_unless_told() {
    let stage = Stage::new();
    let (_a, _others, _) = line(&stage, "a", &["b"]);
    let (ended, said) = ends(&stage, &["switchover", "-e", "demo"]);
    let told = said.contains("switchover::unconfirmed") && said.contains("--to b --yes");
    assert!(ended == 64 && told, "{ended} {said}");
    assert_eq!(leader(&stage), "a");
}

/// Answers the question on a terminal of its own; the exit code, and what it printed.
fn answered(stage: &Stage, answer: &str) -> (i32, String) {
    let (code, out, _) = asked(stage, "b", || answer);
    (code, out)
}

/// Answers the question whether `to` shall lead; the exit code, and what it printed on both streams.
fn asked<'a>(stage: &Stage, to: &str, answer: impl FnOnce() -> &'a str) -> (i32, String, String) {
    let mut command = stage.tanist();
    command.args(["switchover", "-e", "demo", "--to", to]);
    let output = at_a_terminal(command, "[y/N] ", |asked| {
        let question = format!("stops its work on a and starts it on {to}");
        assert!(asked.contains(&question), "{asked}");
        assert_eq!(leader(stage), "a", "nothing happens before the answer");
        answer().to_owned()
    });
    let (printed, rest) = (out(&output), err(&output));
    (output.status.code().unwrap(), printed, rest)
}

#[test]
fn a_leader_that_changes_while_the_question_is_open_is_not_stopped() {
    let stage = Stage::new();
    let (mut a, _others, _) = line(&stage, "a", &["b"]);
    let mut c = stage.run(&["--node", "c", "--priority", "200"], WORK);
    c.event("standby");
    let (code, printed, said) = asked(&stage, "b", || {
        a.kill();
        c.line();
        "y"
    });
    assert_eq!((code, printed.as_str()), (75, ""), "{said}");
    assert!(said.contains("[switchover::other-leader]"), "{said}");
    assert!(
        said.contains("a leads demo no more") && said.contains("c leads in term"),
        "{said}"
    );
    assert_eq!(leader(&stage), "c");
    assert!(
        !stage.run_dir().join(".tanist/demo/directive").exists(),
        "nothing was asked for"
    );
}

#[test]
fn a_successor_that_dies_on_the_way_is_told_with_who_leads_instead() {
    let stage = Stage::new();
    let go = stage.path("go");
    let slow = format!(
        "trap 'echo stopping; while ! test -e {}; do sleep 0.02; done; exit 0' TERM; echo up; \
         while :; do sleep 0.02; done",
        go.display()
    );
    let mut a = stage.run(&["--node", "a", "--stop-timeout", "50s"], &slow);
    a.line();
    let start = |node: &str| {
        let mut node = stage.run(&["--node", node], WORK);
        node.event("standby");
        node
    };
    let (mut b, mut c) = (start("b"), start("c"));
    let mut command = stage.tanist();
    command.args([
        "switchover",
        "demo",
        "--to",
        "b",
        "--yes",
        "--timeout",
        "50s",
    ]);
    command.stdout(std::process::Stdio::piped());
    command.stderr(std::process::Stdio::piped());
    let switchover = command.spawn().unwrap();
    assert_eq!(a.line(), "stopping");
    b.kill();
    std::fs::write(&go, "").unwrap();
    c.line();
    let output = switchover.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(75), "{}", err(&output));
    assert!(
        err(&output).contains("[switchover::another]"),
        "{}",
        err(&output)
    );
    assert!(
        out(&output).contains("after: c leads demo in term"),
        "{}",
        out(&output)
    );
}

#[test]
fn on_a_terminal_it_asks_and_takes_only_yes() {
    let stage = Stage::new();
    let (_a, _others, _) = line(&stage, "a", &["b"]);
    for answer in ["", "n", "yeah"] {
        assert_eq!(answered(&stage, answer), (64, String::new()), "{answer:?}");
        assert_eq!(leader(&stage), "a");
    }
    let (code, said) = answered(&stage, "y");
    assert!(code == 0 && said.contains("after: b leads demo"), "{said}");
}

#[test]
fn a_leader_that_takes_longer_to_stop_is_said_to() {
    let stage = Stage::new();
    let flags = ["--node", "a", "--stop-timeout", "40s", "--lease", "60s"];
    let mut a = stage.run(
        &flags,
        "trap 'echo stopping' TERM; echo up; while :; do sleep 1; done",
    );
    a.line();
    let mut b = stage.run(&["--node", "b"], WORK);
    b.event("standby");
    let switch = ["switchover", "-e", "demo", "-y", "--timeout", "1s"];
    let (ended, said) = ends(&stage, &switch);
    let told = said.contains("switchover::not-in-time") && said.contains("tanist watch demo");
    assert!(ended == 75 && told, "{ended} {said}");
    assert_eq!(a.line(), "stopping");
    assert!(b.no_line());
    kill_process(Pid::from_raw(a.pid()).unwrap(), Signal::KILL).unwrap();
    b.line();
}

#[test]
fn scripts_wait_for_what_they_need() {
    let stage = Stage::new();
    let wait = &|what: &str, more: &[&str]| {
        let args = [&["wait", "-e", "demo", "--for", what], more].concat();
        ends(&stage, &args)
    };
    // Long enough to look on a busy machine; what is not so is waited for that long.
    let soon = ["--timeout", "1500ms"];
    std::thread::scope(|scope| {
        for what in ["active", "leader", "me", "standby"] {
            scope.spawn(move || {
                let (code, said) = wait(what, &soon);
                let told = said.contains("wait::not-in-time");
                assert!(code == 75 && told, "{what}: {code} {said}");
            });
        }
    });
    assert_eq!(wait("none", &[]).0, 0);
    // Begun before there is anything, they end when it is so.
    let begin = |what: &str| {
        let mut command = stage.tanist();
        command.args(["wait", "-e", "demo", "--for", what]);
        command.stdout(std::process::Stdio::piped());
        command.stderr(std::process::Stdio::piped());
        command.spawn().unwrap()
    };
    let waiting = ["active", "me", "standby"].map(begin);
    let (a, mut others, _) = line(&stage, "a", &["b"]);
    for child in waiting {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        assert_eq!((out(&output), err(&output)), (String::new(), String::new()));
    }
    for what in ["active", "leader", "me", "standby"] {
        let (ended, said) = wait(what, &[]);
        assert_eq!(ended, 0, "{what}: {said}");
    }
    let (code, said) = wait("none", &soon);
    assert!(
        code == 75 && said.contains("somebody still leads"),
        "{code} {said}"
    );
    let (code, said) = wait("me", &[&["--node", "b"], &soon[..]].concat());
    assert!(code == 75 && said.contains("a leads"), "{code} {said}");
    drop(a);
    others[0].line();
    let (code, said) = wait("standby", &soon);
    assert!(
        code == 75 && said.contains("nobody could take over"),
        "{said}"
    );
}
