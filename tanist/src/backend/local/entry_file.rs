//! What is written in the file of an entry: its creation id, and when its candidate last renewed its
//! right to lead.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use tanist_core::Moment;

use crate::private_dir;

/// A number and a line break, with room for the greatest number, so that it is changed in place: a
/// renewal never needs room on the disk.
const LINE: usize = 21;
const RENEWED_AT: u64 = LINE as u64;

/// Writes what a new entry says.
pub(super) fn write(file: &File, created: u64) -> io::Result<()> {
    let text = format!("{created:<20}\n{:<20}\n", 0);
    file.write_all_at(text.as_bytes(), 0)
}

/// Notes a renewal. It is for those who look, no more.
pub(super) fn renew(file: &File, at: Moment) {
    let nanos = at.since_origin().as_nanos();
    let text = format!("{nanos:<20}\n");
    if let Err(error) = file.write_all_at(text.as_bytes(), RENEWED_AT) {
        tracing::debug!(%error, "the time of the renewal was not written");
    }
}

/// The creation id in an entry that is open.
pub(super) fn created_in(file: &File) -> io::Result<Option<u64>> {
    number_at(file, 0)
}

/// The creation id in the entry at `path`.
pub(super) fn created(path: &Path) -> io::Result<Option<u64>> {
    match private_dir::open(path, OpenOptions::new().read(true))? {
        Some(file) => created_in(&file),
        None => Ok(None),
    }
}

/// When the candidate of the entry at `path` last renewed; `None` if it never did.
pub(super) fn renewed_at(path: &Path) -> io::Result<Option<Moment>> {
    let Some(file) = private_dir::open(path, OpenOptions::new().read(true))? else {
        return Ok(None);
    };
    let nanos = number_at(&file, RENEWED_AT)?.filter(|nanos| *nanos > 0);
    Ok(nanos.map(|nanos| Moment::after_origin(Duration::from_nanos(nanos))))
}

fn number_at(file: &File, at: u64) -> io::Result<Option<u64>> {
    let mut text = [0; LINE - 1];
    let length = file.read_at(&mut text, at)?;
    let text = std::str::from_utf8(&text[..length]).ok();
    Ok(text.and_then(|text| text.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_numbers_are_read_as_they_were_written_and_the_file_does_not_grow() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("entry");
        let file = private_dir::open_or_create(&path).unwrap();
        write(&file, u64::MAX).unwrap();
        assert_eq!(created(&path).unwrap(), Some(u64::MAX));
        assert_eq!(renewed_at(&path).unwrap(), None);
        let size = file.metadata().unwrap().len();
        let at = Moment::after_origin(Duration::from_nanos(7_000_000_001));
        renew(&file, at);
        assert_eq!(renewed_at(&path).unwrap(), Some(at));
        assert_eq!(created_in(&file).unwrap(), Some(u64::MAX));
        assert_eq!(file.metadata().unwrap().len(), size);
    }

    #[test]
    fn what_is_no_number_is_none() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("entry");
        for text in ["", "x", "12 34\n", "-5\n"] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(created(&path).unwrap(), None, "{text:?}");
            assert_eq!(renewed_at(&path).unwrap(), None, "{text:?}");
        }
    }
}
