use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid,
};

use super::procfs::{Procfs, Stat, gone};

/// The descendants of this process, found and signalled without ever trusting a bare number.
///
/// Nothing here allocates once it is made. A tree deeper or wider than its buffers is visited in
/// part: what is killed first hands its children up, so the next round finds the rest.
#[derive(Debug)]
pub(super) struct Tree {
    procfs: Procfs,
    own: i32,
    pending: Box<[Pending]>,
    waiting: usize,
    path: Box<[Option<Ancestor>]>,
    /// What last kept it from seeing a process that may be there.
    trouble: Option<io::Error>,
}

/// One process known to descend from this one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    pub(super) pid: i32,
    pub(super) pidfd: BorrowedFd<'a>,
    pub(super) stat: Stat,
}

#[derive(Clone, Copy, Debug, Default)]
struct Pending {
    pid: i32,
    depth: usize,
    /// Once its descendants have been listed.
    below: Option<Stat>,
}

#[derive(Debug)]
struct Ancestor {
    pid: i32,
    pidfd: OwnedFd,
}

const WIDTH: usize = 16 * 1024;
const DEPTH: usize = 128;

impl Tree {
    /// The tree below this process.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            procfs: Procfs::open()?,
            own: rustix::process::getpid().as_raw_pid(),
            pending: vec![Pending::default(); WIDTH].into_boxed_slice(),
            waiting: 0,
            path: std::iter::repeat_with(|| None).take(DEPTH).collect(),
            trouble: None,
        })
    }

    /// What has kept it from seeing all there is, if anything has since this was last asked: too
    /// many open files, it may be.
    pub(super) const fn take_trouble(&mut self) -> Option<io::Error> {
        self.trouble.take()
    }

    /// What the kernel says of this process itself.
    pub(super) fn own(&mut self) -> io::Result<Stat> {
        self.procfs.stat(self.own)
    }

    /// How many children of this process `belongs` says are of the tree, zombies included.
    ///
    /// Zero is proof that no descendant is left: who loses its parent becomes a child of this
    /// process in the same instant.
    pub(super) fn count(&mut self, belongs: impl Fn(i32, &Stat) -> bool) -> io::Result<u32> {
        self.waiting = 0;
        let overflow = self.listed(self.own, 0)?;
        let mut count = u32::from(overflow);
        while let Some(Pending { pid, .. }) = self.next() {
            let child = self.child(pid)?;
            count += u32::from(child.is_some_and(|stat| belongs(pid, &stat)));
        }
        Ok(count)
    }

    /// The first child of `pid`, as far as that can be seen.
    pub(super) fn first_child(&mut self, pid: i32) -> Option<i32> {
        let mut first = None;
        self.procfs
            .each_child(pid, |child| first = first.or(Some(child)))
            .ok()?;
        first
    }

    /// Stops, then kills every descendant it can see below the children that belong.
    ///
    /// Stopped from the top, a fork bomb cannot run ahead. One round may not find all: call it
    /// until [`Tree::count`] is zero.
    pub(super) fn kill(&mut self, belongs: impl Fn(i32, &Stat) -> bool) {
        // Gone already, or not ours to signal: the next count says which.
        self.visit(&belongs, |found| {
            let _ = pidfd_send_signal(found.pidfd, Signal::STOP);
        });
        self.visit_from_below(&belongs, |found| {
            let _ = pidfd_send_signal(found.pidfd, Signal::KILL);
        });
    }

    /// Calls `visit` with every descendant it can see, parents before their children.
    pub(super) fn visit(
        &mut self,
        belongs: impl Fn(i32, &Stat) -> bool,
        mut visit: impl FnMut(Found<'_>),
    ) {
        self.waiting = 0;
        // An unreadable part of the tree is not seen this time; the count will not be zero.
        self.list(self.own, 0);
        while let Some(Pending { pid, depth, .. }) = self.next() {
            let Some((pidfd, stat)) = self.identify(pid, depth) else {
                continue;
            };
            if depth == 0 && !belongs(pid, &stat) {
                continue;
            }
            visit(Found {
                pid,
                pidfd: pidfd.as_fd(),
                stat,
            });
            self.path[depth] = Some(Ancestor { pid, pidfd });
            if depth + 1 < DEPTH {
                self.list(pid, depth + 1);
            }
        }
        self.path.fill_with(|| None);
    }

    /// Calls `visit` with every descendant it can see, children before their parents: what ends of
    /// the visit at once hands nobody up who was not visited.
    pub(super) fn visit_from_below(
        &mut self,
        belongs: impl Fn(i32, &Stat) -> bool,
        mut visit: impl FnMut(Found<'_>),
    ) {
        self.waiting = 0;
        // An unreadable part of the tree is not seen this time; the count will not be zero.
        self.list(self.own, 0);
        while let Some(next) = self.next() {
            let Pending { pid, depth, below } = next;
            if let Some(stat) = below {
                if let Some(ancestor) = &self.path[depth] {
                    let pidfd = ancestor.pidfd.as_fd();
                    visit(Found { pid, pidfd, stat });
                }
                continue;
            }
            let Some((pidfd, stat)) = self.identify(pid, depth) else {
                continue;
            };
            if depth == 0 && !belongs(pid, &stat) {
                continue;
            }
            self.path[depth] = Some(Ancestor { pid, pidfd });
            // Its turn comes again when everything listed after it is done. The place it had is
            // still free.
            self.pending[self.waiting] = Pending {
                below: Some(stat),
                ..next
            };
            self.waiting += 1;
            if depth + 1 < DEPTH {
                self.list(pid, depth + 1);
            }
        }
        self.path.fill_with(|| None);
    }

    /// Calls `visit` with every child of this process that belongs.
    pub(super) fn visit_children(
        &mut self,
        belongs: impl Fn(i32, &Stat) -> bool,
        mut visit: impl FnMut(Found<'_>),
    ) {
        self.waiting = 0;
        self.list(self.own, 0);
        while let Some(Pending { pid, .. }) = self.next() {
            if let Some((pidfd, stat)) = self.identify(pid, 0)
                && belongs(pid, &stat)
            {
                visit(Found {
                    pid,
                    pidfd: pidfd.as_fd(),
                    stat,
                });
            }
        }
    }

    /// A descriptor of `pid` if that is, beyond doubt, the child of the ancestor above it.
    ///
    /// The number may have been given to a stranger since it was listed. Its parent is read after
    /// the descriptor was opened; if the parent's own descriptor shows it alive after that, its
    /// number meant it when it was compared.
    fn identify(&mut self, pid: i32, depth: usize) -> Option<(OwnedFd, Stat)> {
        let pidfd = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty());
        let pidfd = self.heed(pidfd.map_err(io::Error::from))?;
        let Some(above) = depth.checked_sub(1) else {
            let child = self.child(pid);
            return Some((pidfd, self.heed(child)??));
        };
        let stat = self.procfs.stat(pid);
        let stat = self.heed(stat)?;
        let ancestor = self.path[above].as_ref()?;
        let is_child = stat.parent == ancestor.pid && !has_ended(ancestor.pidfd.as_fd());
        is_child.then_some((pidfd, stat))
    }

    /// What the kernel says of `pid` if that is a child of this process, zombies included.
    ///
    /// A `/proc` mounted with `hidepid` denies that there are processes which this one could not
    /// trace, or forbids to look at them, its own children among them. Whether there is such a child
    /// is then asked as only a parent can.
    fn child(&mut self, pid: i32) -> io::Result<Option<Stat>> {
        let hidden = match self.procfs.stat(pid) {
            Ok(stat) => return Ok((stat.parent == self.own).then_some(stat)),
            Err(error) => error,
        };
        let forbidden = [io::ErrorKind::PermissionDenied, io::ErrorKind::NotFound];
        if !gone(&hidden) && !forbidden.contains(&hidden.kind()) {
            return Err(hidden);
        }
        let number = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidData)?;
        let untouched = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(number), untouched) {
            Ok(_) => {}
            Err(rustix::io::Errno::CHILD) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let number = Some(nix::unistd::Pid::from_raw(pid));
        let raw = |id: nix::Result<nix::unistd::Pid>| id.map_or(0, nix::unistd::Pid::as_raw);
        Ok(Some(Stat {
            parent: self.own,
            group: raw(nix::unistd::getpgid(number)),
            session: raw(nix::unistd::getsid(number)),
            started: None,
        }))
    }

    /// Puts the children of `pid` on the list, as far as they can be seen.
    fn list(&mut self, pid: i32, depth: usize) {
        let listed = self.listed(pid, depth);
        let _ = self.heed(listed);
    }

    /// Notes what went wrong, unless it is no more than an end.
    fn heed<T>(&mut self, looked: io::Result<T>) -> Option<T> {
        match looked {
            Ok(seen) => return Some(seen),
            Err(error) if gone(&error) => {}
            Err(error) => self.trouble = Some(error),
        }
        None
    }

    /// Puts the children of `pid` on the list; true if some did not fit.
    fn listed(&mut self, pid: i32, depth: usize) -> io::Result<bool> {
        let (pending, waiting) = (&mut self.pending, &mut self.waiting);
        let mut overflow = false;
        self.procfs
            .each_child(pid, |child| match pending.get_mut(*waiting) {
                Some(free) => {
                    *free = Pending {
                        pid: child,
                        depth,
                        below: None,
                    };
                    *waiting += 1;
                }
                None => overflow = true,
            })?;
        Ok(overflow)
    }

    fn next(&mut self) -> Option<Pending> {
        self.waiting = self.waiting.checked_sub(1)?;
        self.pending.get(self.waiting).copied()
    }
}

/// Whether the process behind `pidfd` has ended, reaped or not.
pub(super) fn has_ended(pidfd: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::new(&pidfd, PollFlags::IN)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    matches!(poll(&mut fds, Some(&now)), Ok(1..))
}
