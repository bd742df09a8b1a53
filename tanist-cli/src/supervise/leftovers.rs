use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, OFlags, flock};

/// Keeps [`sweep`] out while names are taken in a directory.
///
/// # Errors
///
/// The directory cannot be opened or locked.
pub(super) fn keep_out(dir: &Path) -> io::Result<File> {
    let dir = File::open(dir)?;
    flock(&dir, FlockOperation::LockShared)?;
    Ok(dir)
}

/// Removes the files of processes that were killed, of every election.
///
/// Provably dead only: the kernel lets go of a name when its process ends. What cannot be removed
/// stays, and the next one tries again.
pub(super) fn sweep(dir: &Path) -> io::Result<()> {
    let own = File::open(dir)?;
    // Somebody takes a name just now: it must not look taken because of us.
    if flock(&own, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(());
    }
    for item in dir.read_dir()? {
        let path = item?.path();
        if path.extension().is_some_and(|kind| kind == "name") && is_free(&path) {
            for kind in ["sock", "notify", "role", "role.new", "name"] {
                // Not every process made every file.
                let _ = fs::remove_file(path.with_extension(kind));
            }
        }
    }
    Ok(())
}

fn is_free(path: &Path) -> bool {
    let mut options = OpenOptions::new();
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = options.read(true).custom_flags(flags).open(path);
    file.is_ok_and(|file| file.try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let items = fs::read_dir(dir).unwrap();
        let mut names: Vec<_> = items
            .map(|item| item.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn only_what_dead_processes_left_is_removed() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path();
        for stem in ["demo.dead", "demo.a.b.dead", "demo.alive"] {
            for kind in ["name", "notify", "role", "sock"] {
                fs::write(dir.join(format!("{stem}.{kind}")), "").unwrap();
            }
        }
        fs::write(dir.join("else.role"), "").unwrap();
        let alive = File::open(dir.join("demo.alive.name")).unwrap();
        alive.lock().unwrap();
        let busy = keep_out(dir).unwrap();
        sweep(dir).unwrap();
        assert_eq!(names(dir).len(), 13, "somebody was taking a name");
        drop(busy);
        sweep(dir).unwrap();
        let left = [
            "demo.alive.name",
            "demo.alive.notify",
            "demo.alive.role",
            "demo.alive.sock",
            "else.role",
        ];
        assert_eq!(names(dir), left);
    }
}
