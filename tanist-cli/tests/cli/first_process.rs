use std::fs;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tanist_testkit::Need;

use crate::stage::{Node, Stage, children, state_of, wait_until};

/// `tanist run` as what a shell becomes that is the first process of a PID namespace, after it has
/// done what `before` says. Answers with its number here.
fn first_process(stage: &Stage, before: &str, flags: &[&str], script: &str) -> (Node, i32) {
    let inner = stage.tanist();
    let mut command = Command::new("unshare");
    command.args([
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        "sh",
        "-c",
    ]);
    command
        .arg(format!("{before} exec \"$@\""))
        .arg("sh")
        .arg(inner.get_program());
    command.args(["run", "-e", "demo", "--node", "a", "--lease", "2s"]);
    command.args(flags).args(["--", "sh", "-c", script]);
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let node = Node::start({
        command.stdin(Stdio::null());
        command
    });
    let unshare = node.pid();
    wait_until("the first process", || !children(unshare).is_empty());
    let first = children(unshare)[0];
    (node, first)
}

fn signal(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

fn zombies(of: i32) -> usize {
    let ended = |pid: &i32| state_of(*pid) == Some('Z');
    children(of).iter().filter(|pid| ended(pid)).count()
}

/// F72, F90: process 1 is handed two thousand orphans of others, and one that works on. The first are
/// reaped, the last is left alone, also when a guard dies: it was there before.
#[test]
fn orphans_of_others_are_reaped_and_otherwise_left_alone() {
    if !Need::Root.go_on() {
        return;
    }
    let stage = Stage::new();
    // Each ends after its parent, so that it has to go to process 1.
    let before = "(setsid sleep 1000 & echo elder $(cut -d' ' -f4 /proc/self/stat)) >/dev/null; \
                  (while ! test -e \"$TANIST_STATE_DIR/go\"; do sleep 0.02; done; \
                   i=0; while test $i -lt 2000; do (sleep 0 &); i=$((i+1)); done; \
                   touch \"$TANIST_STATE_DIR/gone\") >/dev/null 2>&1 &";
    let (mut node, first) = first_process(&stage, before, &[], "echo up; exec sleep 1000");
    assert_eq!(node.line(), "up");
    let guard = node.event("started")["guard"].as_i64().unwrap();
    let elder = children(first).into_iter().find(|pid| runs(*pid, "sleep"));
    let elder = elder.expect("an orphan that works on");
    fs::write(stage.path("state/go"), "").unwrap();
    wait_until("all have ended", || stage.path("state/gone").exists());
    wait_until("none is left unreaped", || zombies(first) == 0);
    // The guard's number in there; only it is killed.
    let guard = children(first)
        .into_iter()
        .find(|pid| inner_number(*pid) == guard)
        .unwrap();
    signal(guard, Signal::KILL);
    node.event("guard");
    assert_eq!(node.line(), "up");
    assert!(state_of(elder).is_some(), "it was killed");
    signal(first, Signal::TERM);
    assert_eq!(node.event("exit")["exit"], 0);
}

/// F73, F90: with a hundred numbers to choose from, which the work uses up many times over, a killed
/// guard's tree is swept, and nobody else is touched.
#[test]
fn numbers_that_come_round_again_hit_nobody_else() {
    if !Need::Root.go_on() {
        return;
    }
    let most = "/proc/sys/kernel/pid_max";
    let stage = Stage::new();
    // Older kernels have one number for all namespaces; it is not a test's to change.
    let own = Command::new("unshare")
        .args(["--pid", "--fork", "--mount-proc", "sh", "-c"])
        .arg(format!("echo 400 >{most} && cat {most}"))
        .output()
        .unwrap();
    let outside = fs::read_to_string(most).unwrap();
    assert!(own.stdout == b"400\n" && outside != "400\n", "{own:?}");
    let before = format!("echo 400 >{most}; (setsid sleep 1000 &); sleep 1000 & ");
    // Two thousand numbers go by before it says so, and more all the time, in sessions of their own.
    let script = "i=0; while test $i -lt 2000; do (setsid true &); i=$((i+1)); done; echo round; \
                  while :; do (setsid sleep 0.01 &); done";
    let (mut node, first) = first_process(&stage, &before, &["--contain", "sweep"], script);
    let guard = node.event("started")["guard"].as_i64().unwrap();
    assert_eq!(node.line(), "round");
    let bystanders: Vec<i32> = children(first)
        .into_iter()
        .filter(|pid| runs(*pid, "sleep"))
        .collect();
    assert_eq!(bystanders.len(), 2);
    let guard = children(first)
        .into_iter()
        .find(|pid| inner_number(*pid) == guard)
        .unwrap();
    signal(guard, Signal::KILL);
    node.event("guard");
    assert_eq!(node.line(), "round", "and leads again");
    assert!(
        bystanders.iter().all(|pid| state_of(*pid) == Some('S')),
        "somebody else was hit"
    );
    signal(first, Signal::TERM);
    assert_eq!(node.event("exit")["exit"], 0);
}

fn runs(pid: i32, program: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == program)
}

/// The number that a process has in its own namespace.
fn inner_number(pid: i32) -> i64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    numbers
        .and_then(|all| all.split_whitespace().last()?.parse().ok())
        .unwrap_or_default()
}
