//! The guard: the process that keeps the child, holds its deadline, and ends it.
//!
//! ```text
//!  supervisor ──spawn──► guard ──spawn──► launcher ──exec──► child ──► its tree
//!      │  ◄── reports ──┘ │ └──spawn──► release program (sleeps until the supervisor is gone)
//!      └── requests ──────►
//! ```
//!
//! The supervisor talks to the store; the guard knows nothing of networks. Whichever of the two
//! dies, the other ends the tree: the guard sees the end of its line, the supervisor that of the
//! guard. Both are subreapers, so no descendant can slip away from them.

mod cgroup;
mod channel;
mod credentials;
mod environment;
mod error;
mod hearing;
mod init;
mod kept;
mod killing;
mod launcher;
mod namespace;
mod orphans;
mod process;
mod procfs;
mod program;
mod releaser;
mod report;
mod setup;
mod spec;
mod sweeper;
mod tree;
mod wire;

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Duration;

use rustix::net::{RecvFlags, SendFlags};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, getpid, pidfd_open, pidfd_send_signal,
    set_child_subreaper, waitid,
};
use tanist_core::Moment;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc::UnboundedReceiver;

use cgroup::Cgroup;
use channel::{DESCRIPTORS_MAX, Descriptors, MESSAGE_MAX, NOTICE_MAX};
use sweeper::Sweeper;
use wire::{Notice, Request};

pub(crate) use cgroup::{directory as cgroup_directory, to_be_had as cgroup_to_be_had};
pub(crate) use credentials::{Account, NoUser, check_user};
pub(crate) use error::GuardError;
pub(crate) use namespace::to_be_had as namespace_to_be_had;
pub(crate) use orphans::reap_strangers;
pub(crate) use process::GuardProcess;
pub(crate) use releaser::Release;
pub(crate) use report::{Containment, GuardReport};
pub(crate) use spec::{ChildStdin, Contain, GuardSpec, Start, Streams};

/// The first argument of a guard.
const GUARD_VERB: &str = "__guard";

/// Runs this process as one of the guard's programs if its first argument says so.
///
/// Nothing else may have happened in the process before: no thread, no open descriptor.
pub(crate) fn hidden_verb(arguments: &[OsString], release: Release) -> Option<ExitCode> {
    let (verb, rest) = arguments.split_first()?;
    let rest = rest.iter().cloned();
    let verb = verb.to_str()?;
    // Started by way of /proc/self/exe, which would be its name in ps.
    let name = match verb {
        GUARD_VERB => c"tanist-guard",
        "__launch" => c"tanist-launch",
        "__init" => c"tanist-init",
        "__release" => c"tanist-release",
        "__try-namespace" => c"tanist-try",
        _ => return None,
    };
    // Only for people; the kernel always takes it.
    let _ = rustix::thread::set_name(name);
    Some(match verb {
        GUARD_VERB => GuardProcess::set_up(rest).map_or_else(|code| code, GuardProcess::serve),
        "__launch" => launcher::run(rest),
        "__init" => init::run(rest),
        "__try-namespace" => namespace::attempt(),
        "__release" => releaser::run(release),
        _ => return None,
    })
}

/// A process of a tanist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Who stands in the election.
    Supervisor,
    /// Who ends the work when it has to.
    Guard,
    /// What these start beside the work.
    Other,
}

impl Part {
    /// Whether the end of the work depends on it alone.
    pub(crate) const fn ends_work(self) -> bool {
        matches!(self, Self::Guard)
    }
}

/// Which part of a tanist a process of this name is, if it is one: as the kernel has its name, which
/// changes when the launcher becomes the child.
pub(crate) fn part(name: &str) -> Option<Part> {
    match name {
        "tanist" => Some(Part::Supervisor),
        "tanist-guard" => Some(Part::Guard),
        "tanist-launch" | "tanist-init" | "tanist-release" | "tanist-try" => Some(Part::Other),
        _ => None,
    }
}

