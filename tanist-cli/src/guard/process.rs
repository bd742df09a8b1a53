use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::time::Duration;

use nix::sys::signalfd::SignalFd;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::SendFlags;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, pidfd_send_signal, wait};
use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};
use tanist::clock;
use tanist_core::{Moment, Timing, WorkAction, WorkInput, WorkReport, Workload};

use super::cgroup::Cgroup;
use super::channel::{self, Descriptors};
use super::kept::Kept;
use super::launcher::encode_go;
use super::program::Program;
use super::tree::Tree;
use super::wire::Notice;

/// The guard: one child's parent and keeper, which never asks a network anything.
///
/// Every decision is [`Workload`]'s; this carries out. After its set-up it opens nothing but what
/// procfs shows of the tree, forks nothing and allocates nothing.
#[derive(Debug)]
pub(crate) struct GuardProcess {
    pub(super) timing: Timing,
    pub(super) workload: Workload,
    pub(super) stop_signal: Signal,
    /// The supervisor; nothing once it is gone.
    pub(super) line: Option<OwnedFd>,
    pub(super) timer: OwnedFd,
    pub(super) signals: SignalFd,
    pub(super) tree: Tree,
    pub(super) cgroup: Option<Cgroup>,
    /// The tree's first process: the launcher, or the first of a PID namespace with it inside.
    pub(super) root: Program,
    pub(super) namespaced: bool,
    /// The launcher, until it has become the child.
    pub(super) gate: Option<OwnedFd>,
    pub(super) releaser: Program,
    pub(super) stdin: OwnedFd,
    pub(super) inbox: Box<[u8]>,
    pub(super) outbox: Box<[u8]>,
    pub(super) variables: Kept,
    pub(super) release_bytes: Kept,
    pub(super) holds: Descriptors,
    pub(super) progress: Progress,
}

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    /// The word to start was given.
    pub(super) launched: bool,
    /// The launcher has nothing left to do but the exec.
    pub(super) going: bool,
    /// The child's number, once it runs.
    pub(super) child: Option<i32>,
    /// The child has ended, or never was.
    pub(super) ended: bool,
    /// No child is left, but the cgroup does not say so yet.
    behind: bool,
    killing: Option<Killing>,
    lingering: bool,
    hindered: bool,
    releasing: bool,
}

#[derive(Clone, Copy, Debug)]
struct Killing {
    since: Moment,
    next_round: Moment,
    wait: Duration,
}

/// Which children of the guard are of the tree: all but its own programs, for as long as they have
/// their numbers.
#[derive(Clone, Copy, Debug)]
struct Membership {
    releaser: Option<i32>,
    /// Until it is told to start, the root is one of the guard's own programs.
    dormant: Option<i32>,
}

const FIRST_ROUND: Duration = Duration::from_millis(1);
const LONGEST_ROUND: Duration = Duration::from_millis(50);

impl GuardProcess {
    /// Keeps the child until everything is done.
    pub(crate) fn serve(mut self) -> ExitCode {
        while !self.carry_out() {
            self.sleep();
            self.hear_launcher();
            self.hear_init();
            self.reap();
            self.hear_supervisor();
            self.feed(WorkInput::Wake);
        }
        self.finish();
        ExitCode::SUCCESS
    }

    pub(super) fn feed(&mut self, input: WorkInput) {
        self.workload.handle(clock::now().at, input);
    }

    /// Tells the supervisor, if there is one. Reports are so few that they always fit.
    pub(super) fn report(&self, notice: Notice<'_>) {
        send_notice(self.line.as_ref(), notice);
    }

    /// Does what the workload says until it has nothing more to say; true at the end of it all.
    fn carry_out(&mut self) -> bool {
        loop {
            match self.workload.poll() {
                WorkAction::Start { by } => self.start(by),
                WorkAction::Stop => self.stop(),
                WorkAction::Kill => self.begin_killing(),
                WorkAction::Report(WorkReport::TooLate) => self.give_the_start_up(),
                WorkAction::Report(WorkReport::DeadlineReached) => {
                    self.report(Notice::DeadlineReached);
                }
                WorkAction::Report(WorkReport::Empty) => self.report(Notice::Empty),
                WorkAction::Release => self.release(),
                WorkAction::Exit => return true,
                WorkAction::WaitUntil(until) => {
                    let now = clock::now().at;
                    match self.progress.killing {
                        Some(killing) if now >= killing.next_round => self.kill_round(now),
                        killing => {
                            let next_round = killing.map(|killing| killing.next_round);
                            self.arm(now, [until, next_round].into_iter().flatten().min());
                            return false;
                        }
                    }
                }
            }
        }
    }

