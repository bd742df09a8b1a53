use std::fs::Permissions;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tanist_testkit::Need;

use crate::stage::{Node, Stage, control};

const WORK: &str = "echo up; exec sleep 1000";

/// A leader whose renewals are due every 125 ms.
fn leader(stage: &Stage) -> Node {
    let mut node = stage.run(&["--node", "a", "--lease", "1s"], WORK);
    assert_eq!(node.line(), "up");
    node.event("started");
    node
}

/// It led all the time, once, and ends when it is told to.
fn led_on(mut node: Node) {
    let mut events = Vec::new();
    node.signal(Signal::TERM);
    loop {
        let line = node.any();
        let event = line["event"].as_str().unwrap().to_owned();
        let is_last = event == "exit";
        events.push(event);
        if is_last {
            break;
        }
    }
    // Not one word between the start and the stop.
    assert_eq!(events[0], "stopping", "{events:?}");
}

/// F104: a thousand clients that say nothing and stay, one byte of a request each.
#[test]
fn a_thousand_slow_clients_hold_up_nobody() {
    let stage = Stage::new();
    let node = leader(&stage);
    let socket = stage.run_dir().join("demo.a.sock");
    let mut slow = Vec::new();
    for _ in 0..1000 {
        let mut client = UnixStream::connect(&socket).unwrap();
        // It may have been given up already, in favour of those after it.
        let _ = client.write_all(b"s");
        slow.push(client);
    }
    assert_eq!(control(&socket, "status")["role"], "leader");
    led_on(node);
}

/// F104: a request of ten megabytes, without an end of the line.
#[test]
fn a_request_of_ten_megabytes_is_cut_off() {
    let stage = Stage::new();
    let node = leader(&stage);
    let socket = stage.run_dir().join("demo.a.sock");
    let mut client = UnixStream::connect(&socket).unwrap();
    let sent = client.write_all(&vec![b'x'; 10 << 20]).unwrap_err();
    let cut = [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset];
    assert!(cut.contains(&sent.kind()), "{sent}");
    assert_eq!(control(&socket, "status")["role"], "leader");
    led_on(node);
}

/// F104: everything that is no request.
#[test]
fn nonsense_is_answered_and_changes_nothing() {
    let stage = Stage::new();
    let node = leader(&stage);
    let socket = stage.run_dir().join("demo.a.sock");
    for nonsense in [
        "",
        "{",
        "{\"do\":7}",
        "GET / HTTP/1.1",
        "[[[[[[[[[[[[",
        "\u{0}\u{1b}[2J",
    ] {
        assert_eq!(control(&socket, nonsense)["ok"], false, "{nonsense:?}");
    }
    led_on(node);
}

/// F104: another user who gets as far as the socket. To get there the directory and the socket are
/// opened by hand.
#[test]
fn another_user_is_refused() {
    if !Need::Root.go_on() || !Need::Python.go_on() {
        return;
    }
    let stage = Stage::new();
    let node = leader(&stage);
    let socket = stage.run_dir().join("demo.a.sock");
    for (path, mode) in [
        (stage.path(""), 0o755),
        (stage.run_dir(), 0o755),
        (socket.clone(), 0o666),
    ] {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
    let ask = "import socket, sys\n\
               client = socket.socket(socket.AF_UNIX)\n\
               client.connect(sys.argv[1])\n\
               try: client.sendall(b'resign\\n')\n\
               except BrokenPipeError: pass # answered already\n\
               print(client.recv(4096).decode())\n";
    let mut python = Command::new("/usr/bin/env");
    python
        .args(["python3", "-c", ask])
        .arg(&socket)
        .current_dir("/");
    python.env("PATH", "/usr/bin:/bin");
    python.uid(65534).gid(65534).stdin(Stdio::null());
    let answer = python.output().unwrap();
    let answer = String::from_utf8(answer.stdout).unwrap();
    assert!(
        answer.contains("\"ok\":false") && answer.contains("only the owner"),
        "{answer}"
    );
    std::fs::set_permissions(stage.run_dir(), Permissions::from_mode(0o700)).unwrap();
    led_on(node);
}

/// F104: as many wishes to resign as fit into half a second. Each that is heard is one change of the
/// leader at most, and never two leaders.
#[test]
fn a_storm_of_wishes_to_resign_makes_no_second_leader() {
    let stage = Stage::new();
    if !Need::Python.go_on() {
        return;
    }
    // Who works has a lock, which the kernel takes back however the work ends.
    let alone = "import fcntl, os, time\n\
                 witness = open(os.environ['LONELY'], 'w')\n\
                 try: fcntl.flock(witness, fcntl.LOCK_EX | fcntl.LOCK_NB)\n\
                 except BlockingIOError: print('both', flush=True)\n\
                 print('up', flush=True)\n\
                 time.sleep(1000)\n";
    let lonely = stage.path("lonely");
    let start = |node: &str| {
        let mut command = stage.tanist();
        command.env("LONELY", &lonely);
        command.args([
            "run", "-e", "demo", "--node", node, "--lease", "1s", "--", "python3", "-c", alone,
        ]);
        Node::start(command)
    };
    let mut first = start("a");
    assert_eq!(first.line(), "up");
    let mut second = start("b");
    second.event("standby");
    let until = std::time::Instant::now() + Duration::from_millis(500);
    let mut wishes = 0_u32;
    while std::time::Instant::now() < until {
        for node in ["a", "b"] {
            let socket = stage.run_dir().join(format!("demo.{node}.sock"));
            let Ok(mut client) = UnixStream::connect(socket) else {
                continue;
            };
            client.write_all(b"resign\n").unwrap();
            wishes += 1;
            let mut answer = String::new();
            let _ = client.read_to_string(&mut answer);
        }
    }
    assert!(wishes > 20, "{wishes} are no storm");
    // Somebody leads afterwards.
    crate::stage::wait_until("somebody leads", || {
        stage.ask(["leader", "demo"]).status.code() == Some(0)
    });
    for node in [first, second] {
        node.signal(Signal::TERM);
        let (code, lines) = node.all_said();
        assert_eq!(code, Some(0));
        assert!(lines.iter().all(|line| line == "up"), "{lines:?}");
    }
}
