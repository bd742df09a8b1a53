//! Directories that nobody else can write to or look into, and files in them that are replaced as
//! a whole and survive a power cut.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::process::geteuid;

use crate::error::{Error, ErrorKind};

/// No file of ours is ever near this size; one that is was not written by us.
const LARGEST: u64 = 1 << 20;

/// Makes sure that `path` is a directory of ours, as [`check`] has it. Creates it, and what is
/// missing above it, if need be.
pub(crate) fn prepare(path: &Path, operation: &'static str) -> Result<(), Error> {
    create(path, operation)?;
    check(path, operation).map(drop)
}

/// Makes a directory that only its owner can reach into, unless there is one already: that one is
/// left as it is.
pub(crate) fn create(path: &Path, operation: &'static str) -> Result<(), Error> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| Error::io(operation, error).with("path", path.display()))
}

/// Makes sure that `path`, if there is anything, is a directory of ours, with mode 0700, in a place
/// where nobody else but root can swap it: neither it nor a directory above it, up to `/`. Tells
/// whether there is one.
pub(crate) fn check(path: &Path, operation: &'static str) -> Result<bool, Error> {
    let io = |error: io::Error| Error::io(operation, error).with("path", path.display());
    let refuse = |why: String, hint: String| {
        Err(Error::new(ErrorKind::Unsafe, operation, why)
            .with("path", path.display())
            .hint(hint))
    };
    let is = match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        is => is.map_err(io)?,
    };
    if !is.is_dir() {
        return refuse(
            "it is not a directory itself".to_owned(),
            "name the directory, not a link to it".to_owned(),
        );
    }
    let own = geteuid().as_raw();
    if is.uid() != own {
        return refuse(
            format!(
                "it belongs to user {}, and this process runs as user {own}",
                is.uid()
            ),
            "use a directory of this user, or run as its owner".to_owned(),
        );
    }
    if is.mode() & 0o077 != 0 {
        return refuse(
            format!(
                "its mode is {:04o}, so others can reach into it",
                is.mode() & 0o7777
            ),
            way_out(path, &is),
        );
    }
    // As it is named and as it is: a link on the way can be turned elsewhere as well.
    let (named, real) = (std::path::absolute(path), path.canonicalize());
    let (named, real) = (named.map_err(io)?, real.map_err(io)?);
    for above in named.ancestors().skip(1).chain(real.ancestors().skip(1)) {
        if let Some(why) = swappable_by(&above.symlink_metadata().map_err(io)?, own) {
            return refuse(
                format!("others can replace it, because {} {why}", above.display()),
                format!(
                    "make {} belong to root or this user and writable by nobody else, or use a \
                     directory elsewhere",
                    above.display()
                ),
            );
        }
    }
    Ok(true)
}

/// What to do about a directory that others can reach into. To close one that is shared would harm
/// everybody else, so only one of ours is to be closed.
fn way_out(path: &Path, is: &Metadata) -> String {
    let ours = is.mode() & 0o1000 == 0 && path.join(".tanist").is_dir();
    if ours {
        format!("run chmod 700 {}", path.display())
    } else {
        format!(
            "name a directory that nothing else uses, such as {}",
            path.join("tanist").display()
        )
    }
}

/// Why somebody else can put another directory in the place of ours, by way of this one above it.
///
/// A sticky directory lets only the owners of what is in it, and its own, rename it. A group counts
/// as others unless it is root's or has the number of this user, as private groups of users have.
fn swappable_by(above: &Metadata, own: u32) -> Option<String> {
    let (mode, owner, group) = (above.mode(), above.uid(), above.gid());
    // The mode of a link means nothing.
    let kept = mode & 0o1000 != 0 || above.is_symlink();
    if owner != 0 && owner != own {
        Some(format!("belongs to user {owner}"))
    } else if mode & 0o002 != 0 && !kept {
        Some("is open to all".to_owned())
    } else if mode & 0o020 != 0 && !kept && group != 0 && group != own {
        Some(format!("may be written to by group {group}"))
    } else {
        None
    }
}

