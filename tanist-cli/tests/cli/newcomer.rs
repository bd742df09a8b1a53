//! What somebody meets who has never used tanist: mistakes, and how they are answered.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::stage::{Stage, err, out};

const WORK: &str = "echo $TANIST_TERM; exec sleep 1000";

/// The exit code and what it said on standard error.
fn ends(mut command: Command, args: &[&str]) -> (i32, String) {
    let output = command.args(args).output().unwrap();
    (output.status.code().unwrap(), err(&output))
}

#[test]
fn the_election_is_named_either_way_by_every_command() {
    let stage = Stage::new();
    let mut node = stage.run(&["--node", "a"], WORK);
    node.line();
    let verbs: [&[&str]; 7] = [
        &["status"],
        &["leader"],
        &["history"],
        &["wait", "--for", "active"],
        &["pause"],
        &["resume"],
        &["switchover", "--to", "a"],
    ];
    for verb in verbs {
        for way in [&["demo"][..], &["-e", "demo"], &["--election", "demo"]] {
            let output = stage.ask([verb, way].concat());
            assert_eq!(
                output.status.code(),
                Some(0),
                "{verb:?} {way:?}: {}",
                err(&output)
            );
        }
    }
    for verb in ["leader", "history", "resign"] {
        let (code, said) = ends(stage.tanist(), &[verb, "demo", "-e", "other"]);
        assert!(
            code == 64 && said.contains("election::two"),
            "{verb}: {said}"
        );
    }
    let (code, said) = ends(stage.tanist(), &["leader"]);
    assert!(code == 64 && said.contains("election::none"), "{said}");
    // What stands in the command wins over what was set for all commands.
    let mut command = stage.tanist();
    command.env("TANIST_ELECTION", "other");
    assert_eq!(ends(command, &["leader", "demo"]).0, 0);
    let both = out(&stage.ask(["status", "demo", "-e", "other"]));
    assert_eq!(both.lines().count(), 2, "{both}");
}

#[test]
fn a_leader_without_an_address_is_no_empty_line() {
    let stage = Stage::new();
    let mut node = stage.run(&["--node", "a"], WORK);
    node.line();
    let output = stage.ask(["leader", "demo", "--address"]);
    assert_eq!((output.status.code(), out(&output).as_str()), (Some(1), ""));
    assert!(
        err(&output).contains("[leader::no-address]"),
        "{}",
        err(&output)
    );
    let document = out(&stage.ask(["status", "-o", "json"]));
    let document: Value = serde_json::from_str(&document).unwrap();
    let election = &document["elections"][0];
    assert_eq!(election["leader"]["address"], Value::Null);
    assert_eq!(election["members"][0]["address"], Value::Null);
}

#[test]
fn what_cannot_work_is_refused() {
    let stage = Stage::new();
    let (code, said) = ends(stage.tanist(), &["status", "--timeout", "0s"]);
    assert!(code == 64 && said.contains("timeout::zero"), "{said}");
    let pattern = ["run", "-e", "demo", "--env-allow", "[", "--", "true"];
    let (code, said) = ends(stage.tanist(), &pattern);
    assert!(
        code == 64 && said.contains("has no meaning in a pattern"),
        "{said}"
    );
    let unknown = ["run", "-e", "demo", "--user", "no-such-user", "--", "true"];
    let (code, said) = ends(stage.tanist(), &unknown);
    assert!(code == 64 && said.contains("run::user-unknown"), "{said}");
    assert!(said.contains("it comes from --user"), "{said}");
    let (ordinary, _) = stage.tanist_of_an_ordinary_user();
    let (code, said) = ends(
        ordinary,
        &["run", "-e", "demo", "--user", "root", "--", "true"],
    );
    assert!(code == 77 && said.contains("run::user-denied"), "{said}");
    // The log of what comes before the settings has no names yet.
    let log: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    assert_eq!(log["v"], 1);
    let (_, said) = ends(stage.tanist(), &["run", "--", "true"]);
    let log: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&log["election"], &log["node"]),
        (&Value::Null, &Value::Null),
        "{log}"
    );
    assert!(!stage.run_dir().exists());
}

