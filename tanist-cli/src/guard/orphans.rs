use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{WaitId, WaitIdOptions, waitid};

use super::cgroup::Cgroup;
use super::procfs::{Procfs, Stat};
use super::report::GuardReport;
use super::tree::Tree;

/// The guards this process has started and not yet reaped.
static GUARDS: Mutex<Vec<i32>> = Mutex::new(Vec::new());

const SHORTEST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_millis(50);

/// The unit in which the kernel shows when a process started: a hundredth of a second.
const TICK: Duration = Duration::from_millis(10);

/// The list of guards; whoever holds it can start one without a sweep running into it.
pub(super) fn guards() -> MutexGuard<'static, Vec<i32>> {
    // The list is whole even if somebody who held it has panicked.
    GUARDS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits, where this process has children that are no guards, until a guard cannot start in the
/// same tick as one of them any more.
pub(super) async fn outlast_strangers() {
    if has_strangers().unwrap_or(true) {
        tokio::time::sleep(TICK).await;
    }
}

/// When the kernel says that `guard` started, in ticks; it must not have been reaped.
pub(super) fn start_of(guard: i32) -> io::Result<u64> {
    let started = Procfs::open()?.stat(guard)?.started;
    started.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Kills what a dead guard that started at `since` has left behind, until nothing is left of it.
///
/// It blocks, for as long as a process cannot be killed. Orphans of the dead guard have become
/// children of this process, and are told from its other children by three marks:
///
/// * They are in another session than this process: a guard opens one, and nobody below it can come
///   back to this process's.
/// * They started no earlier than the guard: they descend from it, and the kernel notes the start
///   when it makes a process, on a clock that never goes back. An exec changes nothing of it, not
///   even one by a thread; a time namespace shifts what is read here and what was read of the guard
///   alike, because both are shown as the reader's clock has it. Equal counts as theirs, since a
///   tick is long. So no orphan is ever passed over, while children that this process had before
///   the guard are left alone: what a shell started before it became tanist, or a container before.
/// * They are no guards: those that live are known by number.
///
/// Where `/proc` hides a child from this process, its start is not known. Such a child is waited for
/// but left alone.
///
/// Who opens a session of its own below such an older child, after the guard started, and then loses
/// its parent to this process, still passes for an orphan of the guard.
///
/// What it cannot get done in several rounds it tells once, and goes on.
pub(super) fn sweep(dead: i32, since: u64, cgroup: Option<&Cgroup>, tell: impl Fn(GuardReport)) {
    guards().retain(|pid| *pid != dead);
    let mut wait = SHORTEST_WAIT;
    let (mut lingering, mut hindered) = (false, false);
    loop {
        match sweep_once(since, cgroup) {
            Ok(0) => break,
            _ if wait < LONGEST_WAIT => {}
            Ok(processes) if !lingering => {
                lingering = true;
                tell(GuardReport::Lingering { processes });
            }
            Err(error) if !hindered => {
                hindered = true;
                let why = error.to_string();
                tell(GuardReport::Hindered { why });
            }
            Ok(_) | Err(_) => {}
        }
        std::thread::sleep(wait);
        wait = (wait * 2).min(LONGEST_WAIT);
    }
    if let Some(cgroup) = cgroup {
        cgroup.remove();
    }
}

/// Answers with how many are left at least.
fn sweep_once(since: u64, cgroup: Option<&Cgroup>) -> io::Result<u32> {
    let mut tree = Tree::new()?;
    // Zero where the session's leader lives outside this PID namespace, which `getsid` of rustix
    // takes for impossible.
    let own_session = tree.own()?.session;
    if let Some(cgroup) = cgroup {
        cgroup.kill();
    }
    // A guard that is being started looks like an orphan until it is on the list.
    let guards = guards();
    let may_belong = |pid: i32, stat: &Stat| {
        let is_young = stat.started.is_none_or(|started| started >= since);
        stat.session != own_session && is_young && !guards.contains(&pid)
    };
    // Whose start is hidden may be a stranger: it is not touched, but it is not called gone either.
    let belongs = |pid: i32, stat: &Stat| stat.started.is_some() && may_belong(pid, stat);
    tree.kill(belongs);
    reap(&mut tree, may_belong);
    let children = tree.count(may_belong)?;
    let left = children.max(u32::from(cgroup.is_some_and(Cgroup::is_populated)));
    match tree.take_trouble() {
        Some(trouble) if left > 0 => Err(trouble),
        _ => Ok(left),
    }
}

/// Whether this process has children that are no guards. One in its own session may open another
/// one at any moment.
fn has_strangers() -> io::Result<bool> {
    let guards = guards();
    let strangers = Tree::new()?.count(|pid, _| !guards.contains(&pid))?;
    Ok(strangers > 0)
}

/// Reaps those children that have ended and are no guards.
///
/// # Errors
///
/// They cannot be seen.
pub(crate) fn reap_strangers() -> io::Result<()> {
    // A guard that is being started looks like a stranger until it is on the list.
    let guards = guards();
    reap(&mut Tree::new()?, |pid, _| !guards.contains(&pid));
    Ok(())
}

/// Reaps the orphans among the children one by one: the others' ends belong to who started them.
fn reap(tree: &mut Tree, belongs: impl Fn(i32, &Stat) -> bool) {
    tree.visit_children(belongs, |found| {
        let _ = waitid(
            WaitId::PidFd(found.pidfd),
            WaitIdOptions::EXITED | WaitIdOptions::NOHANG,
        );
    });
}
