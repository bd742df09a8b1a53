//! What hooks are told, when, and what becomes of their answer.

use rustix::process::Signal;
use serde_json::Value;

use crate::stage::{Node, Stage, kill};

/// Says its term, then works until it is killed.
const WORK: &str = "echo $TANIST_TERM; exec sleep 1000";

/// `--hook` for a shell script, in which `$0` is the event and `$DIR` the stage's directory.
pub(crate) fn hook(event: &str, script: &str) -> String {
    let lines: Vec<_> = script.lines().map(str::trim).collect();
    format!(
        "--hook={event}=sh -c '{}'",
        lines.join(" ").replace('\'', "'\\''")
    )
}

/// `tanist run` as `name`.
pub(crate) fn node(stage: &Stage, name: &str, flags: &[&str], hooks: &[String]) -> Node {
    working(stage, name, flags, hooks, WORK)
}

pub(crate) fn working(
    stage: &Stage,
    name: &str,
    flags: &[&str],
    hooks: &[String],
    work: &str,
) -> Node {
    let mut command = stage.tanist();
    command.env("DIR", stage.path(""));
    command.args(["run", "-e", "demo", "-n", name]).args(flags);
    command.args(hooks).args(["--", "sh", "-c", work]);
    Node::start(command)
}

pub(crate) fn read(stage: &Stage, name: &str) -> String {
    std::fs::read_to_string(stage.path(name)).unwrap_or_default()
}

/// Waits until the hook of this event has ended; how.
pub(crate) fn ended(node: &mut Node, event: &str) -> Value {
    loop {
        let line = node.event("hook");
        let hook = line["hook"].as_str().unwrap_or_default();
        if hook.starts_with(event) {
            return line;
        }
    }
}

/// Supervisor and guard die at once: nobody releases, and the record goes on saying `leading`.
fn fail_hard(mut node: Node) {
    let guard = node.event("started")["guard"].as_u64().unwrap();
    node.signal(Signal::STOP);
    kill(guard);
    node.kill();
}

const RECORD: &str = r#"echo "$0 $*|$TANIST_FROM>$TANIST_TO|$TANIST_TERM" >>"$DIR/calls";
    cat >"$DIR/$0.json"; env >"$DIR/$0.env""#;

const TELLS: &str = r#"echo up >>"$DIR/calls"; trap 'echo down >>"$DIR/calls"; exit 0' TERM
    echo $TANIST_TERM; while :; do sleep 0.05; done"#;

#[test]
fn each_event_comes_in_its_order_with_words_variables_and_a_document() {
    let stage = Stage::new();
    let events = [
        "fence",
        "before-promote",
        "after-promote",
        "before-demote",
        "after-demote",
    ];
    let hooks = events.map(|event| hook(event, RECORD));
    let mut a = working(&stage, "a", &["--address", "$(id)"], &hooks, TELLS);
    let term = a.line();
    ended(&mut a, "after-promote");
    a.signal(Signal::TERM);
    assert_eq!(a.ended(), (0, "tanist:stopped".to_owned()));
    let calls = read(&stage, "calls");
    let at = |line: &str| {
        let line = line.replace("TERM", &term);
        let found = calls.lines().position(|call| call == line);
        found.unwrap_or_else(|| panic!("no {line:?} in {calls}"))
    };
    let order = [
        at("before-promote demo a leader|>a|TERM"),
        at("up"),
        at("before-demote demo a leader|a>|TERM"),
        at("down"),
        at("after-demote demo a standby|a>|TERM"),
    ];
    assert!(order.is_sorted(), "{calls}");
    let after = at("after-promote demo a leader|>a|TERM");
    assert!(order[0] < after && after < order[2], "{calls}");
    assert_eq!(calls.lines().count(), 6, "nobody was to be fenced: {calls}");
    for event in &events[1..] {
        let document: Value =
            serde_json::from_str(&read(&stage, &format!("{event}.json"))).unwrap();
        let env = read(&stage, &format!("{event}.env"));
        assert_eq!(
            (&document["v"], &document["event"]),
            (&1.into(), &(*event).into())
        );
        assert_eq!(document["term"].to_string(), term);
        assert_eq!(document["address"], "$(id)");
        assert!(document["deadline_ms"].as_u64().unwrap() <= 10_000);
        for (name, value) in document.as_object().unwrap() {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            let line = format!("TANIST_{}={value}", name.to_uppercase());
            assert!(
                name == "v" || env.lines().any(|it| it == line),
                "{line}\n{env}"
            );
        }
    }
    let before = read(&stage, "before-demote.json");
    let before: Value = serde_json::from_str(&before).unwrap();
    let half = before["deadline_ms"].as_u64().unwrap();
    assert!((4_000..=5_000).contains(&half), "half of the stop: {half}");
}

#[test]
fn every_node_is_told_of_every_change_in_its_order() {
    let stage = Stage::new();
    let told = r#"echo "$2 $3|$TANIST_FROM>$TANIST_TO" >>"$DIR/changes.$2""#;
    let on_change = [hook("on-change", told)];
    let mut a = node(&stage, "a", &[], &on_change);
    a.line();
    let mut b = node(&stage, "b", &[], &on_change);
    b.event("standby");
    ended(&mut b, "on-change");
    a.signal(Signal::TERM);
    a.ended();
    b.line();
    while !read(&stage, "changes.b").contains("leader") {
        ended(&mut b, "on-change");
    }
    let of_a = read(&stage, "changes.a");
    assert_eq!(of_a.lines().next(), Some("a leader|>a"), "{of_a}");
    let of_b = read(&stage, "changes.b");
    let lines: Vec<_> = of_b.lines().collect();
    assert_eq!(lines[0], "b standby|>a");
    assert!(lines.last().unwrap().starts_with("b leader|"), "{of_b}");
    let mut before = String::new();
    for line in lines {
        let (from, to) = line.split_once('|').unwrap().1.split_once('>').unwrap();
        assert_eq!(from, before, "{of_b}");
        before = to.to_owned();
    }
    assert_eq!(before, "b");
}

