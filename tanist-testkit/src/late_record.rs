use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{CWD, FileType, Mode};

use crate::boot_clock;
use crate::scene::PATIENCE;
use crate::tail::Tail;
use crate::user::User;

/// A disk that takes its time over the next record that a node of the local store writes, and only
/// over that one.
///
/// It is a library that the node preloads, so the node is the real program, dynamically linked.
#[derive(Debug)]
pub struct LateRecord {
    folder: PathBuf,
    library: PathBuf,
    reached: Tail,
    go: File,
}

/// When the disk is late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// Nobody sees the record yet.
    Before,
    /// It is there for all to see, and only who writes it does not know.
    After,
}

const SOURCE: &str = include_str!("../fixtures/late_record.c");

impl LateRecord {
    /// Prepares for one record that `user` writes. Needs a C compiler, as building tanist does.
    ///
    /// # Errors
    ///
    /// When `folder` cannot be written, or the compiler fails.
    pub fn new(folder: &Path, user: User, late: Late) -> io::Result<Self> {
        let folder = folder.join("late");
        fs::create_dir(&folder)?;
        user.own(&folder)?;
        let (source, library) = (folder.join("late.c"), folder.join("late.so"));
        fs::write(&source, SOURCE)?;
        let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
        let mut compile = Command::new(compiler);
        compile.args(["-shared", "-fPIC", "-o"]);
        let compiled = compile.args([&library, &source]).arg("-ldl").status()?;
        if !compiled.success() {
            return Err(io::Error::other(format!("the C compiler: {compiled}")));
        }
        let (log, go) = (folder.join("reached"), folder.join("go"));
        let reached = Tail::open(&log)?;
        rustix::fs::mknodat(CWD, &go, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        let moment = folder.join(match late {
            Late::Before => "before",
            Late::After => "after",
        });
        fs::write(&moment, "")?;
        for path in [&log, &go, &moment] {
            user.own(path)?;
        }
        // For reading too, so that it does not wait for a reader.
        let go = File::options().read(true).write(true).open(go)?;
        Ok(Self {
            folder,
            library,
            reached,
            go,
        })
    }

    /// What the node that writes the record is started with.
    pub fn environment(&self) -> [(&'static str, OsString); 2] {
        [
            ("LD_PRELOAD", self.library.clone().into()),
            ("LATE_RECORD", self.folder.clone().into()),
        ]
    }

    /// Waits until the node is held.
    ///
    /// # Errors
    ///
    /// When it never comes there.
    pub fn wait_held(&mut self) -> io::Result<()> {
        let until = boot_clock::now() + PATIENCE;
        self.reached.wait_for("the record's writer", until, |new| {
            (!new.is_empty()).then_some(())
        })
    }

    /// Lets the node go on.
    ///
    /// # Errors
    ///
    /// When it cannot be told.
    pub fn let_go(&mut self) -> io::Result<()> {
        self.go.write_all(b"\n")
    }
}
