use serde_json::Value;

use crate::stage::{Node, Stage, err, json, out};

const WORK: &str = "echo $TANIST_TERM; exec sleep 1000";

#[test]
fn the_exit_code_answers() {
    let stage = Stage::new();
    let code = |args: &[&str]| stage.ask(args).status.code().unwrap();
    assert_eq!(code(&["status", "demo"]), 4);
    assert_eq!(code(&["leader", "demo"]), 4);
    let mut node = stage.run(&["--node", "a"], WORK);
    node.line();
    assert_eq!(code(&["status", "demo"]), 0);
    assert_eq!(code(&["status"]), 0);
    assert_eq!(code(&["status", "demo", "other"]), 4);
    assert_eq!(code(&["leader", "demo"]), 0);
    assert_eq!(code(&["leader", "demo", "--is-me", "--node", "a"]), 0);
    assert_eq!(code(&["leader", "demo", "--is-me", "--node", "b"]), 1);
    assert_eq!(code(&["status", "Bad Name"]), 64);
    node.signal(rustix::process::Signal::TERM);
    node.ended();
    assert_eq!(code(&["status", "demo"]), 3);
    assert_eq!(code(&["leader", "demo", "--is-me"]), 3);
}

#[test]
fn scripts_get_words() {
    let stage = Stage::new();
    let mut node = stage.run(&["--node", "a", "--address", "10.0.0.1:9"], WORK);
    let term = node.line();
    let says = |args: &[&str]| out(&stage.ask(args));
    assert_eq!(says(&["leader", "demo"]), "a\n");
    assert_eq!(says(&["leader", "demo", "--address"]), "10.0.0.1:9\n");
    assert_eq!(says(&["leader", "demo", "--term"]), format!("{term}\n"));
    assert_eq!(says(&["leader", "demo", "--is-me"]), "");
    assert_eq!(
        says(&["status", "demo"]),
        format!("demo leading a {term} 10.0.0.1:9 -\n")
    );
    let tsv = says(&["status", "-o", "tsv"]);
    let rows: Vec<Vec<&str>> = tsv.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows[0][..4], ["election", "state", "term", "node"]);
    assert_eq!(
        rows[1][..5],
        ["demo", "leading", term.as_str(), "a", "leader"]
    );
    assert!(rows.iter().all(|row| row.len() == rows[0].len()));
}

#[test]
fn programs_get_fields_that_stay() {
    let stage = Stage::new();
    let mut first = stage.run(&["--node", "a", "--address", "x:1"], WORK);
    let term: u64 = first.line().parse().unwrap();
    let mut second = stage.run(&["--node", "b", "--priority", "7"], WORK);
    second.event("standby");
    let status = json(&stage, &["status", "demo", "-o", "json"]);
    assert_eq!(status["v"], 1);
    let demo = &status["elections"][0];
    assert_eq!(demo["election"], "demo");
    assert_eq!(demo["state"], "leading");
    assert_eq!(demo["term"], term);
    assert_eq!(demo["lease_ms"], 8000);
    assert_eq!(
        (&demo["leader"]["node"], &demo["leader"]["address"]),
        (&"a".into(), &"x:1".into())
    );
    let members = demo["members"].as_array().unwrap();
    assert_eq!(members.len(), 2);
    assert_eq!(
        (&members[0]["node"], &members[0]["role"]),
        (&"a".into(), &"leader".into())
    );
    assert_eq!(
        (&members[1]["node"], &members[1]["role"]),
        (&"b".into(), &"standby".into())
    );
    assert_eq!(
        (&members[1]["priority"], &members[1]["next"]),
        (&7.into(), &true.into())
    );
    assert_eq!(members[1]["health"], "healthy");
    let leader = json(&stage, &["leader", "demo", "-o", "json"]);
    assert_eq!(
        (&leader["node"], &leader["term"]),
        (&"a".into(), &term.into())
    );
}

/// F93: a lock that is held by nobody who can be seen.
#[test]
fn status_works_when_every_tanist_is_dead_and_never_shows_a_dead_leader() {
    let stage = Stage::new();
    let mut node = stage.run(&["--node", "a", "--contain", "sweep"], WORK);
    node.line();
    node.kill();
    // The guard's release may still be under way; nothing else may change what is shown.
    let mut other = stage.run(&["--node", "b", "--priority", "0"], WORK);
    other.event("standby");
    other.kill();
    drop(node);
    let status = json(&stage, &["status", "demo", "-o", "json"]);
    assert_eq!(status["elections"][0]["state"], "vacant", "{status}");
}

#[test]
fn a_child_knows_that_it_leads() {
    let stage = Stage::new();
    let tanist = env!("CARGO_BIN_EXE_tanist");
    let ask = format!("{tanist} leader demo --is-me");
    assert_eq!(
        stage.run(&["--once"], &ask).ended(),
        (0, "child:exited".to_owned())
    );
}

