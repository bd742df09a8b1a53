//! Where the log goes, and that nothing waits for whoever reads it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::stage::{Stage, control, out};

/// Reads one datagram of the journal's native protocol.
fn parse(datagram: &[u8]) -> BTreeMap<String, String> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut fields = BTreeMap::new();
    let mut rest = datagram;
    while !rest.is_empty() {
        let end = rest.iter().position(|&byte| byte == b'\n').unwrap();
        let (line, after) = (&rest[..end], &rest[end + 1..]);
        let (name, value, after) = match line.iter().position(|&byte| byte == b'=') {
            Some(at) => (text(&line[..at]), text(&line[at + 1..]), after),
            None => {
                let (length, after) = after.split_first_chunk::<8>().unwrap();
                let length = usize::try_from(u64::from_le_bytes(*length)).unwrap();
                assert_eq!(after[length], b'\n');
                (text(line), text(&after[..length]), &after[length + 1..])
            }
        };
        let fits = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        assert!(name.chars().all(fits) && !name.starts_with('_'), "{name}");
        assert_eq!(fields.insert(name, value), None);
        rest = after;
    }
    fields
}

fn journal(stage: &Stage) -> (UnixDatagram, Command) {
    let path = stage.path("journal");
    let journal = UnixDatagram::bind(&path).unwrap();
    let wait = Some(Duration::from_secs(60));
    journal.set_read_timeout(wait).unwrap();
    let mut command = stage.tanist();
    command.env("TANIST__JOURNAL_SOCKET", path);
    (journal, command)
}

/// Waits for the entry of this event.
fn entry(journal: &UnixDatagram, event: &str) -> BTreeMap<String, String> {
    let mut buffer = vec![0; 1 << 18];
    loop {
        let length = journal.recv(&mut buffer).unwrap();
        let fields = parse(&buffer[..length]);
        if fields["TANIST_EVENT"] == event {
            return fields;
        }
    }
}

#[test]
fn the_journal_gets_entries_with_fields_of_their_own() {
    let stage = Stage::new();
    let (journal, mut command) = journal(&stage);
    command.args([
        "run",
        "-e",
        "demo",
        "-n",
        "a",
        "--once",
        "--log-format",
        "journald",
    ]);
    let output = command.args(["--", "sh", "-c", "exit 3"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stderr.is_empty(), "{output:?}");
    let elected = entry(&journal, "elected");
    let named = |name: &str| elected[name].as_str();
    assert_eq!(
        (named("TANIST_ELECTION"), named("TANIST_NODE")),
        ("demo", "a")
    );
    assert_eq!(
        (named("PRIORITY"), named("SYSLOG_IDENTIFIER")),
        ("6", "tanist")
    );
    assert_eq!(named("TANIST_REASON"), "start");
    assert!(named("TANIST_TERM").parse::<u64>().unwrap() > 0);
    assert!(named("MESSAGE").ends_with("start"));
    let id = named("MESSAGE_ID");
    assert!(
        id.len() == 32 && id.chars().all(|c| c.is_ascii_hexdigit()),
        "{id}"
    );
    let exit = entry(&journal, "exit");
    assert_ne!(exit["MESSAGE_ID"], id);
    assert_eq!(exit["TANIST_EXIT"], "3");
}

#[test]
fn a_message_of_several_lines_is_one_entry() {
    let stage = Stage::new();
    let (journal, mut command) = journal(&stage);
    command.args([
        "run",
        "-e",
        "demo",
        "--log-format",
        "journald",
        "--",
        "no-such-command",
    ]);
    assert_eq!(command.output().unwrap().status.code(), Some(127));
    let error = entry(&journal, "error");
    assert_eq!(error["PRIORITY"], "3");
    assert!(error["MESSAGE"].contains("\n  │ looked in"), "{error:?}");
}

#[test]
fn auto_means_the_journal_only_where_standard_error_goes_there() {
    use std::os::unix::fs::MetadataExt;
    let stage = Stage::new();
    let stderr = stage.path("stderr");
    let file = File::create(&stderr).unwrap();
    let meta = file.metadata().unwrap();
    for (stream, there) in [
        (format!("{}:{}", meta.dev(), meta.ino()), true),
        (format!("{}:{}", meta.dev(), meta.ino() + 1), false),
    ] {
        let _ = std::fs::remove_file(stage.path("journal"));
        let (journal, mut command) = journal(&stage);
        command
            .env("JOURNAL_STREAM", stream)
            .stderr(file.try_clone().unwrap());
        let status = command
            .args(["run", "-e", "demo", "--once", "--", "true"])
            .status();
        assert!(status.unwrap().success());
        journal.set_nonblocking(true).unwrap();
        assert_eq!(journal.recv(&mut [0; 16]).is_ok(), there);
        let said = std::fs::read_to_string(&stderr).unwrap();
        assert_eq!(said.is_empty(), there, "{said}");
    }
}

#[test]
fn without_a_journal_the_log_goes_to_standard_error_and_says_so() {
    let stage = Stage::new();
    let mut command = stage.tanist();
    command.env("TANIST__JOURNAL_SOCKET", stage.path("nobody"));
    command.args([
        "run",
        "-e",
        "demo",
        "--once",
        "--log-format",
        "journald",
        "--",
        "true",
    ]);
    let output = command.output().unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("the journal cannot be reached"), "{said}");
    assert!(said.contains("\"event\":\"exit\""), "{said}");
}

