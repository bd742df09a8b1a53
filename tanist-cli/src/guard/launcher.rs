use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use nix::sys::signal::SigSet;
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::FdFlags;
use rustix::net::{RecvFlags, SendFlags};
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use tanist::clock;
use tanist_core::Moment;

use super::channel::{self, Descriptors, MESSAGE_MAX, NOTICE_MAX};
use super::credentials::Credentials;
use super::environment;
use super::spec::Options;
use super::wire::{Notice, decode_env};

/// The program that waits for the word and then becomes the child.
///
/// Whatever can fail beforehand has failed before its guard says that it is prepared; only what may
/// change until the election is won (the directory, the command, the time) is looked at after the
/// word. It never outlives its parent: the kernel kills it, and the child it becomes.
pub(super) fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    // It closes itself in the exec, which is how the guard learns that there was one.
    let Ok(line) = rustix::stdio::stdin().try_clone_to_owned() else {
        return ExitCode::FAILURE;
    };
    match Launcher::prepare(arguments) {
        Ok(launcher) => {
            tell(&line, Notice::Prepared { detail: &[] });
            launcher.wait_and_exec(&line)
        }
        Err(reason) => {
            let reason = reason.as_bytes();
            tell(&line, Notice::Refused { reason });
            ExitCode::FAILURE
        }
    }
}

struct Launcher {
    program: OsString,
    arguments: Vec<OsString>,
    cwd: Option<PathBuf>,
    parent: i32,
    /// Signals that come before the word are of no meaning to a child that is not there yet.
    signals: SignalFd,
}

/// The word: [`Launcher`] becomes the child unless it is past this moment.
pub(super) fn encode_go(by: Moment, env: &[u8], buffer: &mut [u8]) -> Option<usize> {
    let nanos = u64::try_from(by.since_origin().as_nanos())
        .ok()?
        .to_le_bytes();
    let length = nanos.len() + env.len();
    let (head, rest) = buffer.get_mut(..length)?.split_at_mut(nanos.len());
    head.copy_from_slice(&nanos);
    rest.copy_from_slice(env);
    Some(length)
}

impl Launcher {
    fn prepare(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        let signals = SigSet::all();
        signals
            .thread_block()
            .map_err(|error| format!("signals: {error}"))?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let signals =
            SignalFd::with_flags(&signals, flags).map_err(|error| format!("signalfd: {error}"))?;
        let mut options = Options::parse(arguments);
        let parent: i32 = options.required("parent", |text| text.to_str()?.parse().ok())?;
        die_with(parent)?;
        if let Some(user) = options.take("user") {
            Credentials::find(&user)?.assume()?;
            // The kernel disarms the signal when the user changes.
            die_with(parent)?;
        }
        let cwd = options.take("cwd").map(PathBuf::from);
        let mut command = options.command.into_iter();
        let program = command.next().ok_or("no command was given")?;
        Ok(Self {
            program,
            arguments: command.collect(),
            cwd,
            parent,
            signals,
        })
    }

    fn wait_and_exec(self, line: &OwnedFd) -> ExitCode {
        let mut message = vec![0; MESSAGE_MAX];
        let mut passed = Descriptors::default();
        let Some(go) = self.await_go(line, &mut message, &mut passed) else {
            return ExitCode::SUCCESS;
        };
        let Some((by, env)) = decode_go(go) else {
            return fail(line, 126, "the guard's word to start is garbled");
        };
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        environment::uncover(&mut command);
        let sockets = passed_on(&env);
        command.envs(env);
        if sockets > 0 {
            // Whoever the sockets are for looks for its own number, which nobody knew before.
            command.env("LISTEN_PID", std::process::id().to_string());
        }
        // What is held has to stay open until the exec hands it on.
        let _holds = match self.settle(&mut passed, sockets) {
            Ok(holds) => holds,
            Err(reason) => return fail(line, 126, &reason),
        };
        // Looked at twice: a stop signal that came in the meantime ends this process as soon as it
        // may, but where it is too late anyway that is the truer thing to say.
        if clock::now().at > by {
            return too_late(line);
        }
        if let Err(error) = SigSet::empty().thread_set_mask() {
            return fail(line, 126, &format!("signals: {error}"));
        }
        tell(line, Notice::Going);
        // The last look: what follows is the exec itself.
        if clock::now().at > by {
            return too_late(line);
        }
        let error = command.exec();
        let (code, reason) = explain(&self.program, &command, &error);
        fail(line, code, &reason)
    }