#[test]
fn this_machine_leads_whatever_its_copies_are_called() {
    let stage = Stage::new();
    let is_me = |flags: &[&str]| {
        let output = stage.ask([&["leader", "demo", "--is-me"], flags].concat());
        output.status.code().unwrap()
    };
    let mut first = stage.run(&[], "echo $TANIST_NODE; exec sleep 1000");
    let host = first.line();
    let mut second = stage.run(&[], WORK);
    second.event("standby");
    assert_eq!(is_me(&[]), 0);
    first.kill();
    second.line();
    let leader = out(&stage.ask(["leader", "demo"]));
    assert_eq!(leader, format!("{host}-2\n"));
    assert_eq!(is_me(&[]), 0);
    assert_eq!(is_me(&["--node", &host]), 1);
    assert_eq!(is_me(&["--node", leader.trim()]), 0);
    // A machine with copies of its own, none of which leads, although the leader has its name.
    let (store, there) = (
        format!("local:{}", stage.run_dir().display()),
        stage.path("there"),
    );
    let there = there.to_str().unwrap();
    let mut third = stage.run(&["-s", &store, "--run-dir", there, "-n", "c"], WORK);
    third.event("standby");
    let other = ["-s", store.as_str(), "--run-dir", there];
    assert_eq!(is_me(&other), 1);
    second.kill();
    third.line();
    assert_eq!(is_me(&other), 0);
    // One that does not answer, as if it were frozen, keeps no other from being asked.
    let silent = stage.path("there").join("demo.silent.sock");
    let _silent = std::os::unix::net::UnixListener::bind(silent).unwrap();
    assert_eq!(is_me(&[&other[..], &["--timeout", "1s"]].concat()), 0);
    // Where there is no socket at all, the name is all there is.
    let nowhere = stage.path("nowhere");
    let elsewhere = ["-s", store.as_str(), "--run-dir", nowhere.to_str().unwrap()];
    assert_eq!(is_me(&elsewhere), 1);
}

#[test]
fn garbage_in_the_store_is_76_and_left_alone() {
    let stage = Stage::new();
    let mut node = stage.run(&["--node", "a"], WORK);
    node.line();
    node.signal(rustix::process::Signal::TERM);
    node.ended();
    let record = stage.run_dir().join(".tanist/demo/record");
    std::fs::write(&record, "{ not a record").unwrap();
    assert_eq!(stage.ask(["status", "demo"]).status.code(), Some(76));
    assert_eq!(stage.ask(["leader", "demo"]).status.code(), Some(76));
    assert_eq!(std::fs::read_to_string(&record).unwrap(), "{ not a record");
}

#[test]
fn a_watch_tells_changes_as_they_happen() {
    let stage = Stage::new();
    let mut first = stage.run(&["--node", "a"], WORK);
    let term: u64 = first.line().parse().unwrap();
    let mut command = stage.tanist();
    command.args(["watch", "demo", "-o", "json"]);
    let mut watch = Node::start(command);
    let mut next = |event: &str| loop {
        let line: Value = serde_json::from_str(&watch.line()).unwrap();
        assert_eq!((&line["v"], &line["election"]), (&1.into(), &"demo".into()));
        if line["event"] == event {
            return line;
        }
    };
    let leader = next("leader");
    assert_eq!(
        (&leader["node"], &leader["term"]),
        (&"a".into(), &term.into())
    );
    let mut second = stage.run(&["--node", "b"], WORK);
    second.event("standby");
    let joined = next("joined");
    let joined = if joined["node"] == "a" {
        next("joined")
    } else {
        joined
    };
    assert_eq!(joined["node"], "b");
    first.kill();
    second.line();
    let new = loop {
        let line = next("leader");
        if line["node"] == "b" {
            break line;
        }
    };
    assert!(new["term"].as_u64().unwrap() > term);
}

#[test]
fn a_watch_in_words_ends_with_0_when_told() {
    let stage = Stage::new();
    let mut first = stage.run(&["--node", "a"], WORK);
    first.line();
    let mut command = stage.tanist();
    command.args(["watch", "demo"]);
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut reader = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut reader, &mut line).unwrap();
    assert!(line.contains("demo  a leads in term"), "{line}");
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&child),
        rustix::process::Signal::TERM,
    )
    .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_problem_is_told_in_lines() {
    let stage = Stage::new();
    let output = stage.ask(["leader", "Bad Name"]);
    let said = err(&output);
    assert_eq!(output.status.code(), Some(64));
    assert!(
        said.starts_with("error: ") && said.contains("\n  = try -e bad-name"),
        "{said}"
    );
}

#[test]
fn a_store_elsewhere_needs_no_run_directory() {
    let stage = Stage::new();
    let mut command = stage.tanist();
    command
        .env_remove("TANIST_RUN_DIR")
        .env_remove("XDG_RUNTIME_DIR")
        .env_remove("HOME");
    let store = format!("local:{}", stage.path("store").display());
    let output = command
        .args(["status", "demo", "-s", &store])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", err(&output));
}
