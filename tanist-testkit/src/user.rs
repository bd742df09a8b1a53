use std::io;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// As whom the nodes of a scene run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    /// As root. The tester has to be.
    Root,
    /// As an ordinary user: `nobody`, who owns nothing but the scene, or the tester.
    Ordinary,
}

/// The number Debian gives to `nobody` and `nogroup`, and the kernel to whom it cannot name.
const NOBODY: u32 = 65_534;

impl User {
    /// Whether whoever runs the test is root.
    pub fn tester_is_root() -> bool {
        rustix::process::geteuid().is_root()
    }

    fn becomes_nobody(self) -> bool {
        self == Self::Ordinary && Self::tester_is_root()
    }

    /// Lets `command` run as this user.
    pub(crate) fn run(self, command: &mut Command) {
        if self.becomes_nobody() {
            // std drops the supplementary groups along with it.
            command.uid(NOBODY).gid(NOBODY);
        }
    }

    /// Gives `path` to this user.
    pub(crate) fn own(self, path: &Path) -> io::Result<()> {
        if self.becomes_nobody() {
            chown(path, Some(NOBODY), Some(NOBODY))
        } else {
            Ok(())
        }
    }
}