/// A guard as its supervisor holds it: one activation of one child.
///
/// Dropping it while the tree may live is what the supervisor's death is: the guard kills the tree,
/// releases the leadership and ends. A guard that has nothing alive is dismissed by the drop.
#[derive(Debug)]
pub(crate) struct Guard {
    pid: i32,
    /// When it started, in ticks since the boot.
    started: u64,
    line: AsyncFd<OwnedFd>,
    pidfd: AsyncFd<OwnedFd>,
    containment: Containment,
    cgroup: Option<Arc<Cgroup>>,
    sweeper: Sweeper,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The line stands.
    Keeping,
    /// The line has ended; whatever the guard left behind is being swept.
    Sweeping {
        told: UnboundedReceiver<GuardReport>,
    },
    Gone,
}

impl Guard {
    /// Starts a guard with everything it will need; the election need not be won.
    ///
    /// Cancelled, it leaves nothing behind.
    ///
    /// # Errors
    ///
    /// [`GuardError::Refused`] says what about the specification cannot be had on this machine;
    /// [`GuardError::System`] what the system refused.
    pub(crate) async fn spawn(spec: &GuardSpec) -> Result<Self, GuardError> {
        let stdin = rustix::stdio::stdin();
        let own = Streams {
            stdin,
            output: None,
        };
        Self::spawn_with(spec, own).await
    }

    /// The same, with streams for the child other than this process's own.
    ///
    /// # Errors
    ///
    /// As [`Guard::spawn`].
    pub(crate) async fn spawn_with(
        spec: &GuardSpec,
        streams: Streams<'_>,
    ) -> Result<Self, GuardError> {
        let system = |doing| move |source| GuardError::System { doing, source };
        set_child_subreaper(Some(getpid()))
            .map_err(io::Error::from)
            .map_err(system("adopt the orphans of the child"))?;
        let (near, far) = channel::pair().map_err(system("make the guard's line"))?;
        rustix::io::ioctl_fionbio(&near, true)
            .map_err(io::Error::from)
            .map_err(system("make the guard's line"))?;
        let mut command = Command::new(&spec.program);
        command
            .arg0("tanist")
            .arg(GUARD_VERB)
            .args(spec.arguments());
        environment::cover(&mut command, &spec.env);
        command.stdin(far);
        if let Some(output) = streams.output {
            let errors = output
                .try_clone()
                .map_err(system("pass on where the output goes"))?;
            command.stdout(output).stderr(errors);
        }
        let sweeper = Sweeper::ready().map_err(system("make the thread that sweeps after it"))?;
        orphans::outlast_strangers().await;
        let (pid, started, pidfd) = start(&mut command).map_err(system("start the guard"))?;
        drop(command);
        let mut guard = Self {
            pid,
            started,
            line: watch(near, Interest::READABLE | Interest::WRITABLE)?,
            pidfd: watch(pidfd, Interest::READABLE)?,
            containment: Containment::Sweep { no_cgroup: None },
            cgroup: None,
            sweeper,
            state: State::Keeping,
        };
        if spec.stdin == ChildStdin::Inherit {
            guard
                .send(Request::Stdin, &[streams.stdin])
                .map_err(system("pass standard input"))?;
        }
        guard.await_prepared().await?;
        Ok(guard)
    }

    async fn await_prepared(&mut self) -> Result<(), GuardError> {
        let mut buffer = vec![0; NOTICE_MAX];
        let length = self.receive(&mut buffer).await;
        let refused = match length.map(|length| Notice::decode(&buffer[..length])) {
            Some(Some(Notice::Prepared { detail })) => {
                self.containment = Containment::decode(detail).ok_or_else(|| {
                    GuardError::Refused("the guard could not be understood".into())
                })?;
                self.cgroup = self
                    .containment
                    .cgroup()
                    .map(|path| Cgroup::open(path).map(Arc::new))
                    .transpose()
                    .map_err(|source| GuardError::System {
                        doing: "open the child's cgroup",
                        source,
                    })?;
                return Ok(());
            }
            Some(Some(Notice::Refused { reason })) => wire::text(reason),
            _ => "the guard ended during its set-up".to_owned(),
        };
        while self.ending().await != GuardReport::Gone {}
        Err(GuardError::Refused(refused))
    }

