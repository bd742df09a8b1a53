//! One command each.

mod leader;
mod look;
mod run;
mod status;
mod watch;

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use crate::args::{Cli, Command};
use crate::exit::{Code, Exit};
use crate::printer;
use crate::problem::Problem;
use crate::settings::Layers;

/// Reads the command line and does what it says.
pub(crate) fn main() -> ExitCode {
    let matches = match Cli::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return usage(&error),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    // Every command is a subcommand, so there is always one.
    let given = matches.subcommand().map_or(&matches, |(_, given)| given);
    let layers = Layers::new(given);
    let ended = match cli.command {
        Command::Run(args) => return run::main(layers, *args).into(),
        Command::Status(args) => status::main(layers, args),
        Command::Leader(args) => leader::main(layers, args),
        Command::Watch(args) => watch::main(layers, args),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(problem) => {
            complain(&problem);
            problem.exit().into()
        }
    }
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

/// clap's own code for a wrong command line is 2; ours is that of sysexits.
fn usage(error: &clap::Error) -> ExitCode {
    // There is nobody left to tell that the stream is closed.
    let _ = error.print();
    let code = if error.use_stderr() {
        Code::Usage
    } else {
        Code::Ok
    };
    Exit::of(code, "usage").into()
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
