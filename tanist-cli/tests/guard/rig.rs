use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use rustix::time::{ClockId, clock_gettime};
use tanist_core::Moment;
use tempfile::TempDir;

use crate::look::{children, innermost, pidfd, wait_for_end};
use crate::tripwire::{Tripwire, timespec};

/// How long a test waits for something that has to happen. It only ever costs time when it does not.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Whoever runs without privilege.
pub(crate) const NOBODY: u32 = 65534;

/// One supervisor with its guard, and a directory with everything they leave behind.
pub(crate) struct Rig {
    directory: TempDir,
    process: Child,
    pub(crate) pidfd: OwnedFd,
    orders: Option<ChildStdin>,
    said: Receiver<String>,
    guard: RefCell<Option<OwnedFd>>,
    in_a_namespace: bool,
}

impl Rig {
    /// A supervisor that is started by `program`, and what it says.
    pub(crate) fn start_up(directory: TempDir, mut program: Command, in_a_namespace: bool) -> Self {
        let mut process = program.spawn().unwrap();
        let pid = Pid::from_child(&process);
        let orders = process.stdin.take();
        let (sender, said) = channel();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).unwrap();
        Self {
            directory,
            process,
            pidfd,
            orders,
            said,
            guard: RefCell::default(),
            in_a_namespace,
        }
    }

    /// The process that was there before the supervisor. The supervisor has to be ready.
    pub(crate) fn elder(&self) -> i32 {
        let number = fs::read_to_string(self.path("elder")).unwrap();
        number.trim().parse().unwrap()
    }

    /// Gives the supervisor an order.
    pub(crate) fn tell(&mut self, order: &str) {
        writeln!(self.orders.as_mut().unwrap(), "{order}").unwrap();
    }

    /// The next thing the supervisor says, which has to begin with `wanted`; answers with the rest.
    ///
    /// That the dying take their time may be said at any moment on a busy machine, and is passed
    /// over unless it is what is wanted.
    pub(crate) fn expect(&self, wanted: &str) -> String {
        loop {
            let said = self.said.recv_timeout(PATIENCE);
            let line = said.unwrap_or_else(|error| panic!("no {wanted:?}: {error}"));
            if let Some(rest) = line.strip_prefix(wanted) {
                return rest.trim().to_owned();
            }
            assert!(
                line.starts_with("lingering "),
                "not {wanted:?} but {line:?}"
            );
        }
    }

    /// Has the supervisor stay when its guard is gone.
    pub(crate) fn keep_after_gone(&mut self) {
        self.tell("stay");
        self.expect("staying");
    }

    /// Waits until the guard is prepared; answers with its process id and its containment.
    pub(crate) fn ready(&self) -> (i32, String) {
        let said = self.expect("ready ");
        let (pid, containment) = said.split_once(' ').unwrap();
        let said = pid.parse().unwrap();
        let guard = if self.in_a_namespace {
            self.outer_number(said)
        } else {
            said
        };
        *self.guard.borrow_mut() = Some(pidfd(guard));
        (guard, containment.to_owned())
    }

    /// The number that the supervisor's child with this number in their namespace has in ours.
    pub(crate) fn outer_number(&self, inside: i32) -> i32 {
        let unshare = self.pid().as_raw_pid();
        let supervisor = children(unshare)[0];
        let mut guards = children(supervisor).into_iter();
        guards.find(|pid| innermost(*pid) == inside).unwrap()
    }

    /// Starts the child with this much lease; answers with the deadline.
    pub(crate) fn begin(&mut self, lease: Duration) -> Moment {
        let safe_until = now() + lease;
        self.tell(&format!("begin {}", safe_until.since_origin().as_nanos()));
        safe_until
    }

    /// Like [`Rig::begin`], with a lease that outlasts the test and a lock that guard and child keep;
    /// answers with another one on the same file.
    pub(crate) fn begin_with_lock(&mut self) -> fs::File {
        let path = self.path(LOCK);
        fs::write(&path, "").unwrap();
        let lock = fs::File::open(&path).unwrap();
        let far = (now() + Duration::from_secs(600)).since_origin();
        self.tell(&format!("begin {} {}", far.as_nanos(), path.display()));
        lock
    }

    /// Ready, begun with a lease that outlasts the test, and started; answers with the child.
    pub(crate) fn start(&mut self) -> i32 {
        self.ready();
        self.begin(Duration::from_secs(600));
        self.expect("started ").parse().unwrap()
    }

    /// Ends a guard whose tree is empty, and with it the supervisor.
    pub(crate) fn dismiss(&mut self) {
        self.tell("dismiss");
        self.expect("gone");
        assert_eq!(self.allocations(), 0, "the guard allocated");
    }

    /// A file of the rig's directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A tripwire that the child's script opens as `$DIR/NAME`. To be made before it begins.
    pub(crate) fn tripwire(&self, name: &str) -> Tripwire {
        Tripwire::new(self.path(name))
    }

    /// Stops the supervisor, and waits until it has stopped.
    pub(crate) fn freeze(&self) {
        pidfd_send_signal(&self.pidfd, Signal::STOP).unwrap();
        let stopped = rustix::process::WaitIdOptions::STOPPED;
        rustix::process::waitid(rustix::process::WaitId::Pid(self.pid()), stopped).unwrap();
    }

    pub(crate) fn thaw(&self) {
        pidfd_send_signal(&self.pidfd, Signal::CONT).unwrap();
    }

    /// Kills the supervisor alone.
    pub(crate) fn kill(&self) {
        pidfd_send_signal(&self.pidfd, Signal::KILL).unwrap();
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.process)
    }

    /// How often the guard allocated between its set-up and its end.
    pub(crate) fn allocations(&self) -> usize {
        wait_for_file(&self.path(ALLOCATIONS))
            .trim()
            .parse()
            .unwrap()
    }

    /// What the release program was given, once it has run.
    pub(crate) fn released(&self) -> String {
        wait_for_file(&self.path(RELEASED))
    }

    /// Whether the release program was given anything.
    pub(crate) fn was_released(&self) -> bool {
        self.path(RELEASED).exists()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // A failed test leaves its supervisor behind; its guard then does what it is for.
        if let Some(guard) = self.guard.borrow().as_ref() {
            let _ = pidfd_send_signal(guard, Signal::CONT);
        }
        let _ = pidfd_send_signal(&self.pidfd, Signal::CONT);
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
        let _ = self.process.wait();
        // It writes to the directory that goes now.
        if let Some(guard) = self.guard.borrow().as_ref() {
            wait_for_end(guard);
        }
    }
}

