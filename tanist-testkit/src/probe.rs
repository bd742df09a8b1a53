//! What a `tanist-probe` does: it is the work that tells the truth about when it ran.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tanist_core::Moment;

use crate::boot_clock;
use crate::line::{Line, ProbeRole};
use crate::probe_options::{ProbeOptions, Stage};

/// The length of every line in the log.
const BLOCK: usize = 256;
/// The exit code of a probe that could not bind the port it was told to serve.
const CANNOT_LISTEN: u8 = 98;

/// One process of a probe's tree.
#[derive(Debug)]
pub struct Probe {
    options: ProbeOptions,
    log: File,
    line: Line,
    started: Moment,
}

impl Probe {
    /// Does what `options` say until it is told to stop; returns how the process shall end.
    ///
    /// The root writes its first line before it does anything else, then grows its tree.
    ///
    /// # Errors
    ///
    /// When the log cannot be written or a process cannot be started.
    pub fn run(options: ProbeOptions) -> io::Result<ExitCode> {
        match options.stage {
            Stage::ShieldThenRun => Err(reexec_ignoring_term(options)),
            Stage::Leave => leave(options),
            Stage::Run => {
                let mut probe = Self::open(options)?;
                probe.write()?;
                probe.live()
            }
        }
    }

    fn open(options: ProbeOptions) -> io::Result<Self> {
        let started = boot_clock::now();
        let log = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&options.log)?;
        let activation = options.activation.clone().unwrap_or_else(|| {
            let term = options
                .term
                .map_or_else(|| "-".to_owned(), |term| term.to_string());
            format!(
                "{}/{term}/{}",
                options.instance,
                started.since_origin().as_nanos()
            )
        });
        let line = Line {
            at: started,
            pid: std::process::id(),
            role: options.role,
            activation,
            term: options.term,
        };
        Ok(Self {
            options,
            log,
            line,
            started,
        })
    }

    fn live(&mut self) -> io::Result<ExitCode> {
        if self.line.role == ProbeRole::Root
            && let Some(address) = self.options.listen.clone()
        {
            match TcpListener::bind(&address) {
                Ok(listener) => serve(listener, self.line.activation.clone()),
                Err(error) => {
                    writeln!(io::stderr(), "probe cannot listen at {address}: {error}")?;
                    return Ok(ExitCode::from(CANNOT_LISTEN));
                }
            }
        }
        self.grow()?;
        let ticks = ticks_every(self.options.every)?;
        let stop = self.stop_signal()?;
        let mut stop_at = None;
        loop {
            if ticked_or_told(&ticks, stop.as_ref())? && stop_at.is_none() {
                stop_at = Some(boot_clock::now() + self.options.stop_takes);
            }
            let now = boot_clock::now();
            if stop_at.is_some_and(|at| now >= at) {
                return Ok(ExitCode::SUCCESS);
            }
            if let Some(code) = self.ends_by_itself(now) {
                return Ok(code);
            }
            self.write()?;
        }
    }

    /// A left-behind tree of a failed test must not stay for ever.
    fn ends_by_itself(&self, now: Moment) -> Option<ExitCode> {
        let age = now.since(self.started);
        if self.line.role == ProbeRole::Root && self.options.exit_after.is_some_and(|at| age >= at)
        {
            return Some(ExitCode::from(self.options.exit_code));
        }
        (age >= self.options.life).then_some(ExitCode::SUCCESS)
    }

    /// One line, one write, so that the kernel keeps lines of different processes apart. All of
    /// one length that divides a page's: where a write crosses from page to page, a kill may cut
    /// it in two.
    fn write(&mut self) -> io::Result<()> {
        self.line.at = boot_clock::now();
        let text = format!("{:<width$}\n", self.line.to_string(), width = BLOCK - 1);
        if text.len() != BLOCK {
            return Err(io::Error::other(format!(
                "longer than {BLOCK} bytes: {text}"
            )));
        }
        let written = self.log.write(text.as_bytes())?;
        if written == text.len() {
            Ok(())
        } else {
            Err(io::Error::other(format!(
                "{written} of {} bytes written",
                text.len()
            )))
        }
    }

    fn grow(&self) -> io::Result<()> {
        if self.options.alone {
            return Ok(());
        }
        match self.line.role {
            ProbeRole::Root => {
                self.descendant(ProbeRole::Child, Stage::Run).spawn()?;
                if self.options.escapee {
                    let mut leaver = self.descendant(ProbeRole::Escapee, Stage::Leave);
                    leaver
                        .stdin(Stdio::null())
                        .stdout(Stdio::null())
                        .stderr(Stdio::null());
                    leaver.spawn()?.wait()?;
                }
                Ok(())
            }
            ProbeRole::Child => self
                .descendant(ProbeRole::Grandchild, Stage::Run)
                .spawn()
                .map(drop),
            ProbeRole::Grandchild | ProbeRole::Escapee => Ok(()),
        }
    }

    fn descendant(&self, role: ProbeRole, stage: Stage) -> Command {
        let mut options = self.options.clone();
        options.role = role;
        options.stage = stage;
        options.activation = Some(self.line.activation.clone());
        command(&options)
    }

    /// Only a root that needs time to stop listens for the signal; all others die of it.
    fn stop_signal(&self) -> io::Result<Option<UnixStream>> {
        if self.line.role != ProbeRole::Root || self.options.stop_takes.is_zero() {
            return Ok(None);
        }
        let (told, teller) = UnixStream::pair()?;
        signal_hook::low_level::pipe::register(signal_hook::consts::SIGTERM, teller)?;
        Ok(Some(told))
    }
}

