//! What a child says of itself, with the protocol of `sd_notify`.

use std::io::Read;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tanist_testkit::Need;

use crate::stage::{Node, Stage, control, err, wait_until};

/// A child that says each line of a file as soon as it stands there, in an implementation of the
/// protocol that is not ours.
const CHILD: &str = r#"
import os, socket, sys, time
out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
address = os.environ["NOTIFY_SOCKET"]
print(address, os.environ.get("WATCHDOG_USEC", "none"), flush=True)
if address[0] == "@":
    address = "\0" + address[1:]
said = 0
while True:
    words = open(sys.argv[1]).read().split("\n")[:-1]
    for word in words[said:]:
        if word == "beat":
            # For ever, until another word comes.
            out.sendto(b"WATCHDOG=1", address)
            said -= 1
        else:
            out.sendto(word.encode(), address)
        said += 1
    time.sleep(0.01)
"#;

struct Script {
    child: PathBuf,
    words: PathBuf,
}

impl Script {
    fn of(stage: &Stage) -> Self {
        let (child, words) = (stage.path("child.py"), stage.path("words"));
        std::fs::write(&child, CHILD).unwrap();
        std::fs::write(&words, "").unwrap();
        Self { child, words }
    }

    fn run(&self, mut command: Command, flags: &[&str]) -> Node {
        let python = Path::new("/usr/bin/python3");
        let python = if python.exists() {
            python
        } else {
            Path::new("python3")
        };
        command
            .args(["run", "-e", "demo", "-n", "a"])
            .args(flags)
            .arg("--");
        command.arg(python).arg(&self.child).arg(&self.words);
        Node::start(command)
    }

    /// All that is to be said so far.
    fn say(&self, words: &str) {
        let fresh = self.words.with_extension("new");
        std::fs::write(&fresh, words).unwrap();
        std::fs::rename(fresh, &self.words).unwrap();
    }
}

/// What the status tells of the only node.
fn note(stage: &Stage) -> serde_json::Value {
    let status = stage.ask(["status", "demo", "-o", "json"]);
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    status["elections"][0]["members"][0]["note"].clone()
}

/// Waits until the role file says so: it is written a moment later.
fn shows(stage: &Stage, role: &str) {
    let path = stage.run_dir().join("demo.a.role");
    wait_until(role, || std::fs::read_to_string(&path).unwrap() == role);
}

/// Waits for what the child says of its status.
fn until_said(node: &mut Node, status: &str) {
    while node.event("says")["message"] != status {}
}

#[test]
fn who_waits_for_the_word_is_no_leader_to_others_before_it_and_strangers_do_not_count() {
    if !Need::Python.go_on() {
        return;
    }
    let stage = Stage::new();
    let script = Script::of(&stage);
    let manager = UnixDatagram::bind(stage.path("manager")).unwrap();
    let mut command = stage.tanist();
    command.env("NOTIFY_SOCKET", stage.path("manager"));
    let mut node = script.run(command, &["--ready", "notify", "-v"]);
    let line = node.line();
    let (address, usec) = line.split_once(' ').unwrap();
    assert_eq!(usec, "none");
    node.event("started");
    // This process is of the same user, and not of the child's tree.
    let stranger = UnixDatagram::unbound().unwrap();
    let to = match address.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name).unwrap(),
        None => SocketAddr::from_pathname(address).unwrap(),
    };
    stranger.send_to_addr(b"READY=1\nSTATUS=lies", &to).unwrap();
    script.say("STATUS=warming up\n");
    let said = node.event("says");
    assert_eq!(said["message"], "warming up");
    shows(&stage, "standby\n");
    wait_until("it shows", || note(&stage) == "starting: not ready yet");
    let ask = |args: &[&str]| {
        let answer = stage.ask(args);
        (answer.status.code().unwrap(), err(&answer))
    };
    for flags in [&["--node", "a"][..], &[]] {
        let (code, said) = ask(&[&["leader", "demo", "--is-me"], flags].concat());
        assert!(code == 1 && said.contains("not said yet"), "{code} {said}");
    }
    for what in ["active", "me"] {
        let (code, said) = ask(&["wait", "demo", "--for", what, "--timeout", "200ms"]);
        assert_eq!(code, 75, "{said}");
    }
    script.say("STATUS=warming up\nREADY=1\nSTATUS=serving\n");
    let active = node.event("active");
    assert!(
        active["message"]
            .as_str()
            .unwrap()
            .starts_with("ready after "),
        "{active}"
    );
    assert!(active["dur_ms"].is_u64(), "{active}");
    until_said(&mut node, "serving");
    shows(&stage, "leader\n");
    for words in [
        &["leader", "demo", "--is-me"][..],
        &["wait", "demo", "--for", "active"],
        &["wait", "demo", "--for", "me"],
    ] {
        let (code, said) = ask(words);
        assert_eq!(code, 0, "{said}");
    }
    assert!(note(&stage).is_null());
    let mut buffer = [0; 4096];
    let term = active["term"].as_u64().unwrap();
    loop {
        let length = manager.recv(&mut buffer).unwrap();
        let text = String::from_utf8_lossy(&buffer[..length]);
        assert!(!text.contains("lies"), "{text}");
        if text == format!("STATUS=leader in demo, term {term}: serving") {
            break;
        }
    }
}

