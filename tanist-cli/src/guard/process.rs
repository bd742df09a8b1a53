use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::time::Duration;

use nix::sys::signalfd::SignalFd;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::SendFlags;
use rustix::process::{Signal, WaitOptions, pidfd_send_signal, wait};
use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};
use tanist::clock;
use tanist_core::{Moment, Timing, WorkAction, WorkInput, WorkReport, Workload};

use super::cgroup::Cgroup;
use super::channel::{self, Descriptors};
use super::kept::Kept;
use super::killing::{FIRST_ROUND, Killing};
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
    /// What goes along with them.
    pub(super) release_along: Descriptors,
    pub(super) holds: Descriptors,
    /// Signals for a child that is not there yet, as the kernel keeps pending ones: a bit each.
    pub(super) early: u64,
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
    pub(super) behind: bool,
    pub(super) killing: Option<Killing>,
    pub(super) lingering: bool,
    pub(super) hindered: bool,
    pub(super) releasing: bool,
}

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

    /// Passes a signal on to the child's process group. One that comes while the child is on its way
    /// waits until its exec: before that it would mean nobody.
    pub(super) fn signal_child(&mut self, number: i32) {
        let Some(signal) = Signal::from_named_raw(number) else {
            return;
        };
        let Some(child) = self.progress.child else {
            if self.progress.launched && !self.progress.ended {
                self.early |= 1 << signal.as_raw();
            }
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

    /// Hands the release bytes to the program that knows what to do with them.
    ///
    /// Gives up this process's share of the leadership first: where it is a lock of the kernel, the
    /// next leader need not wait for that program.
    fn release(&mut self) {
        self.holds.take_each().for_each(drop);
        let bytes = self.release_bytes.bytes();
        let wanted = !bytes.is_empty() && self.releaser.pid.is_some();
        let line = self.releaser.line.take().filter(|_| wanted);
        let mut along = [self.stdin.as_fd(); channel::DESCRIPTORS_MAX];
        let mut count = 0;
        for (slot, descriptor) in along.iter_mut().zip(self.release_along.iter()) {
            *slot = descriptor;
            count += 1;
        }
        let along = &along[..count];
        let flags = SendFlags::DONTWAIT;
        let sent = line.is_some_and(|line| channel::send(&line, bytes, along, flags).is_ok());
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

pub(super) fn send_notice(line: Option<&OwnedFd>, notice: Notice<'_>) {
    let mut buffer = [0; channel::NOTICE_MAX];
    let length = notice.encode(&mut buffer);
    if let Some(line) = line {
        // A supervisor that is gone shows as the end of the line.
        let _ = channel::send(line, &buffer[..length], &[], SendFlags::DONTWAIT);
    }
}
