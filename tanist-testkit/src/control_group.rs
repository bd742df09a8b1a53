use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use crate::process::Process;

/// Where control groups (v2) are mounted, if whoever runs this may make one there.
pub(crate) fn root() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let found = mounts.lines().find_map(|mount| {
        let (left, right) = mount.split_once(" - ")?;
        right
            .starts_with("cgroup2 ")
            .then(|| left.split(' ').nth(4).map(PathBuf::from))?
    })?;
    let writable = OpenOptions::new()
        .write(true)
        .open(found.join("cgroup.procs"))
        .is_ok();
    writable.then_some(found)
}

impl Process {
    /// Freezes or thaws the control group (v2) it is in, which must be one of its own and not the
    /// whole machine's.
    ///
    /// # Errors
    ///
    /// When it is in none of its own, or the kernel refuses.
    pub fn freeze_group(&self, frozen: bool) -> io::Result<()> {
        let groups = fs::read_to_string(format!("/proc/{}/cgroup", self.pid))?;
        let path = groups.lines().find_map(|line| line.strip_prefix("0::/"));
        let path = path.filter(|path| !path.is_empty());
        let (root, path) = root()
            .zip(path)
            .ok_or_else(|| io::Error::other(format!("{self} has no control group: {groups}")))?;
        fs::write(group_file(&root, path), if frozen { "1" } else { "0" })
    }
}

fn group_file(root: &Path, path: &str) -> PathBuf {
    root.join(path).join("cgroup.freeze")
}
