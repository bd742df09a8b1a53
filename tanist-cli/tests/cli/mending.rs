//! `tanist repair` and `tanist evict`: garbage in a real store, entries of real nodes.

use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::Value;

use crate::stage::{Stage, at_a_terminal, ends, err, json, out};

const WORK: &str = "echo $TANIST_TERM; exec sleep 1000";

fn side(stage: &Stage, name: &str) -> PathBuf {
    stage.run_dir().join(".tanist/demo").join(name)
}

/// An election that was led and left in the term that is returned.
fn left(stage: &Stage) -> u64 {
    let mut a = stage.run(&["--node", "a"], WORK);
    let term = a.line().parse().unwrap();
    a.signal(Signal::TERM);
    a.ended();
    term
}

#[test]
fn garbage_bars_everybody_until_it_is_repaired_and_is_kept() {
    let stage = Stage::new();
    let term = left(&stage);
    let garbage = b"{\"format\": 1, \xff\x1b[31m torn";
    std::fs::write(side(&stage, "record"), garbage).unwrap();
    // A term of the future, as of a machine whose clock ran ahead.
    let state = stage.path("state/demo.json");
    let memory = std::fs::read_to_string(&state).unwrap();
    let ahead = term + 500_000_000;
    let memory = memory.replace(&term.to_string(), &ahead.to_string());
    std::fs::write(&state, memory).unwrap();
    let (code, said) = ends(&stage, &["status", "demo"]);
    assert_eq!(code, 76, "{said}");
    for command in [&["leader", "demo"][..], &["status", "demo", "-o", "table"]] {
        let output = stage.ask(command);
        let said = out(&output) + &err(&output);
        assert!(said.contains("tanist repair -e demo"), "{said}");
    }
    let mut b = stage.run(&["--node", "b"], WORK);
    let alarm = b.event("alarm")["message"].to_string();
    assert!(alarm.contains("tanist repair -e demo"), "{alarm}");
    // Shown, and not touched without a word.
    let output = stage.ask(["repair", "-e", "demo"]);
    let (shown, said) = (out(&output), err(&output));
    assert_eq!(output.status.code(), Some(64), "{said}");
    assert!(said.contains("repair::unconfirmed") && said.contains("--confirm demo"));
    let path = side(&stage, "record").display().to_string();
    assert!(shown.contains(&path) && shown.contains("torn"), "{shown}");
    assert!(!shown.contains('\x1b'), "{shown:?}");
    assert_eq!(std::fs::read(side(&stage, "record")).unwrap(), garbage);
    assert!(b.no_line());
    // No free lock shows that nobody works: under which one the leader does cannot be read.
    let (code, said) = ends(&stage, &["repair", "-e", "demo", "--yes"]);
    assert!(code == 64 && said.contains("--yes is not enough"), "{said}");
    let done = json(
        &stage,
        &["repair", "-e", "demo", "--confirm", "demo", "-o", "json"],
    );
    assert_eq!(done["repaired"][0]["part"], "record", "{done}");
    assert_eq!(done["term"], ahead, "{done}");
    let copy = done["repaired"][0]["copy"].as_str().unwrap();
    assert_eq!(std::fs::read(copy).unwrap(), garbage);
    // The standby begins at once, in a later term.
    assert_eq!(b.line().parse::<u64>().unwrap(), ahead + 1);
    let output = stage.ask(["repair", "-e", "demo"]);
    assert_eq!(out(&output), "nothing of demo needs a repair\n");
    assert_eq!(output.status.code(), Some(0));
    let history = out(&stage.ask(["history", "-e", "demo"]));
    assert!(
        history.contains(&format!("{ahead} - resigned repaired")),
        "{history}"
    );
}

