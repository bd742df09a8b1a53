use rustix::process::Signal;

use crate::stage::{Node, Stage};

/// Says its term, then works until it is killed.
const WORK: &str = "echo $TANIST_TERM; exec sleep 1000";

fn term(line: &str) -> u64 {
    line.parse()
        .unwrap_or_else(|_| panic!("{line:?} is no term"))
}

/// F74: SIGKILL for the supervisor.
#[test]
fn a_second_terminal_stands_by_and_takes_over_when_the_first_is_killed() {
    let stage = Stage::new();
    let mut first = stage.run(&[], WORK);
    let first_term = term(&first.line());
    let mut second = stage.run(&[], WORK);
    second.event("standby");
    assert!(second.no_line());
    first.kill();
    assert!(term(&second.line()) > first_term);
    let elected = second.event("elected");
    assert_eq!(elected["reason"], "failover", "{elected}");
    second.signal(Signal::TERM);
    assert_eq!(second.ended(), (0, "tanist:stopped".to_owned()));
}

#[test]
fn an_ordinary_user_with_a_login_session_needs_no_settings() {
    let stage = Stage::new();
    let start = || {
        let (mut command, home) = stage.tanist_of_an_ordinary_user();
        for name in ["TANIST_RUN_DIR", "TANIST_STATE_DIR", "XDG_STATE_HOME"] {
            command.env_remove(name);
        }
        command.env("XDG_RUNTIME_DIR", &home).env("HOME", &home);
        command.args(["run", "-e", "demo", "--", "sh", "-c", WORK]);
        Node::start(command)
    };
    let mut first = start();
    let first_term = term(&first.line());
    let mut second = start();
    second.event("standby");
    first.kill();
    assert!(term(&second.line()) > first_term);
}

#[test]
fn a_clean_stop_hands_over() {
    let stage = Stage::new();
    let mut first = stage.run(&["--node", "a"], WORK);
    let first_term = term(&first.line());
    let mut second = stage.run(
        &["--node", "b"],
        "echo $TANIST_PREVIOUS $TANIST_REASON; exec sleep 1000",
    );
    second.event("standby");
    first.signal(Signal::TERM);
    assert_eq!(first.ended(), (0, "tanist:stopped".to_owned()));
    assert_eq!(second.line(), "a handover");
    assert!(second.event("started")["term"].as_u64().unwrap() > first_term);
}

/// Who takes over from `a` after `end`, as the child is told it.
fn successor_of(a_flags: &[&str], script: &str, end: impl FnOnce(&mut Node)) -> String {
    let stage = Stage::new();
    let mut first = stage.run(&[&["--node", "a"], a_flags].concat(), script);
    first.line();
    let told = "echo $TANIST_PREVIOUS $TANIST_REASON; exec sleep 1000";
    let mut second = stage.run(&["--node", "b"], told);
    second.event("standby");
    end(&mut first);
    let line = second.line();
    let status = stage.ask(["status", "demo", "-o", "json"]);
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    let reason = status["elections"][0]["reason"].as_str().unwrap();
    assert_eq!(line, format!("a {reason}"));
    line
}

#[test]
fn who_follows_a_failure_is_told_so() {
    let killed = |node: &mut Node| node.kill();
    assert_eq!(successor_of(&[], WORK, killed), "a failover");
    // The guard has nobody to release for it: the lock is free, and the record says `leading`.
    let both = |node: &mut Node| {
        let guard = node.event("started")["guard"].as_u64().unwrap();
        node.signal(Signal::STOP);
        crate::stage::kill(guard);
        node.kill();
    };
    assert_eq!(successor_of(&[], WORK, both), "a failover");
    let child =
        |node: &mut Node| crate::stage::kill(node.event("started")["pid"].as_u64().unwrap());
    assert_eq!(successor_of(&[], WORK, child), "a failover");
    for flags in [&["--on-failure", "exit"][..], &["--once"]] {
        assert_eq!(successor_of(flags, WORK, child), "a failover");
    }
}

#[test]
fn who_follows_a_leader_that_is_done_is_told_so() {
    let ask = |node: &mut Node| node.signal(Signal::TERM);
    assert_eq!(successor_of(&[], WORK, ask), "a handover");
    // It ends with 0 when it is asked to, which is no business of tanist's.
    let done = "trap 'exit 0' USR1; echo up; while :; do sleep 0.05; done";
    let tell = |node: &mut Node| node.signal(Signal::USR1);
    for flags in [&[][..], &["--once"]] {
        assert_eq!(successor_of(flags, done, tell), "a handover", "{flags:?}");
    }
}

