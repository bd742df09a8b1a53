//! What is told of an election that is neither led nor simply vacant.

use rustix::process::Signal;
use serde_json::Value;

use crate::stage::{Node, Stage, err, kill, out, wait_until};

const WORK: &str = "echo $TANIST_TERM; exec sleep 1000";

/// A process that outlives the test only if the test was killed, too.
struct Orphan(u64);

impl Drop for Orphan {
    fn drop(&mut self) {
        if std::path::Path::new(&format!("/proc/{}", self.0)).exists() {
            kill(self.0);
        }
    }
}

/// Longer than a lease takes to run out on the slowest machine; reached only by a failure.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// Freezes it, but not in the few microseconds in which it writes to the store: then nobody can look.
fn freeze(stage: &Stage, node: &Node) {
    loop {
        node.signal(Signal::STOP);
        let looked = stage.ask(["status", "demo"]);
        if !err(&looked).contains("does not go on") {
            return;
        }
        node.signal(Signal::CONT);
    }
}

fn seen(stage: &Stage) -> (i32, Value) {
    let output = stage.ask(["status", "demo", "-o", "json"]);
    let document = serde_json::from_slice(&output.stdout);
    let document: Value = document.unwrap_or_else(|_| panic!("{}", err(&output)));
    let code = output.status.code().unwrap();
    (code, document["elections"][0].clone())
}

/// A leader `a` of which nothing is left but a process that it started; and who stands by.
fn orphaned(stage: &Stage) -> (Orphan, Node) {
    let flags = ["--node", "a", "--lease", "500ms", "--contain", "sweep"];
    let script = "setsid sleep 1000 >/dev/null 2>&1 & echo $!; exec sleep 1000";
    let mut leader = stage.run(&flags, script);
    let orphan = Orphan(leader.line().parse().unwrap());
    let guard = leader.event("started")["guard"].as_u64().unwrap();
    let mut standby = stage.run(&["--node", "b", "--lease", "500ms"], WORK);
    standby.event("standby");
    // So that it cannot sweep what its guard leaves behind.
    leader.signal(Signal::STOP);
    kill(guard);
    leader.kill();
    (orphan, standby)
}

#[test]
fn what_a_dead_leader_left_behind_is_named_and_told_once() {
    let stage = Stage::new();
    let (orphan, mut standby) = orphaned(&stage);
    let (code, election) = seen(&stage);
    assert_eq!((code, &election["state"]), (3, &"lingering".into()));
    let expected =
        serde_json::json!([{ "pid": orphan.0, "command": "sleep 1000", "frozen": false }]);
    assert_eq!(election["holders"], expected, "{election}");
    let detail = election["detail"].as_str().unwrap();
    let named = format!(
        "pid {0} (sleep 1000); nobody leads until that has ended: kill {0}",
        orphan.0
    );
    assert!(
        detail.starts_with("a has gone") && detail.ends_with(&named),
        "{detail}"
    );
    // Both commands agree.
    let leader = stage.ask(["leader", "demo"]);
    assert_eq!((leader.status.code(), out(&leader).as_str()), (Some(3), ""));
    assert!(err(&leader).contains(&named), "{}", err(&leader));
    let alarm = standby.event("alarm");
    let text = alarm["message"].as_str().unwrap();
    assert!(
        text.starts_with("a has gone") && alarm["level"] == "warn",
        "{alarm}"
    );
    assert!(standby.no_line());
    drop(orphan);
    // Between the two there is no second alarm.
    let next = standby.any();
    assert_eq!(next["event"], "elected", "{next}");
    standby.line();
    assert_eq!(seen(&stage).1["state"], "leading");
}

