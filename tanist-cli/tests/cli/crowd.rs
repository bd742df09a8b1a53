use rustix::process::Signal;

use crate::stage::{Node, Stage};

/// How many there are.
const NODES: usize = 200;

/// F91, F92: two hundred nodes of one election, started without waiting for each other, with all
/// their guards. One leads, all others stand, and when the leader is killed one of them follows.
#[test]
fn two_hundred_nodes_that_start_together_are_one_leader_and_a_line() {
    let stage = Stage::new();
    // A second copy would find the directory there.
    let alone = stage.path("alone");
    let script = format!(
        "mkdir {0} || echo both; echo up $TANIST_TERM; exec sleep 1000",
        alone.display()
    );
    let start = |number: usize| {
        let name = format!("node-{number}");
        stage.run(
            &["--node", &name, "--contain", "sweep", "--lease", "20s"],
            &script,
        )
    };
    let mut nodes: Vec<Node> = (0..NODES).map(start).collect();
    let mut leaders = Vec::new();
    for (number, node) in nodes.iter_mut().enumerate() {
        loop {
            let line = node.any();
            match line["event"].as_str().unwrap() {
                "started" => break leaders.push(number),
                "standby" if line["leader"].is_string() => break,
                _ => {}
            }
        }
    }
    assert_eq!(leaders.len(), 1, "{leaders:?}");
    let status = stage.ask(["status", "demo", "-o", "json"]);
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    let members = status["elections"][0]["members"].as_array().unwrap();
    assert_eq!(members.len(), NODES);
    let mut first = nodes.swap_remove(leaders[0]);
    assert!(first.line().starts_with("up "));
    // What it worked with goes with it, as a lock or a port would.
    std::fs::remove_dir(&alone).unwrap();
    first.kill();
    crate::stage::wait_until("another leads", || alone.exists());
    for node in &nodes {
        node.signal(Signal::TERM);
    }
    let mut said = Vec::new();
    for node in nodes {
        let (code, lines) = node.all_said();
        assert_eq!(code, Some(0));
        said.extend(lines);
    }
    assert!(said.iter().all(|line| line.starts_with("up ")), "{said:?}");
}
