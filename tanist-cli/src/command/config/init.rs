use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use clap::CommandFactory;

use crate::args::{Cli, InitArgs};
use crate::command::status::unwritten;
use crate::exit::{Code, Exit};
use crate::printer::Printer;
use crate::problem::Problem;
use crate::settings::{KEYS, places};

/// The widest line of a comment.
const WIDTH: usize = 98;

const HEAD: &str = "\
# Settings of tanist. A flag wins over the variable TANIST_<NAME>, the variable over this file.
# What begins with # holds as it is, or is an example where there is no default.
";

/// Writes a file of all settings.
pub(super) fn main(args: &InitArgs) -> Result<Exit, Problem> {
    super::check_name(args.election.as_deref())?;
    let mut places = places(args.election.as_deref());
    let path = args.file.clone().unwrap_or_else(|| places.swap_remove(0));
    let printer = Printer::default();
    if path.as_os_str() == "-" {
        printer.print(&text()).map_err(unwritten)?;
        return Ok(Exit::of(Code::Ok, "config"));
    }
    // Its own place is made; a directory that was named may be mistyped.
    let makes_dir = args.file.is_none();
    write(&path, makes_dir).map_err(|error| refusal(&path, &error))?;
    let text = format!(
        "{} is written; nothing in it is in force yet\n",
        path.display()
    );
    printer.print(&text).map_err(unwritten)?;
    Ok(Exit::of(Code::Ok, "config"))
}

fn write(path: &Path, makes_dir: bool) -> io::Result<()> {
    if let Some(dir) = path.parent().filter(|_| makes_dir) {
        fs::create_dir_all(dir)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text().as_bytes())?;
    file.sync_all()
}

fn refusal(path: &Path, error: &io::Error) -> Problem {
    // A file in the place of the directory is something else.
    if error.kind() == io::ErrorKind::AlreadyExists && path.symlink_metadata().is_ok() {
        let what = format!("{} is already there", path.display());
        return Problem::new(Code::CantCreate, "config::exists", what)
            .because("a file that somebody wrote is never overwritten")
            .next("tanist config init - prints the text instead");
    }
    let what = format!("{} cannot be written", path.display());
    let problem = Problem::new(Code::CantCreate, "config::unwritable", what).because(error);
    match path.parent() {
        Some(dir) if error.kind() == io::ErrorKind::NotFound => problem.next(format_args!(
            "mkdir -p {} makes its directory",
            dir.display()
        )),
        _ => problem,
    }
}

/// Every setting with what `--help` says of it and its default.
fn text() -> String {
    let program = Cli::command();
    let verbs: Vec<_> = program.get_subcommands().collect();
    let mut text = HEAD.to_owned();
    for key in KEYS {
        text.push('\n');
        let verb = verbs.iter().find(|verb| key.is_of(verb));
        let arg = verb.and_then(|verb| {
            let mut args = verb.get_arguments();
            args.find(|arg| arg.get_id() == key.name)
        });
        let help = arg.and_then(|arg| arg.get_long_help().or_else(|| arg.get_help()));
        let help = help.map(ToString::to_string).unwrap_or_default();
        for line in wrapped(&help) {
            text.push_str(&format!("# {line}\n"));
        }
        text.push_str(&format!("#{} = {}\n", key.in_file(), key.shown()));
    }
    text
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        if lines
            .last()
            .is_some_and(|line| line.len() + word.len() >= WIDTH)
        {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
