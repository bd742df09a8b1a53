use std::path::Path;

use clap::{ArgMatches, CommandFactory, FromArgMatches};
use serde_json::{Map, Value, json};
use tanist::Timing;

use crate::args::{Cli, Command, HookCommand, HookEvent, ShowArgs};
use crate::command::blamed_variable;
use crate::command::status::unwritten;
use crate::exit::{Code, Exit};
use crate::printer::{self, Form, Printer, printable};
use crate::problem::Problem;
use crate::settings::{
    KEYS, Key, Kind, Layers, SettingsFile, Source, made_absolute, places, timing,
};

/// One setting in force.
struct InForce {
    key: &'static Key,
    /// What one would write after the flag; `None` where it is not set and has no default.
    texts: Option<Vec<String>>,
    source: Source,
}

/// All settings in force.
pub(super) fn main(args: &ShowArgs) -> Result<Exit, Problem> {
    printer::choose_colors(&args.speech);
    let election = args.election()?;
    super::check_name(election)?;
    let file = SettingsFile::find(args.which.config.as_deref(), election)?;
    let all = all(file.as_ref(), election)?;
    let printer = Printer::new(&args.speech);
    let text = match printer.form() {
        Form::Json => json_text(file.as_ref(), &all),
        Form::Tsv => tsv(&all),
        Form::Plain | Form::Table => toml(file.as_ref(), election, &all, args.origin),
    };
    printer.print(&text).map_err(unwritten)?;
    Ok(Exit::of(Code::Ok, "config"))
}

/// What `tanist run` and `tanist status` would go by here and now.
fn all(file: Option<&SettingsFile>, election: Option<&str>) -> Result<Vec<InForce>, Problem> {
    let has_command = file.is_some_and(|file| file.sets("command"));
    let mut words = vec!["tanist", "run"];
    words.extend(
        election
            .map(|name| ["--election", name])
            .into_iter()
            .flatten(),
    );
    if !has_command {
        words.extend(["--", "true"]);
    }
    let run = matches(file, &words)?;
    let query = matches(file, &["tanist", "status"])?;
    let (Some((_, of_run)), Some((_, of_query))) = (run.subcommand(), query.subcommand()) else {
        return Ok(Vec::new());
    };
    let timing = match Cli::from_arg_matches(&run).map(|cli| cli.command) {
        Ok(Command::Run(args)) => timing(Layers::new(of_run, file), &args.timing)?,
        _ => return Ok(Vec::new()),
    };
    let in_force = |key: &'static Key| {
        let program = Cli::command();
        let is_of_run = program
            .find_subcommand("run")
            .is_some_and(|verb| key.is_of(verb));
        let given = if is_of_run { of_run } else { of_query };
        if key.name == "command" && !has_command {
            return InForce {
                key,
                texts: None,
                source: Source::Default,
            };
        }
        in_force(key, given, file, &timing)
    };
    Ok(KEYS.iter().map(in_force).collect())
}

fn matches(file: Option<&SettingsFile>, words: &[&str]) -> Result<ArgMatches, Problem> {
    let program = match file {
        Some(file) => file.lay_under(Cli::command()),
        None => Cli::command(),
    };
    program.try_get_matches_from(words).map_err(|error| {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        let problem = Problem::usage("config::variable", "a variable has a value that cannot be")
            .because(first.trim_start_matches("error: "));
        match blamed_variable(&error) {
            Some(variable) => problem.because(format_args!("it comes from env {variable}")),
            None => problem,
        }
    })
}

fn in_force(
    key: &'static Key,
    given: &ArgMatches,
    file: Option<&SettingsFile>,
    timing: &Timing,
) -> InForce {
    let source = Layers::new(given, file).source(key.name);
    let raw = || {
        let values = given.get_raw(key.name).into_iter().flatten();
        let texts = values.map(|value| value.to_string_lossy().into_owned());
        match (&source, key.kind) {
            // One for each line there.
            (Source::Environment(_), Kind::Variables) => texts
                .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
                .collect(),
            (_, Kind::Switch) => vec![given.get_flag(key.name).to_string()],
            (_, Kind::Path { words }) => texts.map(|text| absolute(words, text)).collect(),
            _ => texts.collect(),
        }
    };
    let texts = match source {
        Source::Default => key.default(timing).map(|text| vec![text]),
        _ => Some(raw()),
    };
    InForce { key, texts, source }
}

