use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, wait};
use tanist::clock;
use tanist_core::{Moment, WorkInput};

use super::cgroup::Cgroup;
use super::process::GuardProcess;
use super::wire::Notice;

#[derive(Clone, Copy, Debug)]
pub(super) struct Killing {
    since: Moment,
    pub(super) next_round: Moment,
    wait: Duration,
}

/// Which children of the guard are of the tree: all but its own programs, for as long as they have
/// their numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Membership {
    releaser: Option<i32>,
    /// Until it is told to start, the root is one of the guard's own programs.
    dormant: Option<i32>,
}

pub(super) const FIRST_ROUND: Duration = Duration::from_millis(1);
const LONGEST_ROUND: Duration = Duration::from_millis(50);

/// How the guard kills the tree, and sees that it is empty.
impl GuardProcess {
    pub(super) fn begin_killing(&mut self) {
        let now = clock::now().at;
        self.progress.killing = Some(Killing {
            since: now,
            next_round: now,
            wait: FIRST_ROUND,
        });
        self.kill_round(now);
    }

    pub(super) fn kill_round(&mut self, now: Moment) {
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

    pub(super) const fn members(&self) -> Membership {
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
}

impl Membership {
    pub(super) fn include(self, pid: i32) -> bool {
        ![self.releaser, self.dormant].contains(&Some(pid))
    }
}
