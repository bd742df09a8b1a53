use std::io;

use rustix::process::Signal;

use crate::process::Process;
use crate::work::Work;

/// The processes of the node that is active.
#[derive(Debug)]
pub struct Team {
    /// The name of the node.
    pub node: String,
    /// `tanist run`, or what stands in its place.
    pub supervisor: Process,
    /// Its guard of this activation; `flock` has none.
    pub guard: Option<Process>,
    /// What stands between guard and work, if anything: the first process of a PID namespace.
    pub between: Vec<Process>,
    /// The process that was started as the work.
    pub work: Process,
}

/// What is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    /// `tanist run`.
    Supervisor,
    /// Its guard.
    Guard,
    /// The process that was started as the work.
    Child,
    /// Supervisor and child.
    Both,
    /// All three at once: none of them can do anything after the first has died.
    All,
}

impl Victim {
    /// Whether `tanist run` is among them.
    pub const fn takes_supervisor(self) -> bool {
        matches!(self, Self::Supervisor | Self::Both | Self::All)
    }
}

impl Team {
    /// The team of the node whose supervisor has the number `supervisor`, if it is active.
    pub(crate) fn of(
        node: &str,
        supervisor: u32,
        work: &Work,
        mut all: Vec<Process>,
    ) -> Option<Self> {
        let root = Self::root(supervisor, work, &all)?;
        let line = ancestors(root, &all);
        // What the supervisor started is the guard; without one it started the work itself.
        let guard_at = line
            .iter()
            .position(|pid| *pid == supervisor)?
            .checked_sub(1);
        let root = root.pid;
        let mut take = |pid: u32| {
            let at = all.iter().position(|process| process.pid == pid)?;
            Some(all.swap_remove(at))
        };
        Some(Self {
            node: node.to_owned(),
            supervisor: take(supervisor)?,
            guard: guard_at.and_then(|at| take(line[at])),
            between: line[..guard_at.unwrap_or(0)]
                .iter()
                .filter_map(|pid| take(*pid))
                .collect(),
            work: take(root)?,
        })
    }

    /// The process that was started as the work of this supervisor.
    pub(crate) fn root<'a>(
        supervisor: u32,
        work: &Work,
        all: &'a [Process],
    ) -> Option<&'a Process> {
        all.iter()
            .find(|process| work.is_root(process) && ancestors(process, all).contains(&supervisor))
    }

    /// Kills. `round` varies the order in which several are killed.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn kill(&self, victim: Victim, round: usize) -> io::Result<()> {
        let guard = self.guard.iter();
        let mut victims: Vec<_> = match victim {
            Victim::Supervisor => vec![&self.supervisor],
            Victim::Guard => guard.collect(),
            Victim::Child => vec![&self.work],
            Victim::Both => vec![&self.supervisor, &self.work],
            Victim::All => guard.chain([&self.supervisor, &self.work]).collect(),
        };
        let count = victims.len().max(1);
        victims.rotate_left(round % count);
        if round / count % 2 == 1 {
            victims.reverse();
        }
        if victim == Victim::All {
            // Signals go out one after the other, and microseconds are enough for a guard to
            // begin to kill. What stands still does nothing any more.
            victims.iter().try_for_each(|process| process.freeze())?;
        }
        victims
            .into_iter()
            .try_for_each(|process| process.signal(Signal::KILL))
    }
}

/// The numbers of the parent, its parent, and so on.
fn ancestors(process: &Process, all: &[Process]) -> Vec<u32> {
    let mut line = Vec::new();
    let mut parent = process.parent;
    while let Some(above) = all.iter().find(|other| other.pid == parent) {
        line.push(above.pid);
        if line.len() > all.len() {
            break;
        }
        parent = above.parent;
    }
    line
}
