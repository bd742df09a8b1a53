use std::error::Error as _;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use tanist::ErrorKind;

use super::leftovers;
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
    /// Where the child speaks to us.
    pub(crate) notify: PathBuf,
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
        place: &Setting<PathBuf>,
        election: &str,
        node: &Setting<String>,
    ) -> Result<Self, Problem> {
        let dir = place.value.as_path();
        let refused = |error: io::Error| refused(dir, &error, &place.source);
        let taking = leftovers::keep_out(dir).map_err(refused)?;
        let taken = Self::take_one(dir, election, node).map_err(refused)?;
        drop(taking);
        // Only for tidiness.
        let _ = leftovers::sweep(dir);
        taken.ok_or_else(|| refused(io::ErrorKind::AlreadyExists.into()))
    }

    fn take_one(dir: &Path, election: &str, node: &Setting<String>) -> io::Result<Option<Self>> {
        let wanted = &node.value;
        if let Some(files) = Self::try_take(dir, election, wanted, wanted)? {
            return Ok(Some(files));
        }
        let taken = |mut files: Self| {
            files.taken = true;
            files
        };
        if node.source == Source::Default {
            for number in 2..=COPIES {
                let name = format!("{wanted}-{number}");
                if let Some(files) = Self::try_take(dir, election, &name, &name)? {
                    return Ok(Some(taken(files)));
                }
            }
        }
        let own = format!("{wanted}.{}", std::process::id());
        Ok(Self::try_take(dir, election, wanted, &own)?.map(taken))
    }

    fn try_take(dir: &Path, election: &str, node: &str, stem: &str) -> io::Result<Option<Self>> {
        let path = |kind: &str| dir.join(name_of(election, stem, kind));
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
                let (socket, notify, role) = (path("sock"), path("notify"), path("role"));
                let node = node.to_owned();
                return Ok(Some(Self {
                    node,
                    socket,
                    notify,
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

/// `ELECTION.NODE.KIND`. Names of elections and nodes may both have dots, so where the election has
/// one another sign, which neither can have, stands between them: no two pairs share a name.
pub(crate) fn name_of(election: &str, node: &str, kind: &str) -> String {
    format!("{}{node}.{kind}", stem_of(election))
}

/// What the name of every file of an election begins with.
pub(crate) fn stem_of(election: &str) -> String {
    let between = if election.contains('.') { '@' } else { '.' };
    format!("{election}{between}")
}

/// Makes a directory of this user alone, or checks that it is one.
///
/// # Errors
///
/// It cannot be made, is a link, is another's, is open to others, or can be replaced by them.
pub(crate) fn private_dir(kind: &str, dir: &Path, source: &Source) -> Result<(), Problem> {
    let Err(error) = tanist::private_directory(dir) else {
        return Ok(());
    };
    let cause = error.source().and_then(|error| error.downcast_ref());
    let denied = |error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied;
    let (code, slug, what) = if error.kind() == ErrorKind::Unsafe {
        let what = format!("the {kind} directory {} is not private", dir.display());
        (Code::CantCreate, "directory::not-private", what)
    } else {
        let code = if cause.is_some_and(denied) {
            Code::NoPerm
        } else {
            Code::CantCreate
        };
        let what = format!("the {kind} directory {} cannot be used", dir.display());
        (code, "directory::unusable", what)
    };
    let problem = Problem::new(code, slug, what).because(error);
    Err(problem
        .set_by(source)
        .next(format_args!("--{kind}-dir names another")))
}

fn refused(dir: &Path, error: &io::Error, source: &Source) -> Problem {
    let what = format!("the run directory {} cannot be used", dir.display());
    Problem::new(Code::CantCreate, "directory::unusable", what)
        .because(error)
        .set_by(source)
        .next("--run-dir names another")
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
        let place = Setting {
            value: dir.path().to_owned(),
            source: Source::Default,
        };
        let take = |source| RunFiles::take(&place, "demo", &node(source)).unwrap();
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
    fn no_two_elections_and_nodes_share_a_name() {
        let dir = tempfile::tempdir().unwrap();
        let take = |election, node: &str| {
            let node = Setting {
                value: node.to_owned(),
                source: Source::Flag("--node".to_owned()),
            };
            let dir = Setting {
                value: dir.path().to_owned(),
                source: Source::Default,
            };
            RunFiles::take(&dir, election, &node).unwrap()
        };
        let web = take("web", "api.host");
        assert_eq!(web.socket, dir.path().join("web.api.host.sock"));
        let api = take("web.api", "host");
        assert_eq!(api.socket, dir.path().join("web.api@host.sock"));
        assert!(!web.taken && !api.taken);
    }

    #[test]
    fn a_directory_that_others_may_enter_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("a/b");
        let make = |dir: &Path, source| private_dir("run", dir, &source);
        make(&inner, Source::Default).unwrap();
        assert_eq!(fs::metadata(&inner).unwrap().mode() & 0o777, 0o700);
        fs::set_permissions(&inner, PermissionsExt::from_mode(0o755)).unwrap();
        let variable = Source::Environment("TANIST_RUN_DIR".to_owned());
        let said = make(&inner, variable).unwrap_err().to_string();
        assert!(said.contains("others can reach into it"), "{said}");
        assert!(said.contains("it comes from env TANIST_RUN_DIR"), "{said}");
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(dir.path().join("a"), &link).unwrap();
        assert!(make(&link, Source::Default).is_err());
    }
}