/// A path as the command would take it, which was given from this directory.
fn absolute(words: &[&str], text: String) -> String {
    let scheme = "local:";
    let path = match text.strip_prefix(scheme) {
        _ if words.contains(&text.as_str()) => return text,
        Some(path) => path,
        None if text.contains("://") => return text,
        None => text.as_str(),
    };
    let prefix = &text[..text.len() - path.len()];
    match made_absolute(Path::new(path), "") {
        Ok(path) => format!("{prefix}{}", path.display()),
        Err(_) => text,
    }
}

fn toml(
    file: Option<&SettingsFile>,
    election: Option<&str>,
    all: &[InForce],
    origin: bool,
) -> String {
    let mut text = match file {
        Some(file) => format!("# {}\n", printable(&file.path().display().to_string())),
        None => {
            let places = super::listed(&places(election)).replace('\n', "\n#   ");
            format!(
                "# no settings file; looked for\n#   {}\n",
                printer::printable_lines(&places)
            )
        }
    };
    for setting in all {
        let name = setting.key.in_file();
        text.push_str(&match &setting.texts {
            None => format!("# {name} is not set"),
            Some(texts) => format!("{name} = {}", setting.key.literal(texts)),
        });
        if origin && setting.texts.is_some() {
            text.push_str(&format!("  # {}", printable(&setting.source.to_string())));
        }
        text.push('\n');
    }
    text
}

fn tsv(all: &[InForce]) -> String {
    let mut text = "setting\tvalue\torigin\n".to_owned();
    for setting in all {
        let value = setting
            .texts
            .as_deref()
            .map(|texts| setting.key.literal(texts));
        let (name, origin) = (
            setting.key.in_file(),
            printable(&setting.source.to_string()),
        );
        text.push_str(&format!(
            "{name}\t{}\t{origin}\n",
            value.unwrap_or_default()
        ));
    }
    text
}

fn json_text(file: Option<&SettingsFile>, all: &[InForce]) -> String {
    let settings: Map<_, _> = all
        .iter()
        .map(|setting| {
            let value = setting
                .texts
                .as_deref()
                .map(|texts| json_value(setting.key.kind, texts));
            let entry = json!({ "value": value, "origin": setting.source.to_string() });
            (setting.key.in_file().to_owned(), entry)
        })
        .collect();
    let path = file.map(|file| file.path().display().to_string());
    format!(
        "{}\n",
        json!({ "v": 1, "file": path, "settings": settings })
    )
}

fn json_value(kind: Kind, texts: &[String]) -> Value {
    let text = || texts.concat();
    match kind {
        Kind::Text | Kind::Path { .. } => text().into(),
        Kind::Number => text()
            .parse::<u64>()
            .map_or_else(|_| text().into(), Value::from),
        Kind::Switch => (text() == "true").into(),
        Kind::List => texts.into(),
        Kind::Hooks => hooks(texts),
        Kind::Variables => texts
            .iter()
            .filter_map(|text| text.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect::<Map<_, _>>()
            .into(),
    }
}

/// As in the file: `fence` is a list of commands, the others are one command each.
fn hooks(texts: &[String]) -> Value {
    let hooks = texts
        .iter()
        .filter_map(|text| text.parse::<HookCommand>().ok());
    let mut all = Map::new();
    for HookCommand { event, words } in hooks {
        match event {
            HookEvent::Fence => {
                let list = all.entry(event.key()).or_insert_with(|| json!([]));
                list.as_array_mut().into_iter().for_each(|list| {
                    list.push(words.clone().into());
                });
            }
            _ => {
                all.insert(event.key(), words.into());
            }
        }
    }
    all.into()
}
