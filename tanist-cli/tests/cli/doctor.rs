//! `tanist doctor`: what is wrong is found, and nothing is touched.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;

use crate::stage::{Stage, err, out};

const WORK: &str = "echo $TANIST_TERM; exec sleep 1000";

/// What was found, and the exit code, which has to fit.
struct Found {
    code: i32,
    /// Area, verdict and text.
    findings: Vec<[String; 3]>,
}

impl Found {
    fn of(mut doctor: Command) -> Self {
        let output = doctor.args(["-o", "json"]).output().unwrap();
        let text = out(&output);
        let document: Value =
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{}", err(&output)));
        let all = document["findings"].as_array().unwrap().iter();
        let words = |one: &Value| {
            ["area", "verdict", "text"].map(|name| one[name].as_str().unwrap().to_owned())
        };
        let findings: Vec<_> = all.map(words).collect();
        let has = |verdict: &str| findings.iter().any(|[_, is, _]| is == verdict);
        let expected = if has("fail") {
            1
        } else {
            2 * i32::from(has("warn"))
        };
        let code = output.status.code().unwrap();
        assert_eq!(code, expected, "{text}");
        Self { code, findings }
    }

    fn says(&self, area: &str, verdict: &str, text: &str) -> bool {
        let fits = |[a, v, t]: &[String; 3]| a == area && v == verdict && t.contains(text);
        self.findings.iter().any(fits)
    }

    fn assert(&self, area: &str, verdict: &str, text: &str) {
        let said = self.says(area, verdict, text);
        assert!(said, "{area} {verdict} {text:?}: {:#?}", self.findings);
    }
}

fn doctor(stage: &Stage, args: &[&str]) -> Found {
    let mut command = stage.tanist();
    command.arg("doctor").args(args);
    Found::of(command)
}

#[test]
fn a_place_where_nothing_is_yet_is_in_order_and_stays_so() {
    let stage = Stage::new();
    let found = doctor(&stage, &["demo"]);
    for area in ["config", "timing", "files", "store", "election"] {
        let bad = found.says(area, "fail", "") || found.says(area, "warn", "");
        assert!(!bad, "{area}: {:?}", found.findings);
        found.assert(area, "ok", "");
    }
    let areas: BTreeSet<_> = found.findings.iter().map(|[area, ..]| area).collect();
    for area in ["process", "containment", "systemd"] {
        assert!(areas.contains(&area.to_owned()), "{areas:?}");
    }
    let deadlines = "stop signal at 4s, kill at 7s, all gone by 8s; another may begin at 8.2s";
    found.assert("timing", "ok", deadlines);
    assert!(!stage.run_dir().exists() && !stage.path("state").exists());
    let lines = out(&stage.ask(["doctor", "demo"]));
    let last = lines.lines().last().unwrap();
    assert!(
        last == "all is in order" || last.contains(" warning"),
        "{lines}"
    );
    assert!(lines.starts_with("config       ok    "), "{lines}");
}

#[test]
fn a_settings_file_that_is_wrong_is_a_finding_and_not_the_end() {
    let stage = Stage::new();
    let file = stage.path("demo.toml");
    let flags = ["demo", "-c", file.to_str().unwrap()];
    std::fs::write(&file, "leese = \"3s\"\n").unwrap();
    let found = doctor(&stage, &flags);
    found.assert("config", "fail", "did you mean `lease`?");
    found.assert("timing", "ok", "lease 8s");
    std::fs::write(&file, "lease = \"1s\"\nlost_stop_timeout = \"2s\"\n").unwrap();
    let found = doctor(&stage, &flags);
    found.assert("config", "fail", "timing::stop-exceeds-lease");
    std::fs::write(&file, "stop_timeout = \"30s\"\ncommand = [\"nosuch\"]\n").unwrap();
    let found = doctor(&stage, &flags);
    found.assert("config", "ok", "2 settings");
    found.assert("command", "fail", "run::command-not-found");
    let short = "stop-timeout 30s > 3s that a lost lease leaves";
    found.assert("timing", "warn", short);
    std::fs::write(&file, "health = [\"exec:/nosuch/check\"]\n").unwrap();
    doctor(&stage, &flags).assert("command", "fail", "health check");
    std::fs::write(&file, "health = [\"exec:true\"]\n").unwrap();
    doctor(&stage, &flags).assert("command", "ok", "health checks: 1");
    let found = doctor(&stage, &["demo", "-s", "etcd:"]);
    assert_eq!(found.code, 1, "{:?}", found.findings);
}

