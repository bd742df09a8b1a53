//! Health checks with real commands, servers and children.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::stage::{Node, Stage, out, wait_until};

/// Often, and without hurry on a busy machine.
const OFTEN: [&str; 4] = ["--health-interval", "50ms", "--health-timeout", "20s"];

/// A child that notes its beginning and its end in `FILE`.
fn noting(file: &Path) -> String {
    let file = file.display();
    format!(
        "trap 'echo down $TANIST_TERM >> {file}; exit 0' TERM; echo up $TANIST_TERM >> {file}; \
         echo up; while :; do sleep 0.02; done"
    )
}

/// A check that ends with what `FILE` says, 0 where there is none, and says why.
fn told_by(file: &Path) -> String {
    let file = file.display();
    format!("told=exec:sh -c 'echo as told; exit $(cat {file} 2>/dev/null || echo 0)'")
}

fn run(stage: &Stage, flags: &[&str], script: &str) -> Node {
    stage.run(&[&OFTEN[..], flags].concat(), script)
}

fn member(stage: &Stage, node: &str) -> Value {
    let status: Value =
        serde_json::from_str(&out(&stage.ask(["status", "demo", "-o", "json"]))).unwrap();
    let members = status["elections"][0]["members"].as_array().unwrap();
    members
        .iter()
        .find(|member| member["node"] == node)
        .unwrap()
        .clone()
}

/// Waits until a check stands so.
fn until(node: &mut Node, health: &str) -> Value {
    loop {
        let line = node.event("health");
        if line["health"] == health {
            return line;
        }
    }
}

#[test]
fn a_leader_whose_check_fails_stops_its_child_and_lets_another_lead() {
    let stage = Stage::new();
    let (notes, wish) = (stage.path("notes"), stage.path("wish"));
    let check = told_by(&wish);
    let flags = ["--node", "a", "--health", &check, "--cooldown", "10m"];
    let mut a = run(&stage, &flags, &noting(&notes));
    until(&mut a, "passing");
    let mut b = stage.run(&["--node", "b"], &noting(&notes));
    b.event("standby");
    std::fs::write(&wish, "2").unwrap();
    let line = until(&mut a, "critical");
    assert_eq!(line["message"], "told is critical: exit 2: as told");
    let line = a.event("unhealthy");
    assert!(
        line["message"]
            .as_str()
            .unwrap()
            .contains("told: exit 2: as told"),
        "{line}"
    );
    let line = a.event("ending");
    assert_eq!(line["cause"], "unhealthy");
    a.event("cooldown");
    assert_eq!(b.line(), "up");
    let ill = member(&stage, "a");
    assert_eq!(ill["health"], "critical");
    let note = ill["note"].as_str().unwrap();
    assert!(note.starts_with("cooling down until "), "{note}");
    assert!(note.ends_with("Z: told: exit 2: as told"), "{note}");
    let table = out(&stage.ask(["status", "demo", "-o", "table"]));
    assert!(table.contains("told: exit 2: as told"), "{table}");
    // The work of one was over before that of the other began.
    let notes = std::fs::read_to_string(notes).unwrap();
    let words: Vec<&str> = notes.split_whitespace().collect();
    let [_, first, _, ended, _, second] = words[..] else {
        panic!("{notes}")
    };
    assert_eq!(notes, format!("up {first}\ndown {ended}\nup {second}\n"));
    assert_eq!(first, ended);
    assert!(second.parse::<u64>().unwrap() > first.parse::<u64>().unwrap());
}

#[test]
fn a_warning_is_shown_and_nothing_is_stopped_for_it() {
    let stage = Stage::new();
    let wish = stage.path("wish");
    std::fs::write(&wish, "1").unwrap();
    let check = told_by(&wish);
    let mut node = run(
        &stage,
        &["--node", "a", "-v", "--health", &check],
        "exec sleep 1000",
    );
    until(&mut node, "warning");
    for _ in 0..5 {
        assert_eq!(until(&mut node, "warning")["found"], "warn");
    }
    let member = member(&stage, "a");
    assert_eq!(
        (&member["role"], &member["health"]),
        (&"leader".into(), &"warning".into())
    );
    assert_eq!(member["note"], "told: exit 1: as told");
    std::fs::remove_file(&wish).unwrap();
    until(&mut node, "passing");
    node.signal(Signal::TERM);
    assert_eq!(node.ended(), (0, "tanist:stopped".to_owned()));
}

