use rustix::process::Signal;

use crate::stage::{Node, Stage};

/// Says each signal it gets, and stops by none of them.
const LISTENER: &str = "for s in HUP USR1 USR2 WINCH ALRM; do trap \"echo $s\" $s; done; \
                        trap 'echo TERM; exit 0' TERM; echo ready; \
                        while :; do sleep 0.05; done";

#[test]
fn signals_for_the_child_reach_it() {
    let stage = Stage::new();
    let mut node = stage.run(&[], LISTENER);
    assert_eq!(node.line(), "ready");
    for (signal, name) in [
        (Signal::HUP, "HUP"),
        (Signal::USR1, "USR1"),
        (Signal::USR2, "USR2"),
        (Signal::WINCH, "WINCH"),
        (Signal::ALARM, "ALRM"),
    ] {
        node.signal(signal);
        assert_eq!(node.line(), name);
    }
    node.signal(Signal::TERM);
    assert_eq!(node.line(), "TERM");
    assert_eq!(node.ended(), (0, "tanist:stopped".to_owned()));
}

/// F78: SIGHUP under nohup.
#[test]
fn under_nohup_a_hang_up_stops_neither() {
    let stage = Stage::new();
    let mut command = std::process::Command::new("nohup");
    let tanist = stage.tanist();
    command
        .arg(tanist.get_program())
        .stdin(std::process::Stdio::null());
    for (name, value) in tanist
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)))
    {
        command.env(name, value);
    }
    command.args(["run", "-e", "demo", "--", "sh", "-c", LISTENER]);
    let mut node = Node::start(command);
    assert_eq!(node.line(), "ready");
    node.signal(Signal::HUP);
    node.signal(Signal::USR1);
    assert_eq!(node.line(), "USR1");
    node.signal(Signal::TERM);
    assert_eq!(node.line(), "TERM");
    assert_eq!(node.ended(), (0, "tanist:stopped".to_owned()));
}

/// F89: SIGTTIN, SIGTTOU, SIGTSTP and SIGCONT, as a terminal sends them.
#[test]
fn the_stops_of_job_control_stop_the_child_but_not_tanist() {
    let stage = Stage::new();
    let mut node = stage.run(&[], "echo $$; exec sleep 1000");
    let child = node.line();
    // Only then does the guard know the child: what comes before is for nobody.
    node.event("started");
    for signal in [Signal::TTIN, Signal::TTOU, Signal::TSTP] {
        node.signal(signal);
        await_state(&child, 'T');
        // It answers, so it goes on; and the child goes on when it is told to.
        let name = std::fs::read_dir(stage.run_dir())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.extension().is_some_and(|kind| kind == "sock"))
            .unwrap();
        assert_eq!(crate::stage::control(&name, "term")["role"], "leader");
        node.signal(Signal::CONT);
        await_state(&child, 'S');
    }
}

/// Waits until the kernel shows this state of the process; the test's limit is its runner's.
fn await_state(pid: &str, state: char) {
    loop {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        if stat.rsplit(") ").next().unwrap().starts_with(state) {
            return;
        }
        std::thread::yield_now();
    }
}

#[test]
fn the_stop_signal_is_the_one_asked_for() {
    let stage = Stage::new();
    let script = "trap 'echo got INT; exit 0' INT; trap 'echo got TERM; exit 0' TERM; \
                  echo ready; while :; do sleep 0.05; done";
    let mut node = stage.run(&["--stop-signal", "SIGINT"], script);
    assert_eq!(node.line(), "ready");
    node.signal(Signal::TERM);
    assert_eq!(node.line(), "got INT");
    assert_eq!(node.ended(), (0, "tanist:stopped".to_owned()));
}

/// F68: a child that ignores SIGTERM.
#[test]
fn a_child_that_ignores_the_stop_is_killed_after_the_timeout() {
    let stage = Stage::new();
    let script = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
    let mut node = stage.run(&["--stop-timeout", "300ms"], script);
    assert_eq!(node.line(), "ready");
    node.signal(Signal::TERM);
    assert_eq!(node.event("ended")["status"], 137);
    assert_eq!(node.ended(), (0, "tanist:stopped".to_owned()));
}

/// F78: SIGTERM, then SIGINT.
#[test]
fn a_second_signal_kills_at_once() {
    let stage = Stage::new();
    let script = "trap 'echo asked' TERM; echo ready; while :; do sleep 0.05; done";
    let mut node = stage.run(&["--stop-timeout", "10m"], script);
    assert_eq!(node.line(), "ready");
    node.signal(Signal::TERM);
    assert_eq!(node.line(), "asked");
    node.signal(Signal::INT);
    node.event("killing");
    assert_eq!(node.event("ended")["status"], 137);
    assert_eq!(node.ended(), (130, "tanist:interrupted".to_owned()));
}

/// F69: a descendant in a session of its own.
#[test]
fn what_is_left_of_the_tree_goes_with_its_child() {
    let stage = Stage::new();
    let script = "setsid sh -c 'echo $$; exec sleep 1000' & sleep 0.01; wait";
    let mut node = stage.run(&[], script);
    let escaped = node.line();
    node.signal(Signal::TERM);
    assert_eq!(node.ended().0, 0);
    assert!(!std::path::Path::new(&format!("/proc/{escaped}")).exists());
}

/// F78: SIGXFSZ, which a limit on file sizes or a full quota sends, and SIGPIPE.
#[test]
fn what_cannot_be_written_ends_nobody() {
    let stage = Stage::new();
    let mut node = stage.run(&[], LISTENER);
    assert_eq!(node.line(), "ready");
    for signal in [Signal::XFSZ, Signal::PIPE] {
        node.signal(signal);
        node.signal(Signal::USR1);
        assert_eq!(node.line(), "USR1");
    }
    node.signal(Signal::QUIT);
    assert_eq!(node.line(), "TERM");
    assert_eq!(node.ended(), (0, "tanist:stopped".to_owned()));
}
