use std::collections::BTreeMap;

use crate::stage::{Node, Stage, out};

fn variables(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn the_child_is_told_of_its_leadership() {
    let stage = Stage::new();
    let flags = [
        "run",
        "-e",
        "demo",
        "--once",
        "-n",
        "a",
        "--address",
        "10.0.0.1:9",
        "--",
        "env",
    ];
    let seen = variables(&out(&stage.ask(flags)));
    let get = |name: &str| seen.get(&format!("TANIST_{name}")).map(String::as_str);
    assert_eq!(get("ELECTION"), Some("demo"));
    assert_eq!(get("NODE"), Some("a"));
    assert_eq!(get("ROLE"), Some("leader"));
    assert_eq!(get("REASON"), Some("start"));
    assert_eq!(get("PREVIOUS"), Some(""));
    assert_eq!(get("ADDRESS"), Some("10.0.0.1:9"));
    assert!(get("TERM").unwrap().parse::<u64>().unwrap() > 0);
    assert_eq!(get("INSTANCE").unwrap().len(), 32);
    assert!(!get("ENTRY").unwrap().is_empty());
    let socket = stage.run_dir().join("demo.a.sock");
    assert_eq!(
        get("CONTROL"),
        Some(format!("unix:{}", socket.display()).as_str())
    );
    assert_eq!(
        get("ROLE_FILE"),
        stage.run_dir().join("demo.a.role").to_str()
    );
    // Settings of ours are not the child's affair.
    assert_eq!((get("RUN_DIR"), get("STATE_DIR")), (None, None));
}

#[test]
fn in_a_nested_tanist_the_inner_values_win() {
    let stage = Stage::new();
    let tanist = env!("CARGO_BIN_EXE_tanist");
    let inner = format!(
        "echo outer=$TANIST_TERM; {tanist} run -e inner -n in --once -qq \
         --run-dir {run} --state-dir {state} -- sh -c 'echo inner=$TANIST_TERM; env'",
        run = stage.run_dir().display(),
        state = stage.path("state").display(),
    );
    let text = out(&stage.ask([
        "run", "-e", "outer", "-n", "out", "--once", "--", "sh", "-c", &inner,
    ]));
    let seen = variables(&text);
    assert_eq!(
        seen.get("TANIST_ELECTION").map(String::as_str),
        Some("inner")
    );
    assert_eq!(seen.get("TANIST_NODE").map(String::as_str), Some("in"));
    assert_eq!(seen.get("TANIST_TERM"), seen.get("inner"));
    assert_eq!(
        text.lines()
            .filter(|line| line.starts_with("TANIST_TERM="))
            .count(),
        1
    );
}

#[test]
fn an_inherited_election_is_not_stood_for_again() {
    let stage = Stage::new();
    let tanist = env!("CARGO_BIN_EXE_tanist");
    let inner = format!(
        "{tanist} run --run-dir {run} --state-dir {state} -- true",
        run = stage.run_dir().display(),
        state = stage.path("state").display(),
    );
    let output = stage.ask(["run", "-e", "outer", "--once", "--", "sh", "-c", &inner]);
    assert_eq!(output.status.code(), Some(64));
    assert!(
        crate::stage::err(&output).contains("election::own"),
        "{output:?}"
    );
}

#[test]
fn what_is_inherited_is_chosen_by_name() {
    let stage = Stage::new();
    let see = |flags: &[&str]| {
        let mut command = stage.tanist();
        command
            .env("KEEP_A", "1")
            .env("KEEP_B", "2")
            .env("API_TOKEN", "secret");
        command
            .args(["run", "-e", "demo", "--once"])
            .args(flags)
            .args(["--", "/usr/bin/env"]);
        variables(&out(&command.output().unwrap()))
    };
    let all = see(&[]);
    assert!(
        all.contains_key("KEEP_A") && all.contains_key("API_TOKEN") && all.contains_key("PATH")
    );
    let denied = see(&["--env-deny", "*_TOKEN", "--env-deny", "KEEP_B"]);
    assert!(denied.contains_key("KEEP_A"));
    assert!(!denied.contains_key("API_TOKEN") && !denied.contains_key("KEEP_B"));
    let allowed = see(&["--env-allow", "KEEP_*"]);
    assert!(allowed.contains_key("KEEP_A") && !allowed.contains_key("PATH"));
    let cleared = see(&["--env-clear", "--env", "X=a=b", "--env-allow", "KEEP_A"]);
    let own: Vec<&str> = cleared
        .keys()
        .map(String::as_str)
        .filter(|name| !name.starts_with("TANIST_"))
        .collect();
    // The C library of the child may add what it likes; these are ours.
    assert!(
        own.contains(&"KEEP_A") && own.contains(&"X") && !own.contains(&"HOME"),
        "{own:?}"
    );
    assert_eq!(cleared["X"], "a=b");
}

#[test]
fn flags_win_over_the_environment() {
    let stage = Stage::new();
    let mut command = stage.tanist();
    command
        .env("TANIST_NODE", "from-env")
        .env("TANIST_ONCE", "yes")
        .env("TANIST_ENV", "A=1\nB=2");
    command.env("TANIST_ADDRESS", "env:1");
    command.args(["run", "-e", "demo", "--address", "flag:1", "--", "env"]);
    let seen = variables(&out(&command.output().unwrap()));
    assert_eq!(seen["TANIST_NODE"], "from-env");
    assert_eq!(seen["TANIST_ADDRESS"], "flag:1");
    assert_eq!((seen["A"].as_str(), seen["B"].as_str()), ("1", "2"));
}

#[test]
fn the_child_starts_in_its_directory_with_its_input() {
    let stage = Stage::new();
    let dir = stage.path("work");
    std::fs::create_dir(&dir).unwrap();
    let dir_text = dir.to_str().unwrap();
    let input = stage.path("input");
    std::fs::write(&input, "from a file\n").unwrap();
    let input_text = input.to_str().unwrap();
    let run = |flags: &[&str], script: &str| {
        let mut args = vec!["run", "-e", "demo", "--once"];
        args.extend(flags);
        args.extend(["--", "sh", "-c", script]);
        out(&stage.ask(args))
    };
    assert_eq!(run(&["--cwd", dir_text], "pwd").trim(), dir_text);
    assert_eq!(run(&[], "cat; echo end"), "end\n");
    assert_eq!(run(&["--stdin", input_text], "cat"), "from a file\n");
}

#[test]
fn inherited_input_is_read_by_the_child() {
    use std::io::Write;
    let stage = Stage::new();
    let (reader, mut writer) = std::io::pipe().unwrap();
    let mut command = stage.tanist();
    command.args([
        "run", "-e", "demo", "--once", "--stdin", "inherit", "--", "cat",
    ]);
    command.stdin(reader);
    let mut node = Node::start(command);
    writer.write_all(b"typed\n").unwrap();
    assert_eq!(node.line(), "typed");
    drop(writer);
    assert_eq!(node.ended(), (0, "child:exited".to_owned()));
}

#[test]
fn the_child_runs_as_the_user_asked_for_where_that_is_allowed() {
    let stage = Stage::new();
    let args = [
        "run", "-e", "demo", "--once", "--cwd", "/", "--user", "65534", "--", "id", "-u",
    ];
    let output = stage.ask(args);
    if rustix::process::geteuid().is_root() {
        assert_eq!(out(&output), "65534\n", "{output:?}");
    } else {
        assert_eq!(output.status.code(), Some(71), "{output:?}");
    }
}
