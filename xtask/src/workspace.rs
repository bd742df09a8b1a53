use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;

/// Where the sources and the built programs are.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

/// How programs are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// As for tests.
    Test,
    /// As for users.
    Release,
}

impl Workspace {
    /// The workspace this program was built in.
    ///
    /// # Errors
    ///
    /// When this program does not lie in a target folder.
    pub(crate) fn find() -> Result<Self, Box<dyn Error>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .ok_or("no workspace")?;
        let program = env::current_exe()?;
        let target = program.ancestors().nth(2).ok_or("not in a target folder")?;
        Ok(Self {
            root: root.to_owned(),
            target: target.to_owned(),
        })
    }

    /// The folder of the workspace's manifest.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The paths of all files under version control that are there, from the root.
    ///
    /// # Errors
    ///
    /// When git does not say.
    pub(crate) fn files(&self) -> Result<Vec<String>, Box<dyn Error>> {
        let mut git = Command::new("git");
        git.args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]);
        let output = git.current_dir(&self.root).output()?;
        if !output.status.success() {
            return Err("git does not list the files".into());
        }
        let mut files: Vec<_> = String::from_utf8(output.stdout)?
            .split_terminator('\0')
            .filter(|file| self.root.join(file).is_file())
            .map(str::to_owned)
            .collect();
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// A target folder of its own, for another toolchain.
    pub(crate) fn target(&self, name: &str) -> PathBuf {
        self.target.join(name)
    }

    /// `cargo`, in the workspace.
    pub(crate) fn cargo(&self, words: &[&str]) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .args(words)
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target);
        cargo
    }

    /// Builds the binaries of `package`.
    ///
    /// # Errors
    ///
    /// When it does not build.
    pub(crate) fn build(&self, package: &str, profile: Profile) -> Outcome {
        let profile = match profile {
            // Of the tests, so that they find everything built already.
            Profile::Test => "test",
            Profile::Release => "release",
        };
        let words = [
            "build",
            "--quiet",
            "--locked",
            "--bins",
            "--profile",
            profile,
            "-p",
            package,
        ];
        run(&mut self.cargo(&words))
    }

    /// Builds the binaries of `package` as they are shipped, one static file each; answers with
    /// where `program` lies.
    ///
    /// # Errors
    ///
    /// When it does not build.
    pub(crate) fn build_static(
        &self,
        package: &str,
        program: &str,
    ) -> Result<PathBuf, Box<dyn Error>> {
        let says = Command::new("rustc").arg("-vV").output()?;
        let says = String::from_utf8(says.stdout)?;
        let host = says.lines().find_map(|line| line.strip_prefix("host: "));
        let host = host.ok_or("rustc does not name its host")?;
        let words = [
            "build",
            "--quiet",
            "--locked",
            "--profile",
            "dist",
            "--bins",
        ];
        let mut cargo = self.cargo(&words);
        // With a target named, build scripts and macros stay dynamic.
        cargo.args(["--target", host, "-p", package]);
        run(cargo.env("RUSTFLAGS", "-C target-feature=+crt-static"))?;
        Ok(self.target.join(host).join("dist").join(program))
    }

    /// Where a built program lies.
    pub(crate) fn program(&self, name: &str, profile: Profile) -> PathBuf {
        let folder = match profile {
            Profile::Test => "debug",
            Profile::Release => "release",
        };
        self.target.join(folder).join(name)
    }
}

/// Runs a command to its end, its output passed on.
///
/// # Errors
///
/// When it cannot be started or fails; says which.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let shown = format!("{command:?}");
    let status = command
        .status()
        .map_err(|error| format!("cannot start {shown}: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{shown} failed: {status}").into())
    }
}
