use std::io::{self, Seek, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tanist::{Moment, clock};
use tokio::net::unix::pipe;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::super::silence::Silence;
use super::call::Call;
use super::output::Output;
use super::runner::Runner;
use super::usable::may_be_run;
use crate::args::{HookCommand, HookEvent};
use crate::guard::{Guard, GuardReport, Start, Streams};
use crate::log::{Level, LogLine};
use crate::span::Span;

/// One hook at work, in a task of its own.
#[derive(Debug)]
pub(super) struct HookRun {
    event: HookEvent,
    halt: watch::Sender<bool>,
    task: JoinHandle<Outcome>,
}

/// In whose name a hook works: it ends with the leadership at the latest.
#[derive(Debug)]
pub(super) struct Authority {
    pub(super) deadline: Deadline,
    /// What keeps the leadership with this machine, if there is such a thing.
    pub(super) holds: Vec<OwnedFd>,
    /// Open for as long as anything works in the name of the leadership beside the child.
    pub(super) after: OwnedFd,
}

/// When the leadership ends unless it is renewed, as it moves.
type Deadline = watch::Receiver<Moment>;

/// How a hook ended. Nothing of it is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Outcome {
    /// With 0.
    Done,
    /// With 75: not yet, try again.
    NotYet,
    /// In any other way, which the log tells.
    Failed,
}

impl Authority {
    /// The same for one more. Without the descriptors there is none.
    pub(super) fn share(&self) -> io::Result<Self> {
        let holds = self.holds.iter().map(OwnedFd::try_clone);
        Ok(Self {
            deadline: self.deadline.clone(),
            holds: holds.collect::<Result<_, _>>()?,
            after: self.after.try_clone()?,
        })
    }
}

impl HookRun {
    /// Starts `command`, once nothing is left of the one `before`.
    pub(super) fn start(
        runner: &Arc<Runner>,
        command: HookCommand,
        call: Call,
        authority: Option<io::Result<Authority>>,
        budget: Duration,
        before: Option<Self>,
    ) -> Self {
        let (halt, halted) = watch::channel(false);
        let (event, until) = (call.event, clock::now().at + budget);
        let runner = Arc::clone(runner);
        let task = async move {
            if let Some(mut before) = before {
                before.ended().await;
            }
            let run = Run::new(&runner, &command, until, halted);
            run.live(&command, &call, authority.transpose()).await
        };
        Self {
            event,
            halt,
            task: tokio::spawn(task),
        }
    }

    pub(super) const fn event(&self) -> HookEvent {
        self.event
    }

    /// Kills it.
    pub(super) fn halt(&self) {
        self.halt.send_replace(true);
    }

