//! What our own service manager hears, and what it gave us for the child.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use crate::stage::{Node, Stage, out};

/// The manager's end.
struct Manager {
    socket: UnixDatagram,
    heard: Vec<String>,
}

impl Manager {
    /// At a path, or at an abstract name of this stage's own.
    fn of(stage: &Stage, is_abstract: bool) -> (Self, Command) {
        let path = stage.path("manager");
        let name = path.to_str().unwrap();
        let (address, socket) = if is_abstract {
            let address = SocketAddr::from_abstract_name(name).unwrap();
            (
                format!("@{name}"),
                UnixDatagram::bind_addr(&address).unwrap(),
            )
        } else {
            (name.to_owned(), UnixDatagram::bind(&path).unwrap())
        };
        socket
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let mut command = stage.tanist();
        command.env("NOTIFY_SOCKET", address);
        let heard = Vec::new();
        (Self { socket, heard }, command)
    }

    fn next(&mut self) -> String {
        let mut buffer = [0; 4096];
        let Ok(length) = self.socket.recv(&mut buffer) else {
            panic!("no word; heard {:?}", self.heard)
        };
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        self.heard.push(text.clone());
        text
    }

    fn until(&mut self, what: impl Fn(&str) -> bool) -> String {
        loop {
            let text = self.next();
            if what(&text) {
                return text;
            }
        }
    }

    /// All that came until now.
    fn all(&mut self) -> &[String] {
        self.socket.set_nonblocking(true).unwrap();
        let mut buffer = [0; 4096];
        while let Ok(length) = self.socket.recv(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            self.heard.push(text);
        }
        self.socket.set_nonblocking(false).unwrap();
        &self.heard
    }
}

fn run(mut command: Command, flags: &[&str], script: &str) -> Node {
    command.args(["run", "-e", "demo", "-n", "a"]).args(flags);
    command.args(["--", "sh", "-c", script]);
    Node::start(command)
}

#[test]
fn ready_means_standing_status_follows_the_role_and_stopping_is_the_end() {
    for is_abstract in [false, true] {
        let stage = Stage::new();
        let (mut manager, mut command) = Manager::of(&stage, is_abstract);
        command.env("WATCHDOG_USEC", "60000000");
        let script =
            "echo $NOTIFY_SOCKET ${WATCHDOG_USEC-none} ${WATCHDOG_PID-none}; exec sleep 1000";
        let mut node = run(command, &["--stop-timeout", "300s"], script);
        manager.until(|text| text == "READY=1");
        assert_eq!(manager.heard, ["READY=1"], "nothing before");
        manager.until(|text| text == "STATUS=standby in demo");
        let line = node.line();
        let term = node.event("started")["term"].as_u64().unwrap();
        manager.until(|text| text == format!("STATUS=leader in demo, term {term}"));
        // The child's own socket is ours, and nobody but us feeds the watchdog of our manager.
        assert!(
            line.starts_with("@tanist/demo/") && line.ends_with(" none none"),
            "{line}"
        );
        assert!(!manager.all().iter().any(|text| text.contains("STOPPING")));
        node.signal(Signal::TERM);
        let stopping = manager.until(|text| text.contains("STOPPING=1"));
        let usec = stopping
            .lines()
            .find_map(|line| line.strip_prefix("EXTEND_TIMEOUT_USEC="));
        // More than the stop may take.
        assert!(
            usec.unwrap().parse::<u64>().unwrap() > 300_000_000,
            "{stopping}"
        );
        assert_eq!(node.ended().0, 0);
        let stops = manager
            .all()
            .iter()
            .filter(|text| text.contains("STOPPING"))
            .count();
        assert_eq!(stops, 1);
    }
}

#[test]
fn a_failover_is_no_end_and_a_standby_that_is_stopped_is_one() {
    let stage = Stage::new();
    let (mut manager, command) = Manager::of(&stage, false);
    let flags = ["--cooldown", "10ms", "--max-failovers", "1/10m"];
    let mut node = run(command, &flags, "exit 1");
    node.event("parked");
    node.event("released");
    manager.until(|text| text == "STATUS=failed in demo");
    assert!(!manager.all().iter().any(|text| text.contains("STOPPING")));
    node.signal(Signal::TERM);
    manager.until(|text| text.contains("STOPPING=1"));
    assert_eq!(node.ended(), (75, "tanist:parked".to_owned()));
}

#[test]
fn signs_of_life_come_as_long_as_the_supervisor_lives_and_not_when_it_hangs() {
    let stage = Stage::new();
    let (mut manager, mut command) = Manager::of(&stage, false);
    command.env("WATCHDOG_USEC", "400000");
    let mut node = run(command, &["--lease", "60s"], "echo up; exec sleep 1000");
    assert_eq!(node.line(), "up");
    for _ in 0..8 {
        manager.until(|text| text == "WATCHDOG=1");
    }
    node.signal(Signal::STOP);
    // The stop is asynchronous, so what is on its way may still come; then nothing does.
    let silence = Some(Duration::from_millis(1200));
    manager.socket.set_read_timeout(silence).unwrap();
    let mut buffer = [0; 4096];
    let mut late = 0;
    while manager.socket.recv(&mut buffer).is_ok() {
        late += 1;
        assert!(late < 3, "it is stopped, and still gives signs of life");
    }
    node.signal(Signal::CONT);
    manager
        .socket
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    manager.until(|text| text == "WATCHDOG=1");
}

