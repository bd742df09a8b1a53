use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::process::Process;

/// What there can be too little of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Processes and threads.
    Pids,
    /// Time of the processors.
    Cpu,
}

/// A control group (v1 or v2) that holds processes of a test to little of something.
///
/// When it is dropped, nothing is held back any more. Whoever is in it goes to the group above.
#[derive(Debug)]
pub struct Quota {
    resource: Resource,
    folder: TempDir,
}

impl Quota {
    /// A group without a limit and without anybody in it.
    ///
    /// # Errors
    ///
    /// When whoever runs this cannot make one.
    pub fn new(resource: Resource) -> io::Result<Self> {
        let missing = || io::Error::other(format!("no control groups for {}", resource.name()));
        let root = resource.root()?.ok_or_else(missing)?;
        let folder = tempfile::Builder::new()
            .prefix("tanist-test-")
            .disable_cleanup(true)
            .tempdir_in(root)?;
        let quota = Self { resource, folder };
        // In v2 the group above decides which limits there are.
        let has_it = resource.limits(quota.folder.path(), false)[0].0.exists();
        has_it.then_some(quota).ok_or_else(missing)
    }

    /// Puts a process into it, with all its threads and whatever it starts from now on.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn hold(&self, process: &Process) -> io::Result<()> {
        let members = self.folder.path().join("cgroup.procs");
        fs::write(members, process.pid.to_string())
    }

    /// From now on there is none left: no further process or thread, or a thousandth of one
    /// processor, which is the least that can be said.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn exhaust(&self) -> io::Result<()> {
        self.write(true)
    }

    fn write(&self, exhausted: bool) -> io::Result<()> {
        for (path, limit) in self.resource.limits(self.folder.path(), exhausted) {
            fs::write(path, limit)?;
        }
        Ok(())
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        let _held_on = self.write(false);
        let group = self.folder.path();
        let members = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
        for member in members.lines() {
            let _ended = fs::write(group.join("../cgroup.procs"), member);
        }
        let _in_use = fs::remove_dir(group);
    }
}

impl Resource {
    const fn name(self) -> &'static str {
        match self {
            Self::Pids => "pids",
            Self::Cpu => "cpu",
        }
    }

    /// Where its control groups are mounted: those of its own (v1), else those of all (v2).
    fn root(self) -> io::Result<Option<PathBuf>> {
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        let mounts = mounts.lines().filter_map(|mount| mount.split_once(" - "));
        let mut of_all = None;
        for (left, right) in mounts {
            let (kind, of) = right.split_once(' ').unwrap_or_default();
            let path = left.split(' ').nth(4).map(PathBuf::from);
            if kind == "cgroup" && of.split([' ', ',']).any(|word| word == self.name()) {
                return Ok(path);
            }
            if kind == "cgroup2" {
                of_all = path;
            }
        }
        Ok(of_all)
    }

    /// The files that limit it in this group, and what says so in each.
    fn limits(self, group: &Path, exhausted: bool) -> Vec<(PathBuf, &'static str)> {
        let either = |least, all| if exhausted { least } else { all };
        let period = group.join("cpu.cfs_period_us");
        match self {
            Self::Pids => vec![(group.join("pids.max"), either("0", "max"))],
            // A second is the longest period, a millisecond the least of it.
            Self::Cpu if period.exists() => vec![
                (period, "1000000"),
                (group.join("cpu.cfs_quota_us"), either("1000", "-1")),
            ],
            Self::Cpu => vec![(group.join("cpu.max"), either("1000 1000000", "max 1000000"))],
        }
    }
}
