use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{WaitId, WaitIdOptions, waitid};

use super::cgroup::Cgroup;
use super::procfs::Stat;
use super::tree::Tree;

/// The guards this process has started and not yet reaped.
static GUARDS: Mutex<Vec<i32>> = Mutex::new(Vec::new());

const SHORTEST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_millis(50);

/// The list of guards; whoever holds it can start one without a sweep running into it.
pub(super) fn guards() -> MutexGuard<'static, Vec<i32>> {
    // The list is whole even if somebody who held it has panicked.
    GUARDS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills what a dead guard has left behind, until nothing is left of it.
///
/// It blocks, for as long as a process cannot be killed. Orphans of the dead guard have become
/// children of this process. They are told from its own by their session: a guard opens one, and
/// nobody below it can come back to this process's. Guards that live are known by name. A child of
/// this process that opens a session of its own and is no guard would be taken for an orphan.
pub(super) fn sweep(dead: i32, cgroup: Option<&Cgroup>) {
    guards().retain(|pid| *pid != dead);
    let mut wait = SHORTEST_WAIT;
    while !sweep_once(cgroup).is_ok_and(|is_clean| is_clean) {
        std::thread::sleep(wait);
        wait = (wait * 2).min(LONGEST_WAIT);
    }
    if let Some(cgroup) = cgroup {
        cgroup.remove();
    }
}

fn sweep_once(cgroup: Option<&Cgroup>) -> io::Result<bool> {
    let mut tree = Tree::new()?;
    // Zero where the session's leader lives outside this PID namespace, which `getsid` of rustix
    // takes for impossible.
    let own_session = tree.own()?.session;
    if let Some(cgroup) = cgroup {
        cgroup.kill();
    }
    // A guard that is being started looks like an orphan until it is on the list.
    let guards = guards();
    let belongs = |pid: i32, stat: &Stat| stat.session != own_session && !guards.contains(&pid);
    tree.kill(belongs);
    reap(&mut tree, belongs);
    Ok(tree.count(belongs)? == 0 && !cgroup.is_some_and(Cgroup::is_populated))
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
