use std::fs;
use std::os::unix::fs::MetadataExt;

/// Whose words count.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Admitted {
    /// The guard of the present child: everybody below it is of the child's tree.
    guard: Option<u32>,
    /// The user the child runs as, once it runs.
    user: Option<u32>,
}

/// A service is not nested deeper below its guard; the way up has to have an end.
const DEEPEST: usize = 64;

impl Admitted {
    /// Those below this guard.
    pub(super) const fn below(guard: u32) -> Self {
        Self {
            guard: Some(guard),
            user: None,
        }
    }

    /// The child is this process.
    pub(super) fn runs(&mut self, child: u32) {
        self.user = fs::metadata(format!("/proc/{child}"))
            .ok()
            .map(|it| it.uid());
    }

    /// Whether `user` is one whose processes are likely to be of the child's tree: the child's, our
    /// own, or root, who needs no flood to do harm.
    pub(super) fn knows(self, user: u32) -> bool {
        user == 0 || self.user == Some(user) || user == rustix::process::geteuid().as_raw()
    }

    /// Whether a message of the process `pid` of `user`, as the kernel has it, counts.
    ///
    /// One that has ended since cannot be looked up any more: `systemd-notify` in a script is such a
    /// one. Then its user has to do.
    pub(super) fn includes(self, pid: u32, user: u32) -> bool {
        let Some(guard) = self.guard else {
            return false;
        };
        match descends(pid, guard) {
            Some(descends) => descends,
            None => self.user.is_some_and(|child| child == user),
        }
    }
}

/// Whether `pid` is below `ancestor`; `None` if it is gone.
fn descends(pid: u32, ancestor: u32) -> Option<bool> {
    let mut pid = pid;
    for _ in 0..DEEPEST {
        if pid == ancestor {
            return Some(true);
        }
        if pid <= 1 {
            return Some(false);
        }
        pid = parent(pid)?;
    }
    Some(false)
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The command's name is in brackets and may hold anything, brackets too.
    let end = stat.iter().rposition(|&byte| byte == b')')?;
    let rest = String::from_utf8_lossy(stat.get(end + 1..)?);
    rest.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descent_is_followed_through_the_process_tree() {
        let own = std::process::id();
        let parent = parent(own).unwrap();
        assert_eq!(descends(own, own), Some(true));
        assert_eq!(descends(own, parent), Some(true));
        assert_eq!(descends(1, own), Some(false));
        assert_eq!(descends(u32::MAX - 1, own), None);
    }

    #[test]
    fn before_there_is_a_child_nobody_counts_and_then_its_tree_or_its_user() {
        let own = std::process::id();
        let user = rustix::process::geteuid().as_raw();
        assert!(!Admitted::default().includes(own, user));
        let mut admitted = Admitted::below(own);
        assert!(admitted.includes(own, user));
        assert!(
            !admitted.includes(1, user),
            "it lives, and is not of the tree"
        );
        let gone = u32::MAX - 1;
        assert!(!admitted.includes(gone, user));
        admitted.runs(own);
        assert!(admitted.includes(gone, user));
        assert!(!admitted.includes(gone, user + 1));
    }
}
