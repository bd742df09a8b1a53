use serde_json::Value;

use crate::stage::{Node, Stage, err, out};

const WORK: &str = "echo $TANIST_TERM; exec sleep 1000";

#[test]
fn a_leader_that_is_not_there_is_told_on_standard_error_only() {
    let stage = Stage::new();
    let mut node = stage.run(&["--node", "a"], WORK);
    node.line();
    let asked = |args: &[&str]| {
        let output = stage.ask(args);
        (output.status.code().unwrap(), out(&output), err(&output))
    };
    let (code, said, told) = asked(&["leader", "dmeo"]);
    assert_eq!((code, said.as_str()), (4, ""));
    assert!(told.contains("election::unknown"), "{told}");
    assert!(told.contains(&*stage.run_dir().to_string_lossy()), "{told}");
    assert_eq!(asked(&["leader", "dmeo", "--is-me"]).0, 4);
    node.signal(rustix::process::Signal::TERM);
    node.ended();
    let (code, said, told) = asked(&["leader", "demo", "--address"]);
    assert_eq!((code, said.as_str()), (3, ""));
    assert!(told.contains("nobody leads demo"), "{told}");
    let nothing = String::new();
    assert_eq!(
        asked(&["leader", "demo", "--is-me"]),
        (3, nothing.clone(), nothing)
    );
}

/// Every file and directory below.
fn tree(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let Ok(items) = dir.read_dir() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for path in items.map(|item| item.unwrap().path()) {
        found.extend(tree(&path));
        found.push(path);
    }
    found.sort();
    found
}

const LOOKS: [&[&str]; 5] = [
    &["status"],
    &["status", "other"],
    &["leader", "other"],
    &["leader", "other", "--is-me"],
    &["watch"],
];

#[test]
fn looking_at_what_is_not_there_is_4_and_creates_nothing() {
    let stage = Stage::new();
    for args in LOOKS {
        let output = stage.ask(args);
        assert_eq!(output.status.code(), Some(4), "{args:?}: {}", err(&output));
        assert!(!stage.run_dir().exists(), "{args:?} made the store");
    }
    let mut node = stage.run(&["--node", "a"], WORK);
    node.line();
    let before = tree(&stage.run_dir());
    for args in &LOOKS[1..4] {
        assert_eq!(stage.ask(*args).status.code(), Some(4), "{args:?}");
        assert_eq!(tree(&stage.run_dir()), before, "{args:?}");
    }
}

#[test]
fn a_watch_of_what_is_not_there_creates_nothing_and_sees_it_come() {
    let stage = Stage::new();
    let mut command = stage.tanist();
    command.args(["watch", "demo", "-o", "json"]);
    let mut watch = Node::start(command);
    let first: Value = serde_json::from_str(&watch.line()).unwrap();
    assert_eq!(
        (&first["event"], &first["state"]),
        (&"leader".into(), &"unknown".into())
    );
    assert!(!stage.run_dir().exists());
    let mut node = stage.run(&["--node", "a"], WORK);
    node.line();
    loop {
        let line: Value = serde_json::from_str(&watch.line()).unwrap();
        if line["node"] == "a" && line["event"] == "leader" {
            break;
        }
    }
}

#[test]
fn relative_directories_are_meant_from_where_the_command_is_given() {
    let stage = Stage::new();
    let place = stage.path("place");
    std::fs::create_dir_all(place.join("in")).unwrap();
    let relative = |dir: &str, args: &[&str]| {
        let mut command = stage.tanist();
        command
            .env_remove("TANIST_STATE_DIR")
            .env_remove("TANIST_RUN_DIR")
            .current_dir(place.join(dir))
            .args(args);
        command
    };
    // The child works elsewhere, and what it is told has to mean the same there.
    let flags = [
        "run",
        "-e",
        "demo",
        "--run-dir",
        "run",
        "--state-dir",
        "../state",
        "--cwd",
        "/",
    ];
    let mut command = relative("", &flags);
    command.args(["-s", "local:./store?allow_network_fs=1"]);
    command.args([
        "--",
        "sh",
        "-c",
        "test -f $TANIST_ROLE_FILE && echo there; exec sleep 1000",
    ]);
    let mut node = Node::start(command);
    assert_eq!(node.line(), "there");
    for (dir, store) in [("", "local:store"), ("in", "local:../store")] {
        let status = relative(dir, &["status", "demo", "-s", store])
            .output()
            .unwrap();
        assert_eq!(status.status.code(), Some(0), "{}", err(&status));
    }
    assert!(place.join("run").is_dir() && stage.path("state").is_dir());
    let refused = relative("", &["status", "--run-dir", "in/../run"])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(64));
    assert!(
        err(&refused).contains("path::unusable"),
        "{}",
        err(&refused)
    );
    // The release helper finds the store, too.
    node.kill();
    drop(node);
    let status = relative("", &["status", "demo", "-s", "local:store"])
        .output()
        .unwrap();
    assert!(out(&status).starts_with("demo vacant"), "{}", out(&status));
}
