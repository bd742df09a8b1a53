use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::user::User;

/// A `tanist run` of a scene, or what stands in its place.
#[derive(Debug)]
pub struct Node {
    /// Its name.
    pub name: String,
    log: PathBuf,
    supervisor: Child,
}

impl Node {
    /// Starts `command`, which keeps the work, in `folder`.
    pub(crate) fn start(
        name: &str,
        folder: &Path,
        user: User,
        mut command: Command,
    ) -> io::Result<Self> {
        let log = folder.join(format!("{name}.log"));
        command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command.stderr(File::options().append(true).create(true).open(&log)?);
        user.run(&mut command);
        let supervisor = command.spawn()?;
        Ok(Self {
            name: name.to_owned(),
            log,
            supervisor,
        })
    }

    /// The number of its supervisor.
    pub fn pid(&self) -> u32 {
        self.supervisor.id()
    }

    /// Where it logs.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    ///
    /// When the kernel cannot say.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.supervisor.try_wait()
    }

    /// Waits for its end.
    ///
    /// # Errors
    ///
    /// When the kernel cannot say.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.supervisor.wait()
    }
}
