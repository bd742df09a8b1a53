use std::path::Path;

use clap::builder::{OsStr, Resettable};
use clap::{CommandFactory, FromArgMatches};

use crate::args::{CheckArgs, Cli, Command};
use crate::command::run::plan;
use crate::command::status::unwritten;
use crate::exit::{Code, Exit};
use crate::guard::GuardSpec;
use crate::printer::Printer;
use crate::problem::Problem;
use crate::settings::{Layers, RunSettings, SettingsFile, check_election_name, places};
use crate::words::counted;

/// Whether `tanist run` could go by the file here: what it checks before it stands in the line.
pub(super) fn main(args: &CheckArgs) -> Result<Exit, Problem> {
    let election = args.which.election.as_deref();
    super::check_name(election)?;
    let named = args.file.as_deref().or(args.which.config.as_deref());
    let found = SettingsFile::find(named, election);
    let Some(file) = found.map_err(|problem| meant(args, problem))? else {
        return Err(
            Problem::new(Code::Config, "config::none", "there is no settings file")
                .because(format_args!(
                    "looked for\n{}",
                    super::listed(&places(election))
                ))
                .next("tanist config init writes one; nothing needs one"),
        );
    };
    resolve(&file).map_err(|problem| problem.of_the_file())?;
    let (path, settings) = (file.path().display(), counted(file.len(), "setting"));
    Printer::default()
        .print(&format!("{path}: {settings}, all in order\n"))
        .map_err(unwritten)?;
    Ok(Exit::of(Code::Ok, "config"))
}

/// `problem` with the file, which may be that of the election with the name.
fn meant(args: &CheckArgs, problem: Problem) -> Problem {
    let name = args.file.as_deref().and_then(Path::to_str);
    match name.filter(|name| check_election_name(name).is_ok() && !Path::new(name).exists()) {
        Some(name) if !name.contains('.') => problem.next(format_args!(
            "what is checked is a file; for that of the election: tanist config check -e {name}"
        )),
        _ => problem,
    }
}

/// Resolves a command line on which only what the file has to leave out is given.
fn resolve(file: &SettingsFile) -> Result<(), Problem> {
    let mut words = vec!["tanist", "run"];
    for (name, given) in [
        ("election", &["--election", "demo"][..]),
        ("run_dir", &["--run-dir", "/run/tanist"]),
        ("command", &["--", GuardSpec::SELF]),
    ] {
        if !file.sets(name) {
            words.extend(given);
        }
    }
    let program = file
        .lay_under(Cli::command())
        .mut_subcommands(|verb| verb.mut_args(|arg| arg.env(Resettable::<OsStr>::Reset)));
    let unread = |error: clap::Error| {
        let what = format!("{} cannot be used", file.path().display());
        Problem::new(Code::Config, "config::unusable", what).because(error)
    };
    let matches = program.try_get_matches_from(words).map_err(unread)?;
    let cli = Cli::from_arg_matches(&matches).map_err(unread)?;
    if let (Command::Run(args), Some((_, given))) = (cli.command, matches.subcommand()) {
        let layers = Layers::new(given, Some(file));
        let planned = RunSettings::resolve(layers, *args).and_then(|settings| plan(&settings));
        planned.map_err(|problem| layers.point_out(problem))?;
    }
    Ok(())
}