    /// What holds the tree together.
    pub(crate) const fn containment(&self) -> &Containment {
        &self.containment
    }

    /// The guard's own process id.
    pub(crate) const fn pid(&self) -> u32 {
        self.pid.cast_unsigned()
    }

    /// Gives the guard what releases the leadership should this process vanish; the last ones count.
    ///
    /// Of the descriptors that go `along`, the release waits for the end of the first, a stream that
    /// whoever else works in the name of the leadership holds open for as long as it lives; the
    /// others stay open until the release is done.
    ///
    /// # Errors
    ///
    /// [`GuardError::TooLarge`] if they are longer than about 60 kB, or if there are more descriptors
    /// than a message carries.
    pub(crate) fn provide_release(
        &mut self,
        bytes: &[u8],
        along: &[BorrowedFd<'_>],
    ) -> Result<(), GuardError> {
        let (size, most) = (along.len(), DESCRIPTORS_MAX);
        if size > most {
            let what = "descriptors for the release";
            return Err(GuardError::TooLarge { what, size, most });
        }
        let most = MESSAGE_MAX - 1;
        if bytes.len() > most {
            return Err(GuardError::TooLarge {
                what: "release bytes",
                size: bytes.len(),
                most,
            });
        }
        self.request(Request::Release(bytes), along);
        Ok(())
    }

    /// Starts the child, unless `start.safe_until` leaves too little time.
    ///
    /// # Errors
    ///
    /// [`GuardError::TooLarge`] if the added variables exceed about 60 kB, or if there are more
    /// descriptors than [`Start::HOLDS_MAX`]. Nothing was started then.
    pub(crate) fn begin(&mut self, start: Start) -> Result<(), GuardError> {
        let env = wire::encode_env(&start.env);
        let most = MESSAGE_MAX - 16;
        if env.len() > most {
            let what = "the variables added for the child";
            return Err(GuardError::TooLarge {
                what,
                size: env.len(),
                most,
            });
        }
        let (size, most) = (start.holds.len(), Start::HOLDS_MAX);
        if size > most {
            return Err(GuardError::TooLarge {
                what: "held descriptors",
                size,
                most,
            });
        }
        let holds: Vec<BorrowedFd<'_>> = start.holds.iter().map(AsFd::as_fd).collect();
        self.request(
            Request::Begin {
                safe_until: start.safe_until,
                env: &env,
            },
            &holds,
        );
        Ok(())
    }

    /// Moves the deadline, to either side.
    pub(crate) fn until(&mut self, safe_until: Moment) {
        // A guard that does not read keeps an older deadline, which only ends the child sooner.
        let _ = self.send(Request::Until(safe_until), &[]);
    }

    /// Stops the child: the stop signal now, the kill after `grace` or when the deadline is near.
    pub(crate) fn end(&mut self, grace: Duration) {
        self.request(Request::End(grace), &[]);
    }

    /// Passes `signal` on to the child's process group.
    pub(crate) fn signal(&mut self, signal: Signal) {
        self.request(Request::Signal(signal.as_raw()), &[]);
    }

    /// Lets a guard go that has nothing alive: before its beginning or after [`GuardReport::Empty`].
    /// It ends without releasing anything, and [`GuardReport::Gone`] follows.
    pub(crate) fn dismiss(&mut self) {
        self.request(Request::Dismiss, &[]);
    }

    /// The next thing the guard has to tell.
    ///
    /// Cancel-safe. When the guard itself dies this process takes over: it kills whatever the guard
    /// left behind and answers [`GuardReport::Gone`] only once that is verified gone, be it never.
    pub(crate) async fn report(&mut self) -> GuardReport {
        if matches!(self.state, State::Keeping) {
            let mut buffer = vec![0; NOTICE_MAX];
            while let Some(length) = self.receive(&mut buffer).await {
                if let Some(report) = Notice::decode(&buffer[..length]).and_then(GuardReport::of) {
                    return report;
                }
            }
        }
        self.ending().await
    }

    /// Waits until the guard has ended and nothing is left of what it kept, or for what keeps that
    /// from being so.
    async fn ending(&mut self) -> GuardReport {
        loop {
            match &mut self.state {
                State::Keeping => {
                    let _ = self.pidfd.readable().await;
                    let cgroup = self.cgroup.clone();
                    let told = self.sweeper.sweep(self.pid, self.started, cgroup);
                    self.state = State::Sweeping { told };
                }
                State::Sweeping { told } => match told.recv().await {
                    Some(GuardReport::Gone) => self.state = State::Gone,
                    Some(report) => return report,
                    // Without the word nothing is proven.
                    None => std::future::pending().await,
                },
                State::Gone => return GuardReport::Gone,
            }
        }
    }

    async fn receive(&self, buffer: &mut [u8]) -> Option<usize> {
        let mut none = Descriptors::default();
        let received = self.line.async_io(Interest::READABLE, |line| {
            channel::receive(line, buffer, &mut none, RecvFlags::DONTWAIT)
        });
        received.await.unwrap_or_else(|_| {
            // A guard that cannot be heard has no more use for its life.
            self.kill();
            None
        })
    }

    /// A guard that cannot be told something is as good as dead; then make it so.
    fn request(&mut self, request: Request<'_>, descriptors: &[BorrowedFd<'_>]) {
        if self.send(request, descriptors).is_err() {
            self.kill();
        }
    }

