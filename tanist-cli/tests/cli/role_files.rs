//! What this node is, in files for others.

use rustix::process::Signal;

use crate::stage::{Stage, err, wait_until};

#[test]
fn role_and_number_are_where_they_are_asked_for_and_follow_the_role() {
    let stage = Stage::new();
    let (role, track) = (stage.path("role"), stage.path("track"));
    let read = |path| std::fs::read_to_string(path).unwrap();
    let mut first = stage.run(&["-n", "a"], "echo up; exec sleep 1000");
    assert_eq!(first.line(), "up");
    let flags = ["-n", "b", "--role-file", role.to_str().unwrap()];
    let track_flags = ["--track-file", track.to_str().unwrap()];
    let mut node = stage.run(&[&flags[..], &track_flags].concat(), "exec sleep 1000");
    node.event("standby");
    assert_eq!(
        (read(&role), read(&track)),
        ("standby\n".into(), "1\n".into())
    );
    assert!(!stage.run_dir().join("demo.b.role").exists());
    first.kill();
    node.event("started");
    wait_until("the role", || read(&role) == "leader\n");
    wait_until("the number", || read(&track) == "0\n");
    node.signal(Signal::TERM);
    assert_eq!(node.ended(), (0, "tanist:stopped".to_owned()));
    assert!(!role.exists());
    // keepalived takes a file that is gone for a leader.
    assert_eq!(read(&track), "1\n");
}

#[test]
fn a_tanist_below_another_leaves_the_role_file_of_that_one_alone() {
    let stage = Stage::new();
    let tanist = env!("CARGO_BIN_EXE_tanist");
    let outer = stage.run_dir().join("demo.a.role");
    let inner = format!(
        "until grep leader {0}; do :; done; exec {tanist} run -e inner --once -- sh -c 'cat {0}; echo \
         $TANIST_ROLE_FILE'",
        outer.display()
    );
    let mut node = stage.run(&["-n", "a", "--once"], &inner);
    assert_eq!([node.line(), node.line()], ["leader", "leader"]);
    let own = node.line();
    assert!(own.ends_with(".role") && own.contains("/inner."), "{own}");
    assert_eq!(node.ended().0, 0);
}

#[test]
fn one_file_for_both_is_refused() {
    let stage = Stage::new();
    let file = stage.path("x");
    let file = file.to_str().unwrap();
    let args = [
        "run",
        "-e",
        "demo",
        "--role-file",
        file,
        "--track-file",
        file,
        "--",
        "true",
    ];
    let output = stage.ask(args);
    assert_eq!(output.status.code(), Some(64));
    assert!(
        err(&output).contains("role-file::twice"),
        "{}",
        err(&output)
    );
}

/// F64: a role file at a pipe that nobody reads.
#[test]
fn what_is_in_the_way_of_the_role_file_holds_up_no_stop_and_is_not_written_to() {
    let stage = Stage::new();
    let (role, track) = (stage.path("role"), stage.path("track"));
    let fresh = [&role, &track].map(|path| path.with_extension("new"));
    let victim = stage.path("victim");
    let files = [role.to_str().unwrap(), track.to_str().unwrap()];
    let flags = ["--role-file", files[0], "--track-file", files[1]];
    let mut node = stage.run(
        &flags,
        "trap 'echo down; exit 0' TERM; echo up; while :; do sleep 0.05; done",
    );
    assert_eq!(node.line(), "up");
    let read = |path| std::fs::read_to_string(path).unwrap();
    wait_until("the number", || read(&track) == "0\n");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, &fresh[0], mode).unwrap();
    std::fs::write(&victim, "precious").unwrap();
    std::fs::hard_link(&victim, &fresh[1]).unwrap();
    node.signal(Signal::TERM);
    assert_eq!(node.line(), "down");
    assert_eq!(node.ended(), (0, "tanist:stopped".to_owned()));
    assert_eq!(
        (read(&track), read(&victim)),
        ("1\n".into(), "precious".into())
    );
    assert!(!role.exists() && fresh.iter().all(|path| !path.exists()));
}