const ALLOCATIONS: &str = "allocations";
const RELEASED: &str = "released";
/// Where the processes of a tree write their numbers, for [`note_release`] to look for.
pub(crate) const PIDS: &str = "pids";
/// The lock that guard and child share with their supervisor, where there is one.
pub(crate) const LOCK: &str = "lock";

/// In the guard: how often it allocated.
pub(crate) fn note_allocations(count: usize) {
    write_whole(&env_directory().join(ALLOCATIONS), &count.to_string());
}

/// In the release program: what it was given, who of the tree was alive at that moment, and whether
/// the lock, if there is one, was free.
pub(crate) fn note_release(bytes: &[u8]) -> Result<(), String> {
    let pids = fs::read_to_string(env_directory().join(PIDS)).unwrap_or_default();
    let alive = |pid: &&str| Path::new("/proc").join(pid).exists();
    let alive: Vec<&str> = pids.split_whitespace().filter(alive).collect();
    let mut text = format!("{} {alive:?}", String::from_utf8_lossy(bytes));
    if let Ok(lock) = fs::File::open(env_directory().join(LOCK)) {
        text.push_str(lock.try_lock().map_or(" held", |()| " free"));
    }
    write_whole(&env_directory().join(RELEASED), &text);
    Ok(())
}

fn env_directory() -> PathBuf {
    std::env::var_os("DIR").unwrap().into()
}

fn write_whole(path: &Path, text: &str) {
    let partial = path.with_extension("partial");
    let written = fs::write(&partial, text).and_then(|()| fs::rename(&partial, path));
    // A guard that no test waits for may outlive its directory.
    assert!(
        written.is_ok() || !path.parent().unwrap().exists(),
        "{written:?}"
    );
}

/// Waits until the file has been renamed into place.
fn wait_for_file(path: &Path) -> String {
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
    let watch = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).unwrap();
    add_watch(&watch, path.parent().unwrap(), WatchFlags::MOVED_TO).unwrap();
    let until = now() + PATIENCE;
    while !path.exists() {
        let left = until.since(now());
        assert!(!left.is_zero(), "{} never came", path.display());
        let mut fds = [PollFd::new(&watch, PollFlags::IN)];
        poll(&mut fds, Some(&timespec(left))).unwrap();
        let _ = rustix::io::read(&watch, &mut [0; 4096]);
    }
    fs::read_to_string(path).unwrap()
}

/// The boot-time clock.
pub(crate) fn now() -> Moment {
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap();
    Moment::after_origin(Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap()))
}
