//! Whether what a file says can be, with the place of what cannot.

mod hooks;

use std::error::Error as _;
use std::path::Path;

use clap::builder::{OsStr, Resettable};
use clap::error::{ContextKind, ContextValue};
use clap::{Command, CommandFactory};
use toml_span::value::{Key as Name, Value, ValueInner};

use super::super::key::OTHER_NAMES;
use super::super::{Excerpt, KEYS, Key, Kind};
use super::FileValue;
use crate::args::Cli;
use crate::exit::Code;
use crate::problem::Problem;

/// The value that `name` is given.
pub(super) fn value(
    path: &Path,
    source: &str,
    name: &Name<'_>,
    mut value: Value<'_>,
) -> Result<FileValue, Problem> {
    let excerpt = |span: toml_span::Span| Excerpt::new(path, source, span.start..span.end);
    let at_name = excerpt(name.span);
    let inner = value.take();
    let Some(key) = Key::find_in_file(&name.name) else {
        let holds_keys = matches!(inner, ValueInner::Table(_));
        return Err(unknown(&name.name, holds_keys).at(at_name));
    };
    let at_value = excerpt(value.span);
    let wrong = |says: String| {
        Problem::new(
            Code::Config,
            "config::value",
            format!("`{}` cannot be this", key.in_file()),
        )
        .at(&at_value)
        .because(says)
    };
    let inner = match (key.kind, inner) {
        (Kind::Hooks, ValueInner::Table(events)) => {
            return Ok(FileValue {
                key,
                texts: hooks::texts(&excerpt, events)?,
                place: at_name.place(),
                excerpt: at_name,
            });
        }
        (_, inner) => inner,
    };
    let texts = texts(key, inner).map_err(|found| {
        Problem::new(
            Code::Config,
            "config::type",
            format!("`{}` is {}", key.in_file(), wanted(key.kind)),
        )
        .at(&at_value)
        .because(format_args!("what stands here is {found}"))
        .next(format_args!(
            "write for example {} = {}",
            key.in_file(),
            key.shown()
        ))
    })?;
    check_path(key, &texts).map_err(wrong)?;
    if key.kind != Kind::Switch && key.name != "command" {
        for text in &texts {
            as_flag(key, text).map_err(wrong)?;
        }
    }
    if key.name == "command" && texts.is_empty() {
        return Err(wrong("a command has at least one word".to_owned()));
    }
    Ok(FileValue {
        key,
        texts,
        place: at_name.place(),
        excerpt: at_value,
    })
}

/// What one would write after the flag, or what stands there instead.
fn texts(key: &Key, value: ValueInner<'_>) -> Result<Vec<String>, String> {
    match (key.kind, value) {
        (Kind::Text | Kind::Path { .. }, ValueInner::String(text)) => Ok(vec![text.into_owned()]),
        (Kind::Number, ValueInner::Integer(number)) => Ok(vec![number.to_string()]),
        (Kind::Switch, ValueInner::Boolean(on)) => Ok(vec![on.to_string()]),
        (Kind::List, ValueInner::Array(items)) => items
            .into_iter()
            .map(|mut item| string(item.take()))
            .collect(),
        (Kind::Variables, ValueInner::Table(pairs)) => pairs
            .into_iter()
            .map(|(name, mut value)| Ok(format!("{}={}", name.name, string(value.take())?)))
            .collect(),
        (_, other) => Err(found(&other).to_owned()),
    }
}

fn string(value: ValueInner<'_>) -> Result<String, String> {
    match value {
        ValueInner::String(text) => Ok(text.into_owned()),
        other => Err(format!("{} in place of a string", found(&other))),
    }
}

const fn found(value: &ValueInner<'_>) -> &'static str {
    match value {
        ValueInner::Array(_) => "a list",
        ValueInner::Table(_) => "a table",
        ValueInner::String(_) => "a string",
        ValueInner::Integer(_) => "a number",
        ValueInner::Float(_) => "a number with a fraction",
        ValueInner::Boolean(_) => "true or false",
    }
}

const fn wanted(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Path { .. } => "a string",
        Kind::Number => "a whole number",
        Kind::Switch => "true or false",
        Kind::List => "a list of strings",
        Kind::Variables => "a table of strings",
        Kind::Hooks => "a table of events, each with a list of words",
    }
}

/// A file is read from anywhere, so nobody could say from where a path is meant.
fn check_path(key: &Key, texts: &[String]) -> Result<(), String> {
    let Kind::Path { words } = key.kind else {
        return Ok(());
    };
    let text = texts.concat();
    let path = text.strip_prefix("local:").unwrap_or(&text);
    let other_store = key.name == "store" && !text.starts_with("local");
    if other_store || words.contains(&text.as_str()) || path.starts_with(['/', '?']) {
        return Ok(());
    }
    Err("a path in a file begins with a slash: a relative one would be meant from elsewhere each time".to_owned())
}

/// Reads `text` as the flag would; the same words refuse it.
fn as_flag(key: &Key, text: &str) -> Result<(), String> {
    let mut program = Cli::command().mut_subcommands(|verb| {
        // The environment is not the file's affair.
        verb.mut_args(|arg| arg.env(Resettable::<OsStr>::Reset).required(false))
    });
    let takes = |verb: &&Command| {
        let mut arguments = verb.get_arguments();
        arguments.any(|arg| arg.get_id() == key.name && arg.get_long().is_some())
    };
    let verb = ["run", "status"]
        .into_iter()
        .find(|name| program.find_subcommand(name).as_ref().is_some_and(takes))
        .unwrap_or("run");
    let flag = format!("{}={text}", key.flag());
    let read = program.try_get_matches_from_mut(["tanist", verb, &flag]);
    read.map(drop).map_err(|error| match error.source() {
        Some(source) => source.to_string(),
        None => match error.get(ContextKind::ValidValue) {
            Some(ContextValue::Strings(words)) => format!("write one of {}", words.join(", ")),
            _ => "it is empty".to_owned(),
        },
    })
}

/// A key that is none, and the one that may have been meant.
fn unknown(name: &str, holds_keys: bool) -> Problem {
    if let Some((_, now)) = OTHER_NAMES.iter().find(|(other, _)| *other == name) {
        return Problem::new(
            Code::Config,
            "config::other-name",
            format!("`{name}` is called `{now}` here"),
        )
        .next(format_args!("write {now} instead of {name}"));
    }
    let problem = Problem::new(
        Code::Config,
        "config::unknown-key",
        format!("unknown key `{name}`"),
    );
    let plain = name
        .trim_start_matches('-')
        .replace('-', "_")
        .to_lowercase();
    let plain = plain.strip_prefix("tanist_").unwrap_or(&plain);
    let near = KEYS
        .iter()
        .map(Key::in_file)
        .map(|key| (strsim::damerau_levenshtein(key, plain), key))
        .min()
        .filter(|&(steps, near)| steps <= 1 + near.len() / 4);
    match near {
        Some((_, near)) => problem.next(format_args!("did you mean `{near}`?")),
        None if holds_keys => {
            problem.next("settings stand at the top of the file, not in tables of their own")
        }
        None => problem.next("tanist config show lists all keys"),
    }
}