#[test]
fn failures_in_the_grace_do_not_count_and_after_a_pass_they_do() {
    let stage = Stage::new();
    let wish = stage.path("wish");
    std::fs::write(&wish, "2").unwrap();
    let check = told_by(&wish);
    let flags = ["-v", "--health-start-grace", "10m", "--health", &check];
    let mut node = run(&stage, &flags, "exec sleep 1000");
    for _ in 0..8 {
        let line = node.event("health");
        assert_eq!(
            (&line["found"], &line["health"]),
            (&"fail".into(), &"starting".into())
        );
    }
    let shown = || out(&stage.ask(["status", "demo", "-o", "table"]));
    wait_until("it is told", || shown().contains(": fails so far: "));
    assert!(shown().contains("; counts from "), "{}", shown());
    std::fs::remove_file(&wish).unwrap();
    until(&mut node, "passing");
    wait_until("it is over", || !shown().contains("fails so far"));
    std::fs::write(&wish, "2").unwrap();
    node.event("unhealthy");
}

#[test]
fn who_has_not_been_checked_yet_is_shown_so() {
    let stage = Stage::new();
    let check = "exec:sleep 1000";
    let flags = ["--health", check];
    let mut node = run(&stage, &flags, "echo up; exec sleep 1000");
    node.line();
    wait_until("it is told", || {
        let table = out(&stage.ask(["status", "demo", "-o", "table"]));
        table.contains(": not checked yet")
    });
}

#[test]
fn an_unhealthy_child_can_be_restarted_in_place_in_the_same_term() {
    let stage = Stage::new();
    let wish = stage.path("wish");
    let check = told_by(&wish);
    let flags = [
        "--on-failure",
        "restart:1",
        "--health-fall",
        "1",
        "--health",
        &check,
    ];
    let script = format!(
        "rm -f {}; echo $TANIST_TERM; exec sleep 1000",
        wish.display()
    );
    let mut node = run(&stage, &flags, &script);
    let term = node.line();
    until(&mut node, "passing");
    std::fs::write(&wish, "2").unwrap();
    assert_eq!(node.event("restart")["attempt"], 1);
    assert_eq!(node.line(), term);
    until(&mut node, "passing");
}

#[test]
fn with_once_an_unhealthy_child_ends_tanist() {
    let stage = Stage::new();
    let wish = stage.path("wish");
    let check = told_by(&wish);
    let mut node = run(&stage, &["--once", "--health", &check], "exec sleep 1000");
    until(&mut node, "passing");
    std::fs::write(&wish, "2").unwrap();
    assert_eq!(node.ended(), (75, "tanist:unhealthy".to_owned()));
}

/// F64, F85: a check that hangs and leaves a daemon behind is killed whole, and no renewal waits for
/// it: the lease is much shorter than the check.
#[test]
fn a_check_that_hangs_is_killed_with_all_it_started_and_holds_up_no_renewal() {
    let stage = Stage::new();
    let pids = stage.path("pids");
    let check = format!(
        "hang=exec:sh -c 'setsid sh -c \"echo \\$\\$ >> {0}; exec sleep 1000\" & while :; do echo \
         flood; done'",
        pids.display()
    );
    let flags = [
        "--lease",
        "1s",
        "--health-interval",
        "50ms",
        "--health-timeout",
        "3s",
        "--health-start-grace",
        "0s",
        "--health-fall",
        "1",
        "--cooldown",
        "10m",
        "--health",
        &check,
    ];
    let mut node = stage.run(&flags, "echo up; exec sleep 1000");
    assert_eq!(node.line(), "up");
    loop {
        let line = node.any();
        assert_ne!(line["event"], "deadline", "a renewal was held up");
        if line["event"] == "health" {
            assert_eq!(line["message"], "hang is critical: no answer within 3s");
            break;
        }
    }
    let daemon = std::fs::read_to_string(&pids).unwrap();
    for pid in daemon.split_whitespace() {
        assert!(!Path::new("/proc").join(pid).exists(), "{pid} lives");
    }
    node.event("cooldown");
    assert!(node.no_line(), "it was started once");
}

