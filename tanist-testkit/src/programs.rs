use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The programs a scene runs.
#[derive(Clone, Debug)]
pub struct Programs {
    /// `tanist`.
    pub tanist: PathBuf,
    /// `tanist-probe`.
    pub probe: PathBuf,
}

impl Programs {
    /// The `tanist` that `TANIST_BIN` names, else the one in the target folder of the running
    /// test, with this probe.
    ///
    /// # Errors
    ///
    /// When it is not there; says how to build it.
    pub fn find(probe: impl Into<PathBuf>) -> io::Result<Self> {
        let beside_the_test = || {
            let test = env::current_exe()?;
            let folder = test.ancestors().nth(2).ok_or(io::ErrorKind::NotFound)?;
            Ok::<_, io::Error>(folder.join("tanist"))
        };
        let tanist = match env::var_os("TANIST_BIN") {
            Some(named) => PathBuf::from(named),
            None => beside_the_test()?,
        };
        if !tanist.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!(
                    "no tanist at {}: `cargo build -p tanist-cli` first, or name one in TANIST_BIN",
                    tanist.display()
                ),
            ));
        }
        Ok(Self {
            tanist,
            probe: probe.into(),
        })
    }

    /// Copies into `folder`, where an ordinary user can run them wherever the originals are.
    pub(crate) fn copy_to(&self, folder: &Path) -> io::Result<Self> {
        let copy = |program: &Path, name: &str| {
            let to = folder.join(name);
            // By another process: a descriptor of ours that is open for writing could be inherited
            // by whatever another thread starts meanwhile, and then nobody can run the copy.
            let copied = Command::new("cp").arg(program).arg(&to).status()?;
            if copied.success() {
                Ok(to)
            } else {
                Err(io::Error::other(format!(
                    "cp of {} failed",
                    program.display()
                )))
            }
        };
        Ok(Self {
            tanist: copy(&self.tanist, "tanist")?,
            probe: copy(&self.probe, "tanist-probe")?,
        })
    }
}