#[test]
fn what_a_variable_says_counts() {
    let stage = Stage::new();
    for (lease, area, verdict, said) in [
        ("1s", "timing", "ok", "all gone by 1s"),
        ("soon", "config", "fail", "config::variable"),
    ] {
        let mut command = stage.tanist();
        command.args(["doctor", "demo"]).env("TANIST_LEASE", lease);
        Found::of(command).assert(area, verdict, said);
    }
}

#[test]
fn directories_that_others_can_reach_into_fail() {
    let stage = Stage::new();
    std::fs::create_dir(stage.run_dir()).unwrap();
    std::fs::set_permissions(stage.run_dir(), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::write(stage.path("state"), "").unwrap();
    let found = doctor(&stage, &[]);
    found.assert("files", "fail", "open to others (mode 0755)");
    found.assert("files", "fail", "is a link or a file");
    found.assert("store", "fail", "store::unsafe");
}

#[test]
fn few_open_files_are_told_of() {
    let stage = Stage::new();
    for (limit, verdict) in [(100, "warn"), (40, "fail")] {
        let inner = stage.tanist();
        let mut command = Command::new("sh");
        for (name, value) in inner.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let script = format!("ulimit -n {limit}; exec \"$@\"");
        command.args(["-c", &script, "sh"]);
        command.arg(inner.get_program()).arg("doctor");
        command.stdin(std::process::Stdio::null());
        let said = format!("at most {limit} open files");
        Found::of(command).assert("process", verdict, &said);
    }
}

#[test]
fn the_election_is_told_as_it_stands() {
    let stage = Stage::new();
    let mut a = stage.run(&["--node", "a"], WORK);
    let term: u64 = a.line().parse().unwrap();
    let told = |verdict: &str, text: &str| {
        doctor(&stage, &["demo"]).assert("election", verdict, text);
    };
    told("warn", "a leads in term");
    let mut b = stage.run(&["--node", "b"], WORK);
    b.event("standby");
    let found = doctor(&stage, &[]);
    let leads = format!("demo: a leads in term {term}, 1 stands by, b is next");
    found.assert("election", "ok", &leads);
    found.assert("files", "ok", "nodes that run here: demo.a, demo.b");
    stage.ask(["pause", "-e", "demo"]);
    told("warn", "demo is paused for ");
    // b may not follow; what a leaves behind is found.
    a.kill();
    stage.ask(["wait", "-e", "demo", "--for", "none"]);
    let found = doctor(&stage, &["demo"]);
    found.assert("files", "warn", "left by nodes that were killed: demo.a;");
    found.assert("election", "warn", "nobody leads demo, 1 stands by");
    drop(b);
    let lock = std::fs::File::open(stage.run_dir().join("demo/lock")).unwrap();
    lock.try_lock().unwrap();
    told(
        "warn",
        &format!("demo is held by pid {} (", std::process::id()),
    );
    drop(lock);
    let state = stage.path("state/demo.json");
    let seen = std::fs::read_to_string(&state).unwrap();
    let ahead = term + 500_000_000;
    let seen = seen.replace(&term.to_string(), &ahead.to_string());
    std::fs::write(state, seen).unwrap();
    told("warn", &format!("has seen term {ahead}"));
    let record = stage.run_dir().join(".tanist/demo/record");
    std::fs::write(&record, "garbage").unwrap();
    told("fail", "tanist repair -e demo");
    assert_eq!(std::fs::read(record).unwrap(), b"garbage");
}
