use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// One word in a file: what this node is. Replaced atomically, so a reader never sees half a word.
///
/// It is a convenience, not a right: when tanist is killed the last word stays.
#[derive(Debug)]
pub(crate) struct RoleFile {
    path: PathBuf,
    fresh: PathBuf,
    word: &'static str,
}

impl RoleFile {
    /// The file at `path`, with its first word.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub(crate) fn create(path: &Path, word: &'static str) -> io::Result<Self> {
        let mut fresh = path.as_os_str().to_owned();
        fresh.push(".new");
        let file = Self {
            path: path.to_owned(),
            fresh: fresh.into(),
            word,
        };
        file.write(word)?;
        Ok(file)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Changes the word.
    ///
    /// # Errors
    ///
    /// What the file system says; the word is then tried again at the next change.
    pub(crate) fn say(&mut self, word: &'static str) -> io::Result<()> {
        if word != self.word {
            self.write(word)?;
            self.word = word;
        }
        Ok(())
    }

    fn write(&self, word: &str) -> io::Result<()> {
        let mut file = File::create(&self.fresh)?;
        writeln!(file, "{word}")?;
        fs::rename(&self.fresh, &self.path)
    }
}

impl Drop for RoleFile {
    fn drop(&mut self) {
        // It may have been removed by hand.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_changes_as_a_whole_and_goes_with_the_process() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("demo.a.role");
        let mut role = RoleFile::create(&path, "standby").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "standby\n");
        role.say("leader").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "leader\n");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        drop(role);
        assert!(!path.exists());
    }
}