    fn start(&mut self, by: Moment) {
        self.progress.launched = true;
        let mut passed = [self.stdin.as_fd(); channel::DESCRIPTORS_MAX];
        let mut count = 1;
        for (slot, hold) in passed[1..].iter_mut().zip(self.holds.iter()) {
            *slot = hold;
            count += 1;
        }
        let length = encode_go(by, self.variables.bytes(), &mut self.outbox);
        let sent = length
            .zip(self.gate.as_ref())
            .is_some_and(|(length, gate)| {
                let flags = SendFlags::DONTWAIT;
                channel::send(gate, &self.outbox[..length], &passed[..count], flags).is_ok()
            });
        if !sent {
            let reason = b"the program that was to become the command has been killed";
            self.report(Notice::ExecFailed { code: 126, reason });
            self.gate = None;
            self.root.signal(Signal::KILL);
            self.child_never_was();
        }
    }

    /// What becomes of the launcher after this is nobody's business but the kill's.
    fn give_the_start_up(&mut self) {
        self.gate = None;
        self.progress.ended = true;
        self.report(Notice::TooLate);
    }

    fn stop(&mut self) {
        let (members, signal) = (self.members(), self.stop_signal);
        let init = self.root.pid.filter(|_| self.namespaced);
        self.tree.visit_from_below(
            |pid, _| members.include(pid),
            |found| {
                if Some(found.pid) != init {
                    // One that has just ended needs no signal.
                    let _ = pidfd_send_signal(found.pidfd, signal);
                    let _ = pidfd_send_signal(found.pidfd, Signal::CONT);
                }
            },
        );
    }

    /// Passes a signal on to the child's process group.
    pub(super) fn signal_child(&mut self, number: i32) {
        let (Some(signal), Some(child)) = (Signal::from_named_raw(number), self.progress.child)
        else {
            return;
        };
        let members = self.members();
        self.tree.visit(
            |pid, _| members.include(pid),
            |found| {
                if found.stat.group == child {
                    let _ = pidfd_send_signal(found.pidfd, signal);
                }
            },
        );
    }

    fn begin_killing(&mut self) {
        let now = clock::now().at;
        self.progress.killing = Some(Killing {
            since: now,
            next_round: now,
            wait: FIRST_ROUND,
        });
        self.kill_round(now);
    }

    fn kill_round(&mut self, now: Moment) {
        if self.progress.launched {
            self.root.signal(Signal::KILL);
        }
        let members = self.members();
        let _ = self.tree.take_trouble();
        self.tree.kill(|pid, _| members.include(pid));
        // It reaches whom signals do not, but may wait for others that change cgroups: so it is the
        // second means, not the first.
        if let Some(cgroup) = &self.cgroup {
            cgroup.kill();
        }
        self.reap();
        // Nothing more once the reaping has found it empty.
        let Some(killing) = &mut self.progress.killing else {
            return;
        };
        killing.next_round = now + killing.wait;
        killing.wait = (killing.wait * 2).min(LONGEST_ROUND);
        let overdue = now.since(killing.since) >= self.timing.kill_time();
        if overdue && !self.progress.lingering {
            self.progress.lingering = true;
            let processes = self.survivors().unwrap_or(1).max(1);
            self.report(Notice::Lingering { processes });
        }
        if overdue
            && !self.progress.hindered
            && let Some(trouble) = self.tree.take_trouble()
        {
            self.progress.hindered = true;
            let errno = trouble.raw_os_error().unwrap_or_default();
            self.report(Notice::Hindered { errno });
        }
    }