    /// Waits until it has ended. Cancel safe; not to be asked again afterwards.
    pub(super) async fn ended(&mut self) -> Outcome {
        match (&mut self.task).await {
            Ok(outcome) => outcome,
            // Its guard is left alone, and nothing is known of the tree: only our own end has that
            // verified.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

/// A run, as its task sees it.
struct Run<'a> {
    runner: &'a Runner,
    name: String,
    /// It is stopped then, whatever the leadership may do.
    until: Moment,
    halted: watch::Receiver<bool>,
    begun: Instant,
    /// How it ended, as far as that is known.
    end: Option<Result<Outcome, String>>,
    silence: Silence,
}

impl<'a> Run<'a> {
    fn new(
        runner: &'a Runner,
        command: &HookCommand,
        until: Moment,
        halted: watch::Receiver<bool>,
    ) -> Self {
        let program = Path::new(&command.words[0]).file_name();
        let program = program.unwrap_or_default().to_string_lossy();
        Self {
            runner,
            name: format!("{} {program}", command.event.word()),
            until,
            halted,
            begun: Instant::now(),
            end: None,
            silence: Silence::default(),
        }
    }

    /// All of it, to the last process.
    async fn live(
        mut self,
        command: &HookCommand,
        call: &Call,
        authority: io::Result<Option<Authority>>,
    ) -> Outcome {
        let budget = self.until.since(clock::now().at);
        let begun = match authority {
            Ok(authority) => self.begin(command, call, authority, budget).await,
            Err(error) => Err(error.to_string()),
        };
        let ended = match begun {
            Ok((guard, printed, deadline)) => self.attend(guard, printed, deadline).await,
            Err(why) => Err(why),
        };
        self.tell(ended)
    }

    async fn begin(
        &mut self,
        command: &HookCommand,
        call: &Call,
        authority: Option<Authority>,
        budget: Duration,
    ) -> Result<(Guard, pipe::Receiver, Option<Deadline>), String> {
        let program = Path::new(&command.words[0]);
        if program.is_absolute() && program.exists() {
            may_be_run(program)?;
        }
        let system = |error: io::Error| error.to_string();
        let (printed, output) = io::pipe().map_err(system)?;
        let printed = pipe::Receiver::from_owned_fd(printed.into()).map_err(system)?;
        let document = document(&call.json(budget)).map_err(system)?;
        let spec = self.runner.spec(call.words(command));
        let streams = Streams {
            stdin: document.as_fd(),
            output: Some(output.into()),
        };
        let mut guard = tokio::select! {
            biased;
            // Cancelled, a start leaves nothing behind.
            () = halted(&mut self.halted) => return Err(HALTED.to_owned()),
            guard = Guard::spawn_with(&spec, streams) => guard.map_err(|error| error.to_string())?,
        };
        let (deadline, holds) = match authority {
            Some(Authority {
                deadline,
                mut holds,
                after,
            }) => {
                holds.push(after);
                (Some(deadline), holds)
            }
            None => (None, Vec::new()),
        };
        let start = Start {
            safe_until: self.safe_until(deadline.as_ref()),
            env: call.env(budget),
            holds,
        };
        guard.begin(start).map_err(|error| error.to_string())?;
        let timing = &self.runner.timing;
        self.silence
            .ending(timing, budget + timing.lost_stop_timeout());
        Ok((guard, printed, deadline))
    }

    /// The guard's deadline: what time the hook has, and never more than the leadership.
    fn safe_until(&self, deadline: Option<&Deadline>) -> Moment {
        let timing = &self.runner.timing;
        let stop = timing.lost_stop_timeout() + timing.kill_time() + timing.guard_delay();
        let own = self.until + stop;
        match deadline {
            Some(deadline) => own.min(*deadline.borrow()),
            None => own,
        }
    }

    /// Until nothing of it is left.
    async fn attend(
        &mut self,
        mut guard: Guard,
        printed: pipe::Receiver,
        mut deadline: Option<Deadline>,
    ) -> Result<Outcome, String> {
        let mut output = Output::new(&self.runner.log, &self.name);
        let mut buffer = vec![0; 16 * 1024];
        let mut pause = None;
        loop {
            tokio::select! {
                biased;
                report = guard.report() => if self.reported(report) {
                    break;
                },
                () = self.silence.broken() => {
                    self.silence.explained();
                    guard.kill();
                }
                () = halted(&mut self.halted), if !self.is_halted() => {
                    self.end = Some(Err(HALTED.to_owned()));
                    self.silence.ending(&self.runner.timing, Duration::ZERO);
                    guard.end(Duration::ZERO);
                }
                () = moved(deadline.as_mut()) => {
                    guard.until(self.safe_until(deadline.as_ref()));
                }
                () = sleep_until(pause), if pause.is_some() => pause = None,
                readable = printed.readable(), if pause.is_none() => {
                    let read = readable.and_then(|()| printed.try_read(&mut buffer));
                    pause = measure(&mut output, &buffer, &read);
                }
            }
        }
        // Nobody is left who could print more, so this ends.
        while let Ok(length @ 1..) = printed.try_read(&mut buffer) {
            output.take(&buffer[..length]);
        }
        output.end();
        guard.dismiss();
        self.end
            .take()
            .unwrap_or_else(|| Err("it was lost".to_owned()))
    }

    fn is_halted(&self) -> bool {
        self.end == Some(Err(HALTED.to_owned()))
    }

    /// True once nothing is left.
    fn reported(&mut self, report: GuardReport) -> bool {
        let end = match report {
            GuardReport::Started { .. } => return false,
            GuardReport::Empty => return true,
            GuardReport::Gone => {
                self.end
                    .get_or_insert_with(|| Err("its guard was killed".to_owned()));
                return true;
            }
            GuardReport::Lingering { processes } => {
                self.silence.explained();
                let text = format!("{}: {processes} processes outlive their kill", self.name);
                self.runner.log.say(LogLine::warn("lingering", text));
                return false;
            }
            GuardReport::Hindered { why } => {
                self.silence.explained();
                let text = format!(
                    "{}: what is left of it cannot be seen whole: {why}",
                    self.name
                );
                self.runner.log.say(LogLine::warn("hindered", text));
                return false;
            }
            GuardReport::TooLate => Err("it did not start in time".to_owned()),
            GuardReport::ExecFailed { message, .. } => Err(message),
            GuardReport::DeadlineReached => Err("its time was over".to_owned()),
            GuardReport::Exited { status } => match status.code() {
                Some(0) => Ok(Outcome::Done),
                Some(75) => Ok(Outcome::NotYet),
                _ => Err(status.to_string()),
            },
        };
        // What came first is why.
        self.end.get_or_insert(end);
        false
    }

    fn tell(&self, ended: Result<Outcome, String>) -> Outcome {
        let took = Span(Duration::from_millis(
            u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        ));
        let (level, said, outcome) = match ended {
            Ok(Outcome::NotYet) => (Level::Info, "not yet".to_owned(), Outcome::NotYet),
            Ok(outcome) => (Level::Info, "ok".to_owned(), outcome),
            Err(why) => (Level::Warn, format!("failed: {why}"), Outcome::Failed),
        };
        let line = LogLine::new(
            level,
            "hook",
            format!("{}: {said}, after {took}", self.name),
        );
        let result = match outcome {
            Outcome::Done => "ok",
            Outcome::NotYet => "not-yet",
            Outcome::Failed => "failed",
        };
        let line = line.with("hook", self.name.clone()).with("result", result);
        self.runner.log.say(line);
        outcome
    }
}

const HALTED: &str = "it was ended, because the leadership ends";

/// How often a hook that prints more than is logged is listened to: often enough that it need not
/// wait long, seldom enough that it takes no time from anybody.
const LISTENING: Duration = Duration::from_millis(5);

/// Takes in what was read; until when nothing more is to be.
fn measure(output: &mut Output, buffer: &[u8], read: &io::Result<usize>) -> Option<Instant> {
    match read {
        Ok(length @ 1..) => {
            output.take(&buffer[..*length]);
            output.is_over().then(|| Instant::now() + LISTENING)
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        // The guard holds the other end, so this is the end of the guard, which reports.
        Ok(_) | Err(_) => Some(Instant::now() + Duration::from_secs(1)),
    }
}

/// The document in a file without a name: nobody has to write while the hook reads, and nobody
/// minds if it does not.
fn document(text: &str) -> io::Result<OwnedFd> {
    let file = rustix::fs::memfd_create("tanist-hook", rustix::fs::MemfdFlags::CLOEXEC)?;
    let mut file = std::fs::File::from(file);
    file.write_all(text.as_bytes())?;
    file.rewind()?;
    Ok(file.into())
}

/// Waits for the word to end; for ever where nobody is left to give it.
async fn halted(word: &mut watch::Receiver<bool>) {
    if word.wait_for(|halt| *halt).await.is_err() {
        std::future::pending().await
    }
}

/// Waits until the leadership's deadline has moved.
async fn moved(deadline: Option<&mut Deadline>) {
    // Where nobody moves it any more the guard knows the last one.
    if let Some(deadline) = deadline
        && deadline.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