    /// Waits for the word; `None` if the guard has none to give any more.
    fn await_go<'a>(
        &self,
        line: &OwnedFd,
        message: &'a mut [u8],
        passed: &mut Descriptors,
    ) -> Option<&'a [u8]> {
        loop {
            let mut fds = [
                PollFd::new(line, PollFlags::IN),
                PollFd::new(&self.signals, PollFlags::IN),
            ];
            if poll(&mut fds, None).is_err() {
                continue;
            }
            if !fds[0].revents().is_empty() {
                break;
            }
            while let Ok(Some(_)) = self.signals.read_signal() {}
        }
        let length = channel::receive(line, message, passed, RecvFlags::empty()).ok()??;
        message.get(..length)
    }

    /// Everything between the word and the last look at the clock; answers with what is held.
    fn settle(&self, passed: &mut Descriptors, sockets: i32) -> Result<Vec<OwnedFd>, String> {
        let mut passed = passed.take_each();
        let stdin = passed.next().ok_or("the guard passed no standard input")?;
        let holds: Vec<OwnedFd> = passed.collect();
        rustix::stdio::dup2_stdin(&stdin).map_err(|error| format!("standard input: {error}"))?;
        let holds_kept = holds.iter().map(AsRawFd::as_raw_fd);
        let kept: Vec<i32> = (FIRST_SOCKET..FIRST_SOCKET + sockets)
            .chain(holds_kept)
            .collect();
        close_fds::set_fds_cloexec(3, &kept);
        for hold in &holds {
            rustix::io::fcntl_setfd(hold, FdFlags::empty())
                .map_err(|error| format!("the election's lock: {error}"))?;
        }
        if let Some(cwd) = &self.cwd {
            std::env::set_current_dir(cwd)
                .map_err(|error| format!("cannot enter {}: {error}", cwd.display()))?;
        }
        reset_ignored_signals();
        self.keep_what_the_guard_sent();
        Ok(holds)
    }

    /// Leaves pending, for the child, what the guard sent after its word: the stop signal, it may be.
    /// What others sent may be as old as this process and meant nobody.
    fn keep_what_the_guard_sent(&self) {
        while let Ok(Some(pending)) = self.signals.read_signal() {
            // Out of a PID namespace the guard is nobody.
            let is_the_guard_s = [0, self.parent].contains(&pending.ssi_pid.cast_signed());
            let signal = i32::try_from(pending.ssi_signo)
                .ok()
                .and_then(Signal::from_named_raw);
            if let Some(signal) = signal.filter(|_| is_the_guard_s) {
                let _ = rustix::process::kill_process(rustix::process::getpid(), signal);
            }
        }
    }
}

/// Where a service manager puts the sockets it opened for its service.
const FIRST_SOCKET: i32 = 3;

/// How many descriptors above the first three were opened for the child and came down to here as they
/// were: each process above left them open and at their places.
fn passed_on(env: &[(OsString, OsString)]) -> i32 {
    let sockets = env.iter().find(|(name, _)| name == "LISTEN_FDS");
    let number = sockets.and_then(|(_, number)| number.to_str()?.parse().ok());
    number.unwrap_or(0).clamp(0, 1024)
}

/// Has the kernel kill this process, whatever it becomes, when its parent's thread ends.
fn die_with(parent: i32) -> Result<(), String> {
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| format!("parent-death signal: {error}"))?;
    // It may have died before the signal was armed.
    let still = getppid().map_or(0, |pid| pid.as_raw_pid());
    if still == parent {
        Ok(())
    } else {
        Err("the guard has ended".to_owned())
    }
}

fn decode_go(go: &[u8]) -> Option<(Moment, Vec<(OsString, OsString)>)> {
    let (nanos, env) = go.split_first_chunk()?;
    let by = Duration::from_nanos(u64::from_le_bytes(*nanos));
    Some((Moment::after_origin(by), decode_env(env)?))
}

