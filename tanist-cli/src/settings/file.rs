mod check;

use std::env;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use toml_span::value::ValueInner;

use super::names::check_election_name;
use super::{Excerpt, Key};
use crate::exit::Code;
use crate::problem::Problem;

/// No settings file is longer; what is, is something else.
const LONGEST: u64 = 1 << 20;

/// What a settings file says, checked: every value is one that its flag would take.
#[derive(Clone, Debug)]
pub(crate) struct SettingsFile {
    path: PathBuf,
    values: Vec<FileValue>,
}

/// One line of it.
#[derive(Clone, Debug)]
struct FileValue {
    key: &'static Key,
    /// What one would write after the flag.
    texts: Vec<String>,
    /// `FILE:LINE`.
    place: String,
    /// The same, drawn.
    excerpt: Excerpt,
}

impl SettingsFile {
    /// The file that was `named`, or the first that lies in one of the default places, or none.
    ///
    /// One file is read, never several: what is in force stands in one place.
    pub(crate) fn find(
        named: Option<&Path>,
        election: Option<&str>,
    ) -> Result<Option<Self>, Problem> {
        if let Some(path) = named {
            return Self::read(path).map(Some);
        }
        for path in places(election) {
            match File::open(&path) {
                Ok(file) => return Self::parse(&path, &text(file, &path)?).map(Some),
                Err(error) if is_absence(&error) || is_closed(&error, &path) => {}
                Err(error) => return Err(unreadable(&path, &error)),
            }
        }
        Ok(None)
    }

    /// The file at `path`, which has to be there.
    pub(crate) fn read(path: &Path) -> Result<Self, Problem> {
        match File::open(path) {
            Ok(file) => Self::parse(path, &text(file, path)?),
            Err(error) if is_absence(&error) => Err(Problem::new(
                Code::Config,
                "config::missing",
                format!("there is no settings file {}", path.display()),
            )
            .because("it was named, so nothing goes without it")
            .next(format_args!(
                "tanist config init {} writes one",
                path.display()
            ))),
            Err(error) => Err(unreadable(path, &error)),
        }
    }

