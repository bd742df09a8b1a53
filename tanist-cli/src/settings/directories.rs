use std::env;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

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

/// The path itself, from the directory in which the command was given; nothing else is looked up.
///
/// Done before anything else, because the guard, the child and the release helper need not work in
/// that directory.
pub(crate) fn made_absolute(path: &Path, what: &str) -> Result<PathBuf, Problem> {
    let failed = |error| {
        Problem::usage(
            "path::unusable",
            format!("{what} {} cannot be used", path.display()),
        )
        .because(error)
    };
    let up = path
        .components()
        .take_while(|part| *part == Component::ParentDir)
        .count();
    if up == 0 {
        return std::path::absolute(path).map_err(failed);
    }
    // The kernel's name of the present directory has no links in it, so its parts can be left out.
    let here = env::current_dir().map_err(failed)?;
    let from = here.ancestors().nth(up).unwrap_or_else(|| Path::new("/"));
    Ok(from.join(path.components().skip(up).collect::<PathBuf>()))
}

/// [`made_absolute`], for a directory that several processes have to mean.
pub(super) fn place(path: &Path, what: &str) -> Result<PathBuf, Problem> {
    let place = made_absolute(path, what)?;
    if place.components().any(|part| part == Component::ParentDir) {
        return Err(Problem::usage(
            "path::unusable",
            format!("{what} {} cannot be used", path.display()),
        )
        .because("what .. means behind a name depends on links, which may change")
        .next("write the path without it"));
    }
    Ok(place)
}

/// The XDG rules say that a relative path is to be ignored.
fn absolute(value: Option<OsString>) -> Option<PathBuf> {
    value.map(PathBuf::from).filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_meant_from_where_the_command_was_given() {
        let here = env::current_dir().unwrap();
        let above = here.parent().unwrap();
        for (given, meant) in [
            ("a/b", here.join("a/b")),
            ("./a", here.join("a")),
            ("../a", above.join("a")),
            ("..", above.to_owned()),
            ("../../../../../../../../../../../../../../a", "/a".into()),
            ("/a", "/a".into()),
        ] {
            assert_eq!(place(Path::new(given), "x"), Ok(meant), "{given}");
        }
        for given in ["a/../b", "/a/..", "../a/../b"] {
            let refused = place(Path::new(given), "the run directory").unwrap_err();
            assert!(refused.to_string().contains("without it"), "{refused}");
        }
        assert!(place(Path::new(""), "x").is_err());
    }
}
