//! One command each.

mod completions;
mod config;
mod demo;
mod doctor;
mod evict;
mod explain;
mod following;
mod here;
mod history;
mod leader;
mod look;
mod man;
mod pause;
mod question;
mod repair;
mod resign;
mod run;
mod status;
mod switchover;
mod turn;
mod wait;
mod watch;

pub(crate) use explain::slugs;
pub(crate) use status::unwritten;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use crate::args::{Cli, Command, SpeechArgs};
use crate::exit::{Code, Exit};
use crate::printer;
use crate::problem::Problem;
use crate::settings::{Layers, SettingsFile};

/// Reads the command line and does what it says.
pub(crate) fn main() -> ExitCode {
    let (matches, file) = match settle() {
        Ok(settled) => settled,
        Err(Unsettled::Usage(error)) => return usage(&error),
        Err(Unsettled::File(why)) => return refuse(&why.0, &why.1),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    // Every command is a subcommand, so there is always one.
    let given = matches.subcommand().map_or(&matches, |(_, given)| given);
    let layers = Layers::new(given, file.as_ref());
    let ended = match cli.command {
        Command::Run(args) => return run::main(layers, *args).into(),
        Command::Status(args) => status::main(layers, args),
        Command::Leader(args) => leader::main(layers, args),
        Command::Watch(args) => watch::main(layers, args),
        Command::Wait(args) => wait::main(layers, args),
        Command::Switchover(args) => switchover::main(layers, args),
        Command::Resign(args) => resign::main(layers, args),
        Command::Pause(args) => pause::pause(layers, args),
        Command::Resume(args) => pause::resume(layers, args),
        Command::History(args) => history::main(layers, args),
        Command::Repair(args) => repair::main(layers, args),
        Command::Evict(args) => evict::main(layers, args),
        Command::Doctor(args) => doctor::main(&args),
        Command::Config(args) => config::main(args),
        Command::Explain(args) => explain::main(&args),
        Command::Demo(args) => demo::main(&args),
        Command::Completions(args) => completions::main(&args),
        Command::Man(args) => man::main(&args),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(problem) => {
            complain(&problem);
            problem.exit().into()
        }
    }
}

/// Why no command can be begun.
enum Unsettled {
    /// What was typed is wrong.
    Usage(clap::Error),
    /// The settings file is wrong; and what was typed.
    File(Box<(ArgMatches, Problem)>),
}

/// What was typed, with the values of the settings file below it.
fn settle() -> Result<(ArgMatches, Option<SettingsFile>), Unsettled> {
    let typed = match Cli::command().try_get_matches() {
        Ok(typed) => typed,
        // The file may say what is missing.
        Err(error) if error.kind() == ErrorKind::MissingRequiredArgument => {
            let lenient = Cli::command()
                .mut_subcommands(|verb| verb.mut_args(|argument| argument.required(false)));
            match lenient.try_get_matches() {
                Ok(typed) if find_file(&typed).is_ok_and(|file| file.is_none()) => {
                    return Err(Unsettled::Usage(error));
                }
                Ok(typed) => typed,
                Err(_) => return Err(Unsettled::Usage(error)),
            }
        }
        Err(error) => return Err(Unsettled::Usage(error)),
    };
    let file = match find_file(&typed) {
        Ok(Some(file)) => file,
        Ok(None) => return Ok((typed, None)),
        Err(problem) => return Err(Unsettled::File(Box::new((typed, problem)))),
    };
    let both = file.lay_under(Cli::command()).try_get_matches();
    both.map(|matches| (matches, Some(file)))
        .map_err(Unsettled::Usage)
}

/// The settings file, where the command goes by one.
fn find_file(typed: &ArgMatches) -> Result<Option<SettingsFile>, Problem> {
    let Some((verb, given)) = typed.subcommand() else {
        return Ok(None);
    };
    // It looks at the file itself, and a wrong one is among what it is there to find.
    if verb == "doctor" {
        return Ok(None);
    }
    // A command without the flag has no settings.
    let Ok(named) = given.try_get_one::<PathBuf>("config") else {
        return Ok(None);
    };
    let of = |id| given.try_get_one::<String>(id).ok().flatten();
    let one = of("named").or_else(|| of("election"));
    let many = given.try_get_many::<String>("elections").ok().flatten();
    let only = many
        .filter(|names| names.len() == 1)
        .and_then(|mut names| names.next());
    SettingsFile::find(
        named.map(PathBuf::as_path),
        only.or(one).map(String::as_str),
    )
}

/// A wrong settings file: `run` says so in its log, with the line that names the exit code.
fn refuse(typed: &ArgMatches, problem: &Problem) -> ExitCode {
    if let Some(("run", given)) = typed.subcommand()
        && let Ok(speech) = SpeechArgs::from_arg_matches(given)
    {
        return run::refused(&speech, problem).into();
    }
    complain(problem);
    problem.exit().into()
}

/// Prints a problem for people.
fn complain(problem: &Problem) {
    let style = anstyle::AnsiColor::Red.on_default().bold();
    let text = format!(
        "{style}error:{style:#} {}\n",
        printer::printable_lines(&problem.to_string())
    );
    // There is nobody left to tell that standard error is closed.
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// Prints what is no failure but must not be overlooked.
fn warn(text: &str) {
    let style = anstyle::AnsiColor::Yellow.on_default().bold();
    let text = format!("{style}warning:{style:#} {text}\n");
    // There is nobody left to tell that standard error is closed.
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// clap's own code for a wrong command line is 2; ours is that of sysexits.
fn usage(error: &clap::Error) -> ExitCode {
    // There is nobody left to tell that the stream is closed.
    let _ = error.print();
    if let Some(variable) = blamed_variable(error) {
        let note = format!("\n  = the value comes from the variable {variable}\n");
        // As above.
        let _ = anstream::stderr().lock().write_all(note.as_bytes());
    }
    let code = if error.use_stderr() {
        Code::Usage
    } else {
        Code::Ok
    };
    Exit::of(code, "usage").into()
}

/// The variable with the value that `error` is about; clap speaks of the flag, also where nobody
/// typed it.
fn blamed_variable(error: &clap::Error) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let flag = text(ContextKind::InvalidArg)?.split([' ', '=']).next()?;
    let name = flag.strip_prefix("--")?;
    let typed = |word: std::ffi::OsString| {
        let word = word.to_string_lossy();
        word == flag || word.starts_with(&format!("{flag}="))
    };
    let variable = format!("TANIST_{}", name.replace('-', "_").to_uppercase());
    let value = std::env::var(&variable).ok()?;
    let wrong = text(ContextKind::InvalidValue)?;
    (value.contains(wrong) && !std::env::args_os().any(typed)).then_some(variable)
}

/// A runtime of one thread: nothing here computes, and the guard's parent must not be a thread that
/// ends.
fn runtime() -> Result<tokio::runtime::Runtime, Problem> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Problem::new(
                Code::OsError,
                "system::runtime",
                "the system gives no event queue",
            )
            .because(error)
            .next("the limit on open files may be reached: ulimit -n")
        })
}
