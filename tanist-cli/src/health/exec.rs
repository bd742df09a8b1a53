use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::net::unix::pipe;
use tokio::time::Instant;

use super::outcome::{Grade, Outcome};
use crate::guard::{
    ChildStdin, Contain, Guard, GuardError, GuardReport, GuardSpec, Start, Streams,
};
use crate::span::Span;

/// Runs the commands of checks, each under a guard of its own.
///
/// That costs two processes more than the command, and buys what nothing simpler has: whatever the
/// command starts is killed at the time-out, daemons included, and also when this process dies.
#[derive(Clone, Debug)]
pub(super) struct Commands {
    /// The child's own: directory, user, environment.
    spec: GuardSpec,
    timeout: Duration,
}

/// What a guard may take for its own start and end on a machine that is busy.
const GUARD_LIMIT: Duration = Duration::from_secs(5);

/// What of a command's output is read; the rest is taken and dropped, so that it never blocks.
const OUTPUT_MAX: usize = 4 * 1024;

impl Commands {
    pub(super) fn new(child: &GuardSpec, timeout: Duration) -> Self {
        Self {
            spec: GuardSpec {
                contain: Contain::Sweep,
                require_cgroup: false,
                stdin: ChildStdin::Null,
                ..child.clone()
            },
            timeout,
        }
    }

    /// Runs `command` with `env` added. Cancelled, nothing of it is left running.
    pub(super) async fn run(&self, command: &[OsString], env: &[(OsString, OsString)]) -> Outcome {
        let spec = GuardSpec {
            command: command.to_vec(),
            ..self.spec.clone()
        };
        // What a guard needs for itself is not the command's time, but it has a limit, too.
        let limit = self.timeout + spec.timing.lease().max(GUARD_LIMIT);
        let run = tokio::time::timeout(limit, self.run_guarded(&spec, env)).await;
        match run {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => Outcome::fail(format!("the check cannot be run: {error}")),
            Err(_) => Outcome::fail("the check cannot be run: its guard does not answer"),
        }
    }

    async fn run_guarded(
        &self,
        spec: &GuardSpec,
        env: &[(OsString, OsString)],
    ) -> Result<Outcome, GuardError> {
        let failed = |source| GuardError::System {
            doing: "take the check's output",
            source,
        };
        let (output, theirs) = output().map_err(failed)?;
        let streams = Streams {
            stdin: rustix::stdio::stdin(),
            output: Some(theirs),
        };
        let mut guard = Guard::spawn_with(spec, streams).await?;
        guard.begin(Start {
            // Its own deadline is for the case that this process hangs.
            safe_until: tanist::clock::now().at + self.timeout + spec.timing.lease(),
            env: env.to_vec(),
            holds: Vec::new(),
        })?;
        let mut text = Vec::new();
        let ended = self.follow(&mut guard, &output, &mut text).await;
        drain(&output, &mut text);
        guard.dismiss();
        let text = String::from_utf8_lossy(&text);
        Ok(match ended {
            Ended::Status(status) => judge(status, &text),
            Ended::Overdue => Outcome::fail(format!("no answer within {}", Span(self.timeout))),
            Ended::Not(why) => Outcome::fail(why),
        })
    }

    /// Waits until nothing of the command is left, and ends it when its time is over.
    async fn follow(
        &self,
        guard: &mut Guard,
        output: &pipe::Receiver,
        text: &mut Vec<u8>,
    ) -> Ended {
        let due = Instant::now() + self.timeout;
        let mut ended = Ended::Not("the check's guard has ended".to_owned());
        let (mut over, mut silent) = (false, false);
        loop {
            tokio::select! {
                biased;
                report = guard.report() => match report {
                    GuardReport::Exited { status } if !over => {
                        ended = Ended::Status(status);
                        // It has answered; whatever it left behind has nothing to add.
                        over = true;
                        guard.end(Duration::ZERO);
                    }
                    GuardReport::ExecFailed { message, .. } => ended = Ended::Not(message),
                    GuardReport::TooLate => {
                        ended = Ended::Not("the check did not start in time".to_owned());
                    }
                    GuardReport::Empty | GuardReport::Gone => return ended,
                    _ => {}
                },
                () = tokio::time::sleep_until(due), if !over => {
                    over = true;
                    ended = Ended::Overdue;
                    guard.end(Duration::ZERO);
                }
                // A descendant that is still there may keep it open: its end says nothing.
                ready = output.readable(), if !silent => {
                    silent = ready.is_err() || drain(output, text);
                }
            }
        }
    }
}

enum Ended {
    Status(ExitStatus),
    /// Its time was over.
    Overdue,
    /// It never ran.
    Not(String),
}

fn output() -> io::Result<(pipe::Receiver, std::os::fd::OwnedFd)> {
    let (ours, theirs) = io::pipe()?;
    Ok((pipe::Receiver::from_owned_fd(ours.into())?, theirs.into()))
}

/// Takes what is there, and keeps the beginning of it; whether that was the end.
fn drain(output: &pipe::Receiver, text: &mut Vec<u8>) -> bool {
    let mut part = [0; 4096];
    loop {
        match output.try_read(&mut part) {
            Ok(0) => return true,
            Ok(read) => {
                let room = OUTPUT_MAX.saturating_sub(text.len());
                text.extend_from_slice(&part[..read.min(room)]);
            }
            Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
        }
    }
}

/// The scheme of Consul, which monitoring plugins share: 0 passes, 1 warns, all else is critical.
fn judge(status: ExitStatus, text: &str) -> Outcome {
    let said = Outcome::new(Grade::Pass, text).note;
    let with = |what: String| match said.as_str() {
        "" => what,
        said => format!("{what}: {said}"),
    };
    match (status.code(), status.signal()) {
        (Some(0), _) => Outcome::pass(),
        (Some(1), _) => Outcome::new(Grade::Warn, with("exit 1".to_owned())),
        (Some(code), _) => Outcome::fail(with(format!("exit {code}"))),
        (None, signal) => {
            let signal = signal.unwrap_or_default();
            Outcome::fail(with(format!("killed by signal {signal}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_judged_as_consul_does() {
        let judged = |raw: i32| judge(ExitStatus::from_raw(raw), "\n 91% full\nx");
        assert_eq!(judged(0), Outcome::pass());
        assert_eq!(
            judged(1 << 8),
            Outcome::new(Grade::Warn, "exit 1: 91% full")
        );
        assert_eq!(judged(2 << 8), Outcome::fail("exit 2: 91% full"));
        assert_eq!(judged(9), Outcome::fail("killed by signal 9: 91% full"));
        assert_eq!(
            judge(ExitStatus::from_raw(9), ""),
            Outcome::fail("killed by signal 9")
        );
    }
}
