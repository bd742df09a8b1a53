use clap::{CommandFactory, FromArgMatches};
use tanist::Timing;

use super::report::Report;
use crate::args::{Cli, Command, DoctorArgs};
use crate::command::run;
use crate::problem::Problem;
use crate::settings::{Layers, RunSettings, SettingsFile, Source, places};
use crate::supervise::resolve_hooks;
use crate::words::counted;
use std::time::Duration;

const AREA: &str = "config";

/// What `tanist run` would go by here.
#[derive(Debug)]
pub(super) struct Plan {
    /// All of it.
    pub(super) run: RunSettings,
    /// Whether somebody chose the grace of a planned stop.
    pub(super) stop_is_set: bool,
    /// How long the store has to answer.
    pub(super) timeout: Duration,
}

/// Settings file, variables and flags; `None` where nothing can be made of them.
pub(super) fn look(report: &mut Report, args: &DoctorArgs) -> Option<Plan> {
    let election = args.election();
    let named = args.answer.place.config.as_deref();
    let file = match SettingsFile::find(named, election) {
        Ok(Some(file)) => {
            let path = file.path().display();
            report.ok(AREA, format!("{path}, {}", counted(file.len(), "setting")));
            Some(file)
        }
        Ok(None) => {
            let places = places(election);
            let first = places.first().map(|path| path.display().to_string());
            let first = first.unwrap_or_default();
            report.ok(
                AREA,
                format!("no settings file; the first place for one is {first}"),
            );
            None
        }
        Err(problem) => {
            report.fail(AREA, problem.to_string());
            None
        }
    };
    let plan = match resolve(file.as_ref(), args) {
        Ok(plan) => Some(plan),
        Err(problem) => {
            report.fail(AREA, problem.to_string());
            file.is_some().then(|| resolve(None, args).ok()).flatten()
        }
    }?;
    let has_command = file.as_ref().is_some_and(|file| file.sets("command"));
    programs(report, &plan, has_command);
    let hooks = plan.run.hooks.all().count();
    if hooks > 0 {
        match resolve_hooks(&plan.run) {
            Ok(()) => report.ok("hooks", format!("{hooks} can and may be run")),
            Err(problem) => report.fail("hooks", problem.to_string()),
        }
    }
    Some(plan)
}

/// What would be executed, as far as the settings say it.
fn programs(report: &mut Report, plan: &Plan, has_command: bool) {
    const AREA: &str = "command";
    let checks = plan.run.health.checks.len();
    match run::specify(&plan.run) {
        Err(problem) => report.fail(AREA, problem.to_string()),
        Ok(_) if has_command => {
            let command = plan.run.child.command.first().cloned().unwrap_or_default();
            let command = command.display();
            report.ok(
                AREA,
                format!("{command} can be executed; health checks: {checks}"),
            );
        }
        Ok(_) if checks > 0 => report.ok(AREA, format!("health checks: {checks}")),
        Ok(_) => {}
    }
}

fn resolve(file: Option<&SettingsFile>, args: &DoctorArgs) -> Result<Plan, Problem> {
    let place = &args.answer.place;
    let mut words: Vec<std::ffi::OsString> = vec!["tanist".into(), "run".into()];
    let election = args.election();
    if election.is_some() || !file.is_some_and(|file| file.sets("election")) {
        words.extend(["--election".into(), election.unwrap_or("doctor").into()]);
    }
    for (flag, value) in [
        ("--store", place.store.as_ref().map(Into::into)),
        ("--run-dir", place.run_dir.as_ref().map(Into::into)),
        ("--state-dir", args.state_dir.as_ref().map(Into::into)),
    ] {
        if let Some(value) = value {
            words.extend([flag.into(), value]);
        }
    }
    if !file.is_some_and(|file| file.sets("command")) {
        words.extend(["--".into(), "true".into()]);
    }
    let program = match file {
        Some(file) => file.lay_under(Cli::command()),
        None => Cli::command(),
    };
    let unread = |error: clap::Error| {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        Problem::usage("config::variable", "a variable has a value that cannot be")
            .because(first.trim_start_matches("error: "))
    };
    let matches = program.try_get_matches_from(words).map_err(unread)?;
    let cli = Cli::from_arg_matches(&matches).map_err(unread)?;
    let (Command::Run(run), Some((_, given))) = (cli.command, matches.subcommand()) else {
        unreachable!("the words are those of tanist run");
    };
    let layers = Layers::new(given, file);
    let timeout = args
        .answer
        .timeout
        .map_or(Duration::from_secs(3), |span| span.0);
    Ok(Plan {
        stop_is_set: layers.source("stop_timeout") != Source::Default,
        run: RunSettings::resolve(layers, *run)?,
        timeout,
    })
}

impl Plan {
    /// The spans.
    pub(super) const fn timing(&self) -> &Timing {
        &self.run.timing
    }
}