#[test]
fn a_node_that_resigns_through_its_socket_lets_the_other_lead_and_stands_by() {
    let stage = Stage::new();
    let mut first = stage.run(&["--node", "a"], WORK);
    first.line();
    first.event("started");
    let mut second = stage.run(&["--node", "b"], WORK);
    second.event("standby");
    let socket = stage.run_dir().join("demo.a.sock");
    let status = crate::stage::control(&socket, "status");
    assert_eq!(status["role"], "leader");
    assert!(status["pid"].as_u64().is_some() && status["valid_ms"].as_u64().unwrap() > 0);
    assert_eq!(
        crate::stage::control(&socket, "{\"do\":\"resign\"}")["ok"],
        true
    );
    second.line();
    first.event("released");
    let status = crate::stage::control(&socket, "status");
    assert_eq!(
        (&status["role"], &status["pid"]),
        (&"standby".into(), &serde_json::Value::Null)
    );
    // And back again: the one that resigned stands by like any other.
    second.kill();
    first.line();
}

#[test]
fn two_of_one_host_get_names_of_their_own() {
    let stage = Stage::new();
    let mut first = stage.run(&[], "echo $TANIST_NODE; exec sleep 1000");
    let name = first.line();
    let mut second = stage.run(&[], WORK);
    second.event("standby");
    assert!(stage.run_dir().join(format!("demo.{name}.sock")).exists());
    assert!(stage.run_dir().join(format!("demo.{name}-2.sock")).exists());
}

#[test]
fn no_wait_ends_at_once_where_somebody_leads_and_leads_where_nobody_does() {
    let stage = Stage::new();
    let mut first = stage.run(&["--no-wait"], WORK);
    first.line();
    let conflict = "tanist:not-elected".to_owned();
    assert_eq!(
        stage.run(&["--no-wait"], WORK).ended(),
        (75, conflict.clone())
    );
    let chosen = stage.run(&["--no-wait", "--conflict-exit-code", "9"], WORK);
    assert_eq!(chosen.ended(), (9, conflict));
}

#[test]
fn wait_ends_after_its_span_unless_elected_before() {
    let stage = Stage::new();
    let mut first = stage.run(&[], WORK);
    first.line();
    let before = std::time::Instant::now();
    let gave_up = stage.run(&["--wait", "300ms"], WORK).ended();
    assert_eq!(gave_up, (75, "tanist:not-elected".to_owned()));
    assert!(before.elapsed() >= std::time::Duration::from_millis(300));
    let mut patient = stage.run(&["--wait", "50s"], WORK);
    patient.event("standby");
    first.kill();
    patient.line();
}

#[test]
fn the_childs_output_is_its_own_byte_by_byte() {
    let stage = Stage::new();
    let script = r"printf '\001\377\nno newline at the end'; printf 'to err' >&2";
    let output = stage.ask([
        "run", "-e", "demo", "--once", "-qq", "--", "sh", "-c", script,
    ]);
    assert_eq!(output.stdout, b"\x01\xff\nno newline at the end");
    assert!(output.stderr.starts_with(b"to err"), "{output:?}");
}

/// F78: TERM, INT and QUIT for a standby.
#[test]
fn a_standby_that_is_told_to_stop_ends_with_0_and_leaves_no_files() {
    let stage = Stage::new();
    let mut first = stage.run(&["--node", "a"], WORK);
    first.line();
    for signal in [Signal::TERM, Signal::INT, Signal::QUIT] {
        let mut second = stage.run(&["--node", "b"], WORK);
        second.event("standby");
        assert!(stage.run_dir().join("demo.b.role").exists());
        second.signal(signal);
        assert_eq!(second.ended(), (0, "tanist:stopped".to_owned()));
        for kind in ["role", "sock", "name"] {
            assert!(
                !stage.run_dir().join(format!("demo.b.{kind}")).exists(),
                "{kind}"
            );
        }
    }
}

/// F70: every containment, whatever this machine permits.
#[test]
fn every_means_of_containment_is_taken_or_refused_with_a_reason() {
    let stage = Stage::new();
    for contain in ["auto", "cgroup", "pidns", "sweep"] {
        let mut command = stage.tanist();
        command.args([
            "run",
            "-e",
            "demo",
            "--once",
            "--contain",
            contain,
            "--",
            "sh",
            "-c",
        ]);
        let output = command.arg("exit 7").output().unwrap();
        let said = crate::stage::err(&output);
        match output.status.code() {
            Some(7) => assert!(said.contains("standing"), "{contain}: {said}"),
            // Only these two may be impossible here, and then they say why.
            Some(71) if contain == "cgroup" || contain == "pidns" => {
                assert!(said.contains("guard::refused"), "{contain}: {said}");
            }
            other => panic!("{contain}: {other:?}: {said}"),
        }
    }
}