#[test]
fn directive_and_history_are_repaired_while_somebody_leads() {
    let stage = Stage::new();
    let mut a = stage.run(&["--node", "a"], WORK);
    let term = a.line();
    std::fs::write(side(&stage, "directive"), "[").unwrap();
    let good = std::fs::read_to_string(side(&stage, "history")).unwrap();
    std::fs::write(side(&stage, "history"), format!("{good}\nno line of ours")).unwrap();
    let output = stage.ask(["repair", "-e", "demo", "--yes"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let said = out(&output);
    for part in ["directive", "history"] {
        assert!(
            said.contains(&format!("the {part} of demo is repaired")),
            "{said}"
        );
    }
    assert_eq!(
        std::fs::read_to_string(side(&stage, "history")).unwrap(),
        good.trim_start()
    );
    assert_eq!(out(&stage.ask(["leader", "demo", "--term"])).trim(), term);
    assert!(out(&stage.ask(["repair", "-e", "demo"])).starts_with("nothing"));
}

#[test]
fn what_a_later_version_wrote_is_never_overwritten() {
    let stage = Stage::new();
    left(&stage);
    let record = side(&stage, "record");
    let text = std::fs::read_to_string(&record).unwrap();
    let mut newer: Value = serde_json::from_str(&text).unwrap();
    newer["format"] = 7.into();
    newer["version"] = "3.1.4".into();
    std::fs::write(&record, newer.to_string()).unwrap();
    for sure in ["--yes", "--confirm=demo"] {
        let (code, said) = ends(&stage, &["repair", "-e", "demo", sure]);
        assert!(code == 76 && said.contains("repair::newer"), "{said}");
        assert!(
            said.contains("format 7") && said.contains("tanist 3.1.4"),
            "{said}"
        );
        assert_eq!(std::fs::read_to_string(&record).unwrap(), newer.to_string());
    }
}

#[test]
fn a_repair_where_somebody_may_lead_wants_the_name() {
    let stage = Stage::new();
    let (code, said) = ends(&stage, &["repair", "-e", "demo"]);
    assert!(code == 4 && said.contains("election::unknown"), "{said}");
    assert!(!stage.run_dir().exists(), "a wrong name makes no election");
    left(&stage);
    let lock = std::fs::File::open(stage.run_dir().join("demo/lock")).unwrap();
    lock.try_lock().unwrap();
    std::fs::write(side(&stage, "record"), "garbage").unwrap();
    let (code, said) = ends(&stage, &["repair", "-e", "demo", "--yes"]);
    let told = said.contains("--yes is not enough") && said.contains("--confirm demo");
    assert!(
        code == 64 && told && said.contains("may be at work"),
        "{said}"
    );
    let (code, said) = ends(&stage, &["repair", "-e", "demo", "--confirm", "mail"]);
    assert!(code == 64 && said.contains("\"mail\""), "{said}");
    assert_eq!(std::fs::read(side(&stage, "record")).unwrap(), b"garbage");
    let (code, said) = ends(&stage, &["repair", "-e", "demo", "--confirm", "demo"]);
    assert_eq!(code, 0, "{said}");
    // The lock decides all the same.
    let mut b = stage.run(&["--node", "b"], WORK);
    b.event("standby");
    assert!(b.no_line());
    drop(lock);
    b.line();
}

#[test]
fn at_a_terminal_only_the_name_goes_on_where_somebody_may_lead() {
    let stage = Stage::new();
    left(&stage);
    let lock = std::fs::File::open(stage.run_dir().join("demo/lock")).unwrap();
    lock.try_lock().unwrap();
    let record = side(&stage, "record");
    std::fs::write(&record, "garbage").unwrap();
    let answered = |answer: &str| {
        let mut command = stage.tanist();
        command.args(["repair", "-e", "demo"]);
        let prompt = "Type the name of the election to go on: ";
        let output = at_a_terminal(command, prompt, |asked| {
            assert!(asked.contains("or two may run"), "{asked}");
            assert_eq!(std::fs::read(&record).unwrap(), b"garbage");
            answer.to_owned()
        });
        output.status.code().unwrap()
    };
    for answer in ["", "y", "yes", "Demo", "mail"] {
        assert_eq!(answered(answer), 64, "{answer:?}");
        assert_eq!(std::fs::read(&record).unwrap(), b"garbage");
    }
    assert_eq!(answered("demo"), 0);
    assert!(out(&stage.ask(["repair", "-e", "demo"])).starts_with("nothing"));
}

/// `node -> entry`, as the document and the table have it.
fn entry(stage: &Stage, node: &str) -> String {
    let status = json(stage, &["status", "demo", "-o", "json"]);
    let members = status["elections"][0]["members"].as_array().unwrap();
    let one = members.iter().find(|one| one["node"] == node);
    let entry = one.unwrap_or_else(|| panic!("{status}"))["entry"]
        .as_str()
        .unwrap();
    let table = out(&stage.ask(["status", "demo", "-v", "-o", "table"]));
    assert!(table.contains("ENTRY") && table.contains(entry), "{table}");
    entry.to_owned()
}

#[test]
fn a_standby_is_evicted_and_stands_anew() {
    let stage = Stage::new();
    let mut a = stage.run(&["--node", "a"], WORK);
    let term = a.line();
    let mut b = stage.run(&["--node", "b"], WORK);
    b.event("standby");
    let before = entry(&stage, "b");
    let (code, said) = ends(&stage, &["evict", "-e", "demo", &before]);
    assert!(code == 64 && said.contains("evict::unconfirmed"), "{said}");
    assert!(said.contains(&format!("'{before}' --yes")), "{said}");
    let done = json(
        &stage,
        &["evict", "-e", "demo", &before, "-y", "-o", "json"],
    );
    assert_eq!(
        (&done["node"], &done["role"]),
        (&"b".into(), &"standby".into())
    );
    while entry_or_none(&stage, "b").is_none_or(|now| now == before) {}
    let (code, said) = ends(&stage, &["evict", "-e", "demo", &before, "-y"]);
    assert!(code == 75 && said.contains("evict::changed"), "{said}");
    let (code, said) = ends(&stage, &["evict", "-e", "demo", "demo/entry-0@1", "-y"]);
    assert!(code == 75 && said.contains("evict::gone"), "{said}");
    assert_eq!(out(&stage.ask(["leader", "demo", "--term"])).trim(), term);
}

fn entry_or_none(stage: &Stage, node: &str) -> Option<String> {
    let status = json(stage, &["status", "demo", "-o", "json"]);
    let members = status["elections"][0]["members"].as_array().unwrap();
    let one = members.iter().find(|one| one["node"] == node)?;
    Some(one["entry"].as_str().unwrap().to_owned())
}

#[test]
fn a_frozen_standby_is_evicted_and_one_that_died_is_gone() {
    let stage = Stage::new();
    let mut a = stage.run(&["--node", "a"], WORK);
    a.line();
    let mut b = stage.run(&["--node", "b"], WORK);
    b.event("standby");
    let frozen = entry(&stage, "b");
    b.signal(Signal::STOP);
    let output = stage.ask(["evict", "-e", "demo", &frozen, "--yes"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(out(&output).contains("when it goes on"), "{}", out(&output));
    assert_eq!(entry_or_none(&stage, "b"), None);
    b.signal(Signal::CONT);
    while entry_or_none(&stage, "b").is_none() {}
    let again = entry(&stage, "b");
    b.kill();
    let (code, said) = ends(&stage, &["evict", "-e", "demo", &again, "--yes"]);
    assert!(code == 75 && said.contains("evict::gone"), "{said}");
}

#[test]
fn the_leaders_place_and_a_strangers_lock_want_the_name() {
    let stage = Stage::new();
    let mut a = stage.run(&["--node", "a"], WORK);
    let first: u64 = a.line().parse().unwrap();
    let leads = entry(&stage, "a");
    let (code, said) = ends(&stage, &["evict", "-e", "demo", &leads, "--yes"]);
    let told = said.contains("--yes is not enough") && said.contains("--confirm demo");
    assert!(code == 64 && told, "{said}");
    assert_eq!(entry(&stage, "a"), leads);
    let (code, said) = ends(
        &stage,
        &["evict", "-e", "demo", &leads, "--confirm", "demo"],
    );
    assert_eq!(code, 0, "{said}");
    let again: u64 = a.line().parse().unwrap();
    assert!(
        again > first,
        "it stopped, stood anew and leads in a later term"
    );
    a.signal(Signal::TERM);
    a.ended();
    let lock = std::fs::File::open(stage.run_dir().join("demo/lock")).unwrap();
    lock.try_lock().unwrap();
    let status = json(&stage, &["status", "demo", "-o", "json"]);
    let foreign = status["elections"][0]["members"][0]["entry"]
        .as_str()
        .unwrap();
    let (code, said) = ends(&stage, &["evict", "-e", "demo", foreign, "--yes"]);
    assert!(code == 64 && said.contains("no tanist"), "{said}");
    let (code, said) = ends(
        &stage,
        &["evict", "-e", "demo", foreign, "--confirm", "demo"],
    );
    assert!(code == 75 && said.contains("evict::held"), "{said}");
    let pid = format!("pid {}", std::process::id());
    assert!(said.contains(&pid), "{said}");
}

#[test]
fn an_entry_is_named_with_its_creation() {
    let stage = Stage::new();
    let (code, said) = ends(&stage, &["evict", "-e", "demo", "demo/entry-1"]);
    assert!(code == 64 && said.contains("evict::entry"), "{said}");
    let (code, said) = ends(&stage, &["evict", "-e", "demo", "demo/entry-1@7", "-y"]);
    assert!(code == 4 && said.contains("election::unknown"), "{said}");
    assert!(!stage.run_dir().exists(), "a wrong name makes no election");
}
