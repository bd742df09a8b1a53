//! The verbs of an operator: the real program, the real store, real leaders.

use rustix::process::Signal;

use crate::stage::{Stage, ends, err, json, out};

const WORK: &str = "echo $TANIST_TERM; exec sleep 1000";

#[test]
fn the_leader_here_resigns_and_another_leads_when_it_ends() {
    let stage = Stage::new();
    let mut a = stage.run(&["--node", "a"], WORK);
    let first: u64 = a.line().parse().unwrap();
    let mut b = stage.run(&["--node", "b"], WORK);
    b.event("standby");
    let turn = json(&stage, &["resign", "-e", "demo", "-o", "json"]);
    let before = (&turn["before"]["node"], &turn["before"]["term"]);
    assert_eq!(before, (&"a".into(), &first.into()));
    assert_eq!(turn["after"]["node"], "b", "{turn}");
    assert!(turn["after"]["term"].as_u64().unwrap() > first);
    let term = b.line();
    // It has a place in the line again.
    while !a.event("standby").to_string().contains("b leads") {}
    let words = out(&stage.ask(["resign", "-e", "demo", "-n", "b"]));
    let again: u64 = a.line().parse().unwrap();
    let said =
        format!("before: b leads demo in term {term}\nafter: a leads demo in term {again}\n");
    assert_eq!(words, said);
}

#[test]
fn only_a_leader_of_this_place_resigns() {
    let stage = Stage::new();
    let (code, said) = ends(&stage, &["resign", "-e", "demo"]);
    assert!(code == 4 && said.contains("election::unknown"), "{said}");
    let mut a = stage.run(&["--node", "a"], WORK);
    let term = a.line();
    let (code, said) = ends(&stage, &["resign", "-e", "demo", "-n", "b"]);
    assert!(code == 1 && said.contains("resign::not-leader"), "{said}");
    assert!(said.contains("a leads it"), "{said}");
    let store = format!("local:{}", stage.run_dir().display());
    let there = stage.path("there");
    let elsewhere = ["-s", &store, "--run-dir", there.to_str().unwrap()];
    let resign = [&["resign", "-e", "demo"], &elsewhere[..]].concat();
    let (code, said) = ends(&stage, &resign);
    assert!(code == 1 && said.contains("resign::not-here"), "{said}");
    assert!(
        said.contains("as its user and with its --run-dir"),
        "{said}"
    );
    let now = out(&stage.ask(["leader", "demo", "--term"]));
    assert_eq!(now, format!("{term}\n"), "nothing was changed");
    a.signal(Signal::TERM);
    a.ended();
    let (code, said) = ends(&stage, &["resign", "-e", "demo"]);
    assert!(code == 3 && said.contains("election::no-leader"), "{said}");
}

#[test]
fn a_leader_that_nobody_can_follow_resigns_with_a_warning() {
    let stage = Stage::new();
    let mut a = stage.run(&["--node", "a", "--lease", "1s"], WORK);
    let first: u64 = a.line().parse().unwrap();
    let mut never = stage.run(&["--node", "never", "--priority", "0"], WORK);
    never.event("standby");
    let output = stage.ask(["resign", "-e", "demo"]);
    let said = out(&output);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(said.ends_with("after: nobody leads demo\n"), "{said}");
    let warned = err(&output);
    assert!(warned.contains("a leads again in up to 2s"), "{warned}");
    let again: u64 = a.line().parse().unwrap();
    assert!(again > first);
}