#[test]
fn a_wrong_variable_is_blamed_and_not_the_flag_that_nobody_typed() {
    let stage = Stage::new();
    let mut command = stage.tanist();
    command.env("TANIST_LEASE", "soon");
    let (code, said) = ends(command, &["run", "-e", "demo", "--", "true"]);
    assert_eq!(code, 64);
    assert!(
        said.contains("comes from the variable TANIST_LEASE"),
        "{said}"
    );
    let mut command = stage.tanist();
    command.env("TANIST_LEASE", "soon");
    let typed = ["run", "-e", "demo", "--lease", "soon", "--", "true"];
    let (_, said) = ends(command, &typed);
    assert!(!said.contains("the variable"), "{said}");
}

#[test]
fn a_shared_directory_is_refused_without_advice_that_would_harm() {
    let stage = Stage::new();
    let shared = stage.path("shared");
    std::fs::create_dir(&shared).unwrap();
    std::fs::set_permissions(&shared, PermissionsExt::from_mode(0o1777)).unwrap();
    for (variable, slug) in [
        ("TANIST_RUN_DIR", "directory::not-private"),
        ("TANIST_STATE_DIR", "directory::not-private"),
        ("TANIST_STORE", "store::unsafe"),
    ] {
        let mut command = stage.tanist();
        let value = match variable {
            "TANIST_STORE" => format!("local:{}", shared.display()),
            _ => shared.display().to_string(),
        };
        command.env(variable, value);
        let (code, said) = ends(command, &["run", "-e", "demo", "--", "true"]);
        assert!(code == 73 && said.contains(slug), "{variable}: {said}");
        assert!(
            said.contains(&format!("it comes from env {variable}")),
            "{said}"
        );
        assert!(
            said.contains(&format!("such as {}/tanist", shared.display())),
            "{said}"
        );
        assert!(!said.contains("chmod"), "{said}");
    }
    let mode = std::fs::metadata(&shared).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o1777);
}

#[test]
fn a_default_state_directory_that_is_unusable_is_told_once_with_advice() {
    let stage = Stage::new();
    let (mut command, home) = stage.tanist_of_an_ordinary_user();
    let blocked = home.join("file/below");
    command
        .env_remove("TANIST_STATE_DIR")
        .env("TANIST_RUN_DIR", home.join("run"))
        .env("XDG_STATE_HOME", &blocked);
    std::fs::write(home.join("file"), "").unwrap();
    command.args(["run", "-e", "demo", "--once", "--", "true"]);
    let output = command.output().unwrap();
    let said = err(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let told: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("file/below"))
        .collect();
    assert_eq!(told.len(), 1, "{said}");
    assert!(told[0].contains("--state-dir"), "{said}");
}

#[test]
fn a_doubled_stop_is_one_stop() {
    let stage = Stage::new();
    let script =
        "trap 'sleep 0.3; echo clean; exit 0' TERM; echo ready; while :; do sleep 0.02; done";
    let mut node = stage.run(&[], script);
    assert_eq!(node.line(), "ready");
    // As timeout(1) does it: the process, then its group. Where the kernel has not made one of the
    // two, `signals.rs` does, which its own test shows.
    node.signal(Signal::TERM);
    node.signal(Signal::TERM);
    assert_eq!(node.line(), "clean");
    assert_eq!(node.ended(), (0, "tanist:stopped".to_owned()));
}

#[test]
fn helper_processes_are_named() {
    let stage = Stage::new();
    let mut node = stage.run(&["--contain", "sweep"], WORK);
    node.line();
    let guard = node.event("started")["guard"].as_u64().unwrap();
    let comm = |pid: &str| std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
    assert_eq!(comm(&guard.to_string()), "tanist-guard\n");
    let children = format!("/proc/{guard}/task/{guard}/children");
    let children = std::fs::read_to_string(children).unwrap();
    let names: Vec<String> = children.split_whitespace().map(comm).collect();
    assert!(
        names.iter().any(|name| name == "tanist-release\n"),
        "{names:?}"
    );
    assert!(!names.iter().any(|name| name == "exe\n"), "{names:?}");
}

#[test]
fn the_files_of_dead_nodes_go_with_the_next_start() {
    let stage = Stage::new();
    let mut dead = stage.run(&["--node", "dead"], WORK);
    dead.line();
    let mut alive = stage.run(&["--node", "alive"], WORK);
    alive.event("standby");
    dead.kill();
    alive.line();
    let there = |node: &str| {
        let dir = stage.run_dir();
        ["name", "role", "sock"].map(|kind| dir.join(format!("demo.{node}.{kind}")).exists())
    };
    assert_eq!(there("dead"), [true; 3]);
    let mut third = stage.run(&["--node", "third"], WORK);
    third.event("standby");
    assert_eq!(there("dead"), [false; 3]);
    assert_eq!(there("alive"), [true; 3]);
}

