use clap::builder::{OsStr, Resettable};
use clap::{CommandFactory, FromArgMatches};

use crate::args::{CheckArgs, Cli, Command};
use crate::command::status::unwritten;
use crate::exit::{Code, Exit};
use crate::printer::Printer;
use crate::problem::Problem;
use crate::settings::{Layers, RunSettings, SettingsFile, places};

/// Whether `tanist run` could go by the file, as far as the file alone decides that.
pub(super) fn main(args: &CheckArgs) -> Result<Exit, Problem> {
    let election = args.which.election.as_deref();
    let named = args.file.as_deref().or(args.which.config.as_deref());
    let Some(file) = SettingsFile::find(named, election)? else {
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
    let path = file.path().display();
    Printer::default()
        .print(&format!("{path}: {} settings, all in order\n", file.len()))
        .map_err(unwritten)?;
    Ok(Exit::of(Code::Ok, "config"))
}

/// Resolves a command line on which only what the file has to leave out is given.
fn resolve(file: &SettingsFile) -> Result<(), Problem> {
    let mut words = vec!["tanist", "run"];
    for (name, given) in [
        ("election", &["--election", "demo"][..]),
        ("run_dir", &["--run-dir", "/run/tanist"]),
        ("command", &["--", "true"]),
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
        RunSettings::resolve(Layers::new(given, Some(file)), *args)?;
    }
    Ok(())
}
