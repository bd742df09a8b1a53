use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::exit::Code;
use crate::problem::Problem;
use crate::settings::{Setting, Source};

/// The names this process uses in the run directory, taken for as long as it lives.
///
/// Identity in the election is the instance, so two processes of one name are safe; but they
/// cannot share a socket or a role file. A second one without a name of its own is called
/// `HOST-2`; one that was given a taken name keeps it and puts its number into its files.
#[derive(Debug)]
pub(crate) struct RunFiles {
    /// The node's name in force.
    pub(crate) node: String,
    /// The control socket.
    pub(crate) socket: PathBuf,
    /// The role file.
    pub(crate) role: PathBuf,
    /// Whether the name that was asked for is taken by another process.
    pub(crate) taken: bool,
    claim: PathBuf,
    /// Held until we end, however we end: the kernel lets go of it.
    _held: File,
}

/// More copies of one service on one machine than this have names of their own.
const COPIES: u32 = 99;

impl RunFiles {
    /// Takes a name in `dir`.
    ///
    /// # Errors
    ///
    /// The directory cannot be used.
    pub(crate) fn take(
        dir: &Path,
        election: &str,
        node: &Setting<String>,
    ) -> Result<Self, Problem> {
        let wanted = &node.value;
        let refused = |error: io::Error| refused("run", dir, &error);
        if let Some(files) = Self::try_take(dir, election, wanted, wanted).map_err(refused)? {
            return Ok(files);
        }
        if node.source == Source::Default {
            for number in 2..=COPIES {
                let name = format!("{wanted}-{number}");
                let files = Self::try_take(dir, election, &name, &name).map_err(refused)?;
                if let Some(mut files) = files {
                    files.taken = true;
                    return Ok(files);
                }
            }
        }
        let own = format!("{wanted}.{}", std::process::id());
        match Self::try_take(dir, election, wanted, &own).map_err(refused)? {
            Some(mut files) => {
                files.taken = true;
                Ok(files)
            }
            None => Err(refused(io::ErrorKind::AlreadyExists.into())),
        }
    }

    fn try_take(dir: &Path, election: &str, node: &str, stem: &str) -> io::Result<Option<Self>> {
        let path = |kind: &str| dir.join(format!("{election}.{stem}.{kind}"));
        let claim = path("name");
        loop {
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .mode(0o600)
                .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
                .open(&claim)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(fs::TryLockError::WouldBlock) => return Ok(None),
                Err(fs::TryLockError::Error(error)) => return Err(error),
            }
            // Its last owner removes the file; then we hold a name that nobody else can see.
            let same = fs::symlink_metadata(&claim)
                .is_ok_and(|now| file.metadata().is_ok_and(|held| held.ino() == now.ino()));
            if same {
                let (socket, role) = (path("sock"), path("role"));
                let node = node.to_owned();
                return Ok(Some(Self {
                    node,
                    socket,
                    role,
                    taken: false,
                    claim,
                    _held: file,
                }));
            }
        }
    }
}

impl Drop for RunFiles {
    fn drop(&mut self) {
        // While it is still held, so that nobody else can have taken it in between.
        let _ = fs::remove_file(&self.claim);
    }
}

/// Makes a directory that only its owner can write or read, or checks that it is one.
///
/// # Errors
///
/// It cannot be made, is a link, is another's, or is open to others.
pub(crate) fn private_dir(kind: &str, dir: &Path) -> Result<(), Problem> {
    let make = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    make.map_err(|error| refused(kind, dir, &error))?;
    let found = fs::symlink_metadata(dir).map_err(|error| refused(kind, dir, &error))?;
    let own = rustix::process::geteuid().as_raw();
    let wrong = if !found.is_dir() {
        "it is a link or a file"
    } else if found.uid() != own {
        "it belongs to another user"
    } else if found.mode() & 0o077 != 0 {
        "others may enter it"
    } else {
        return Ok(());
    };
    let what = format!("the {kind} directory {} is not private", dir.display());
    Err(
        Problem::new(Code::CantCreate, "directory::not-private", what)
            .because(wrong)
            .next(format_args!(
                "chmod 700 {}, or name another with --{kind}-dir",
                dir.display()
            )),
    )
}

fn refused(kind: &str, dir: &Path, error: &io::Error) -> Problem {
    let code = if error.kind() == io::ErrorKind::PermissionDenied {
        Code::NoPerm
    } else {
        Code::CantCreate
    };
    let what = format!("the {kind} directory {} cannot be used", dir.display());
    Problem::new(code, "directory::unusable", what)
        .because(error)
        .next(format_args!("name another with --{kind}-dir DIR"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn node(source: Source) -> Setting<String> {
        Setting {
            value: "host".to_owned(),
            source,
        }
    }

    #[test]
    fn copies_on_one_machine_get_names_of_their_own_and_give_them_back() {
        let dir = tempfile::tempdir().unwrap();
        let take = |source| RunFiles::take(dir.path(), "demo", &node(source)).unwrap();
        let first = take(Source::Default);
        assert_eq!((first.node.as_str(), first.taken), ("host", false));
        let second = take(Source::Default);
        assert_eq!((second.node.as_str(), second.taken), ("host-2", true));
        let given = take(Source::Flag("--node".to_owned()));
        assert_eq!((given.node.as_str(), given.taken), ("host", true));
        assert_ne!(given.socket, first.socket);
        drop(first);
        assert_eq!(take(Source::Default).node, "host");
        drop((second, given));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_directory_that_others_may_enter_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("a/b");
        private_dir("run", &inner).unwrap();
        assert_eq!(fs::metadata(&inner).unwrap().mode() & 0o777, 0o700);
        fs::set_permissions(&inner, PermissionsExt::from_mode(0o755)).unwrap();
        assert!(
            private_dir("run", &inner)
                .unwrap_err()
                .to_string()
                .contains("others may enter")
        );
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(dir.path().join("a"), &link).unwrap();
        assert!(private_dir("run", &link).is_err());
    }
}
