use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::Sender;

use rustix::process::{Pid, Signal, getppid, kill_process, set_parent_process_death_signal};
use serde_json::Value;

use super::misfortune::{Misfortune, signal_child_of};
use super::scene::Scene;
use crate::supervise::is_ours;

/// One node: a real `tanist run`, which is started again whenever it has ended.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: String,
    child: Option<Child>,
    pub(super) leads: Option<Lead>,
}

/// A node at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lead {
    pub(super) term: u64,
    guard: u32,
    work: u32,
}

/// What is heard of the nodes.
#[derive(Debug)]
pub(super) enum News {
    /// A line of the log of a node.
    Line(usize, Value),
    /// A node has ended, and all of its tree with it.
    Ended(usize),
    /// The person at the keyboard has seen enough.
    Stop,
}

impl Lead {
    /// From the line that says that the work was started.
    pub(super) fn of(line: &Value) -> Option<Self> {
        let number = |name: &str| line[name].as_u64();
        Some(Self {
            term: number("term")?,
            guard: number("guard")?.try_into().ok()?,
            work: number("pid")?.try_into().ok()?,
        })
    }
}

impl Node {
    /// The node of this number, not started yet.
    pub(super) fn new(number: usize) -> Self {
        let letter = (b'a'..=b'z').nth(number).map_or('?', char::from);
        Self {
            name: format!("host-{letter}"),
            child: None,
            leads: None,
        }
    }

    /// Starts it; what it says comes as news of `number`.
    pub(super) fn start(
        &mut self,
        scene: &Scene,
        number: usize,
        news: Sender<News>,
    ) -> io::Result<()> {
        let program = std::env::current_exe()?;
        let mut command = Command::new(&program);
        // Neither our settings nor our service manager are theirs.
        let inherited = std::env::vars_os().map(|(name, _)| name);
        for name in inherited.filter(|name| is_ours(name)) {
            command.env_remove(name);
        }
        command
            .arg("__demo-node")
            .arg(std::process::id().to_string());
        // A settings file of this machine is for its own services.
        command.args([
            "run",
            "--config",
            "/dev/null",
            "--election",
            "demo",
            "--node",
            &self.name,
        ]);
        command.args([
            "--store",
            "local:",
            "--log-format",
            "json",
            "--cooldown",
            "200ms",
        ]);
        command.args(["--max-failovers", "1000000/1m", "--contain", "auto"]);
        command.arg("--run-dir").arg(scene.run_dir());
        command.arg("--state-dir").arg(scene.state_dir());
        command
            .arg("--")
            .arg(&program)
            .arg("__demo-work")
            .arg(scene.history());
        // A group of its own: Ctrl-C is for the demo, which ends them in order.
        command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).spawn()?;
        let log = child.stderr.take();
        self.child = Some(child);
        std::thread::Builder::new().spawn(move || {
            let lines = log.map(|log| BufReader::new(log).lines());
            for line in lines.into_iter().flatten().map_while(Result::ok) {
                if let Ok(line) = serde_json::from_str(&line) {
                    // Nobody listens only when the demo is over.
                    let _ = news.send(News::Line(number, line));
                }
            }
            // The stream ends when the last process that holds it has ended.
            let _ = news.send(News::Ended(number));
        })?;
        Ok(())
    }

    /// Whether it runs, as far as we have heard.
    pub(super) const fn runs(&self) -> bool {
        self.child.is_some()
    }

    /// Brings a misfortune upon it. An error means that nothing happened.
    pub(super) fn strike(&self, misfortune: Misfortune) -> io::Result<()> {
        let (Some(child), Some(lead)) = (&self.child, self.leads) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let signal = misfortune.signal();
        match misfortune {
            Misfortune::SupervisorKilled | Misfortune::Stopped => {
                // Not waited for yet, so the number is still its own.
                Ok(kill_process(Pid::from_child(child), signal)?)
            }
            Misfortune::GuardKilled => signal_child_of(child.id(), lead.guard, signal),
            Misfortune::WorkKilled => signal_child_of(lead.guard, lead.work, signal),
        }
    }

    /// Tells it to stop, or kills it.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(child) = &self.child {
            // One that has ended has nothing to be told.
            let _ = kill_process(Pid::from_child(child), signal);
        }
    }

    /// Takes in that it has ended.
    pub(super) fn ended(&mut self) {
        self.leads = None;
        if let Some(mut child) = self.child.take() {
            // Its log has ended, and so it will in a moment if it has not yet.
            let _ = child.wait();
        }
    }
}

/// `__demo-node PARENT run ...`: a node that is stopped when the demo dies.
pub(super) fn run(rest: &[OsString]) -> ExitCode {
    let failed = |error: io::Error| {
        // There is nobody left to tell that the stream is closed.
        let _ = writeln!(io::stderr(), "a node of the demo: {error}");
        ExitCode::FAILURE
    };
    let Some((parent, words)) = rest.split_first() else {
        return failed(io::ErrorKind::InvalidInput.into());
    };
    if let Err(error) = set_parent_process_death_signal(Some(Signal::TERM)) {
        return failed(error.into());
    }
    // It may have died before the wish was known.
    let present = getppid().map(|pid| pid.as_raw_pid().to_string());
    if present.is_none_or(|present| *parent != *present) {
        return ExitCode::FAILURE;
    }
    match std::env::current_exe() {
        Ok(program) => failed(Command::new(program).args(words).exec()),
        Err(error) => failed(error),
    }
}
