use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

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
            fs::copy(program, &to).map(|_| to)
        };
        Ok(Self {
            tanist: copy(&self.tanist, "tanist")?,
            probe: copy(&self.probe, "tanist-probe")?,
        })
    }
}