    fn send(&self, request: Request<'_>, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let mut buffer = vec![0; MESSAGE_MAX];
        let length = request
            .encode(&mut buffer)
            .ok_or(io::ErrorKind::InvalidInput)?;
        channel::send(
            self.line.get_ref(),
            &buffer[..length],
            descriptors,
            SendFlags::DONTWAIT,
        )
    }

    /// Ends the guard itself, as its own death does: what it leaves behind is swept by
    /// [`Guard::report`]. It also ends one that is stopped.
    pub(crate) fn kill(&self) {
        // One that has ended already needs no signal.
        let _ = pidfd_send_signal(self.pidfd.get_ref(), Signal::KILL);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if matches!(self.state, State::Keeping) {
            // Heeded only where nothing is alive; otherwise the end of the line says the rest.
            let _ = self.send(Request::Dismiss, &[]);
        }
    }
}

#[expect(
    deprecated,
    reason = "its successor is unsafe for descriptors that may close; an owned one cannot"
)]
fn watch(descriptor: OwnedFd, interest: Interest) -> Result<AsyncFd<OwnedFd>, GuardError> {
    AsyncFd::with_interest(descriptor, interest).map_err(|source| GuardError::System {
        doing: "watch the guard",
        source,
    })
}

/// Starts `command` as a guard, and reaps those that have ended unattended.
fn start(command: &mut Command) -> io::Result<(i32, u64, OwnedFd)> {
    let mut guards = orphans::guards();
    let ended = |pid: i32| {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        Pid::from_raw(pid).map(|pid| waitid(WaitId::Pid(pid), options))
    };
    guards.retain(|pid| matches!(ended(*pid), Some(Ok(None))));
    let child = command.spawn()?;
    let pid = child.id().cast_signed();
    guards.push(pid);
    // Nobody else reaps it, so the number is its own until it is listed here no more.
    let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
    Ok((pid, orphans::start_of(pid)?, pidfd))
}