#[test]
fn a_child_of_another_user_can_say_that_it_is_ready() {
    if !Need::Python.go_on() || !Need::Root.go_on() {
        return;
    }
    let stage = Stage::new();
    let script = Script::of(&stage);
    let dir = script.words.parent().unwrap();
    std::fs::set_permissions(dir, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    script.say("READY=1\n");
    let mut node = script.run(stage.tanist(), &["--ready", "notify", "--user", "nobody"]);
    node.event("active");
    shows(&stage, "leader\n");
}

/// Twenty processes, each a hundred and fifty generations deep, that say something as often as they
/// can. Each says that it has begun.
const FLOOD: &str = r#"
import os, socket, sys
for _ in range(150):
    if os.fork():
        os.wait()
        os._exit(0)
for _ in range(19):
    if not os.fork():
        break
out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
out.connect("\0" + sys.argv[1])
out.send(b"READY=1")
os.write(1, b".")
while True:
    out.send(b"STATUS=lies")
"#;

/// All of them, until this goes.
struct Flood(Child);

impl Flood {
    /// Waits until all of it flows.
    fn of_strangers(name: &str) -> Self {
        let mut python = Command::new("/usr/bin/env");
        python.args(["python3", "-c", FLOOD, name]).current_dir("/");
        python.env("PATH", "/usr/bin:/bin").uid(65534).gid(65534);
        python.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = python.process_group(0).spawn().unwrap();
        let mut begun = [0; 20];
        let mut stdout = child.stdout.take().unwrap();
        let this = Self(child);
        stdout.read_exact(&mut begun).unwrap();
        this
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        kill_process_group(Pid::from_child(&self.0), Signal::KILL).unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn a_flood_of_strangers_holds_up_neither_the_leader_nor_the_words_of_its_child() {
    if !Need::Python.go_on() || !Need::Root.go_on() {
        return;
    }
    let stage = Stage::new();
    let script = Script::of(&stage);
    let mut node = script.run(stage.tanist(), &["--lease", "2s", "-v"]);
    let line = node.line();
    let (address, _) = line.split_once(' ').unwrap();
    node.event("started");
    let flood = Flood::of_strangers(address.strip_prefix('@').unwrap());
    let socket = stage.run_dir().join("demo.a.sock");
    // Long enough that one that cannot renew loses the leadership, and then some.
    let until = Instant::now() + Duration::from_secs(6);
    while Instant::now() < until {
        assert_eq!(control(&socket, "status")["role"], "leader");
    }
    script.say("STATUS=still here\n");
    loop {
        let line = node.any();
        assert_eq!(line["event"], "says", "nothing else happened: {line}");
        assert_ne!(line["message"], "lies");
        if line["message"] == "still here" {
            break;
        }
    }
    drop(flood);
}

#[test]
fn who_is_not_waited_for_is_told_of_all_the_same() {
    if !Need::Python.go_on() {
        return;
    }
    let stage = Stage::new();
    let script = Script::of(&stage);
    let mut node = script.run(stage.tanist(), &["-v"]);
    node.event("started");
    script.say("STATUS=x\n");
    until_said(&mut node, "x");
    shows(&stage, "leader\n");
    script.say("STATUS=x\nREADY=1\n");
    node.event("active");
}

#[test]
fn a_service_that_says_no_more_that_it_lives_is_unhealthy() {
    if !Need::Python.go_on() {
        return;
    }
    for last in ["STATUS=silent\n", "WATCHDOG=trigger\n"] {
        let stage = Stage::new();
        let script = Script::of(&stage);
        let flags = [
            "--health",
            "notify",
            "--health-interval",
            "200ms",
            "--health-timeout",
            "1s",
            "--health-fall",
            "2",
            "--cooldown",
            "10m",
        ];
        script.say("READY=1\nbeat\n");
        let mut node = script.run(stage.tanist(), &flags);
        let line = node.line();
        assert!(line.ends_with(" 1200000"), "{line}");
        // The check says that its word is waited for.
        node.event("active");
        shows(&stage, "leader\n");
        assert_eq!(node.event("health")["health"], "passing");
        script.say(&format!("READY=1\n{last}"));
        assert_eq!(node.event("health")["health"], "critical");
        node.event("unhealthy");
        node.event("cooldown");
    }
}
