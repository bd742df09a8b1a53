use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::SpeechArgs;
use super::election::two_elections;
use crate::problem::Problem;

/// Check, show or write settings files.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  tanist config init -e mail
  tanist config check -e mail
  tanist config show mail --origin

Exit codes: those of check, show and init.")]
pub(crate) struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) act: ConfigAct,
}

/// What to do with settings files.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigAct {
    /// Check a file as `tanist run` would, without running anything.
    #[command(
        after_help = "Looked at are the file and what it names: the command, the user, the hooks and checks. Not flags and
variables; and nothing is run.

Examples:
  tanist config check mail.toml
  tanist config check -e mail       the one that tanist run -e mail would read

Exit codes: 0 it can be used, 78 it cannot, or there is none, 64 no election can have that name."
    )]
    Check(CheckArgs),
    /// Print all settings in force, as a file.
    #[command(after_help = "Examples:
  tanist config show mail --origin
  tanist config show -e mail -o json

Exit codes: 0 printed, 64 a variable or the name is wrong, 78 the file is wrong.")]
    Show(ShowArgs),
    /// Write a file of all settings with their defaults, as comments. Never overwrites.
    #[command(after_help = "Examples:
  tanist config init -e mail
  tanist config init -               on standard output

Exit codes: 0 written, 64 no election can have that name, 73 there is one already, or it cannot be written, 77 it may not be.")]
    Init(InitArgs),
}

/// Check a file.
#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// The file [default: the one that `tanist run` would read].
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// Which file that is.
    #[command(flatten)]
    pub(crate) which: WhichArgs,
}

/// Print all settings in force.
#[derive(Args, Debug)]
pub(crate) struct ShowArgs {
    /// The election.
    #[arg(value_name = "ELECTION")]
    named: Option<String>,

    /// Say where each value comes from.
    #[arg(long)]
    pub(crate) origin: bool,

    /// Which file is read.
    #[command(flatten)]
    pub(crate) which: WhichArgs,

    /// How tanist speaks.
    #[command(flatten)]
    pub(crate) speech: SpeechArgs,
}

impl ShowArgs {
    /// The election. What stands in the command wins over the variable.
    ///
    /// # Errors
    ///
    /// There are two in the command.
    pub(crate) fn election(&self) -> Result<Option<&str>, Problem> {
        let of_all = std::env::var("TANIST_ELECTION").ok();
        match (&self.named, &self.which.election) {
            (Some(named), Some(flag)) if named != flag && of_all.as_ref() != Some(flag) => {
                Err(two_elections(named, flag))
            }
            (named, flag) => Ok(named.as_deref().or(flag.as_deref())),
        }
    }
}

/// Write a file.
#[derive(Args, Debug)]
pub(crate) struct InitArgs {
    /// The file, or - for standard output [default: the first place `tanist run` looks in].
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// The election whose file it is to be.
    #[arg(
        short,
        long,
        value_name = "NAME",
        env = "TANIST_ELECTION",
        hide_env_values = true
    )]
    pub(crate) election: Option<String>,
}

/// Which file is meant.
#[derive(Args, Debug)]
pub(crate) struct WhichArgs {
    /// The election, which has a file of its own in the default places.
    #[arg(
        short,
        long,
        value_name = "NAME",
        env = "TANIST_ELECTION",
        hide_env_values = true
    )]
    pub(crate) election: Option<String>,

    /// The file.
    #[arg(
        short,
        long,
        value_name = "FILE",
        env = "TANIST_CONFIG",
        hide_env_values = true
    )]
    pub(crate) config: Option<PathBuf>,
}
