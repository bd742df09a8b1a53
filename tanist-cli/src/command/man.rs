use std::fs;
use std::io::{self, Write};
use std::path::Path;

use clap::CommandFactory;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::args::{Cli, ManArgs};
use crate::command::status::unwritten;
use crate::exit::{Code, Exit};
use crate::printer::{Printer, printable};
use crate::problem::Problem;
use crate::settings::{Key, LATER, file_names};
use crate::supervise::MANDATE;

/// Writes the manual pages, made of the same tables as the help.
pub(super) fn main(args: &ManArgs) -> Result<Exit, Problem> {
    let dir = &args.dir;
    fs::create_dir_all(dir).map_err(|error| refused(dir, &error))?;
    let mut said = String::new();
    for (name, text) in pages().map_err(unwritten)? {
        let path = dir.join(name);
        fs::write(&path, text).map_err(|error| refused(&path, &error))?;
        said.push_str(&format!("{}\n", printable(&path.display().to_string())));
    }
    Printer::default().print(&said).map_err(unwritten)?;
    Ok(Exit::of(Code::Ok, "man"))
}

fn refused(path: &Path, error: &io::Error) -> Problem {
    let code = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Code::NoPerm,
        _ => Code::CantCreate,
    };
    let what = format!("{} cannot be written", path.display());
    Problem::new(code, "man::unwritable", what)
        .because(error)
        .next("name a directory that you can write")
}

/// Every page with the name of its file.
fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut program = Cli::command();
    program.build();
    let mut pages = vec![("tanist.1".to_owned(), page(&program, true)?)];
    add(&program, &mut pages)?;
    Ok(pages)
}

fn add(of: &clap::Command, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    for verb in of.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        let name = verb.get_display_name().unwrap_or_else(|| verb.get_name());
        pages.push((format!("{name}.1"), page(verb, false)?));
        add(verb, pages)?;
    }
    Ok(())
}

fn page(verb: &clap::Command, of_the_program: bool) -> io::Result<Vec<u8>> {
    let version = concat!("tanist ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(verb.clone())
        .source(version)
        .manual("tanist manual");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    let help = verb.get_after_help().map(ToString::to_string);
    let parts = Parts::of(help.as_deref().unwrap_or_default());
    section(&mut page, "NOTES", &parts.notes)?;
    man.render_options_section(&mut page)?;
    if verb.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    examples(&mut page, &parts.examples)?;
    if of_the_program {
        exit_status(&mut page)?;
        environment(&mut page, verb)?;
        files(&mut page)?;
    } else {
        codes(&mut page, &parts.codes)?;
        variables(&mut page, verb)?;
        section(
            &mut page,
            "SEE ALSO",
            &["tanist(1): exit status, environment and files of all verbs".to_owned()],
        )?;
    }
    Ok(page)
}

/// What the help says behind the options.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parts {
    notes: Vec<String>,
    examples: Vec<String>,
    codes: Vec<String>,
}

impl Parts {
    fn of(help: &str) -> Self {
        let mut parts = Self::default();
        for paragraph in help.split("\n\n") {
            if let Some(lines) = paragraph.strip_prefix("Examples:\n") {
                parts.examples.extend(lines.lines().map(str::to_owned));
            } else if let Some(codes) = paragraph.strip_prefix("Exit codes: ") {
                parts.codes.push(codes.replace('\n', " "));
            } else if !paragraph.trim().is_empty() {
                parts.notes.push(paragraph.replace('\n', " "));
            }
        }
        parts
    }
}

fn section(page: &mut Vec<u8>, title: &str, paragraphs: &[String]) -> io::Result<()> {
    if paragraphs.is_empty() {
        return Ok(());
    }
    let mut roff = Roff::new();
    roff.control("SH", [title]);
    for (index, paragraph) in paragraphs.iter().enumerate() {
        if index > 0 {
            roff.control("PP", []);
        }
        roff.text([roman(paragraph)]);
    }
    write(page, &roff)
}

fn examples(page: &mut Vec<u8>, lines: &[String]) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]);
    roff.control("nf", []);
    for line in lines {
        roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
    }
    roff.control("fi", []);
    write(page, &roff)
}