    /// Reaps whatever has ended, and sees whether anything is left.
    pub(super) fn reap(&mut self) {
        while let Ok(Some(_)) = self.signals.read_signal() {}
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            self.reaped(pid, status);
        }
        self.look_whether_empty();
    }

    fn reaped(&mut self, pid: Pid, status: WaitStatus) {
        let pid = Some(pid.as_raw_pid());
        if pid == self.releaser.pid {
            self.releaser.pid = None;
            if self.progress.releasing {
                self.feed(WorkInput::Released);
            }
        } else if pid == self.root.pid {
            if self.namespaced {
                // What it could not say any more: its child was killed with it.
                self.hear_init();
                self.child_ended(Signal::KILL.as_raw());
            } else {
                self.child_ended(status.as_raw());
            }
            // Not before: a child that ended at once is still reported by its number.
            self.root.pid = None;
        } else {
            return;
        }
        if !self.progress.launched {
            self.feed(WorkInput::Crippled);
        }
    }

    fn look_whether_empty(&mut self) {
        if !self.workload.may_be_alive() || !self.progress.launched {
            return;
        }
        // What cannot be read is not proof.
        let no_child_left = self.survivors() == Some(0);
        let populated = self.cgroup.as_ref().is_some_and(Cgroup::is_populated);
        // A cgroup may be a moment behind, and then no child's end tells of it any more.
        self.progress.behind = no_child_left && populated;
        if no_child_left && !populated {
            self.progress.killing = None;
            self.feed(WorkInput::Empty);
        }
    }

    /// How many children of the tree are left, if that can be known.
    fn survivors(&mut self) -> Option<u32> {
        let members = self.members();
        self.tree.count(|pid, _| members.include(pid)).ok()
    }

    const fn members(&self) -> Membership {
        let dormant = if self.progress.launched {
            None
        } else {
            self.root.pid
        };
        Membership {
            releaser: self.releaser.pid,
            dormant,
        }
    }

    /// Hands the release bytes to the program that knows what to do with them.
    ///
    /// Gives up this process's share of the leadership first: where it is a lock of the kernel, the
    /// next leader need not wait for that program.
    fn release(&mut self) {
        self.holds.take_each().for_each(drop);
        let bytes = self.release_bytes.bytes();
        let wanted = !bytes.is_empty() && self.releaser.pid.is_some();
        let line = self.releaser.line.take().filter(|_| wanted);
        let sent =
            line.is_some_and(|line| channel::send(&line, bytes, &[], SendFlags::DONTWAIT).is_ok());
        if sent {
            self.progress.releasing = true;
        } else {
            self.feed(WorkInput::Released);
        }
    }

    /// Wakes for the earliest of all it waits for.
    fn sleep(&self) {
        let idle = PollFd::new(&self.timer, PollFlags::IN);
        let gate = self.gate.as_ref().filter(|_| self.progress.launched);
        let lines = [self.line.as_ref(), gate, self.root.line.as_ref()]
            .map(|line| line.map_or_else(|| idle.clone(), |line| PollFd::new(line, PollFlags::IN)));
        let [supervisor, gate, init] = lines;
        let signals = PollFd::new(&self.signals, PollFlags::IN);
        let cgroup = self.cgroup.as_ref().filter(|_| self.progress.behind);
        let cgroup = cgroup.map_or_else(
            || idle.clone(),
            |cgroup| PollFd::from_borrowed_fd(cgroup.events(), PollFlags::PRI),
        );
        let mut fds = [idle.clone(), signals, supervisor, gate, init, cgroup];
        // Interrupted or not, every source is looked at after it. The kernel refuses to wait for
        // more than may be open, which somebody may limit at any time: then they are looked at
        // every so often.
        if poll(&mut fds, None) == Err(rustix::io::Errno::INVAL) {
            std::thread::sleep(FIRST_ROUND);
        }
        let _ = rustix::io::read(&self.timer, &mut [0; 8]);
    }

    /// Sets the timer. It counts from now, because all of a machine's clocks may be shifted against
    /// each other in a test, and on the boot-time clock, so that a suspended machine wakes to it.
    fn arm(&self, now: Moment, until: Option<Moment>) {
        let left = until.map_or(Duration::ZERO, |until| {
            until
                .since(now)
                .clamp(Duration::from_nanos(1), Duration::from_secs(1 << 30))
        });
        let value = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        let once = Itimerspec {
            it_interval: Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            },
            it_value: value,
        };
        // It fails only for spans out of range, which the clamp excludes.
        let _ = timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once);
    }

    /// The tree is empty and everything is said: what remains are the guard's own programs.
    fn finish(&mut self) {
        self.root.signal(Signal::KILL);
        self.releaser.signal(Signal::KILL);
        while wait(WaitOptions::empty()).is_ok() {}
        if let Some(cgroup) = &self.cgroup {
            cgroup.remove();
        }
    }
}

impl Membership {
    fn include(self, pid: i32) -> bool {
        ![self.releaser, self.dormant].contains(&Some(pid))
    }
}

pub(super) fn send_notice(line: Option<&OwnedFd>, notice: Notice<'_>) {
    let mut buffer = [0; channel::NOTICE_MAX];
    let length = notice.encode(&mut buffer);
    if let Some(line) = line {
        // A supervisor that is gone shows as the end of the line.
        let _ = channel::send(line, &buffer[..length], &[], SendFlags::DONTWAIT);
    }
}
