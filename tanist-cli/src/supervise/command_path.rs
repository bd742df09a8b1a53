use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use crate::exit::Code;
use crate::problem::Problem;

/// Where nobody set a PATH, what the C library's `execvp` would search.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Finds the file that `command` names, as `execvp` would for the child.
///
/// Done before standing in the line: a node that cannot run the command must not be elected.
///
/// # Errors
///
/// 127 if there is none, 126 if it cannot be executed.
pub(crate) fn resolve(
    command: &OsStr,
    path: Option<&OsStr>,
    cwd: Option<&Path>,
) -> Result<PathBuf, Problem> {
    find(command, path, cwd).map_err(|why| {
        let problem = refused(command, &why);
        if command.as_bytes().contains(&b'/') {
            return problem;
        }
        let path = path.map_or_else(|| OsString::from(DEFAULT_PATH), OsStr::to_owned);
        problem.because(format_args!("looked in {}", path.display()))
    })
}

/// The same, with a reason that names no command.
pub(super) fn find(
    command: &OsStr,
    path: Option<&OsStr>,
    cwd: Option<&Path>,
) -> Result<PathBuf, Refusal> {
    let own = std::env::current_dir().unwrap_or_default();
    let cwd = cwd.unwrap_or(&own);
    if command.as_bytes().contains(&b'/') {
        return check(&cwd.join(command));
    }
    let path = path.map_or_else(|| OsString::from(DEFAULT_PATH), OsStr::to_owned);
    let mut best = Refusal::Missing;
    for dir in std::env::split_paths(&path) {
        match check(&cwd.join(dir).join(command)) {
            Ok(found) => return Ok(found),
            Err(Refusal::Missing) => {}
            Err(why) => best = why,
        }
    }
    Err(best)
}

/// Why there is nothing to execute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no such file.
    Missing,
    /// It is a directory.
    Directory(PathBuf),
    /// It is not executable for us.
    NotExecutable(PathBuf),
}

fn check(path: &Path) -> Result<PathBuf, Refusal> {
    if path.is_dir() {
        return Err(Refusal::Directory(path.to_owned()));
    }
    match access(path, Access::EXEC_OK) {
        Ok(()) => Ok(path.to_owned()),
        Err(_) if path.exists() => Err(Refusal::NotExecutable(path.to_owned())),
        Err(_) => Err(Refusal::Missing),
    }
}

fn refused(command: &OsStr, why: &Refusal) -> Problem {
    let name = command.display();
    let problem = match why {
        Refusal::Missing => Problem::new(
            Code::NotFound,
            "run::command-not-found",
            format!("there is no command {name:?}"),
        ),
        Refusal::Directory(path) => not_executable(format!("{} is a directory", path.display())),
        Refusal::NotExecutable(path) => {
            not_executable(format!("{} cannot be executed", path.display())).next(format_args!(
                "if it is a program: chmod +x {}",
                path.display()
            ))
        }
    };
    problem.next("nothing was started, and this node does not stand in the election")
}

fn not_executable(what: String) -> Problem {
    Problem::new(Code::NotExecutable, "run::command-not-executable", what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn commands_are_found_as_the_child_would_find_them() {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path();
        std::fs::write(here.join("tool"), "#!/bin/sh\n").unwrap();
        let find = |name: &str| {
            resolve(OsStr::new(name), Some(here.as_os_str()), Some(here))
                .map_err(|problem| problem.exit().code())
        };
        assert_eq!(find("tool"), Err(126));
        assert_eq!(find("./tool"), Err(126));
        std::fs::set_permissions(here.join("tool"), PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(find("tool"), Ok(here.join("tool")));
        assert_eq!(find("./tool"), Ok(here.join("./tool")));
        assert_eq!(find("other"), Err(127));
        assert_eq!(find("./other"), Err(127));
        std::fs::create_dir(here.join("dir")).unwrap();
        assert_eq!(find("dir"), Err(126));
    }
}
