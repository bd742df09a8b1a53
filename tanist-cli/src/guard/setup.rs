use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::net::RecvFlags;
use rustix::process::{
    Resource, Rlimit, getpid, getrlimit, set_child_subreaper, setrlimit, setsid,
};
use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
use tanist_core::Workload;

use super::cgroup::Cgroup;
use super::channel::{self, Descriptors, MESSAGE_MAX};
use super::kept::Kept;
use super::namespace;
use super::process::{GuardProcess, Progress, send_notice};
use super::program::Program;
use super::report::Containment;
use super::spec::{ChildStdin, Contain, GuardArguments, option};
use super::tree::Tree;
use super::wire::{Notice, Request};

/// What makes a process the guard, in the one order in which it works.
impl GuardProcess {
    /// Sets everything up and tells the supervisor so, or tells it why not.
    ///
    /// Standard input is the line to the supervisor. Whatever the guard will ever need is started,
    /// opened and allocated here.
    pub(crate) fn set_up(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, ExitCode> {
        let line = rustix::stdio::stdin()
            .try_clone_to_owned()
            .map_err(|_| ExitCode::FAILURE)?;
        let prepared = GuardArguments::parse(arguments)
            .map_err(|error| format!("guard: {error}"))
            .and_then(|arguments| Self::prepare(&arguments, line.as_fd()));
        match prepared {
            Ok((mut guard, containment)) => {
                let detail = containment.encode();
                send_notice(Some(&line), Notice::Prepared { detail: &detail });
                guard.line = Some(line);
                drop(detail);
                Ok(guard)
            }
            Err(reason) => {
                send_notice(
                    Some(&line),
                    Notice::Refused {
                        reason: reason.as_bytes(),
                    },
                );
                Err(ExitCode::FAILURE)
            }
        }
    }

    fn prepare(
        arguments: &GuardArguments,
        line: std::os::fd::BorrowedFd<'_>,
    ) -> Result<(Self, Containment), String> {
        let signals = keep_signals_out()?;
        // A group of its own: nothing that is sent to the supervisor's reaches it.
        setsid().map_err(|error| format!("guard: setsid: {error}"))?;
        set_child_subreaper(Some(getpid()))
            .map_err(|error| format!("guard: subreaper: {error}"))?;
        let null = File::options().read(true).write(true).open("/dev/null");
        let null = null.map_err(|error| format!("guard: /dev/null: {error}"))?;
        let stdin = match arguments.stdin {
            ChildStdin::Null => null.try_clone().map(OwnedFd::from),
            ChildStdin::Inherit => receive_stdin(line),
        }
        .map_err(|error| format!("guard: the child's standard input: {error}"))?;
        // Standard input was the line; a copy of that would keep it open in nobody's name.
        let rewired = rustix::stdio::dup2_stdin(&null);
        rewired.map_err(|error| format!("guard: standard input: {error}"))?;

        let (cgroup, no_cgroup) = find_cgroup(arguments)?;
        let releaser = Program::spawn(&["__release".into()], Stdio::null())
            .map_err(|error| format!("guard: cannot start the release program: {error}"))?;
        let tree = start_tree(arguments, cgroup.as_ref())?;
        releaser
            .await_prepared()
            .map_err(|reason| format!("guard: release program: {reason}"))?;
        // The child's output is the child's; a guard that held it would keep its reader waiting.
        let _ = rustix::stdio::dup2_stdout(&null);
        drop(null);

        let timer = timerfd_create(
            TimerfdClockId::Boottime,
            TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK,
        )
        .map_err(|error| format!("guard: timer: {error}"))?;
        let containment = describe(arguments, cgroup.as_ref(), no_cgroup, tree.caveat);
        let guard = Self {
            timing: arguments.timing,
            workload: Workload::new(arguments.timing),
            stop_signal: arguments.stop_signal,
            line: None,
            timer,
            signals,
            tree: Tree::new().map_err(|error| {
                format!("guard: the tree below it cannot be read from /proc: {error}")
            })?,
            cgroup,
            root: tree.root,
            namespaced: arguments.contain == Contain::Pidns,
            gate: tree.gate,
            releaser,
            stdin,
            inbox: vec![0; MESSAGE_MAX].into_boxed_slice(),
            outbox: vec![0; MESSAGE_MAX].into_boxed_slice(),
            variables: Kept::new(),
            release_bytes: Kept::new(),
            release_along: Descriptors::default(),
            holds: Descriptors::default(),
            early: 0,
            progress: Progress::default(),
        };
        toughen();
        Ok((guard, containment))
    }
}

struct StartedTree {
    root: Program,
    gate: Option<OwnedFd>,
    /// Why `/proc` inside a PID namespace shows the outside.
    caveat: Option<String>,
}

/// Nothing but a kill ends a guard. A terminal or a service manager that signals a whole group
/// means the supervisor, which then says here what has to be done; to obey it here too would cost
/// the child the time it has for stopping.
fn keep_signals_out() -> Result<SignalFd, String> {
    SigSet::all()
        .thread_block()
        .map_err(|error| format!("guard: signals: {error}"))?;
    // Were it ignored, as some parents leave it, the kernel would reap and tell nobody. Blocked as
    // it is, the handler never runs.
    signal_hook::flag::register(Signal::SIGCHLD as i32, Arc::new(AtomicBool::new(false)))
        .map_err(|error| format!("guard: signals: {error}"))?;
    let children = SigSet::from(Signal::SIGCHLD);
    SignalFd::with_flags(&children, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
        .map_err(|error| format!("guard: signalfd: {error}"))
}

fn receive_stdin(line: std::os::fd::BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let mut message = [0; 64];
    let mut passed = Descriptors::default();
    let length = channel::receive(line, &mut message, &mut passed, RecvFlags::empty())?;
    let is_stdin =
        length.map(|length| Request::decode(&message[..length])) == Some(Some(Request::Stdin));
    let stdin = passed.take_each().next().filter(|_| is_stdin);
    stdin.ok_or_else(|| io::Error::other("the supervisor did not pass it"))
}

fn find_cgroup(arguments: &GuardArguments) -> Result<(Option<Cgroup>, Option<String>), String> {
    let required = arguments.require_cgroup || arguments.contain == Contain::Cgroup;
    if !required && arguments.contain != Contain::Auto {
        return Ok((None, None));
    }
    match Cgroup::create() {
        Ok(cgroup) => Ok((Some(cgroup), None)),
        Err(reason) if required => Err(format!(
            "a cgroup is required but not to be had: {reason}; run as root, let the service manager \
             delegate one (Delegate=yes), or ask for --contain sweep without --require-cgroup"
        )),
        Err(reason) => Ok((None, Some(reason))),
    }
}

fn start_tree(arguments: &GuardArguments, cgroup: Option<&Cgroup>) -> Result<StartedTree, String> {
    let mut words = Vec::new();
    words.extend(arguments.cwd.iter().map(|cwd| option("cwd", cwd)));
    words.extend(arguments.user.iter().map(|user| option("user", user)));
    words.push("--".into());
    words.extend(arguments.command.iter().cloned());
    let mut tree = if arguments.contain == Contain::Pidns {
        let (root, gate, caveat) = namespace::start(&words)?;
        StartedTree {
            root,
            gate: Some(gate),
            caveat,
        }
    } else {
        let own = getpid().as_raw_pid().to_string();
        let launch = ["__launch".into(), option("parent", own)];
        let words: Vec<OsString> = launch.into_iter().chain(words).collect();
        let mut root = Program::spawn(&words, Stdio::inherit())
            .map_err(|error| format!("guard: cannot start the launcher: {error}"))?;
        root.await_prepared()?;
        StartedTree {
            gate: root.line.take(),
            root,
            caveat: None,
        }
    };
    if let Some((cgroup, root)) = cgroup.zip(tree.root.pid)
        && let Err(reason) = cgroup.add(root)
    {
        tree.root.signal(rustix::process::Signal::KILL);
        tree.gate = None;
        return Err(reason);
    }
    Ok(tree)
}

fn describe(
    arguments: &GuardArguments,
    cgroup: Option<&Cgroup>,
    no_cgroup: Option<String>,
    caveat: Option<String>,
) -> Containment {
    let cgroup = cgroup.map(|cgroup| cgroup.path().to_owned());
    match (arguments.contain, cgroup) {
        (Contain::Pidns, cgroup) => Containment::Pidns { cgroup, caveat },
        (_, Some(path)) => Containment::Cgroup { path },
        (_, None) => Containment::Sweep { no_cgroup },
    }
}

/// What helps in bad times and does no harm where it is not permitted.
fn toughen() {
    // Whoever runs out of memory, it should not be the one that stops the others.
    let _ = fs::write("/proc/self/oom_score_adj", "-900");
    let _ = rustix::process::setpriority_process(None, -20);
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    );
    // A locked stack may not grow past the limit on locked memory, so it grows before.
    std::hint::black_box([0_u8; 128 * 1024]);
    let _ = mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT);
}
