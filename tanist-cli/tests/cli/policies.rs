use rustix::process::Signal;

use crate::stage::Stage;

/// F79: the child ends with 0.
#[test]
fn a_success_ends_with_0_by_default() {
    let stage = Stage::new();
    assert_eq!(
        stage.run(&[], "exit 0").ended(),
        (0, "child:exited".to_owned())
    );
}

#[test]
fn a_success_can_stand_by_again() {
    let stage = Stage::new();
    let mut node = stage.run(
        &["--on-success", "rejoin", "--cooldown", "50ms"],
        "echo $TANIST_TERM",
    );
    let first: u64 = node.line().parse().unwrap();
    let second: u64 = node.line().parse().unwrap();
    assert!(second > first);
}

#[test]
fn a_failure_can_end_with_the_childs_code() {
    let stage = Stage::new();
    let ended = stage.run(&["--on-failure", "exit"], "exit 3").ended();
    assert_eq!(ended, (3, "child:exited".to_owned()));
}

/// F79: the child ends badly.
#[test]
fn a_failure_fails_over_and_the_node_cools_down() {
    let stage = Stage::new();
    let mut other = stage.run(&["--node", "b", "--priority", "1"], "exec sleep 1000");
    other.event("started");
    let mut node = stage.run(
        &["--node", "a", "--cooldown", "10m"],
        "echo failing; exit 1",
    );
    node.event("standby");
    other.kill();
    assert_eq!(node.line(), "failing");
    node.event("cooldown");
    // Out of the election: whoever comes now leads, and this one only stands by.
    let mut next = stage.run(&["--node", "c"], "echo up; exec sleep 1000");
    assert_eq!(next.line(), "up");
    let status = stage.ask(["status", "demo", "-o", "json"]);
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    let members = status["elections"][0]["members"].as_array().unwrap();
    let failed = members.iter().find(|member| member["node"] == "a").unwrap();
    assert_eq!(
        (&failed["health"], &failed["next"]),
        (&"critical".into(), &false.into())
    );
    node.signal(Signal::TERM);
    assert_eq!(node.ended(), (0, "tanist:stopped".to_owned()));
}

/// F79: the same, with `--on-failure restart`.
#[test]
fn a_failure_can_restart_in_place_in_the_same_term() {
    let stage = Stage::new();
    let flags = ["--on-failure", "restart:2", "--cooldown", "10m"];
    let mut node = stage.run(&flags, "echo $TANIST_TERM $TANIST_REASON; exit 1");
    let first = node.line();
    let term = first.strip_suffix(" start").unwrap();
    assert_eq!(node.line(), format!("{term} restart"));
    assert_eq!(node.line(), format!("{term} restart"));
    // Twice is enough: then it fails over.
    node.event("cooldown");
    assert!(node.no_line());
}

#[test]
fn a_restart_that_waits_still_leads_and_can_be_stopped() {
    let stage = Stage::new();
    let mut node = stage.run(&["--on-failure", "restart"], "exit 1");
    let restart = node.event("restart");
    assert_eq!(restart["attempt"], 1);
    let mut other = stage.run(&["--node", "other"], "echo never");
    other.event("standby");
    node.event("restart");
    node.signal(Signal::TERM);
    assert_eq!(node.ended(), (0, "tanist:stopped".to_owned()));
    assert_eq!(other.line(), "never");
}

/// F80: a child that ends badly at once, again and again.
#[test]
fn too_many_failures_park_the_node_until_it_is_started_anew() {
    let stage = Stage::new();
    let flags = [
        "--node",
        "a",
        "--cooldown",
        "10ms",
        "--max-failovers",
        "2/10m",
    ];
    let mut node = stage.run(&flags, "echo failing; exit 1");
    for _ in 0..3 {
        assert_eq!(node.line(), "failing");
    }
    node.event("parked");
    node.event("released");
    // Back in the line, for all to see.
    node.event("standby");
    let role = || std::fs::read_to_string(stage.run_dir().join("demo.a.role")).unwrap();
    crate::stage::wait_until("the role file", || role() == "failed\n");
    let status = |form: &str| crate::stage::out(&stage.ask(["status", "demo", "-o", form]));
    let parked: serde_json::Value = serde_json::from_str(&status("json")).unwrap();
    let parked = &parked["elections"][0];
    assert_eq!(parked["state"], "vacant");
    assert_eq!(parked["parked"], serde_json::json!(["a"]));
    assert_eq!(parked["members"][0]["health"], "parked");
    let table = status("table");
    assert!(
        table.contains("parked: the child failed too often on a"),
        "{table}"
    );
    let mut other = stage.run(&["--node", "b"], "echo up; exec sleep 1000");
    assert_eq!(other.line(), "up");
    other.kill();
    assert_eq!(role(), "failed\n");
    node.signal(Signal::TERM);
    assert_eq!(node.ended(), (75, "tanist:parked".to_owned()));
}
