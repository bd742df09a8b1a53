use std::fs;
use std::process::{Command, Stdio};

use tanist_testkit::Need;

use crate::stage::{Node, Stage, kill};

/// Says its term, then works until it is killed.
const WORK: &str = "echo $TANIST_TERM; exec sleep 1000";

/// A node whose state directory is what `mount` makes of it, in a mount namespace of its own.
fn with_state(stage: &Stage, mount: &str) -> Node {
    let state = stage.path("state");
    fs::create_dir_all(&state).unwrap();
    let inner = stage.tanist();
    let mut command = Command::new("unshare");
    let script = format!("{mount}; exec \"$@\"");
    command.args(["--mount", "sh", "-c", &script]).arg(&state);
    command.arg(inner.get_program());
    command.args([
        "run",
        "-e",
        "demo",
        "--node",
        "a",
        "--cooldown",
        "10ms",
        "--",
        "sh",
        "-c",
        WORK,
    ]);
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(Stdio::null());
    Node::start(command)
}

/// It leads, says what is wrong with its memory, and its terms rise all the same.
fn leads_without_memory(mount: &str, why: &str) {
    if !Need::Root.go_on() {
        return;
    }
    let stage = Stage::new();
    let mut node = with_state(&stage, mount);
    let first: u64 = node.line().parse().unwrap();
    let told = node.event("memory")["message"].as_str().unwrap().to_owned();
    assert!(told.contains(why), "{told}");
    kill(node.event("started")["pid"].as_u64().unwrap());
    let second: u64 = node.line().parse().unwrap();
    assert!(second > first, "{second} after {first}");
}

/// F98: a state directory on a disk of 64 kB that is full.
#[test]
fn a_full_disk_costs_the_memory_and_nothing_else() {
    let full = "mount -t tmpfs -o size=64k,mode=700 tmpfs \"$0\"; cat /dev/zero >\"$0/fill\"";
    leads_without_memory(full, "No space left on device");
}

/// F98: a state directory that takes no writes.
#[test]
fn a_read_only_disk_costs_the_memory_and_nothing_else() {
    let read_only = "mount -t tmpfs -o ro,mode=700 tmpfs \"$0\"";
    leads_without_memory(read_only, "Read-only file system");
}

/// F98: a state file that a power cut left half written, and one that is garbage.
#[test]
fn a_file_that_cannot_be_read_is_told_and_replaced() {
    for garbage in [&b"{\"highest_term\":99"[..], b"\xff\xfe\x00", b""] {
        let stage = Stage::new();
        fs::create_dir(stage.path("state")).unwrap();
        fs::set_permissions(
            stage.path("state"),
            std::os::unix::fs::PermissionsExt::from_mode(0o700),
        )
        .unwrap();
        let file = stage.path("state/demo.json");
        fs::write(&file, garbage).unwrap();
        let mut node = stage.run(&["--node", "a"], WORK);
        let term: u64 = node.line().parse().unwrap();
        let told = node.event("memory")["message"].as_str().unwrap().to_owned();
        assert!(told.contains("the file is not what tanist wrote"), "{told}");
        let kept = fs::read_to_string(&file).unwrap();
        assert!(kept.contains(&term.to_string()), "{kept}");
    }
}
