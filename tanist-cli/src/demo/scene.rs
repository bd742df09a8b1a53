use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::exit::Code;
use crate::problem::Problem;

/// A directory of the demo's own, which goes with it.
#[derive(Debug)]
pub(crate) struct Scene {
    dir: PathBuf,
    kept: Option<PathBuf>,
}

impl Scene {
    /// Makes it, with a store's place and an empty history; `kept` is where that goes in the end.
    pub(crate) fn make(kept: Option<&Path>) -> Result<Self, Problem> {
        if let Some(path) = kept {
            // Made at once, so that half a minute is not spent for nothing.
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(path)
                .map_err(|error| refused(path, &error))?;
        }
        let stamp = tanist::clock::now().at.since_origin().as_nanos();
        let name = format!("tanist-demo-{}-{stamp}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        let this = Self {
            kept: kept.map(Path::to_owned),
            dir,
        };
        let make = |dir: &Path| DirBuilder::new().mode(0o700).create(dir);
        make(&this.dir)
            .and_then(|()| make(&this.run_dir()))
            .and_then(|()| File::create(this.history()))
            .map_err(|error| refused(&this.dir, &error))?;
        Ok(this)
    }

    /// Store, sockets and role files.
    pub(super) fn run_dir(&self) -> PathBuf {
        self.dir.join("run")
    }

    /// The highest term.
    pub(super) fn state_dir(&self) -> PathBuf {
        self.dir.join("state")
    }

    /// What the work writes to.
    pub(super) fn history(&self) -> PathBuf {
        self.dir.join("history")
    }

    /// Keeps the history where it is wanted.
    pub(super) fn keep(&self) -> Result<(), Problem> {
        match &self.kept {
            Some(path) => fs::copy(self.history(), path)
                .map(drop)
                .map_err(|error| refused(path, &error)),
            None => Ok(()),
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // What cannot be removed is no reason to end otherwise than it went.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn refused(path: &Path, error: &io::Error) -> Problem {
    let what = format!("{} cannot be made", path.display());
    Problem::new(Code::CantCreate, "demo::directory", what)
        .because(error)
        .next("another place for temporary directories: TMPDIR=/DIR tanist demo")
}
