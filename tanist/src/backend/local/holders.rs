use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::backend::Holder;

/// Who holds the kernel lock on the file at `path`, for people: as far as the kernel tells this
/// process.
pub(super) fn describe(path: &Path) -> String {
    let holders = holders(path);
    if holders.is_empty() {
        return "a process that this one cannot see".to_owned();
    }
    holders
        .iter()
        .map(Holder::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// The same, one by one.
///
/// A lock belongs to an open file, which a process passes on to those that it starts: so whoever
/// has that file open is asked for. The kernel's own list names only who took the lock, who may
/// have ended since.
pub(super) fn holders(path: &Path) -> Vec<Holder> {
    let Ok(file) = path.metadata() else {
        return Vec::new();
    };
    let mut pids: Vec<u32> = numbers(Path::new("/proc"))
        .into_iter()
        .filter(|pid| has_lock(*pid, &file))
        .collect();
    if pids.is_empty() {
        pids = takers(&file);
    }
    pids.sort_unstable();
    pids.dedup();
    pids.into_iter().map(holder).collect()
}

/// The entries of a directory of `/proc` that are numbers.
fn numbers(dir: &Path) -> Vec<u32> {
    let entries = dir.read_dir().into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// Whether the process has the file open in the way that holds the lock.
fn has_lock(pid: u32, file: &Metadata) -> bool {
    let dir = format!("/proc/{pid}/fd");
    numbers(Path::new(&dir)).into_iter().any(|number| {
        let same = |open: Metadata| (open.dev(), open.ino()) == (file.dev(), file.ino());
        let info = || fs::read_to_string(format!("/proc/{pid}/fdinfo/{number}"));
        fs::metadata(format!("{dir}/{number}")).is_ok_and(same)
            && info().is_ok_and(|info| info.lines().any(|line| line.starts_with("lock:")))
    })
}

/// Who took a lock on the file, in the kernel's own list.
fn takers(file: &Metadata) -> Vec<u32> {
    let Ok(locks) = fs::read_to_string("/proc/locks") else {
        return Vec::new();
    };
    let (major, minor) = (rustix::fs::major(file.dev()), rustix::fs::minor(file.dev()));
    let file = format!("{major:02x}:{minor:02x}:{}", file.ino());
    locks
        .lines()
        .filter_map(|line| taker(line, &file))
        .collect()
}

/// The process in a line of `/proc/locks`, if it took a lock of flock(2) on `file`.
///
/// `1: FLOCK  ADVISORY  WRITE 4711 fe:00:1234 0 EOF`; those who wait have an arrow after the number.
fn taker(line: &str, file: &str) -> Option<u32> {
    let mut words = line.split_whitespace().skip(1);
    if words.next()? != "FLOCK" {
        return None;
    }
    let pid = words.nth(2)?.parse().ok()?;
    (words.next()? == file).then_some(pid)
}

fn holder(pid: u32) -> Holder {
    const LONGEST: usize = 80;
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = String::from_utf8_lossy(&line).replace('\0', " ");
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let (name, state) = name_and_state(&stat);
    let command = match (words.trim_end(), name) {
        ("", "") => "it has ended".to_owned(),
        ("", name) => name.to_owned(),
        (words, _) => words.to_owned(),
    };
    let shown: String = command.escape_debug().collect();
    let command = match shown.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    };
    Holder {
        pid,
        command,
        name: name.to_owned(),
        frozen: matches!(state, Some('T' | 't')),
    }
}

/// Of a line of `/proc/PID/stat`: `4711 (a name) S 1 ...`, where the name may have any character.
fn name_and_state(stat: &str) -> (&str, Option<char>) {
    let parts = stat.rsplit_once(") ");
    let parts = parts.and_then(|(head, rest)| Some((head.split_once('(')?.1, rest)));
    parts.map_or(("", None), |(name, rest)| (name, rest.chars().next()))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn only_the_holder_of_this_file_counts() {
        let file = "fe:00:1234";
        let line = "1: FLOCK  ADVISORY  WRITE 4711 fe:00:1234 0 EOF";
        assert_eq!(taker(line, file), Some(4711));
        assert_eq!(
            taker("1: -> FLOCK  ADVISORY  WRITE 4711 fe:00:1234 0 EOF", file),
            None
        );
        assert_eq!(
            taker("1: POSIX  ADVISORY  WRITE 4711 fe:00:1234 0 EOF", file),
            None
        );
        assert_eq!(
            taker("1: FLOCK  ADVISORY  WRITE 4711 fe:00:12345 0 EOF", file),
            None
        );
        assert_eq!(taker("", file), None);
    }

    #[test]
    fn a_name_may_have_any_character() {
        assert_eq!(name_and_state("7 (a) T (b) S 1 7"), ("a) T (b", Some('S')));
        assert_eq!(
            name_and_state("7 (tanist-guard) T 1"),
            ("tanist-guard", Some('T'))
        );
        assert_eq!(name_and_state(""), ("", None));
    }

    #[test]
    fn this_process_is_named_as_the_holder_and_who_only_looks_is_not() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("lock");
        let file = File::create(&path).unwrap();
        assert_eq!(describe(&path), "a process that this one cannot see");
        file.try_lock().unwrap();
        assert!(describe(&path).starts_with(&format!("pid {} (", std::process::id())));
    }

    #[test]
    fn who_inherited_the_lock_is_named_and_not_who_took_it() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("lock");
        let file = File::create(&path).unwrap();
        file.try_lock().unwrap();
        let mut heir = Command::new("sleep")
            .arg("1000")
            .stdin(Stdio::from(file))
            .spawn()
            .unwrap();
        let expected = format!("pid {} (sleep 1000)", heir.id());
        let seen = describe(&path);
        heir.kill().unwrap();
        heir.wait().unwrap();
        assert_eq!(seen, expected);
    }
}
