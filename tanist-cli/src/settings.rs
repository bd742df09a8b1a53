//! What the arguments mean, and where each value comes from.

mod child;
mod directories;
mod documented;
mod excerpt;
mod file;
mod health;
mod hooks;
mod key;
mod names;
mod place;
mod policy;
mod query;
mod run;
mod timing;

use std::fmt;

use clap::ArgMatches;
use clap::parser::ValueSource;

pub(crate) use child::ChildSettings;
#[cfg(test)]
pub(crate) use child::Inheritance;
pub(crate) use directories::made_absolute;
pub(crate) use documented::{LATER, file_names};
pub(crate) use excerpt::Excerpt;
pub(crate) use file::{SettingsFile, places};
pub(crate) use health::{HealthSettings, NamedCheck};
pub(crate) use hooks::HookSettings;
pub(crate) use key::{KEYS, Key, Kind};
pub(crate) use names::{check_election_name, host_name};
pub(crate) use place::{Place, state_dir};
pub(crate) use policy::PolicySettings;
pub(crate) use query::QuerySettings;
pub(crate) use run::{Patience, RunSettings};
pub(crate) use timing::resolve as timing;

use crate::problem::Problem;

/// A value that remembers where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting<T> {
    /// The value in force.
    pub(crate) value: T,
    /// The layer it was found in.
    pub(crate) source: Source,
}

/// The layers, the strongest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// A flag of the command line.
    Flag(String),
    /// An environment variable.
    Environment(String),
    /// A line of the settings file.
    File(String),
    /// Nobody set it.
    Default,
}

impl<T: fmt::Display> fmt::Display for Setting<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.value, self.source)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => f.write_str(flag),
            Self::Environment(variable) => write!(f, "env {variable}"),
            Self::File(line) => f.write_str(line),
            Self::Default => f.write_str("default"),
        }
    }
}

/// Resolves values: flag over environment over file over default.
///
/// The values of the file are laid under the arguments before these are read
/// ([`SettingsFile::lay_under`]), so only where a value comes from is to be told apart here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layers<'a> {
    matches: &'a ArgMatches,
    file: Option<&'a SettingsFile>,
}

impl<'a> Layers<'a> {
    /// The layers behind what one command was given.
    pub(crate) const fn new(matches: &'a ArgMatches, file: Option<&'a SettingsFile>) -> Self {
        Self { matches, file }
    }

    /// The value of the argument `id`: what was `given`, else the default.
    pub(crate) fn pick<T>(
        self,
        id: &str,
        given: Option<T>,
        default: impl FnOnce() -> T,
    ) -> Setting<T> {
        match given {
            Some(value) => Setting {
                value,
                source: self.source(id),
            },
            None => Setting {
                value: default(),
                source: Source::Default,
            },
        }
    }

    /// The same for a switch, which is off by default.
    pub(crate) fn switch(self, id: &str, given: bool) -> Setting<bool> {
        Setting {
            value: given,
            source: self.source(id),
        }
    }

    /// Draws the line of the settings file that `problem` blames, if it blames one.
    pub(crate) fn point_out(self, problem: Problem) -> Problem {
        match self.file {
            Some(file) => file.point_out(problem),
            None => problem,
        }
    }

    /// Where the value of the argument `id` comes from.
    pub(crate) fn source(self, id: &str) -> Source {
        let upper = || format!("TANIST_{}", id.to_uppercase());
        let line = || self.file.and_then(|file| file.place_of(id));
        match self.matches.value_source(id) {
            Some(ValueSource::CommandLine) => Source::Flag(format!("--{}", id.replace('_', "-"))),
            Some(ValueSource::EnvVariable) => Source::Environment(upper()),
            Some(ValueSource::DefaultValue) => line().map_or(Source::Default, Source::File),
            _ => Source::Default,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(args: &[&str]) -> ArgMatches {
        let lease = clap::Arg::new("stop_timeout").long("stop-timeout");
        clap::Command::new("t").arg(lease).get_matches_from(args)
    }

    #[test]
    fn a_value_remembers_its_layer() {
        let matches_given = matches(&["t", "--stop-timeout", "3s"]);
        let given = Layers::new(&matches_given, None).pick("stop_timeout", Some("3s"), || "10s");
        assert_eq!(given.to_string(), "3s (--stop-timeout)");
        let matches_none = matches(&["t"]);
        let default = Layers::new(&matches_none, None).pick("stop_timeout", None, || "10s");
        assert_eq!(default.to_string(), "10s (default)");
    }
}