#[test]
fn a_watchdog_of_somebody_else_is_not_fed() {
    let stage = Stage::new();
    let (mut manager, mut command) = Manager::of(&stage, false);
    command
        .env("WATCHDOG_USEC", "100000")
        .env("WATCHDOG_PID", "1");
    let node = run(command, &["--once"], "sleep 0.5");
    assert_eq!(node.ended().0, 0);
    assert!(!manager.all().iter().any(|text| text.contains("WATCHDOG")));
}

#[test]
fn sockets_that_were_opened_for_the_service_reach_the_child_and_nobody_else() {
    let stage = Stage::new();
    let given = stage.path("given");
    std::fs::write(&given, "given\n").unwrap();
    let check = stage.path("check");
    let tanist = env!("CARGO_BIN_EXE_tanist");
    let script = "echo $LISTEN_FDS $LISTEN_FDNAMES; test $LISTEN_PID = $$ && echo mine; cat <&3; \
                  echo up; exec sleep 1000";
    let outer = |pid: &str| {
        let mut command = stage.tanist();
        let line = format!(
            "LISTEN_PID={pid}; LISTEN_FDS=1; LISTEN_FDNAMES=web; export LISTEN_PID LISTEN_FDS \
             LISTEN_FDNAMES; exec {tanist} run -e demo --health-interval 50ms --health-timeout 20s \
             --health \"exec:sh -c 'echo \\${{LISTEN_FDS-none}} > {}; test ! -e /proc/self/fd/3'\" \
             -- sh -c '{}' 3<{}",
            check.display(),
            script,
            given.display()
        );
        let inner = std::mem::replace(&mut command, Command::new("sh"));
        for (name, value) in inner.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.args(["-c", &line]);
        Node::start(command)
    };
    let mut node = outer("$$");
    assert_eq!(node.line(), "1 web");
    assert_eq!(node.line(), "mine");
    assert_eq!(node.line(), "given");
    let line = node.event("health");
    assert_eq!(line["health"], "passing", "{line}");
    assert_eq!(std::fs::read_to_string(&check).unwrap(), "none\n");
    drop(node);
    // What was meant for another process is nothing of the child's.
    let mut node = outer("1");
    assert_eq!(node.line(), "");
    assert_eq!(node.line(), "up");
}

/// The unit that the documentation shows.
fn unit() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/systemd/tanist@.service");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_unit_says_what_the_program_takes() {
    let unit = unit();
    let value = |key: &str| {
        let lines = unit
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        lines.unwrap_or_else(|| panic!("no {key}")).to_owned()
    };
    for line in unit
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let is_section = line.starts_with('[') && line.ends_with(']');
        assert!(is_section || line.split_once('=').is_some(), "{line}");
    }
    assert_eq!(value("Type"), "notify");
    // The whole group is killed in the end, and only tanist is asked before.
    assert_eq!(value("KillMode"), "mixed");
    let start = value("ExecStart").replace("%i", "mail");
    let stage = Stage::new();
    let settings = stage.path("mail.toml");
    std::fs::write(&settings, "command = [\"true\"]\n").unwrap();
    let mut words = start
        .split_whitespace()
        .skip(1)
        .map(str::to_owned)
        .collect::<Vec<_>>();
    for word in &mut words {
        match word.as_str() {
            "/etc/tanist/mail.toml" => settings.to_str().unwrap().clone_into(word),
            "/run/tanist" => stage.run_dir().to_str().unwrap().clone_into(word),
            "/var/lib/tanist" => stage.path("state").to_str().unwrap().clone_into(word),
            _ => {}
        }
    }
    words.push("--once".to_owned());
    let output = stage.ask(&words);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn what_starting_again_cannot_mend_is_not_tried_again() {
    let unit = unit();
    let line = unit
        .lines()
        .find_map(|line| line.strip_prefix("RestartPreventExitStatus="));
    let codes: Vec<&str> = line.unwrap().split(' ').collect();
    // 64, 73, 77, 78 by their names in sysexits.h.
    assert_eq!(
        codes,
        ["USAGE", "CANTCREAT", "NOPERM", "CONFIG", "126", "127"]
    );
}

#[test]
fn the_unit_is_one_for_systemd_where_that_is_installed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tanist@mail.service");
    let unit = unit().replace("/usr/local/bin/tanist", env!("CARGO_BIN_EXE_tanist"));
    // Its manual page is installed with a package.
    std::fs::write(&path, unit.replace("Documentation=man:tanist(1)\n", "")).unwrap();
    let mut verify = Command::new("systemd-analyze");
    match verify.args(["verify", "--man=no"]).arg(&path).output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned() + &out(&output);
            let ours: Vec<_> = said
                .lines()
                .filter(|line| line.contains("tanist@"))
                .collect();
            assert!(ours.is_empty(), "{said}");
        }
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
    }
}
