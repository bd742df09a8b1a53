use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Who holds the kernel lock on the file at `path`, for people: as far as the kernel tells this
/// process.
pub(super) fn describe(path: &Path) -> String {
    let holders = holders(path);
    if holders.is_empty() {
        return "a process that this one cannot see".to_owned();
    }
    holders
        .iter()
        .map(|pid| name(*pid))
        .collect::<Vec<_>>()
        .join(", ")
}

fn holders(path: &Path) -> Vec<u32> {
    let (Ok(is), Ok(locks)) = (path.metadata(), std::fs::read_to_string("/proc/locks")) else {
        return Vec::new();
    };
    let (major, minor) = (rustix::fs::major(is.dev()), rustix::fs::minor(is.dev()));
    let file = format!("{major:02x}:{minor:02x}:{}", is.ino());
    let mut pids: Vec<u32> = locks
        .lines()
        .filter_map(|line| holder(line, &file))
        .collect();
    pids.sort_unstable();
    pids.dedup();
    pids
}

/// The process in a line of `/proc/locks`, if it holds a lock of flock(2) on `file`.
///
/// `1: FLOCK  ADVISORY  WRITE 4711 fe:00:1234 0 EOF`; those who wait have an arrow after the number.
fn holder(line: &str, file: &str) -> Option<u32> {
    let mut words = line.split_whitespace().skip(1);
    if words.next()? != "FLOCK" {
        return None;
    }
    let pid = words.nth(2)?.parse().ok()?;
    (words.next()? == file).then_some(pid)
}

fn name(pid: u32) -> String {
    match std::fs::read_to_string(format!("/proc/{pid}/comm")) {
        Ok(name) => format!("pid {pid} ({})", name.trim_end().escape_debug()),
        Err(_) => format!("what pid {pid}, which has ended, left behind"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn only_the_holder_of_this_file_counts() {
        let file = "fe:00:1234";
        let line = "1: FLOCK  ADVISORY  WRITE 4711 fe:00:1234 0 EOF";
        assert_eq!(holder(line, file), Some(4711));
        assert_eq!(
            holder("1: -> FLOCK  ADVISORY  WRITE 4711 fe:00:1234 0 EOF", file),
            None
        );
        assert_eq!(
            holder("1: POSIX  ADVISORY  WRITE 4711 fe:00:1234 0 EOF", file),
            None
        );
        assert_eq!(
            holder("1: FLOCK  ADVISORY  WRITE 4711 fe:00:12345 0 EOF", file),
            None
        );
        assert_eq!(holder("", file), None);
    }

    #[test]
    fn the_kernel_names_this_process_as_the_holder() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("lock");
        let file = File::create(&path).unwrap();
        assert_eq!(describe(&path), "a process that this one cannot see");
        file.try_lock().unwrap();
        assert!(describe(&path).starts_with(&format!("pid {} (", std::process::id())));
    }
}