#[test]
fn what_a_check_leaves_behind_does_not_change_its_answer_and_is_gone_when_it_is_told() {
    let stage = Stage::new();
    let pids = stage.path("pids");
    // It ignores the stop signal, keeps the output open and stays.
    let check = format!(
        "left=exec:sh -c '(trap \"\" TERM; echo up >> {0}; exec sleep 1000) & \
         until [ -s {0} ]; do sleep 0.01; done; echo $! > {0}'",
        pids.display()
    );
    // Shorter than what a guard gives to those who were left without their parent.
    let flags = [
        "--lease",
        "80s",
        "--health-timeout",
        "10s",
        "--health-fall",
        "1",
        "--health-start-grace",
        "0s",
        "--health",
        &check,
    ];
    let mut node = stage.run(&flags, "exec sleep 1000");
    assert_eq!(node.event("health")["health"], "passing");
    let pid = std::fs::read_to_string(&pids).unwrap();
    let run = std::fs::read_to_string(format!("/proc/{}/cmdline", pid.trim()));
    assert!(!run.unwrap_or_default().starts_with("sleep"), "{pid} lives");
}

/// F67: the child is stuck, supervisor and store are fine.
#[test]
fn a_stuck_child_loses_its_lease_where_renewals_need_a_recent_pass() {
    let stage = Stage::new();
    let sign = stage.path("sign");
    let file = sign.display();
    // It passes as soon as the child has given another sign of life.
    let check =
        format!("alive=exec:sh -c 'rm -f {file}; while [ ! -e {file} ]; do sleep 0.01; done'");
    let flags = [
        "--node",
        "a",
        "--lease",
        "2s",
        "--health-interval",
        "50ms",
        "--health-timeout",
        "1s",
        "--health-fall",
        "1000",
        "--renew-needs-health",
        "3s",
        "--cooldown",
        "10m",
        "--health",
        &check,
    ];
    let script = format!("while :; do : > {file}; sleep 0.01; done");
    let mut a = stage.run(&flags, &script);
    let pid = a.event("started")["pid"].as_i64().unwrap();
    until(&mut a, "passing");
    let mut b = stage.run(&["--node", "b"], "echo up; exec sleep 1000");
    b.event("standby");
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    let line = a.event("unhealthy");
    assert!(
        line["message"]
            .as_str()
            .unwrap()
            .contains("nothing has vouched"),
        "{line}"
    );
    a.event("ended");
    a.event("cooldown");
    assert_eq!(b.line(), "up");
    assert_eq!(member(&stage, "a")["health"], "critical");
}

/// The end of work that nobody vouches for takes longer than the lease that nobody renews for it.
#[test]
fn a_child_that_is_stopped_for_a_restart_has_its_time_although_nobody_vouches_for_it() {
    let stage = Stage::new();
    let wish = stage.path("wish");
    let check = told_by(&wish);
    let flags = [
        "--lease",
        "2s",
        "--on-failure",
        "restart",
        "--renew-needs-health",
        "1s",
        "--health-interval",
        "50ms",
        "--health-timeout",
        "500ms",
        "--health-fall",
        "1",
        "--health",
        &check,
    ];
    let script = format!(
        "trap 'sleep 4; echo down; rm -f {}; exit 0' TERM; echo up $TANIST_TERM; while :; do sleep \
         0.02; done",
        wish.display()
    );
    let mut node = stage.run(&flags, &script);
    let term = node.line();
    until(&mut node, "passing");
    std::fs::write(&wish, "2").unwrap();
    node.event("unhealthy");
    assert_eq!(node.line(), "down");
    assert_eq!(node.line(), term);
    assert_eq!(node.event("ended")["status"], 0);
    assert_eq!(node.event("restart")["attempt"], 1);
}

/// A server that answers every connection with the present text.
fn server(text: &Arc<Mutex<String>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let text = Arc::clone(text);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 1024];
            let length = stream.read(&mut request).unwrap_or_default();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let asked = request.starts_with("GET /health?full=1 HTTP/1.1\r\n");
            assert!(
                asked && request.contains(&format!("\r\nHost: {address}\r\n")),
                "{request}"
            );
            let _ = stream.write_all(text.lock().unwrap().as_bytes());
        }
    });
    address
}

