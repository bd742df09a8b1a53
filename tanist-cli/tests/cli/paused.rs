use crate::stage::{Stage, err, out};

/// F105: the leader is killed while the election is paused: nobody takes its place before it is
/// resumed, and somebody does then.
#[test]
fn a_leader_that_dies_in_a_pause_is_followed_when_it_is_over() {
    let stage = Stage::new();
    let work = "echo $TANIST_TERM; exec sleep 1000";
    let mut first = stage.run(&["--node", "a", "--lease", "1s"], work);
    let term: u64 = first.line().parse().unwrap();
    let mut second = stage.run(&["--node", "b", "--lease", "1s"], work);
    second.event("standby");
    assert!(
        stage
            .ask(["pause", "-e", "demo", "--for", "1h"])
            .status
            .success()
    );
    let json: serde_json::Value =
        serde_json::from_str(&out(&stage.ask(["status", "demo", "-o", "json"]))).unwrap();
    let until = json["elections"][0]["paused_until"].as_u64().unwrap();
    let plain = out(&stage.ask(["status", "demo", "-o", "plain"]));
    assert!(plain.ends_with(&format!(" {until}\n")), "{plain}");
    let tsv = out(&stage.ask(["status", "demo", "-o", "tsv"]));
    let rows: Vec<_> = tsv
        .lines()
        .map(|row| row.rsplit('\t').next().unwrap())
        .collect();
    let until = until.to_string();
    assert_eq!(rows, ["paused_until", until.as_str(), until.as_str()]);
    let longer = stage.ask(["pause", "-e", "demo", "--for", "721h"]);
    assert_eq!(longer.status.code(), Some(64), "{}", out(&longer));
    assert!(
        err(&longer).contains("a pause always ends"),
        "{}",
        err(&longer)
    );
    first.kill();
    // Long after it would have led: it polls, and looks at every change.
    let told = second.event("standby").to_string();
    assert!(told.contains("paused"), "{told}");
    let mut third = stage.run(&["--node", "c", "--lease", "1s"], work);
    assert!(third.event("standby").to_string().contains("paused"));
    assert!(second.no_line() && third.no_line());
    let leader = stage.ask(["leader", "demo"]);
    assert_eq!(leader.status.code(), Some(3), "{}", out(&leader));
    assert!(stage.ask(["resume", "-e", "demo"]).status.success());
    let next: u64 = second.line().parse().unwrap();
    assert!(next > term && third.no_line());
}