#[test]
fn a_leader_that_is_frozen_past_its_lease_does_not_lead() {
    let stage = Stage::new();
    let mut leader = stage.run(&["--node", "a", "--lease", "500ms"], WORK);
    leader.line();
    let (code, election) = seen(&stage);
    assert_eq!((code, &election["state"]), (0, &"leading".into()));
    assert!(
        election["renewed_ms_ago"].as_u64().unwrap() <= 500,
        "{election}"
    );
    freeze(&stage, &leader);
    let begun = std::time::Instant::now();
    let (code, election) = loop {
        let (code, election) = seen(&stage);
        if election["state"] != "leading" {
            break (code, election);
        }
        assert!(begun.elapsed() < PATIENCE, "{election}");
    };
    assert_eq!(
        (code, &election["state"]),
        (3, &"lapsed".into()),
        "{election}"
    );
    assert!(
        election["renewed_ms_ago"].as_u64().unwrap() >= 500,
        "{election}"
    );
    assert_eq!(election["leader"], Value::Null);
    assert_eq!(election["members"][0]["role"], "lapsed");
    let table = out(&stage.ask(["status", "demo", "-o", "table"]));
    assert!(table.contains("  a     lapsed"), "{table}");
    assert!(table.contains("lease ran out"), "{table}");
    let answer = stage.ask(["leader", "demo"]);
    assert_eq!((answer.status.code(), out(&answer).as_str()), (Some(3), ""));
    let waits = stage.ask([
        "wait",
        "-e",
        "demo",
        "--for",
        "active",
        "--timeout",
        "300ms",
    ]);
    assert_eq!(waits.status.code(), Some(75), "{}", err(&waits));
    leader.signal(Signal::CONT);
    leader.line();
    assert_eq!(seen(&stage).0, 0);
}

/// Ends what was frozen, work first: else the guard's end would leave it.
struct Frozen(Vec<u64>);

impl Drop for Frozen {
    fn drop(&mut self) {
        self.0.drain(..).for_each(kill);
    }
}

#[test]
fn of_a_leader_whose_guard_is_frozen_too_it_is_told_that_its_work_may_run() {
    let stage = Stage::new();
    let flags = ["--node", "a", "--lease", "500ms", "--contain", "sweep"];
    let mut leader = stage.run(&flags, "echo up; exec sleep 1000");
    leader.line();
    let started = leader.event("started");
    let (guard, child) = (
        started["guard"].as_u64().unwrap(),
        started["pid"].as_u64().unwrap(),
    );
    let stop = |pid: u64| {
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        rustix::process::kill_process(pid, Signal::STOP).unwrap();
    };
    let rest = Frozen(vec![child, guard]);
    stop(guard);
    freeze(&stage, &leader);
    wait_until("it lapsed", || seen(&stage).1["state"] == "lapsed");
    let work = format!("its work may still run: pid {child} (sleep 1000)");
    let thaw = format!("kill -CONT {} {guard};", leader.pid());
    let told = |text: &str| {
        assert!(!text.contains("was stopped"), "{text}");
        assert!(
            text.contains(&thaw) || text.contains(&format!("kill -CONT {guard} {};", leader.pid())),
            "{text}"
        );
    };
    let document = seen(&stage).1;
    let detail = document["detail"].as_str().unwrap();
    told(detail);
    assert!(detail.contains(&work), "{detail}");
    let frozen = |pid: u64| {
        let holders = document["holders"].as_array().unwrap();
        let holder = holders.iter().find(|it| it["pid"] == pid);
        holder.unwrap_or_else(|| panic!("{document}"))["frozen"] == true
    };
    assert!(frozen(guard) && !frozen(child));
    for command in [
        &["leader", "demo"][..],
        &[
            "wait",
            "-e",
            "demo",
            "--for",
            "active",
            "--timeout",
            "100ms",
        ],
        &["switchover", "-e", "demo", "--yes"],
        &["resign", "-e", "demo"],
        &["doctor", "demo"],
    ] {
        let answer = stage.ask(command);
        let text = out(&answer) + &err(&answer);
        told(&text);
        assert!(text.contains(&work), "{text}");
    }
    // Out of the line, it keeps the lock: and nobody is ending anything.
    let entry = document["members"][0]["entry"].as_str().unwrap();
    let evict = stage.ask(["evict", "-e", "demo", entry, "--confirm", "demo"]);
    assert!(evict.status.success(), "{}", err(&evict));
    let (_, document) = seen(&stage);
    assert_eq!(document["state"], "lingering");
    let detail = document["detail"].as_str().unwrap();
    told(detail);
    assert!(
        !detail.contains("is ending it") && detail.contains("a stands no more"),
        "{detail}"
    );
    drop(rest);
}