/// As many lines as a log can have: checks that fail all the time, each line told.
fn chatty(stage: &Stage, command: &mut Command) {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    command.args(["run", "-e", "demo", "-n", "a", "-v", "--lease", "1s"]);
    command.args(["--health-interval", "20ms", "--health-start-grace", "1h"]);
    for _ in 0..30 {
        command.args(["--health", &format!("tcp://{closed}")]);
    }
    let beats = stage.path("beats");
    let script = format!(
        "while :; do echo $TANIST_TERM >> {}; sleep 0.01; done",
        beats.display()
    );
    command.args(["--", "sh", "-c", &script]);
}

/// Waits until it leads, then until so much time has passed on the lease; it must have led without a
/// break, and ends when told.
fn leads_on(stage: &Stage, mut node: Child, until_stuck: impl FnOnce(), then: impl FnOnce()) {
    let beats = stage.path("beats");
    let wait_for = |what: &dyn Fn() -> bool| {
        let limit = Instant::now() + Duration::from_secs(60);
        while !what() {
            assert!(Instant::now() < limit);
            std::thread::yield_now();
        }
    };
    let lines = || std::fs::read_to_string(&beats).unwrap_or_default();
    wait_for(&|| !lines().is_empty());
    until_stuck();
    // Three leases: it would have lost the first of them.
    let before = Instant::now();
    wait_for(&|| before.elapsed() > Duration::from_secs(3));
    let known = lines().len();
    wait_for(&|| lines().len() > known);
    let terms: std::collections::BTreeSet<_> = lines().lines().map(str::to_owned).collect();
    assert_eq!(terms.len(), 1, "{terms:?}");
    let answer = control(&stage.run_dir().join("demo.a.sock"), "term");
    assert!(answer["valid_ms"].as_u64().unwrap() > 0, "{answer}");
    then();
    kill_process(Pid::from_child(&node), Signal::TERM).unwrap();
    assert_eq!(node.wait().unwrap().code(), Some(0));
    let status = out(&stage.ask(["status", "demo"]));
    assert!(status.starts_with("demo vacant"), "{status}");
}

/// F88: whoever reads the log is stuck.
#[test]
fn a_full_pipe_for_the_log_holds_up_nothing_and_what_is_lost_is_counted() {
    let stage = Stage::new();
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = stage.tanist();
    chatty(&stage, &mut command);
    let node = command
        .stderr(writer)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    drop(command);
    let until_full = || {
        // Nothing more fits when the pipe holds all it can.
        let full = || rustix::io::ioctl_fionread(&reader).unwrap() > 60_000;
        let limit = Instant::now() + Duration::from_secs(60);
        while !full() {
            assert!(Instant::now() < limit);
            std::thread::yield_now();
        }
    };
    leads_on(&stage, node, until_full, || {
        let mut lines = BufReader::new(&reader).lines().map(Result::unwrap);
        let lost = lines.find(|line| line.contains("lines were dropped"));
        assert!(lost.is_some());
    });
}

/// F88: a disk that is full.
#[test]
fn a_full_disk_for_the_log_holds_up_nothing() {
    let stage = Stage::new();
    let mut command = stage.tanist();
    chatty(&stage, &mut command);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let node = command.stderr(full).stdout(Stdio::null()).spawn().unwrap();
    leads_on(&stage, node, || {}, || {});
}

/// F88: a journal that takes nothing, then all again.
#[test]
fn a_stuck_journal_holds_up_nothing_and_what_is_lost_is_counted() {
    let stage = Stage::new();
    let (journal, mut command) = journal(&stage);
    command.env("TANIST_LOG_FORMAT", "journald");
    chatty(&stage, &mut command);
    let node = command.stdout(Stdio::null()).spawn().unwrap();
    leads_on(
        &stage,
        node,
        || {},
        || {
            // The kernel held a few datagrams for a reader that did not come. Now that there is room again,
            // what was lost is told.
            let lost = entry(&journal, "log");
            assert!(lost["MESSAGE"].contains("lines were dropped"), "{lost:?}");
        },
    );
}
