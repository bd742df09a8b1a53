use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};
use rustix::process::{Pid, Signal, kill_process};
use tanist_testkit::Need;

use crate::stage::{Stage, control, wait_until};

/// Two leases long a leader goes on being asked for.
const LEASE: Duration = Duration::from_millis(800);

/// Waits until it has led for two leases, by renewals alone; then stops it, and takes its code.
fn leads_on_and_stops(stage: &Stage, mut node: Child) -> Option<i32> {
    let mut said = BufReader::new(node.stdout.take().unwrap()).lines();
    assert_eq!(said.next().unwrap().unwrap(), "up");
    let socket = stage.run_dir().join("demo.a.sock");
    wait_until("it leads", || {
        control(&socket, "status")["role"] == "leader"
    });
    let term = control(&socket, "status")["term"].clone();
    let until = std::time::Instant::now() + 2 * LEASE;
    wait_until("two leases are over", || {
        let status = control(&socket, "status");
        assert_eq!(
            (&status["role"], &status["term"]),
            (&"leader".into(), &term)
        );
        std::time::Instant::now() > until
    });
    kill_process(Pid::from_child(&node), Signal::TERM).unwrap();
    let code = node.wait().unwrap().code();
    // One activation, and its end.
    assert!(said.next().is_none());
    code
}

fn run(stage: &Stage, script: &str) -> Command {
    let mut command = stage.tanist();
    command.args(["run", "-e", "demo", "--node", "a", "--lease", "800ms", "-v"]);
    command.args(["--", "sh", "-c", script]);
    command.stdout(Stdio::piped());
    command
}

/// F64, F88: standard error is a pipe that is full, and nobody reads it.
#[test]
fn a_log_that_nobody_reads_holds_up_nothing() {
    let stage = Stage::new();
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).unwrap();
    fcntl_setpipe_size(&writer, 4096).unwrap();
    let mut filler = File::from(writer.try_clone().unwrap());
    while filler.write(&[b'x'; 512]).is_ok() {}
    // What is inherited has to block, as a pipe does.
    rustix::io::ioctl_fionbio(&writer, false).unwrap();
    drop(filler);
    let mut command = run(&stage, "echo up; exec sleep 1000");
    let node = command.stderr(writer).spawn().unwrap();
    drop(command);
    assert_eq!(leads_on_and_stops(&stage, node), Some(0));
    let mut text = Vec::new();
    let _ = File::from(reader).read_to_end(&mut text);
    // Not a word of its own fitted.
    assert!(
        text.iter().all(|byte| *byte == b'x'),
        "the pipe was not full"
    );
}

/// F88: standard error is a file on a disk of 64 kB that is full.
#[test]
fn a_log_on_a_full_disk_holds_up_nothing() {
    if !Need::Root.go_on() {
        return;
    }
    let stage = Stage::new();
    let disk = stage.path("disk");
    std::fs::create_dir(&disk).unwrap();
    let inner = run(&stage, "echo up; exec sleep 1000");
    let small = "mount -t tmpfs -o size=64k tmpfs \"$0\" && cat /dev/zero >\"$0/fill\" 2>/dev/null; \
                 exec \"$@\" 2>\"$0/log\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", small]).arg(&disk);
    command.arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)))
    {
        command.env(name, value);
    }
    let node = command
        .stdout(Stdio::piped())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let log = format!("/proc/{}/fd/2", node.id());
    wait_until("it writes there", || {
        std::fs::read_link(&log).is_ok_and(|path| path.ends_with("disk/log"))
    });
    let log = File::open(log).unwrap();
    assert_eq!(leads_on_and_stops(&stage, node), Some(0));
    assert_eq!(log.metadata().unwrap().len(), 0, "the disk was not full");
}

/// F71, F88: whoever reads the child's output is stuck: that is the child's affair.
#[test]
fn an_output_that_nobody_reads_stops_the_child_and_not_tanist() {
    let stage = Stage::new();
    // It fills its pipe behind the first line, and blocks in the write.
    let command = run(&stage, "echo up; exec cat /dev/zero").spawn();
    let mut node = command.unwrap();
    let stdout = node.stdout.take().unwrap();
    let mut first = [0; 3];
    let mut stdout = stdout;
    stdout.read_exact(&mut first).unwrap();
    let socket = stage.run_dir().join("demo.a.sock");
    wait_until("it leads", || {
        control(&socket, "status")["role"] == "leader"
    });
    let child = control(&socket, "status")["pid"].as_i64().unwrap();
    let child = i32::try_from(child).unwrap();
    let blocked = format!("/proc/{child}/wchan");
    wait_until("it is blocked", || {
        std::fs::read_to_string(&blocked).is_ok_and(|at| at.contains("pipe_write"))
    });
    kill_process(Pid::from_child(&node), Signal::TERM).unwrap();
    assert_eq!(node.wait().unwrap().code(), Some(0));
    assert!(crate::stage::state_of(child).is_none());
}