    fn parse(path: &Path, source: &str) -> Result<Self, Problem> {
        let mut root = toml_span::parse(source).map_err(|error| {
            let excerpt = Excerpt::new(path, source, error.span.start..error.span.end);
            let what = format!("{} is not TOML", path.display());
            Problem::new(Code::Config, "config::syntax", what)
                .at(excerpt)
                .because(error)
        })?;
        let ValueInner::Table(table) = root.take() else {
            unreachable!("a document of TOML is a table");
        };
        let mut values = Vec::new();
        let mut pairs: Vec<_> = table.into_iter().collect();
        // In the order of the file, so that the first mistake is reported first.
        pairs.sort_by_key(|(name, _)| name.span.start);
        for (name, value) in pairs {
            values.push(check::value(path, source, &name, value)?);
        }
        let file = Self {
            path: path.to_owned(),
            values,
        };
        file.check_together()?;
        Ok(file)
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How many settings it has.
    pub(crate) const fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether it sets `name`.
    pub(crate) fn sets(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// The line that sets `name`, if one does.
    pub(super) fn place_of(&self, name: &str) -> Option<String> {
        self.value(name).map(|value| value.place.clone())
    }

    /// Draws the line that `problem` blames, if it is one of this file.
    pub(super) fn point_out(&self, problem: Problem) -> Problem {
        let to_blame = |value: &&FileValue| problem.line() == Some(&value.place);
        match self.values.iter().find(to_blame) {
            Some(value) => problem.at(&value.excerpt),
            None => problem,
        }
    }

    /// `program`, whose settings have the file's values where neither flag nor variable is given.
    pub(crate) fn lay_under(&self, program: clap::Command) -> clap::Command {
        program.mut_subcommands(|verb| {
            self.values.iter().fold(verb, |verb, value| {
                if value.key.is_of(&verb) {
                    let texts = value.texts.clone();
                    let under = |arg: clap::Arg| arg.required(false).default_values(texts);
                    verb.mut_arg(value.key.name, under)
                } else {
                    verb
                }
            })
        })
    }

    fn value(&self, name: &str) -> Option<&FileValue> {
        self.values.iter().find(|value| value.key.name == name)
    }

    /// One file cannot say both; on the command line clap refuses the same.
    fn check_together(&self) -> Result<(), Problem> {
        let (Some(wait), Some(no_wait)) = (self.value("wait"), self.value("no_wait")) else {
            return Ok(());
        };
        if no_wait.texts == ["false"] {
            return Ok(());
        }
        Err(Problem::new(
            Code::Config,
            "config::contradiction",
            "wait and no_wait = true contradict each other",
        )
        .because(format_args!("wait comes from {}", wait.place))
        .because(format_args!("no_wait comes from {}", no_wait.place))
        .next("leave one of them out"))
    }
}

impl Key {
    /// Whether `verb` goes by this setting; another argument may have its name.
    pub(crate) fn is_of(&self, verb: &clap::Command) -> bool {
        verb.get_arguments().any(|arg| {
            let id = arg.get_id().as_str();
            let named = arg
                .get_env()
                .is_some_and(|env| env == self.variable().as_str());
            id == self.name && (named || id == "command")
        })
    }
}

/// Where a file is looked for when none is named.
pub(crate) fn places(election: Option<&str>) -> Vec<PathBuf> {
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
    let user = env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute())
        .or_else(home)
        .filter(|dir| dir.is_absolute());
    // What an ordinary user can write must not steer root.
    let user = user.filter(|_| !rustix::process::geteuid().is_root());
    places_in(user.as_deref(), election)
}

pub(super) fn places_in(user: Option<&Path>, election: Option<&str>) -> Vec<PathBuf> {
    let election = election.filter(|name| check_election_name(name).is_ok());
    let dirs = [
        user.map(|dir| dir.join("tanist")),
        Some("/etc/tanist".into()),
    ];
    let dirs: Vec<PathBuf> = dirs.into_iter().flatten().collect();
    let of = |name: &str| -> Vec<_> {
        let file = format!("{name}.toml");
        dirs.iter().map(|dir| dir.join(&file)).collect()
    };
    let mut places = election.map(of).unwrap_or_default();
    places.extend(of("tanist"));
    places
}

fn text(file: File, path: &Path) -> Result<String, Problem> {
    let mut text = String::new();
    let read = file.take(LONGEST + 1).read_to_string(&mut text);
    read.map_err(|error| unreadable(path, &error))?;
    if text.len() as u64 > LONGEST {
        let long = io::Error::other("it is longer than 1 MiB");
        return Err(unreadable(path, &long));
    }
    Ok(text)
}

fn is_absence(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}

/// Whether the directory itself is closed: the `HOME` of somebody else, left over from before a
/// change of user. A file that is there and closed is another matter.
fn is_closed(error: &io::Error, path: &Path) -> bool {
    let denied = |error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied;
    denied(error) && path.symlink_metadata().is_err_and(|error| denied(&error))
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    let what = format!("the settings file {} cannot be read", path.display());
    Problem::new(Code::Config, "config::unreadable", what).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_the_election_is_looked_for_first_and_the_users_before_that_of_all() {
        let places = |user: Option<&str>, election| -> Vec<String> {
            let places = places_in(user.map(Path::new), election);
            places
                .iter()
                .map(|path| path.display().to_string())
                .collect()
        };
        assert_eq!(
            places(Some("/home/u/.config"), Some("mail")),
            [
                "/home/u/.config/tanist/mail.toml",
                "/etc/tanist/mail.toml",
                "/home/u/.config/tanist/tanist.toml",
                "/etc/tanist/tanist.toml",
            ]
        );
        assert_eq!(
            places(None, Some("mail")),
            ["/etc/tanist/mail.toml", "/etc/tanist/tanist.toml"]
        );
        for election in [None, Some("../shadow"), Some("/etc/x")] {
            assert_eq!(places(None, election), ["/etc/tanist/tanist.toml"]);
        }
    }
}
