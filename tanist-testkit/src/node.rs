use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::programs::Programs;
use crate::user::User;

/// A `tanist run` of a scene.
#[derive(Debug)]
pub struct Node {
    /// Its name.
    pub name: String,
    log: PathBuf,
    supervisor: Child,
}

impl Node {
    /// Starts it in `folder`, where all nodes of the scene share the store.
    pub(crate) fn start(
        name: &str,
        folder: &Path,
        programs: &Programs,
        user: User,
        flags: &[OsString],
        work: &[OsString],
    ) -> io::Result<Self> {
        let own = |what: &str| {
            let path = folder.join(format!("{what}-{name}"));
            fs::create_dir_all(&path)?;
            user.own(&path)?;
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
            Ok::<_, io::Error>(path)
        };
        let log = folder.join(format!("{name}.log"));
        let mut store = OsString::from("local:");
        store.push(folder.join("store"));
        let mut command = Command::new(&programs.tanist);
        command
            .args([
                "run",
                "-e",
                "scene",
                "-n",
                name,
                "--log-format",
                "json",
                "-s",
            ])
            .arg(store);
        command
            .arg("--run-dir")
            .arg(own("run")?)
            .arg("--state-dir")
            .arg(own("state")?);
        command.args(flags).arg("--").args(work);
        command.current_dir(folder).stdin(Stdio::null());
        command
            .stdout(Stdio::null())
            .stderr(File::options().append(true).create(true).open(&log)?);
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
