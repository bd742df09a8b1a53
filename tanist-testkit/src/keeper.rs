use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::programs::Programs;
use crate::user::User;

/// What keeps one copy of the work active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// `tanist run` on the store of one machine, with these flags.
    Tanist(Vec<String>),
    /// `flock(1)`, to be compared with.
    Flock,
    /// `flock --close`, whose command does not have the lock: a keeper that must be found out.
    FlockClosed,
}

impl Keeper {
    /// `tanist run` with these flags.
    pub fn tanist(flags: &[&str]) -> Self {
        Self::Tanist(flags.iter().map(|flag| (*flag).to_owned()).collect())
    }

    /// The command that keeps `work` for the node `name`; its own folders are made.
    pub(crate) fn command(
        &self,
        name: &str,
        folder: &Path,
        programs: &Programs,
        user: User,
        work: &[OsString],
    ) -> io::Result<Command> {
        let mut command = match self {
            Self::Tanist(flags) => {
                let mut store = OsString::from("local:");
                store.push(private(user, folder, "store")?);
                let mut tanist = Command::new(&programs.tanist);
                tanist.args(["run", "-e", "scene", "-n", name, "--log-format", "json"]);
                tanist.arg("-s").arg(store);
                tanist
                    .arg("--run-dir")
                    .arg(private(user, folder, &format!("run-{name}"))?);
                tanist
                    .arg("--state-dir")
                    .arg(private(user, folder, &format!("state-{name}"))?);
                tanist.args(flags).arg("--");
                tanist
            }
            Self::Flock | Self::FlockClosed => {
                let mut flock = Command::new("flock");
                if *self == Self::FlockClosed {
                    flock.arg("--close");
                }
                flock.arg(folder.join("flock"));
                flock
            }
        };
        command.args(work);
        Ok(command)
    }
}

/// A folder only `user` can look into.
fn private(user: User, folder: &Path, name: &str) -> io::Result<std::path::PathBuf> {
    let path = folder.join(name);
    fs::create_dir_all(&path)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?;
    user.own(&path)?;
    Ok(path)
}