fn tell(line: &OwnedFd, notice: Notice<'_>) {
    let mut buffer = [0; NOTICE_MAX];
    let length = notice.encode(&mut buffer);
    // A guard that cannot hear it has ended, and then so have we.
    let _ = channel::send(line, &buffer[..length], &[], SendFlags::empty());
}

fn too_late(line: &OwnedFd) -> ExitCode {
    tell(line, Notice::TooLate);
    ExitCode::SUCCESS
}

fn fail(line: &OwnedFd, code: u8, reason: &str) -> ExitCode {
    let reason = reason.as_bytes();
    tell(line, Notice::ExecFailed { code, reason });
    ExitCode::from(code)
}

/// A shell starts background jobs with some signals ignored, and that would outlast every exec.
///
/// A signal that is caught becomes a default one by the exec, and catching one that was ignored
/// loses nothing. Hang-ups stay as they are: ignoring those is what `nohup` was asked to do.
fn reset_ignored_signals() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0);
    for signal in 1..=64 {
        let is_ignored = ignored & (1 << (signal - 1)) != 0;
        if is_ignored && signal != Signal::HUP.as_raw() {
            // The few that cannot be caught cannot be ignored either.
            let _ = signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)));
        }
    }
}

/// The exit code and the sentence for a command that could not be executed.
fn explain(program: &OsStr, command: &Command, error: &io::Error) -> (u8, String) {
    let name = program.display();
    let search = command
        .get_envs()
        .find_map(|(key, value)| (key == "PATH").then_some(value)?)
        .map_or_else(|| OsString::from(DEFAULT_PATH), OsStr::to_owned);
    let is_missing = error.kind() == io::ErrorKind::NotFound;
    let is_path = program.as_bytes().contains(&b'/');
    // One closed directory in PATH makes the system say "permission denied" of a command that is
    // nowhere at all.
    let was_searched = !is_path && error.kind() == io::ErrorKind::PermissionDenied;
    if (is_missing || was_searched) && !is_present(program, &search) {
        let why = match is_path {
            true => "there is no such file".to_owned(),
            false => format!("it is not in PATH ({})", search.display()),
        };
        return (127, format!("cannot execute {name}: {why}"));
    }
    if is_missing {
        return (
            126,
            format!("cannot execute {name}: the interpreter it names is not there"),
        );
    }
    (126, format!("cannot execute {name}: {error}"))
}

/// Where the C library looks for a command without a PATH.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

fn is_present(program: &OsStr, search: &OsStr) -> bool {
    if program.as_bytes().contains(&b'/') {
        return Path::new(program).exists();
    }
    std::env::split_paths(search).any(|dir| dir.join(program).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_interpreter_is_not_a_missing_command() {
        let directory = tempfile::tempdir().unwrap();
        let script = directory.path().join("script");
        std::fs::write(&script, "#!/no/such/interpreter\n").unwrap();
        let missing = io::Error::from(io::ErrorKind::NotFound);
        let explained = |program: &OsStr| {
            let mut command = Command::new(program);
            command.env("PATH", directory.path());
            explain(program, &command, &missing)
        };
        assert_eq!(explained(script.as_os_str()).0, 126);
        assert_eq!(explained(OsStr::new("script")).0, 126);
        assert_eq!(explained(OsStr::new("other")).0, 127);
        assert_eq!(explained(OsStr::new("/no/such/command")).0, 127);
        let refused = io::Error::from(io::ErrorKind::PermissionDenied);
        let explained = |program: &str| {
            let mut command = Command::new(program);
            command.env("PATH", directory.path());
            explain(OsStr::new(program), &command, &refused).0
        };
        assert_eq!(
            (explained("script"), explained("other"), explained("/x")),
            (126, 127, 126)
        );
    }

    #[test]
    fn the_word_is_refused_when_it_does_not_fit() {
        assert_eq!(encode_go(Moment::ORIGIN, &[1; 9], &mut [0; 16]), None);
        assert_eq!(encode_go(Moment::ORIGIN, &[1; 8], &mut [0; 16]), Some(16));
    }
}
