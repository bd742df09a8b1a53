use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::SpeechArgs;

/// Check, show or write settings files.
#[derive(Args, Debug)]
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
        after_help = "Exit codes: 0 it can be used, 78 it cannot. Flags and variables are not looked at."
    )]
    Check(CheckArgs),
    /// Print all settings in force, as a file.
    Show(ShowArgs),
    /// Write a file of all settings with their defaults, as comments. Never overwrites.
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
