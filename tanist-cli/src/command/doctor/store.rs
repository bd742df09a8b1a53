use std::path::Path;
use std::time::Instant;

use tanist::Place;
use tanist::Store;

use super::report::Report;
use super::settings::Plan;
use crate::command::look;
use crate::problem::Problem;
use crate::words::counted;

const AREA: &str = "store";

/// Whether the store can be used, and for how long still.
pub(super) async fn look(report: &mut Report, plan: &Plan) -> Option<Store> {
    let target = &plan.run.place.target.value;
    let store = match Store::open(target) {
        Ok(store) => store,
        Err(error) => {
            report.fail(AREA, format!("{target}: {}", Problem::from(error)));
            return None;
        }
    };
    let asked = Instant::now();
    match look::in_time(plan.timeout, store.elections()).await {
        Ok(elections) => {
            let took = asked.elapsed().as_micros();
            let count = counted(elections.len(), "election");
            report.ok(
                AREA,
                format!("{}: {count}, read in {took} µs", plan.run.place.target),
            );
        }
        Err(problem) => {
            report.fail(AREA, format!("{target}: {problem}"));
            return None;
        }
    }
    if let Place::Directory(dir) = target.place() {
        let dir = dir.as_deref().unwrap_or(&plan.run.place.run_dir.value);
        disk(report, dir);
        report.ok(
            AREA,
            "the session needs no timeout: the kernel keeps the lock as long as the process lives",
        );
    }
    Some(store)
}

/// The file system of `dir`, or of the directory in which it will be made.
fn disk(report: &mut Report, dir: &Path) {
    const FEW: u64 = 1 << 20;
    const FEW_FILES: u64 = 100;
    let Some(there) = dir.ancestors().find(|dir| dir.exists()) else {
        return;
    };
    let (Ok(kind), Ok(space)) = (rustix::fs::statfs(there), rustix::fs::statvfs(there)) else {
        return report.warn(
            AREA,
            format!(
                "the file system of {} does not tell of itself",
                there.display()
            ),
        );
    };
    let name = file_system(kind.f_type.cast_unsigned() & 0xffff_ffff);
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    // Some file systems have no fixed number of files, and say 0 of 0.
    let files = (space.f_files > 0).then_some(space.f_favail);
    let text = format!(
        "{name}, {} MiB free{}",
        free >> 20,
        files.map_or_else(String::new, |files| format!(", {files} files more"))
    );
    let few = free < FEW || files.is_some_and(|files| files < FEW_FILES);
    let read_only = space.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY);
    match (read_only, few) {
        (true, _) => report.fail(AREA, format!("{text}, read-only: nobody can stand or lead")),
        (false, true) => report.fail(
            AREA,
            format!("{text}: a full disk refuses who wants to stand; a leader goes on"),
        ),
        (false, false) => report.ok(AREA, text),
    }
}

/// The names of the usual ones, from statfs(2).
fn file_system(kind: u64) -> String {
    let known = match kind {
        0xef53 => "ext4",
        0x0102_1994 => "tmpfs",
        0x5846_5342 => "xfs",
        0x9123_683e => "btrfs",
        0x794c_7630 => "overlayfs",
        0x2fc1_2fc1 => "zfs",
        0xf2f5_2010 => "f2fs",
        0x8584_58f6 => "ramfs",
        other => return format!("file system {other:#x}"),
    };
    known.to_owned()
}