#[test]
fn nobody_new_leads_during_a_pause() {
    let stage = Stage::new();
    let (code, said) = ends(&stage, &["pause", "-e", "demo"]);
    assert!(code == 4 && said.contains("election::unknown"), "{said}");
    assert!(!stage.run_dir().exists(), "a wrong name makes no election");
    let mut a = stage.run(&["--node", "a"], WORK);
    a.line();
    let mut b = stage.run(&["--node", "b"], WORK);
    b.event("standby");
    let paused = out(&stage.ask(["pause", "-e", "demo", "--for", "1h"]));
    let said = "demo is paused for 1h: a goes on, and nobody new leads\n";
    assert_eq!(paused, said);
    let (code, said) = ends(&stage, &["resign", "-e", "demo"]);
    assert!(code == 75 && said.contains("election::paused"), "{said}");
    assert!(said.contains("tanist resume -e demo"), "{said}");
    a.signal(Signal::TERM);
    a.ended();
    // In the time that this one takes to stand and to see, the other would have claimed.
    let mut c = stage.run(&["--node", "c"], WORK);
    let held = c.event("standby").to_string();
    assert!(held.contains("paused") && b.no_line(), "{held}");
    let status = json(&stage, &["status", "demo", "-o", "json"]);
    assert_eq!(status["elections"][0]["state"], "vacant");
    assert!(status["elections"][0]["paused_until"].is_u64());
    let resumed = out(&stage.ask(["resume", "-e", "demo"]));
    assert_eq!(resumed, "demo is paused no more\n");
    b.line();
    let resumed = out(&stage.ask(["resume", "-e", "demo"]));
    assert_eq!(resumed, "demo was not paused\n");
    let (code, said) = ends(&stage, &["pause", "-e", "demo", "--for", "0s"]);
    assert!(code == 64 && said.contains("pause::span"), "{said}");
}

#[test]
fn a_pause_says_until_when() {
    let stage = Stage::new();
    let mut a = stage.run(&["--node", "a"], WORK);
    a.line();
    let begun = std::time::SystemTime::now();
    let unix = begun
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let paused = json(&stage, &["pause", "-e", "demo", "-o", "json"]);
    let length = paused["paused_until"].as_u64().unwrap() - unix;
    assert!((1800..1860).contains(&length), "{paused}");
    let status = json(&stage, &["status", "demo", "-o", "json"]);
    assert_eq!(
        status["elections"][0]["paused_until"],
        paused["paused_until"]
    );
    let resumed = json(&stage, &["resume", "-e", "demo", "-o", "json"]);
    assert!(resumed["paused_until"].is_null(), "{resumed}");
}

#[test]
fn history_tells_who_led_and_why() {
    let stage = Stage::new();
    let (code, said) = ends(&stage, &["history", "-e", "demo"]);
    assert!(code == 4 && said.contains("election::unknown"), "{said}");
    let mut a = stage.run(&["--node", "a"], WORK);
    let term: u64 = a.line().parse().unwrap();
    a.signal(Signal::TERM);
    a.ended();
    let history = json(&stage, &["history", "-e", "demo", "-o", "json"]);
    assert_eq!(
        (&history["v"], &history["election"]),
        (&1.into(), &"demo".into())
    );
    let all = history["transitions"].as_array().unwrap();
    let [.., led, left] = all.as_slice() else {
        panic!("{history}");
    };
    for (transition, state) in [(led, "leading"), (left, "resigned")] {
        assert_eq!(transition["state"], state, "{history}");
        assert_eq!(
            (&transition["node"], &transition["term"]),
            (&"a".into(), &term.into())
        );
        assert!(transition["at"].is_u64() && transition["instance"].is_string());
    }
    let last = out(&stage.ask(["history", "-e", "demo", "--last", "1"]));
    let at = &left["at"];
    let reason = left["reason"].as_str().unwrap();
    assert_eq!(last, format!("{at} {term} a resigned {reason}\n"));
    let tsv = out(&stage.ask(["history", "-e", "demo", "-o", "tsv"]));
    let rows: Vec<usize> = tsv.lines().map(|row| row.split('\t').count()).collect();
    assert_eq!(rows, vec![6; all.len() + 1]);
    let table = out(&stage.ask(["history", "-e", "demo", "-o", "table"]));
    assert_eq!(table.lines().count(), all.len() + 1);
    assert!(table.contains("REASON"), "{table}");
}