/// This program again. Through the link of the running image, because its file may be gone.
fn command(options: &ProbeOptions) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("tanist-probe").args(options.to_args());
    command
}

/// A shell ignores the signal on our behalf: what is ignored stays so across an exec.
fn reexec_ignoring_term(mut options: ProbeOptions) -> io::Error {
    options.stage = Stage::Run;
    let image = match std::env::current_exe() {
        Ok(image) => image,
        Err(error) => return error,
    };
    Command::new("/bin/sh")
        .args(["-c", r#"trap "" TERM; exec "$@""#, "sh"])
        .arg(image)
        .args(options.to_args())
        .exec()
}

/// The middle of a double fork: a session of its own, a child in it, and gone.
fn leave(mut options: ProbeOptions) -> io::Result<ExitCode> {
    rustix::process::setsid()?;
    options.stage = Stage::Run;
    command(&options).spawn()?;
    Ok(ExitCode::SUCCESS)
}

/// Tells everybody who connects which activation serves.
fn serve(listener: TcpListener, activation: String) {
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // A client that went away is no concern of the service.
            let _gone = stream.write_all(activation.as_bytes());
        }
    });
}

fn ticks_every(span: Duration) -> io::Result<OwnedFd> {
    let timer = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::CLOEXEC)?;
    let span = Timespec::try_from(span).map_err(|_| io::ErrorKind::InvalidInput)?;
    let spec = Itimerspec {
        it_interval: span,
        it_value: span,
    };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &spec)?;
    Ok(timer)
}

/// Waits for the next tick; true if the stop signal came.
fn ticked_or_told(ticks: &OwnedFd, stop: Option<&UnixStream>) -> io::Result<bool> {
    let mut fds = vec![PollFd::new(ticks, PollFlags::IN)];
    fds.extend(stop.map(|stop| PollFd::from_borrowed_fd(stop.as_fd(), PollFlags::IN)));
    match poll(&mut fds, None) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let told = fds.get(1).is_some_and(|fd| !fd.revents().is_empty());
    if fds[0].revents().contains(PollFlags::IN) {
        rustix::io::read(ticks, &mut [0_u8; 8])?;
    }
    Ok(told)
}