/// Makes a directory inside of a prepared one, unless it is there.
pub(crate) fn make_inner(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if path.symlink_metadata()?.is_dir() {
                Ok(())
            } else {
                Err(error)
            }
        }
        other => other,
    }
}

/// Opens a file of ours, never through a link at its end. `None` if there is none.
pub(crate) fn open(path: &Path, options: &mut OpenOptions) -> io::Result<Option<File>> {
    // Without NONBLOCK a pipe in its place would make us wait for a writer.
    let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let file = match options.mode(0o600).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let is = file.metadata()?;
    if !is.is_file() || is.uid() != geteuid().as_raw() {
        let why = format!("{} is not a plain file of this user", path.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    Ok(Some(file))
}

/// Opens a file of ours and makes it first if need be. What is in it stays.
pub(crate) fn open_or_create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    open(path, &mut options)?.ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// What a file of ours contains; `None` if there is none.
pub(crate) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let Some(file) = open(path, OpenOptions::new().read(true))? else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        let why = format!("{} is larger than {LARGEST} bytes", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    Ok(Some(bytes))
}

/// Replaces a file as a whole: a reader sees the old bytes or the new ones. Only one process at a
/// time may do so with one path.
pub(crate) fn replace(path: &Path, bytes: &[u8], durability: Durability) -> io::Result<()> {
    let new = beside(path);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    let mut file = open(&new, &mut options)?.ok_or(io::ErrorKind::NotFound)?;
    file.write_all(bytes)?;
    if durability == Durability::PowerCut {
        file.sync_data()?;
    }
    std::fs::rename(&new, path)?;
    match durability {
        Durability::Crash => Ok(()),
        Durability::PowerCut => sync_parent(path),
    }
}

/// What a replaced file survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// The end of every process.
    Crash,
    /// The end of the machine, too.
    PowerCut,
}

/// Makes a replaced file survive a power cut after all.
pub(crate) fn sync(path: &Path) -> io::Result<()> {
    if let Some(file) = open(path, OpenOptions::new().read(true))? {
        file.sync_data()?;
    }
    sync_parent(path)
}

/// Deletes a file. Tells whether there was one.
pub(crate) fn remove(path: &Path) -> io::Result<bool> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// The name under which the new bytes are written before they take the place of the old.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_directory_that_others_can_reach_is_refused_with_its_remedy() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("a/b");
        prepare(&dir, "open the store").unwrap();
        assert_eq!(fs::metadata(&dir).unwrap().mode() & 0o7777, 0o700);
        for mode in [0o770, 0o701, 0o755, 0o777] {
            fs::set_permissions(&dir, Permissions::from_mode(mode)).unwrap();
            let error = prepare(&dir, "open the store").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsafe);
            let remedy = format!("nothing else uses, such as {}/tanist", dir.display());
            assert!(error.to_string().contains(&remedy), "{error}");
        }
        // Only a store's own directory is to be closed, never one that others may use.
        fs::create_dir(dir.join(".tanist")).unwrap();
        let error = prepare(&dir, "open the store").unwrap_err();
        assert!(error.to_string().contains("chmod 700"), "{error}");
        fs::set_permissions(&dir, Permissions::from_mode(0o1777)).unwrap();
        let error = prepare(&dir, "open the store").unwrap_err();
        assert!(!error.to_string().contains("chmod"), "{error}");
    }

    /// F95: a link, a file, a place that is open to others.
    #[test]
    fn a_link_a_file_and_an_open_place_are_refused() {
        let temp = tempfile::tempdir().unwrap();
        let real = temp.path().join("real");
        prepare(&real, "x").unwrap();
        let link = temp.path().join("link");
        symlink(&real, &link).unwrap();
        assert_eq!(prepare(&link, "x").unwrap_err().kind(), ErrorKind::Unsafe);
        let file = temp.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(prepare(&file, "x").is_err());
        let open = temp.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
        let inner = open.join("inner");
        assert_eq!(prepare(&inner, "x").unwrap_err().kind(), ErrorKind::Unsafe);
        fs::set_permissions(&open, Permissions::from_mode(0o1777)).unwrap();
        prepare(&inner, "x").unwrap();
    }

    /// F95: a directory of another user.
    #[test]
    fn a_directory_of_another_user_is_refused() {
        if !geteuid().is_root() {
            // Only root can give a directory away; root runs this in the pipeline.
            return;
        }
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("d");
        prepare(&dir, "x").unwrap();
        std::os::unix::fs::chown(&dir, Some(65_534), None).unwrap();
        let error = prepare(&dir, "x").unwrap_err();
        assert!(
            error.to_string().contains("belongs to user 65534"),
            "{error}"
        );
    }

    #[test]
    fn a_place_far_below_one_that_others_may_write_to_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let above = temp.path().join("above");
        let dir = above.join("b/c");
        prepare(&dir, "x").unwrap();
        for (mode, safe) in [(0o777, false), (0o1777, true), (0o755, true)] {
            fs::set_permissions(&above, Permissions::from_mode(mode)).unwrap();
            let prepared = prepare(&dir, "x");
            assert_eq!(prepared.is_ok(), safe, "{mode:o}");
            if let Err(error) = prepared {
                assert_eq!(error.kind(), ErrorKind::Unsafe);
                assert!(
                    error.to_string().contains("above is open to all"),
                    "{error}"
                );
            }
        }
        // Reached through a link, it is the real place that counts.
        let link = temp.path().join("link");
        symlink(&above, &link).unwrap();
        fs::set_permissions(&above, Permissions::from_mode(0o777)).unwrap();
        assert!(prepare(&link.join("b/c"), "x").is_err());
    }

    #[test]
    fn owner_and_group_of_a_place_above_count() {
        if !geteuid().is_root() {
            // Only root can give a directory away; root runs this in the pipeline.
            return;
        }
        let temp = tempfile::tempdir().unwrap();
        let above = temp.path().join("above");
        let dir = above.join("b/c");
        prepare(&dir, "x").unwrap();
        let give = |user, group, mode| {
            std::os::unix::fs::chown(&above, Some(user), Some(group)).unwrap();
            fs::set_permissions(&above, Permissions::from_mode(mode)).unwrap();
            prepare(&dir, "x").map_err(|error| error.to_string())
        };
        assert_eq!(give(0, 0, 0o775), Ok(()));
        assert_eq!(give(0, 7, 0o1775), Ok(()));
        assert_eq!(give(0, 7, 0o755), Ok(()));
        let error = give(0, 7, 0o775).unwrap_err();
        assert!(error.contains("written to by group 7"), "{error}");
        for mode in [0o755, 0o1777] {
            let error = give(65_534, 0, mode).unwrap_err();
            assert!(error.contains("above belongs to user 65534"), "{error}");
        }
    }

    /// F91, F95: a link and a pipe in the place of a file.
    #[test]
    fn files_are_never_opened_through_a_link_or_a_pipe() {
        let temp = tempfile::tempdir().unwrap();
        let victim = temp.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        let link = temp.path().join("link");
        symlink(&victim, &link).unwrap();
        assert!(read(&link).is_err());
        assert!(open_or_create(&link).is_err());
        replace(&link, b"new", Durability::PowerCut).unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
        assert_eq!(read(&link).unwrap().unwrap(), b"new");
        symlink(&victim, temp.path().join("other.new")).unwrap();
        assert!(replace(&temp.path().join("other"), b"x", Durability::Crash).is_err());
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
    }

    #[test]
    fn a_replaced_file_is_private_and_whole() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("f");
        assert_eq!(read(&path).unwrap(), None);
        replace(&path, b"one", Durability::PowerCut).unwrap();
        replace(&path, b"two", Durability::PowerCut).unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert!(remove(&path).unwrap());
        assert!(!remove(&path).unwrap());
        fs::write(&path, vec![b'x'; 2 << 20]).unwrap();
        assert_eq!(read(&path).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
