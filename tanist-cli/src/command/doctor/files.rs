use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::report::Report;
use super::settings::Plan;

const AREA: &str = "files";

/// The directories of tanist's own, and what dead nodes left there.
pub(super) fn look(report: &mut Report, plan: &Plan) {
    let place = &plan.run.place;
    directory(report, "run directory", &place.run_dir.value);
    leftovers(report, &place.run_dir.value);
    sockets_fit(report, plan);
    match &place.state_dir.value {
        Some(dir) => directory(report, "state directory", dir),
        None => report.warn(
            AREA,
            "no place for the highest term: a store that is wiped could give lower ones; --state-dir",
        ),
    }
}

fn directory(report: &mut Report, what: &str, dir: &Path) {
    let shown = dir.display();
    let is = match fs::symlink_metadata(dir) {
        Ok(is) => is,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            missing(report, what, dir);
            return;
        }
        Err(error) => return report.fail(AREA, format!("{what} {shown}: {error}")),
    };
    let own = rustix::process::geteuid().as_raw();
    if !is.is_dir() {
        report.fail(AREA, format!("{what} {shown} is a link or a file"));
    } else if is.uid() != own {
        let of = is.uid();
        report.fail(
            AREA,
            format!("{what} {shown} belongs to user {of}, not to user {own}"),
        );
    } else if is.mode() & 0o077 != 0 {
        let mode = is.mode() & 0o7777;
        report.fail(
            AREA,
            format!(
                "{what} {shown} is open to others (mode {mode:04o}): name one that nothing else uses"
            ),
        );
    } else if rustix::fs::access(dir, rustix::fs::Access::WRITE_OK).is_err() {
        report.fail(AREA, format!("{what} {shown} cannot be written"));
    } else {
        report.ok(AREA, format!("{what} {shown}"));
    }
}

/// Who stands makes it, if the directory above lets him.
fn missing(report: &mut Report, what: &str, dir: &Path) {
    let shown = dir.display();
    let above = dir.ancestors().skip(1).find(|above| above.exists());
    let Some(above) = above else {
        return report.fail(AREA, format!("{what} {shown}: there is no such path"));
    };
    if !above.is_dir() || rustix::fs::access(above, rustix::fs::Access::WRITE_OK).is_err() {
        let above = above.display();
        return report.fail(AREA, format!("{what} {shown} cannot be made in {above}"));
    }
    report.ok(
        AREA,
        format!("{what} {shown} is not there yet; tanist run makes it"),
    );
}

/// A socket's path has 107 bytes at most.
fn sockets_fit(report: &mut Report, plan: &Plan) {
    const LONGEST: usize = 107;
    let run = &plan.run;
    let name = format!("{}.{}.sock", run.election.value, run.node.value);
    let path = run.place.run_dir.value.join(name);
    let length = path.as_os_str().len();
    if length > LONGEST {
        report.warn(
            AREA,
            format!(
                "{} has {length} bytes, and a socket's path {LONGEST} at most: no control socket; \
                 use a shorter --run-dir",
                path.display()
            ),
        );
    }
}

/// Sockets that nobody answers, and what lies beside them: a node that was killed left them. The
/// next start of that name takes them up.
fn leftovers(report: &mut Report, dir: &Path) {
    let Ok(items) = dir.read_dir() else {
        return;
    };
    let names = items
        .flatten()
        .filter_map(|item| item.file_name().into_string().ok());
    let stem = |name: &str| {
        let (stem, kind) = name.rsplit_once('.')?;
        ["sock", "notify", "role", "name"]
            .contains(&kind)
            .then(|| stem.to_owned())
    };
    let nodes: BTreeSet<String> = names.filter_map(|name| stem(&name)).collect();
    let lives = |stem: &String| UnixStream::connect(dir.join(format!("{stem}.sock"))).is_ok();
    let (living, dead): (Vec<String>, Vec<String>) = nodes.into_iter().partition(lives);
    if !living.is_empty() {
        report.ok(AREA, format!("nodes that run here: {}", living.join(", ")));
    }
    if !dead.is_empty() {
        report.warn(
            AREA,
            format!(
                "left by nodes that were killed: {}; a role file among it may lie. The next start \
                 of that name replaces it, or remove it from {}",
                dead.join(", "),
                dir.display()
            ),
        );
    }
}