#[test]
fn a_page_passes_warns_or_fails_by_its_status() {
    let stage = Stage::new();
    let text = Arc::new(Mutex::new("HTTP/1.1 204 No Content\r\n\r\n".to_owned()));
    let check = format!("http://{}/health?full=1", server(&text));
    let flags = [
        "-v",
        "--health-rise",
        "1",
        "--health-fall",
        "1000",
        "--health",
        &check,
    ];
    let mut node = run(&stage, &flags, "exec sleep 1000");
    assert_eq!(until(&mut node, "passing")["message"], "http is passing");
    for (answer, found, note) in [
        (
            "HTTP/1.1 429 Too Many Requests\r\n\r\n",
            "warn",
            "HTTP/1.1 429 Too Many Requests",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            "pass",
            "",
        ),
        (
            "HTTP/1.1 302 Found\r\nLocation: /health\r\n\r\n",
            "fail",
            "HTTP/1.1 302 Found",
        ),
        (
            "HTTP/1.1 503 Service Unavailable\r\n\r\n",
            "fail",
            "HTTP/1.1 503 Service Unavailable",
        ),
        ("SSH-2.0-x\r\n", "fail", "the answer is not HTTP"),
        ("", "fail", "the answer ended before its head did"),
    ] {
        answer.clone_into(&mut text.lock().unwrap());
        loop {
            let line = node.event("health");
            if line["found"] == found && line["message"].as_str().unwrap().ends_with(note) {
                break;
            }
        }
    }
}

#[test]
fn a_port_passes_as_long_as_somebody_listens() {
    let stage = Stage::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let check = format!("port=tcp://{}", listener.local_addr().unwrap());
    let flags = ["--health", &check, "--cooldown", "10m"];
    let mut node = run(&stage, &flags, "exec sleep 1000");
    until(&mut node, "passing");
    drop(listener);
    let line = until(&mut node, "critical");
    assert!(
        line["message"].as_str().unwrap().contains("refused"),
        "{line}"
    );
    node.event("unhealthy");
}

#[test]
fn a_server_that_says_nothing_fails_in_time() {
    let stage = Stage::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let check = format!("http://{}", listener.local_addr().unwrap());
    let flags = [
        "--health-interval",
        "50ms",
        "--health-timeout",
        "100ms",
        "--health-start-grace",
        "0s",
        "--health",
        &check,
        "--cooldown",
        "10m",
    ];
    let mut node = stage.run(&flags, "exec sleep 1000");
    let line = until(&mut node, "critical");
    assert_eq!(line["message"], "http is critical: no answer within 100ms");
}

#[test]
fn a_node_that_is_not_well_does_not_lead_until_it_is() {
    let stage = Stage::new();
    let wish = stage.path("wish");
    std::fs::write(&wish, "2").unwrap();
    let check = told_by(&wish);
    let flags = ["--node", "a", "-v", "--health-standby", &check];
    let mut node = run(&stage, &flags, "echo up; exec sleep 1000");
    for _ in 0..3 {
        assert_eq!(node.event("health")["health"], "critical");
    }
    assert_eq!(member(&stage, "a")["health"], "critical");
    assert!(node.no_line());
    std::fs::remove_file(&wish).unwrap();
    assert_eq!(node.line(), "up");
    std::fs::write(&wish, "2").unwrap();
    node.event("released");
    std::fs::remove_file(&wish).unwrap();
    // Nothing failed but the node, so it stands again as soon as that is well: no cooldown.
    assert_eq!(node.line(), "up");
}

#[test]
fn a_check_finds_the_childs_environment_and_the_term() {
    let stage = Stage::new();
    let seen = stage.path("seen");
    let check = format!(
        "look=exec:sh -c 'echo $TANIST_CHECK $TANIST_TERM $TANIST_NODE $A ${{NOTIFY_SOCKET-none}} > {}'",
        seen.display()
    );
    let flags = ["--node", "a", "--env", "A=b", "--health", &check];
    let mut node = run(&stage, &flags, "echo $TANIST_TERM; exec sleep 1000");
    let term = node.line();
    until(&mut node, "passing");
    let seen = std::fs::read_to_string(seen).unwrap();
    assert_eq!(seen, format!("look {term} a b none\n"));
}
