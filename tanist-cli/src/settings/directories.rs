use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::exit::Code;
use crate::problem::Problem;

/// Where sockets, role files and the local store are when nobody says.
///
/// Never a world-writable place: anybody could put a lock there first and keep the service down.
pub(super) fn default_run_dir() -> Result<PathBuf, Problem> {
    tanist::run_dir().map_err(|_| {
        Problem::new(
            Code::CantCreate,
            "run-dir::none",
            "there is no private place for the run directory",
        )
        .because("XDG_RUNTIME_DIR is not set, and only root has /run/tanist")
        .next("give one that only you can write: --run-dir DIR or TANIST_RUN_DIR=DIR")
        .next("all copies of one service on this machine need the same one")
    })
}

/// Where the highest term ever seen is kept when nobody says, if there is a place that survives.
pub(super) fn default_state_dir() -> Option<PathBuf> {
    if rustix::process::geteuid().is_root() {
        return Some(PathBuf::from("/var/lib/tanist"));
    }
    absolute(env::var_os("XDG_STATE_HOME"))
        .or_else(|| absolute(env::var_os("HOME")).map(|home| home.join(".local/state")))
        .map(|dir| dir.join("tanist"))
}

/// The path itself, from the directory we are in; nothing is looked up.
pub(super) fn made_absolute(path: &Path, what: &str) -> Result<PathBuf, Problem> {
    std::path::absolute(path).map_err(|error| {
        Problem::usage(
            "path::unusable",
            format!("{what} {} cannot be used", path.display()),
        )
        .because(error)
    })
}

/// The XDG rules say that a relative path is to be ignored.
fn absolute(value: Option<OsString>) -> Option<PathBuf> {
    value.map(PathBuf::from).filter(|path| path.is_absolute())
}
