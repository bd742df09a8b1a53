use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::control::Role;

/// What this node is, in a file. Replaced atomically, so a reader never sees half a word.
///
/// It is a convenience, not a right: when tanist is killed the last word stays.
#[derive(Debug)]
pub(crate) struct RoleFile {
    path: PathBuf,
    fresh: PathBuf,
    form: Form,
    said: &'static str,
}

/// How it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One word.
    Word,
    /// keepalived's number: 0 is well, everything else is not.
    Track,
}

impl Form {
    const fn text(self, role: Role) -> &'static str {
        match (self, role) {
            (Self::Word, role) => role.word(),
            (Self::Track, Role::Leader) => "0",
            (Self::Track, Role::Standby) => "1",
            (Self::Track, Role::Failed) => "2",
        }
    }
}

impl RoleFile {
    /// The file at `path`, which says `role` from now on.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub(crate) fn create(path: &Path, form: Form, role: Role) -> io::Result<Self> {
        let mut fresh = path.as_os_str().to_owned();
        fresh.push(".new");
        let file = Self {
            path: path.to_owned(),
            fresh: fresh.into(),
            form,
            said: form.text(role),
        };
        file.write(file.said)?;
        Ok(file)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Changes what it says.
    ///
    /// # Errors
    ///
    /// What the file system says; it is then tried again at the next change.
    pub(crate) fn say(&mut self, role: Role) -> io::Result<()> {
        let text = self.form.text(role);
        if text != self.said {
            self.write(text)?;
            self.said = text;
        }
        Ok(())
    }

    fn write(&self, text: &str) -> io::Result<()> {
        // What is left there may be anything: a pipe that nobody reads, another name of a file.
        match fs::remove_file(&self.fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        let mut file = options
            .create_new(true)
            .write(true)
            .mode(0o644)
            .open(&self.fresh)?;
        writeln!(file, "{text}")?;
        fs::rename(&self.fresh, &self.path)
    }
}

impl Drop for RoleFile {
    fn drop(&mut self) {
        // It may have been removed by hand, and nobody is left to be told.
        let _ = match self.form {
            Form::Word => fs::remove_file(&self.path),
            // keepalived takes a file that is gone for 0.
            Form::Track => self.say(Role::Standby),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn the_word_changes_as_a_whole_and_goes_with_the_process() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("demo.a.role");
        let mut role = RoleFile::create(&path, Form::Word, Role::Standby).unwrap();
        assert_eq!(read(&path), "standby\n");
        role.say(Role::Leader).unwrap();
        assert_eq!(read(&path), "leader\n");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        drop(role);
        assert!(!path.exists());
    }

    #[test]
    fn the_number_stays_and_says_that_nobody_leads_here() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("track");
        let mut track = RoleFile::create(&path, Form::Track, Role::Standby).unwrap();
        assert_eq!(read(&path), "1\n");
        track.say(Role::Failed).unwrap();
        assert_eq!(read(&path), "2\n");
        track.say(Role::Leader).unwrap();
        assert_eq!(read(&path), "0\n");
        drop(track);
        assert_eq!(read(&path), "1\n");
    }

    #[test]
    fn a_link_is_not_followed_and_a_file_is_replaced_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let (path, victim) = (dir.path().join("role"), dir.path().join("victim"));
        fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        let role = RoleFile::create(&path, Form::Word, Role::Standby).unwrap();
        assert!(path.symlink_metadata().unwrap().is_file());
        drop(role);
        assert_eq!(read(&victim), "precious");
    }

    #[test]
    fn whatever_is_in_the_way_is_replaced_and_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let (path, fresh) = (dir.path().join("role"), dir.path().join("role.new"));
        let victim = dir.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        let mut role = RoleFile::create(&path, Form::Word, Role::Standby).unwrap();
        std::os::unix::fs::symlink(&victim, &fresh).unwrap();
        role.say(Role::Leader).unwrap();
        fs::hard_link(&victim, &fresh).unwrap();
        role.say(Role::Failed).unwrap();
        // Whoever opened it would wait for a reader.
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, &fresh, mode).unwrap();
        role.say(Role::Standby).unwrap();
        assert_eq!(
            (read(&path), read(&victim)),
            ("standby\n".into(), "precious".into())
        );
        assert!(path.symlink_metadata().unwrap().is_file() && !fresh.exists());
    }
}
