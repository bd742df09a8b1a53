use std::collections::BTreeMap;

use crate::stage::{Node, Stage, err, out};

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
    // For the tanist it may ask.
    assert_eq!(get("RUN_DIR"), stage.run_dir().to_str());
    assert_eq!(
        get("STORE"),
        Some(format!("local:{}", stage.run_dir().display()).as_str())
    );
    // Other settings of ours are not its affair.
    assert_eq!(get("STATE_DIR"), None);
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
    assert!(err(&output).contains("election::own"), "{output:?}");
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

#[test]
fn another_user_finds_its_own_home_and_shell() {
    let stage = Stage::new();
    if !rustix::process::geteuid().is_root() {
        // Only root can run a child as somebody else; root runs this in the pipeline.
        return;
    }
    let see = |flags: &[&str]| {
        let args = ["run", "-e", "demo", "--once", "--cwd", "/"];
        let mut command = stage.tanist();
        command.env("HOME", "/root").env("USER", "root");
        command.args(args).args(flags).args(["--", "/usr/bin/env"]);
        variables(&out(&command.output().unwrap()))
    };
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap();
    let nobody = accounts.lines().find(|line| line.starts_with("nobody:"));
    let fields: Vec<&str> = nobody.unwrap().split(':').collect();
    let seen = see(&["--user", "nobody"]);
    assert_eq!(
        (seen["USER"].as_str(), seen["LOGNAME"].as_str()),
        ("nobody", "nobody")
    );
    assert_eq!(
        (seen["HOME"].as_str(), seen["SHELL"].as_str()),
        (fields[5], fields[6])
    );
    let seen = see(&["--user", fields[2], "--env", "HOME=/elsewhere"]);
    assert_eq!(
        (seen["USER"].as_str(), seen["HOME"].as_str()),
        ("nobody", "/elsewhere")
    );
    let seen = see(&["--user", "3999999:3999999"]);
    assert!(
        !seen.contains_key("HOME") && !seen.contains_key("USER"),
        "{seen:?}"
    );
}

/// The processes below `pid`, by their own word on their parents.
fn descendants(pid: i32) -> Vec<i32> {
    let mut found = Vec::new();
    for item in std::fs::read_dir("/proc").unwrap() {
        let name = item.unwrap().file_name();
        let Some(number) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        // It may have ended meanwhile.
        let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        let fields = stat.rsplit(") ").next().unwrap_or_default();
        if fields.split(' ').nth(1) == Some(pid.to_string().as_str()) {
            found.push(number);
            found.extend(descendants(number));
        }
    }
    found
}

#[test]
fn what_is_set_for_the_child_is_in_force_in_the_child_only() {
    for contain in ["sweep", "pidns"] {
        let stage = Stage::new();
        let mut leader = stage.run(&["--contain", "sweep"], "echo up; exec sleep 1000");
        assert_eq!(leader.line(), "up");
        let set = [
            "LD_PRELOAD=/no/such/library",
            "LANG=xx",
            "RUST_BACKTRACE=full",
        ];
        let mut command = stage.tanist();
        command.args(["run", "-e", "demo", "--contain", contain]);
        set.iter().for_each(|set| {
            command.args(["--env", set]);
        });
        let told =
            "echo $LD_PRELOAD $LANG $RUST_BACKTRACE; env | grep -c TANIST__; exec sleep 1000";
        command.args(["--", "sh", "-c", told]);
        let mut node = Node::start(command);
        let first = node.any();
        if first["event"] == "error" {
            // No PID namespace to be had here, as another test has it.
            assert_eq!(contain, "pidns", "{first}");
            continue;
        }
        node.event("standby");
        let ours = descendants(node.pid());
        // The guard, the launcher, the release program.
        assert!(ours.len() >= 3, "{ours:?}");
        for pid in ours {
            let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
            assert!(!environ.is_empty());
            for variable in environ.split(|byte| *byte == 0) {
                let variable = String::from_utf8_lossy(variable);
                assert!(!set.contains(&&*variable), "{pid}: {variable}");
            }
        }
        leader.kill();
        assert_eq!(node.line(), "/no/such/library xx full");
        assert_eq!(node.line(), "0");
    }
}