#[test]
fn who_holds_the_lock_without_tanist_is_foreign_and_nobody_leads() {
    let stage = Stage::new();
    let mut node = stage.run(&["--node", "a"], WORK);
    node.line();
    node.signal(Signal::TERM);
    node.ended();
    let lock = std::fs::File::open(stage.run_dir().join("demo/lock")).unwrap();
    lock.lock().unwrap();
    let (code, election) = seen(&stage);
    assert_eq!((code, &election["state"]), (3, &"foreign".into()));
    assert_eq!(stage.ask(["leader", "demo"]).status.code(), Some(3));
    let me = format!("pid {} (", std::process::id());
    assert!(
        election["detail"].as_str().unwrap().starts_with(&me),
        "{election}"
    );
    for verb in ["switchover", "resign"] {
        let refused = stage.ask([verb, "-e", "demo"]);
        assert_eq!(refused.status.code(), Some(75), "{verb}");
        assert!(
            err(&refused).contains("[election::foreign]"),
            "{}",
            err(&refused)
        );
    }
}

#[test]
fn who_loses_the_leadership_is_told_by_which_file() {
    let stage = Stage::new();
    for (file, why) in [
        ("demo/lock", "is gone"),
        (".tanist/demo/record", "is not ours"),
    ] {
        let mut node = stage.run(&["--node", "a", "--lease", "500ms"], WORK);
        node.line();
        let path = stage.run_dir().join(file);
        std::fs::remove_file(&path).unwrap();
        let told = node.event("store");
        let expected = format!("{} {why}, so the leadership is lost", path.display());
        assert_eq!(
            (&told["message"], &told["level"]),
            (&expected.into(), &"warn".into())
        );
        assert_eq!(node.event("ending")["cause"], "ousted");
    }
}

#[test]
fn a_watch_says_that_a_leader_leads_and_that_a_dead_one_has_gone() {
    let stage = Stage::new();
    let mut leader = stage.run(&["--node", "a"], WORK);
    leader.line();
    let mut command = stage.tanist();
    command.args(["watch", "demo"]);
    let mut watch = Node::start(command);
    let mut next = || {
        let line = watch.line();
        line.split_once("  demo  ").unwrap().1.to_owned()
    };
    assert!(next().starts_with("a leads in term "));
    assert_eq!(next(), "a has joined, and leads");
    let mut standby = stage.run(&["--node", "b"], WORK);
    standby.event("standby");
    assert_eq!(next(), "b stands by");
    leader.kill();
    standby.line();
    loop {
        let line = next();
        if line.starts_with("b leads in term ") {
            break;
        }
        let known = [
            "a has gone, and what it started",
            "nobody leads",
            "a has left",
        ];
        assert!(known.iter().any(|known| line.starts_with(known)), "{line}");
    }
}

#[test]
fn the_first_leader_of_a_new_store_starts_whatever_its_state_directory_knows() {
    let stage = Stage::new();
    let script = "echo $TANIST_REASON:$TANIST_PREVIOUS; exec sleep 1000";
    let mut first = stage.run(&[], script);
    assert_eq!(first.line(), "start:");
    first.signal(Signal::TERM);
    first.ended();
    std::fs::remove_dir_all(stage.run_dir()).unwrap();
    let mut second = stage.run(&[], script);
    assert_eq!(second.line(), "start:");
}
