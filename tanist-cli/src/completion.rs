//! What a shell is told when the user presses Tab.
//!
//! The script that `tanist completions` prints calls this program with the line so far behind `--`
//! and names its shell in [`ASKED_BY`].

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::{ArgMatches, CommandFactory, FromArgMatches};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Zsh};
use tanist::Store;

use crate::args::{Cli, PlaceArgs};
use crate::command::slugs;
use crate::settings::{Layers, QuerySettings, SettingsFile};

/// The variable by which a script asks.
const ASKED_BY: &str = "TANIST_COMPLETE";

/// Nobody waits longer for a Tab.
const PATIENCE: Duration = Duration::from_millis(500);

/// Answers a script; `None` where none asks.
pub(crate) fn answer(arguments: &[OsString]) -> Option<ExitCode> {
    let shell = std::env::var_os(ASKED_BY).filter(|shell| !shell.is_empty())?;
    // No line that anybody types begins like this, so a variable left over does no harm.
    let (first, words) = arguments.split_first()?;
    let words = (first == "--").then(|| words.to_vec())?;
    let answered = completer(shell.to_str()?).and_then(|shell| {
        let mut answer = Vec::new();
        let here = std::env::current_dir().ok();
        shell.write_complete(&mut program(&words), words, here.as_deref(), &mut answer)?;
        io::stdout().lock().write_all(&answer)
    });
    Some(match answered {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}

/// The script that a shell has to read once.
pub(crate) fn script(shell: &str) -> io::Result<String> {
    let mut script = Vec::new();
    completer(shell)?.write_registration(ASKED_BY, "tanist", "tanist", "tanist", &mut script)?;
    String::from_utf8(script).map_err(io::Error::other)
}

fn completer(shell: &str) -> io::Result<&'static dyn EnvCompleter> {
    Ok(match shell {
        "bash" => &Bash,
        "zsh" => &Zsh,
        "fish" => &Fish,
        "elvish" => &Elvish,
        "powershell" => &Powershell,
        _ => return Err(io::Error::other(format!("no completions for {shell}"))),
    })
}

/// The command line, with an answer for what only the store or this program knows.
fn program(words: &[OsString]) -> clap::Command {
    with_answers(Cli::command(), words)
}

fn with_answers(verb: clap::Command, words: &[OsString]) -> clap::Command {
    let verb = verb.mut_args(|arg| {
        let words = words.to_vec();
        match arg.get_id().as_str() {
            "named" | "election" | "elections" | "confirm" => {
                arg.add(answers(move || elections(&words).unwrap_or_default()))
            }
            "slug" => arg.add(answers(|| slugs().map(str::to_owned).collect())),
            "to" | "from" => arg.add(answers(move || nodes(&words).unwrap_or_default())),
            _ => arg,
        }
    });
    verb.mut_subcommands(|verb| with_answers(verb, words))
}

/// Those of the names that begin with what is there already.
fn answers(names: impl Fn() -> Vec<String> + Send + Sync + 'static) -> ArgValueCompleter {
    ArgValueCompleter::new(move |begun: &OsStr| {
        let begun = begun.to_string_lossy();
        let names = names().into_iter();
        let fitting = names.filter(|name| name.starts_with(&*begun));
        fitting.map(CompletionCandidate::new).collect::<Vec<_>>()
    })
}

/// The elections of the store that the line names; nothing where it cannot be read at once.
fn elections(words: &[OsString]) -> Option<Vec<String>> {
    let (store, _) = store(words)?;
    wait(async { store.elections().await.ok() })
}

/// The nodes that stand in the election that the line names.
fn nodes(words: &[OsString]) -> Option<Vec<String>> {
    let (store, election) = store(words)?;
    let snapshot = wait(async { store.read(&election?).await.ok() })?;
    let members = snapshot.view.members.into_values();
    Some(members.map(|member| member.node).collect())
}

fn wait<T>(answer: impl Future<Output = Option<T>>) -> Option<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime
        .ok()?
        .block_on(async { tokio::time::timeout(PATIENCE, answer).await.ok() })
        .flatten()
}

/// The store and the election of an unfinished line.
fn store(words: &[OsString]) -> Option<(Store, Option<String>)> {
    let read = |program: clap::Command| read(program, words);
    let typed = read(Cli::command())?;
    let (_, given) = typed.subcommand()?;
    let election = named(given);
    let file = given.try_get_one("config").ok().flatten();
    let file: Option<&std::path::PathBuf> = file;
    let file = SettingsFile::find(
        file.map(std::path::PathBuf::as_path),
        election.map(String::as_str),
    );
    let file = file.ok()?;
    let both = match &file {
        Some(file) => read(file.lay_under(Cli::command()))?,
        None => typed.clone(),
    };
    let (_, given) = both.subcommand()?;
    let place = PlaceArgs::from_arg_matches(given).ok()?;
    let layers = Layers::new(given, file.as_ref());
    let settings = QuerySettings::resolve(layers, Vec::new(), None, &place).ok()?;
    let store = Store::open(&settings.target.value).ok()?;
    Some((store, named(given).cloned()))
}

/// The one election that a command is about.
fn named(given: &ArgMatches) -> Option<&String> {
    let of = |id| given.try_get_one::<String>(id).ok().flatten();
    of("named").or_else(|| of("election"))
}

/// What can be understood of an unfinished line. The last word is the one that is being written.
fn read(program: clap::Command, words: &[OsString]) -> Option<ArgMatches> {
    let program = program.ignore_errors(true);
    let program =
        program.mut_subcommands(|verb| verb.mut_args(|argument| argument.required(false)));
    let before = words.len().saturating_sub(1);
    program.try_get_matches_from(&words[..before]).ok()
}
