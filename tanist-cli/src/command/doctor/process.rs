use std::fs;
use std::path::Path;

use rustix::process::{
    PidfdFlags, Resource, Signal, getpid, getppid, getrlimit, pidfd_open, set_child_subreaper,
    set_parent_process_death_signal,
};

use super::report::Report;
use crate::guard;

const AREA: &str = "process";

/// A node has three processes of its own and some threads; this many more leave it room.
const ROOM: u64 = 64;

/// What the system lets this user do.
pub(super) fn look(report: &mut Report) {
    rights(report);
    limits(report);
    pids(report);
}

/// What the guard needs, tried on this process, which ends in a moment.
fn rights(report: &mut Report) {
    let mut missing = Vec::new();
    if let Err(error) = set_child_subreaper(Some(getpid())) {
        missing.push(format!("subreaper ({error})"));
    }
    let parent = getppid();
    match set_parent_process_death_signal(Some(Signal::KILL)) {
        Ok(()) => {
            // Whoever asked must be able to end without us ending half-way.
            let _ = set_parent_process_death_signal(None);
        }
        Err(error) => missing.push(format!("parent-death signal ({error})")),
    }
    if let Err(error) = pidfd_open(getpid(), PidfdFlags::empty()) {
        missing.push(format!("process descriptors ({error})"));
    }
    if let Err(error) = fs::read_to_string("/proc/self/stat") {
        missing.push(format!("/proc ({error})"));
    }
    if missing.is_empty() {
        report.ok(
            AREA,
            "subreaper, parent-death signal, process descriptors, /proc",
        );
    } else {
        report.fail(AREA, format!("not to be had: {}", missing.join(", ")));
    }
    if parent.is_none() && getpid().is_init() {
        report.warn(
            AREA,
            "this is process 1: orphans of strangers end up here, and may be killed with the work",
        );
    }
}

fn limits(report: &mut Report) {
    let files = getrlimit(Resource::Nofile).current;
    match files {
        Some(limit) if limit < 64 => report.fail(
            AREA,
            format!("at most {limit} open files; tanist needs 64: ulimit -n, LimitNOFILE="),
        ),
        Some(limit) if limit < 256 => report.warn(
            AREA,
            format!("at most {limit} open files; 256 leave room: ulimit -n, LimitNOFILE="),
        ),
        limit => report.ok(AREA, format!("{} open files", amount(limit))),
    }
    let tasks = getrlimit(Resource::Nproc).current;
    let root = rustix::process::geteuid().is_root();
    match (tasks, own_tasks()) {
        // The kernel does not hold root to it.
        (Some(limit), Some(used)) if !root => {
            headroom(
                report,
                "processes of this user",
                used,
                limit,
                "ulimit -u, LimitNPROC=",
            );
        }
        _ => report.ok(AREA, "no limit on the processes of this user"),
    }
    match getrlimit(Resource::Memlock).current {
        Some(limit) if !root && limit < 64 << 20 => report.ok(
            AREA,
            format!(
                "{} KiB of memory may be locked: where memory is short, the guard may be paged out",
                limit >> 10
            ),
        ),
        _ => report.ok(AREA, "the guard can lock its memory"),
    }
}

/// The limit of the control group, the narrowest on the way up.
fn pids(report: &mut Report) {
    let Ok(own) = guard::cgroup_directory() else {
        return;
    };
    let number = |dir: &Path, name: &str| -> Option<u64> {
        fs::read_to_string(dir.join(name)).ok()?.trim().parse().ok()
    };
    let limits = own.ancestors().filter_map(|dir| {
        let limit = number(dir, "pids.max")?;
        Some((
            limit.saturating_sub(number(dir, "pids.current")?),
            limit,
            dir,
        ))
    });
    if let Some((left, limit, dir)) = limits.min() {
        let place = format!("pids.max of {}", dir.display());
        headroom(
            report,
            &place,
            limit.saturating_sub(left),
            limit,
            "TasksMax=",
        );
    }
}

fn headroom(report: &mut Report, what: &str, used: u64, limit: u64, how: &str) {
    let text = format!("{what}: {used} of {limit} in use");
    match limit.saturating_sub(used) {
        0..8 => report.fail(AREA, format!("{text}; a node needs more: {how}")),
        8..ROOM => report.warn(AREA, format!("{text}; more room is safer: {how}")),
        _ => report.ok(AREA, text),
    }
}

/// How many tasks the kernel counts against this user: threads, too.
fn own_tasks() -> Option<u64> {
    let own = rustix::process::getuid().as_raw();
    let mut tasks = 0;
    for item in fs::read_dir("/proc").ok()?.flatten() {
        let Ok(status) = fs::read_to_string(item.path().join("status")) else {
            continue;
        };
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        if field("Uid:") == Some(own.into()) {
            tasks += field("Threads:").unwrap_or(1);
        }
    }
    Some(tasks)
}

fn amount(limit: Option<u64>) -> String {
    limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string())
}