/// `0 it is so, 75 not in time`: a row for each, and what stands before the first as it is.
fn codes(page: &mut Vec<u8>, sentences: &[String]) -> io::Result<()> {
    let text = sentences.join(" ");
    let is_code = |word: &str| {
        let mut numbers = word.split('/');
        word == "128+N" || numbers.all(|number| number.parse::<u8>().is_ok())
    };
    let mut rows: Vec<(String, String)> = Vec::new();
    let mut before = Vec::new();
    let mut ended = true;
    for word in text.split_whitespace() {
        match rows.last_mut() {
            _ if ended && is_code(word) => rows.push((word.to_owned(), String::new())),
            Some((_, meaning)) => meaning.push_str(&format!("{word} ")),
            None => before.push(word),
        }
        ended = word.ends_with([',', ';', '.', ':']);
    }
    let rows = rows.into_iter().map(|(code, meaning)| {
        let meaning = meaning.trim_end().trim_end_matches([',', ';', '.']);
        (code, meaning.to_owned())
    });
    let rows: Vec<_> = rows.collect();
    if rows.iter().any(|(_, meaning)| meaning.is_empty()) || rows.is_empty() {
        // Not told one by one.
        return section(page, "EXIT STATUS", sentences);
    }
    if before.is_empty() {
        return table(page, "EXIT STATUS", rows);
    }
    let before = before.join(" ");
    section(page, "EXIT STATUS", &[before])?;
    items(page, rows)
}

/// Rows of a name and what it means.
fn table(page: &mut Vec<u8>, title: &str, rows: Vec<(String, String)>) -> io::Result<()> {
    let mut roff = Roff::new();
    roff.control("SH", [title]);
    write(page, &roff)?;
    items(page, rows)
}

fn items(page: &mut Vec<u8>, rows: Vec<(String, String)>) -> io::Result<()> {
    let mut roff = Roff::new();
    for (name, meaning) in rows {
        roff.control("TP", []);
        roff.text([bold(name)]);
        roff.text([roman(meaning)]);
    }
    write(page, &roff)
}

fn exit_status(page: &mut Vec<u8>) -> io::Result<()> {
    let ours = Code::ALL.iter();
    let mut rows: Vec<_> = ours
        .map(|code| ((*code as u8).to_string(), code.meaning().to_owned()))
        .collect();
    rows.push((
        "128+N".to_owned(),
        "run: the child, or tanist itself when told twice, was ended by signal N".to_owned(),
    ));
    table(page, "EXIT STATUS", rows)
}

/// The variables that set something for any verb, then those that the child finds.
fn environment(page: &mut Vec<u8>, program: &clap::Command) -> io::Result<()> {
    let mut rows: Vec<(String, String)> = Vec::new();
    for verb in program.get_subcommands() {
        for (name, meaning) in variables_of(verb) {
            if !rows.iter().any(|(known, _)| *known == name) {
                rows.push((name, meaning));
            }
        }
    }
    rows.sort();
    rows.extend(
        LATER
            .iter()
            .map(|(name, meaning)| ((*name).to_owned(), (*meaning).to_owned())),
    );
    table(page, "ENVIRONMENT", rows)?;
    let child = MANDATE
        .iter()
        .map(|(name, meaning)| (format!("TANIST_{name}"), (*meaning).to_owned()));
    table(page, "ENVIRONMENT OF THE CHILD", child.collect())
}

fn variables(page: &mut Vec<u8>, verb: &clap::Command) -> io::Result<()> {
    let rows: Vec<_> = variables_of(verb).collect();
    if rows.is_empty() {
        return Ok(());
    }
    table(page, "ENVIRONMENT", rows)
}

/// `TANIST_LEASE`, and what it is the same as.
fn variables_of(verb: &clap::Command) -> impl Iterator<Item = (String, String)> {
    verb.get_arguments().filter_map(|arg| {
        let name = arg.get_env()?.to_str()?.to_owned();
        let key = Key::find(arg.get_id().as_str());
        let flag = arg.get_long().map(|long| format!("--{long}"));
        let same = flag.into_iter().chain(
            key.filter(|key| key.is_of(verb))
                .map(|key| format!("the key {} of the settings file", key.in_file())),
        );
        let same: Vec<_> = same.collect();
        Some((name, format!("as {}", same.join(", or "))))
    })
}

fn files(page: &mut Vec<u8>) -> io::Result<()> {
    table(page, "FILES", file_names())
}

fn write(page: &mut Vec<u8>, roff: &Roff) -> io::Result<()> {
    page.write_all(roff.to_roff().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_is_told_apart() {
        let parts = Parts::of("A\nb.\n\nExamples:\n  x\n    y\n\nExit codes: 0 yes,\n1 no.");
        assert_eq!(parts.notes, ["A b."]);
        assert_eq!(parts.examples, ["  x", "    y"]);
        assert_eq!(parts.codes, ["0 yes, 1 no."]);
    }
}