#[test]
fn a_veto_gives_the_leadership_to_another_node() {
    let stage = Stage::new();
    let veto = [hook("before-promote", "echo no data here; exit 3")];
    let mut a = node(&stage, "a", &["--cooldown", "60s"], &veto);
    let said = a.event("hook-output");
    let said = said["message"].as_str().unwrap();
    assert!(said.ends_with("no data here"), "{said}");
    a.event("vetoed");
    a.event("cooldown");
    let mut b = node(&stage, "b", &[], &[]);
    b.line();
    a.signal(Signal::TERM);
    assert!(a.no_line());
    assert_eq!(a.ended(), (0, "tanist:stopped".to_owned()));
    b.kill();
    let once = node(&stage, "c", &["--once"], &veto);
    assert_eq!(once.ended(), (75, "tanist:hook-refused".to_owned()));
}

#[test]
fn not_yet_is_asked_again_until_its_time_is_over() {
    let stage = Stage::new();
    let third = r#"echo x >>"$DIR/tries"; [ $(wc -l <"$DIR/tries") -ge 3 ] || exit 75"#;
    let mut a = node(&stage, "a", &[], &[hook("before-promote", third)]);
    a.line();
    assert_eq!(read(&stage, "tries"), "x\nx\nx\n");
    assert_eq!(ended(&mut a, "before-promote")["result"], "not-yet");
    a.kill();
    let never = [hook("before-promote", r#"echo x >>"$DIR/never"; exit 75"#)];
    let flags = ["--once", "--hook-timeout", "1500ms"];
    let before = std::time::Instant::now();
    let b = node(&stage, "b", &flags, &never);
    assert_eq!(b.ended(), (75, "tanist:hook-refused".to_owned()));
    let tries = read(&stage, "never").lines().count();
    assert!(
        (2..=3).contains(&tries),
        "{tries} in {:?}",
        before.elapsed()
    );
}

#[test]
fn who_did_not_give_back_is_fenced_by_the_first_that_can_before_anything_begins() {
    let stage = Stage::new();
    let mut a = node(&stage, "a", &[], &[]);
    a.line();
    let note = |word: &str, code: u8| {
        let script =
            format!(r#"echo "{word} $TANIST_FROM $TANIST_TO" >>"$DIR/fence"; exit {code}"#);
        hook("fence", &script)
    };
    let fences = [note("bad", 1), note("good", 0), note("never", 0)];
    let work = r#"echo child >>"$DIR/fence"; echo up; exec sleep 1000"#;
    let mut b = working(&stage, "b", &[], &fences, work);
    b.event("standby");
    fail_hard(a);
    b.line();
    b.event("fenced");
    assert_eq!(read(&stage, "fence"), "bad a b\ngood a b\nchild\n");
    // Another start of the same node does not fence itself.
    fail_hard(b);
    let mut again = working(&stage, "b", &[], &fences, work);
    again.line();
    assert_eq!(read(&stage, "fence"), "bad a b\ngood a b\nchild\nchild\n");
}

#[test]
fn who_gave_back_is_not_fenced() {
    let stage = Stage::new();
    let fence = [hook("fence", r#"echo $TANIST_FROM >>"$DIR/fence""#)];
    let mut a = node(&stage, "a", &[], &fence);
    a.line();
    let mut b = node(&stage, "b", &[], &fence);
    b.event("standby");
    a.signal(Signal::TERM);
    b.line();
    let resigned = crate::stage::control(&stage.run_dir().join("demo.b.sock"), "resign");
    assert_eq!(resigned["ok"], true);
    let mut c = node(&stage, "c", &[], &fence);
    c.line();
    assert_eq!(read(&stage, "fence"), "");
}

#[test]
fn who_cannot_fence_stays_out_tries_again_and_hands_the_debt_on() {
    let stage = Stage::new();
    let mut a = node(&stage, "a", &[], &[]);
    a.line();
    let fails = [hook("fence", "exit 1")];
    let mut b = node(&stage, "b", &["--cooldown", "60s"], &fails);
    b.event("standby");
    let second = r#"echo "$TANIST_FROM" >>"$DIR/c"; [ $(wc -l <"$DIR/c") -ge 2 ]"#;
    let mut c = node(
        &stage,
        "c",
        &["--cooldown", "200ms"],
        &[hook("fence", second)],
    );
    c.event("standby");
    fail_hard(a);
    b.event("unfenced");
    c.event("unfenced");
    c.event("rejoining");
    c.line();
    assert_eq!(read(&stage, "c"), "a\na\n", "it is a that may still work");
    assert!(b.no_line());
}

#[test]
fn who_dies_while_it_fences_hands_the_debt_on_too() {
    let stage = Stage::new();
    let mut a = node(&stage, "a", &[], &[]);
    a.line();
    let hangs = [hook("fence", "echo fencing; exec sleep 1000")];
    let mut b = node(&stage, "b", &[], &hangs);
    b.event("standby");
    let pays = [hook("fence", r#"echo "$TANIST_FROM" >>"$DIR/c""#)];
    let mut c = node(&stage, "c", &[], &pays);
    c.event("standby");
    fail_hard(a);
    b.event("hook-output");
    b.kill();
    c.line();
    assert_eq!(read(&stage, "c"), "a\n");
}