#[test]
fn what_verbose_says_is_for_people() {
    let stage = Stage::new();
    let output = stage.ask(["run", "-v", "-e", "demo", "--once", "--", "true"]);
    let said = err(&output);
    assert!(said.contains("\"event\":\"entry\""), "{said}");
    for odd in ["InstanceId", "EntryId", "Term(", "Some("] {
        assert!(!said.contains(odd), "{odd}: {said}");
    }
}

#[test]
fn an_alarm_is_told_once_and_says_where() {
    let stage = Stage::new();
    let mut node = stage.run(&["--node", "a"], WORK);
    node.line();
    node.signal(Signal::TERM);
    node.ended();
    std::fs::write(
        stage.run_dir().join(".tanist/demo/record"),
        "{ not a record",
    )
    .unwrap();
    let mut standby = stage.run(&["--node", "b"], WORK);
    let alarm = standby.event("alarm");
    let text = alarm["message"].as_str().unwrap();
    assert!(text.contains(&*stage.run_dir().to_string_lossy()), "{text}");
    standby.signal(Signal::TERM);
    loop {
        let line = standby.any();
        let event = line["event"].as_str().unwrap();
        assert!(event != "alarm" && event != "store", "{line}");
        if event == "exit" {
            break;
        }
    }
}

#[test]
fn settings_are_shown_with_the_paths_that_are_meant() {
    let stage = Stage::new();
    let mut command = stage.tanist();
    command
        .current_dir(stage.path(""))
        .env("TANIST_RUN_DIR", "run")
        .env("TANIST_STORE", "local:store");
    let output = command.args(["config", "show"]).output().unwrap();
    let shown = out(&output);
    let here = stage.path("");
    let expected = |name: &str, prefix: &str, dir: &str| {
        format!("{name} = \"{prefix}{}\"", here.join(dir).display())
    };
    assert!(shown.contains(&expected("run_dir", "", "run")), "{shown}");
    assert!(
        shown.contains(&expected("store", "local:", "store")),
        "{shown}"
    );
    assert!(shown.contains("stdin = \"null\""), "{shown}");
}

#[test]
fn who_stays_out_says_for_how_long_and_why() {
    let stage = Stage::new();
    let mut cooling = stage.run(&["--node", "cooling", "--cooldown", "1h"], "exit 7");
    cooling.event("cooldown");
    let mut parked = stage.run(&["--node", "parked", "--max-failovers", "0/1m"], "exit 7");
    parked.event("parked");
    // Told to the store after it was told to the log.
    let note = |node: &str, shows: &str| loop {
        let document = out(&stage.ask(["status", "demo", "-o", "json"]));
        let document: Value = serde_json::from_str(&document).unwrap();
        let members = document["elections"][0]["members"]
            .as_array()
            .unwrap()
            .clone();
        let member = members.into_iter().find(|member| member["node"] == node);
        // Between two places in the line it has none.
        let note = member.and_then(|member| member["note"].as_str().map(str::to_owned));
        let note = note.unwrap_or_default();
        if note.contains(shows) {
            break note;
        }
    };
    let said = note("cooling", "cooling down until ");
    assert!(
        said.ends_with("Z: the child ended: exit status: 7"),
        "{said}"
    );
    let said = note("parked", "once within 1m, last: ");
    assert!(said.ends_with("the child ended: exit status: 7"), "{said}");
    let table = out(&stage.ask(["status", "demo", "-o", "table"]));
    assert!(
        table.contains("failed too often; once within 1m"),
        "{table}"
    );
}

#[test]
fn who_comes_back_after_a_crash_is_not_said_to_let_others_go_first() {
    let stage = Stage::new();
    let once = stage.path("once");
    let script = format!(
        "test -e {0} && {{ echo back; exec sleep 1000; }}; : >{0}; exit 1",
        once.display()
    );
    let mut node = stage.run(&["--cooldown", "200ms"], &script);
    assert_eq!(node.line(), "back");
    node.signal(Signal::TERM);
    loop {
        let line = node.any();
        let text = line["message"].as_str().unwrap();
        assert!(!text.contains("others go first"), "{line}");
        if line["event"] == "exit" {
            break;
        }
    }
}
