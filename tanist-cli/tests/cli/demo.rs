//! `tanist demo`: half a minute of misfortunes, judged a second time by a checker that shares no line
//! with it.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tanist_testkit::{Expect, History, ProbeRole};

use crate::stage::{Stage, err};

/// The demo in a place of its own for temporary directories.
fn demo(stage: &Stage, args: &[&str]) -> Command {
    let place = stage.path("tmp");
    std::fs::create_dir_all(&place).unwrap();
    let mut command = stage.tanist();
    command.env("TMPDIR", place).arg("demo").args(args);
    command.args(["-o", "json"]);
    command
}

/// Processes whose command line names the place: none may be left.
fn left_in(place: &Path) -> Vec<String> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = all.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    let place = place.display().to_string();
    lines.filter(|line| line.contains(&place)).collect()
}

fn nothing_is_left(stage: &Stage) {
    let place = stage.path("tmp");
    assert_eq!(left_in(&place), Vec::<String>::new());
    let names = place.read_dir().unwrap().flatten();
    let names: Vec<_> = names.map(|item| item.file_name()).collect();
    assert!(names.is_empty(), "{names:?}");
}

#[test]
fn half_a_minute_of_misfortunes_passes_the_independent_checker() {
    let stage = Stage::new();
    let history = stage.path("history");
    let keep = history.to_str().unwrap();
    let flags = ["--seed", "11", "--kill-every", "4s", "--keep-history", keep];
    let output = demo(&stage, &flags).output().unwrap();
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}{}", err(&output));
    let lines: Vec<Value> = said
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let of = |event: &str| lines.iter().filter(|line| line["event"] == event).count();
    let summary = lines.last().unwrap();
    assert_eq!(
        (&summary["event"], &summary["verdict"]),
        (&"summary".into(), &"ok".into())
    );
    let effects = summary["misfortunes"].as_u64().unwrap();
    let kinds: std::collections::BTreeSet<_> = lines
        .iter()
        .filter_map(|line| line["misfortune"].as_str())
        .collect();
    assert!(effects >= 3 && kinds.len() >= 2, "{said}");
    assert!(of("misfortune") as u64 >= effects && of("leads") as u64 > effects);
    let hand_overs = summary["hand_overs"].as_u64().unwrap();
    assert!(hand_overs >= effects, "{summary}");
    for gap in ["min", "median", "max"] {
        assert!(summary["gaps_us"][gap].as_u64().unwrap() > 0, "{summary}");
    }

    let written = History::read(&history).unwrap();
    let expect = Expect {
        activations: 4..=usize::MAX,
        terms: true,
        roles: vec![ProbeRole::Root],
        ..Expect::default()
    };
    let verdict = written.check(&expect);
    assert!(verdict.findings.is_empty(), "{verdict}");
    assert_eq!(verdict.activations.len() as u64, hand_overs + 1);
    assert_eq!(written.foreign(), 0);
    nothing_is_left(&stage);
}

#[test]
fn a_seed_brings_the_same_misfortunes_again() {
    let stage = Stage::new();
    let of = |seed: &str| {
        let flags = [
            "--seed",
            seed,
            "--for",
            "4s",
            "--kill-every",
            "1s",
            "--nodes",
            "2",
        ];
        let output = demo(&stage, &flags).output().unwrap();
        let said = String::from_utf8(output.stdout.clone()).unwrap();
        assert_eq!(output.status.code(), Some(0), "{said}{}", err(&output));
        let lines = said
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let told = lines.filter_map(|line| line["misfortune"].as_str().map(str::to_owned));
        told.collect::<Vec<_>>()
    };
    let (one, two) = (of("5"), of("5"));
    let both = one.len().min(two.len());
    assert!(both >= 2, "{one:?} {two:?}");
    assert_eq!(one[..both], two[..both]);
}

/// A demo that has somebody at work, and that a failed test takes down.
struct Playing(Child);

impl Drop for Playing {
    fn drop(&mut self) {
        // Its nodes end with it.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn playing(stage: &Stage) -> Playing {
    let mut command = demo(stage, &["--for", "10m", "--kill-every", "10m"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    loop {
        let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        if line["event"] == "leads" {
            break;
        }
    }
    assert!(!left_in(&stage.path("tmp")).is_empty());
    Playing(child)
}

#[test]
fn ctrl_c_ends_it_with_the_summary_and_leaves_nothing() {
    let stage = Stage::new();
    for signal in [Signal::INT, Signal::TERM] {
        let mut playing = playing(&stage);
        let child = &mut playing.0;
        kill_process(Pid::from_child(child), signal).unwrap();
        let mut rest = String::new();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut rest)
            .unwrap();
        assert!(rest.contains("\"verdict\":\"ok\""), "{rest}");
        assert_eq!(child.wait().unwrap().code(), Some(0));
        nothing_is_left(&stage);
    }
}

#[test]
fn a_demo_that_is_killed_takes_its_nodes_with_it() {
    let stage = Stage::new();
    drop(playing(&stage));
    let place = stage.path("tmp");
    let begun = std::time::Instant::now();
    while !left_in(&place).is_empty() {
        assert!(begun.elapsed().as_secs() < 60, "{:?}", left_in(&place));
        std::thread::yield_now();
    }
}

#[test]
fn what_cannot_be_shown_is_refused_before_anything_is_made() {
    let stage = Stage::new();
    for (args, slug, code) in [
        (&["--nodes", "1"][..], "demo::script", 64),
        (&["--nodes", "10"], "demo::script", 64),
        (&["--kill-every", "100ms"], "demo::script", 64),
        (&["--for", "0s"], "demo::script", 64),
        (&["--keep-history", "/"], "demo::directory", 73),
    ] {
        let output = demo(&stage, args).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        assert!(err(&output).contains(slug), "{args:?}: {}", err(&output));
        nothing_is_left(&stage);
    }
}

#[test]
fn a_demo_in_which_nobody_can_lead_says_so() {
    let stage = Stage::new();
    let mut command = demo(&stage, &["--for", "2s"]);
    // A store in it is refused: others could replace it.
    let place = stage.path("open");
    std::fs::create_dir(&place).unwrap();
    std::fs::set_permissions(&place, PermissionsExt::from_mode(0o777)).unwrap();
    let output = command.env("TMPDIR", &place).output().unwrap();
    assert_eq!(output.status.code(), Some(71), "{output:?}");
    assert!(err(&output).contains("demo::node"), "{}", err(&output));
    assert_eq!(left_in(&place), Vec::<String>::new());
    assert_eq!(place.read_dir().unwrap().count(), 0);
}
