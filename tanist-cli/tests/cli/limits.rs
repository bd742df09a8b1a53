use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use tanist_testkit::Need;

use crate::stage::{Node, Stage, state_of, wait_until};

/// Works until it is killed.
const WORK: &str = "echo up; exec sleep 1000";

/// Nodes of an ordinary user: the limit on processes means nothing to root.
fn ordinary(stage: &Stage, node: &str) -> Node {
    let (mut command, home) = stage.tanist_of_an_ordinary_user();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
    command
        .env("TANIST_RUN_DIR", home.join("run"))
        .env("TANIST_STATE_DIR", home.join("state"));
    command.args(["run", "-e", "demo", "--node", node, "--lease", "8s"]);
    command.args(["--contain", "sweep", "--", "sh", "-c", WORK]);
    Node::start(command)
}

/// As the user whose it is: more than that takes a right that not even root has everywhere.
fn limit(node: &Node, what: &str, user: u32) {
    let mut prlimit = Command::new("prlimit");
    prlimit.arg(format!("--pid={}", node.pid())).arg(what);
    if rustix::process::geteuid().is_root() {
        prlimit.uid(user).gid(user);
    }
    assert!(prlimit.status().unwrap().success());
}

/// How many threads of the process have this name.
fn threads(node: &Node, name: &str) -> usize {
    let tasks = fs::read_dir(format!("/proc/{}/task", node.pid())).unwrap();
    let names = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("comm")));
    names
        .filter(|comm| comm.as_deref().is_ok_and(|comm| comm.trim() == name))
        .count()
}

/// Waits until only those are left that stay for good: one for the store's files, one for its disk,
/// one for the state directory.
fn wait_for_idle_threads(node: &Node) {
    wait_until("the threads are idle", || {
        (threads(node, "hand"), threads(node, "sweep")) == (3, 1)
    });
}

/// F99: no further process or thread for a standby, long after its last request.
#[test]
fn who_may_start_nothing_more_takes_over_all_the_same() {
    let stage = Stage::new();
    let mut first = ordinary(&stage, "a");
    assert_eq!(first.line(), "up");
    let mut second = ordinary(&stage, "b");
    second.event("standby");
    wait_for_idle_threads(&second);
    limit(&second, "--nproc=0", 65534);
    first.kill();
    assert_eq!(second.line(), "up");
    let child = second.event("started")["pid"].as_u64().unwrap();
    // A guard for the next time cannot be started, and that is said when it is needed.
    crate::stage::kill(child);
    second.event("released");
    assert!(
        second.event("error")["message"]
            .as_str()
            .unwrap()
            .contains("guard::system")
    );
    assert_eq!(second.ended(), (71, "tanist:guard::system".to_owned()));
}

/// F99: no further descriptor for a leader. It cannot look at its own lock any more, so its work is
/// ended by the deadline; nor can it say that it leads no more, so nobody else begins until it can.
#[test]
fn who_may_open_nothing_more_ends_its_work_in_time() {
    let stage = Stage::new();
    let flags = |node| ["--node", node, "--lease", "1s"];
    let mut first = stage.run(&flags("a"), "echo $$; exec sleep 1000");
    let child: i32 = first.line().parse().unwrap();
    let mut second = stage.run(&flags("b"), WORK);
    second.event("standby");
    limit(&first, "--nofile=0:", 0);
    first.event("ended");
    wait_until("it is gone", || state_of(child).is_none());
    assert!(second.no_line());
    limit(&first, "--nofile=1024:", 0);
    first.event("released");
    wait_until("somebody leads", || !first.no_line() || !second.no_line());
}

/// F63: what the guard has the kernel promise before anything is short.
#[test]
fn the_guard_is_spared_when_memory_runs_short() {
    if !Need::Root.go_on() {
        return;
    }
    let stage = Stage::new();
    let mut node = stage.run(&[], WORK);
    assert_eq!(node.line(), "up");
    let guard = node.event("started")["guard"].as_u64().unwrap();
    let of_guard = |file: &str| fs::read_to_string(format!("/proc/{guard}/{file}")).unwrap();
    // To be spared is a right that not even root has everywhere.
    let ask = ["-c", "echo -900 2>/dev/null >/proc/self/oom_score_adj"];
    let may = Command::new("sh").args(ask).status().unwrap().success();
    let wanted = if may { "-900" } else { "0" };
    assert_eq!(of_guard("oom_score_adj").trim(), wanted);
    let locked = of_guard("status");
    let locked = locked.lines().find_map(|line| line.strip_prefix("VmLck:"));
    let kilobytes: u64 = locked
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    assert!(kilobytes > 0, "nothing of it is locked");
}

/// F77: the child dies with the thread that started it, so that has to be the guard's only one.
#[test]
fn the_guard_has_one_thread() {
    let stage = Stage::new();
    let mut node = stage.run(&[], WORK);
    assert_eq!(node.line(), "up");
    let guard = node.event("started")["guard"].as_u64().unwrap();
    assert_eq!(
        fs::read_dir(format!("/proc/{guard}/task")).unwrap().count(),
        1
    );
}

/// F87: what the child of the real program has open.
#[test]
fn the_child_has_its_streams_and_the_lock() {
    let stage = Stage::new();
    let mut node = stage.run(&[], "echo $$; exec sleep 1000");
    let child = node.line();
    node.event("started");
    let open = fs::read_dir(format!("/proc/{child}/fd")).unwrap();
    let mut open: Vec<_> = open
        .map(|fd| fs::read_link(fd.unwrap().path()).unwrap())
        .collect();
    let lock = stage.run_dir().join("demo/lock").canonicalize().unwrap();
    open.retain(|path| !path.to_string_lossy().starts_with("pipe:"));
    open.sort();
    assert_eq!(open, [std::path::PathBuf::from("/dev/null"), lock]);
}
