use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::super::command_path::{Refusal, find};
use super::runner::environment;
use crate::args::HookCommand;
use crate::exit::Code;
use crate::problem::Problem;
use crate::settings::{RunSettings, Source};

/// Whether each hook can and may be run. A node whose hooks cannot must not be elected.
///
/// # Errors
///
/// The first hook that is missing, cannot be executed, or could be changed by others.
pub(crate) fn resolve(settings: &RunSettings) -> Result<(), Problem> {
    let env = environment(&settings.child);
    let path = env.iter().find(|(name, _)| name == "PATH");
    let path = path.map(|(_, value)| value.as_os_str());
    let source = &settings.hooks.source;
    settings
        .hooks
        .all()
        .try_for_each(|hook| check(hook, path, source))
}

fn check(hook: &HookCommand, path: Option<&OsStr>, source: &Source) -> Result<(), Problem> {
    let event = hook.event.word();
    let name = &hook.words[0];
    let found = find(OsStr::new(name), path, None).map_err(|refusal| {
        let problem = match refusal {
            Refusal::Missing => Problem::usage(
                "hook::not-found",
                format!("{event}: there is no program {name:?}"),
            ),
            Refusal::Directory(path) => Problem::usage(
                "hook::not-executable",
                format!("{event}: {} is a directory", path.display()),
            ),
            Refusal::NotExecutable(path) => Problem::usage(
                "hook::not-executable",
                format!("{event}: {} cannot be executed", path.display()),
            )
            .next(format_args!("chmod +x {}", path.display())),
        };
        problem.set_by(source).next(NOTHING)
    })?;
    may_be_run(&found).map_err(|why| {
        Problem::new(
            Code::NoPerm,
            "hook::unsafe",
            format!("{event}: {} could be changed by others", found.display()),
        )
        .because(why)
        .set_by(source)
        .because("tanist runs as root, and so would whatever they put there")
        .next("chown root and chmod go-w the file and its directory")
        .next(NOTHING)
    })
}

const NOTHING: &str = "nothing was started, and this node does not stand in the election";

/// Whether root may run the file: nobody else can put another in its place. Anybody else runs what
/// is theirs.
///
/// # Errors
///
/// What others could do.
pub(super) fn may_be_run(program: &Path) -> Result<(), String> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let real = program
        .canonicalize()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    // The name that was given, and what it leads to.
    for file in [program, &real] {
        let dir = file.parent().unwrap_or_else(|| Path::new("/"));
        for path in [file, dir] {
            safe(path)?;
        }
    }
    Ok(())
}

fn safe(path: &Path) -> Result<(), String> {
    let shown = path.display();
    // A path without a directory lies in this one.
    let path = match path.as_os_str().is_empty() {
        true => PathBuf::from("."),
        false => path.to_owned(),
    };
    let metadata: Metadata =
        std::fs::metadata(&path).map_err(|error| format!("{shown}: {error}"))?;
    let owner = metadata.uid();
    if owner != 0 {
        return Err(format!("{shown} belongs to user {owner}"));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o022 != 0 {
        return Err(format!("{shown} has mode {mode:o}: others can write it"));
    }
    Ok(())
}
