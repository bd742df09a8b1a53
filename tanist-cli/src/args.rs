//! What was typed: flags and their environment variables, nothing decided yet.

mod child;
mod completions;
mod config;
mod demo;
mod doctor;
mod election;
mod explain;
mod health;
mod hook;
mod man;
mod mending;
mod operator;
mod policy;
mod query;
mod timing;
mod wait;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use child::{ChildArgs, Contain, Ready, Stdin};
pub(crate) use completions::{CompletionsArgs, Shell};
pub(crate) use config::{CheckArgs, ConfigAct, ConfigArgs, InitArgs, ShowArgs};
pub(crate) use demo::DemoArgs;
pub(crate) use doctor::DoctorArgs;
pub(crate) use election::{ElectionArgs, ElectionsArgs};
pub(crate) use explain::ExplainArgs;
pub(crate) use health::HealthArgs;
pub(crate) use hook::{HookArgs, HookCommand, HookEvent};
pub(crate) use man::ManArgs;
pub(crate) use mending::{EvictArgs, RepairArgs};
pub(crate) use operator::{HistoryArgs, PauseArgs, ResignArgs, ResumeArgs, SwitchoverArgs};
pub(crate) use policy::{Limit, OnFailure, OnSuccess, PolicyArgs};
pub(crate) use query::{LeaderArgs, StatusArgs, WatchArgs};
pub(crate) use timing::TimingArgs;
pub(crate) use wait::{Awaited, WaitArgs};

use crate::span::Span;

/// tanist keeps exactly one copy of a service active and promotes a standby when it fails.
#[derive(Debug, Parser)]
#[command(
    name = "tanist",
    version,
    about,
    max_term_width = 100,
    disable_help_subcommand = true,
    infer_subcommands = false,
    after_help = "Examples:
  tanist run -e demo -- python3 -m http.server 8000   one copy of it; run the line twice
  tanist status demo                                  who leads, who stands by
  tanist leader demo --address                        one word for scripts

Every flag but --for has an environment variable TANIST_<FLAG>, and every setting a key of the same name in a
file (tanist config): a flag wins over the variable, the variable over the file."
)]
pub(crate) struct Cli {
    /// The command.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// One file under `command/` each.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Keep one copy of a command active.
    Run(Box<RunArgs>),
    /// Show who leads, who stands by and in which term; the exit code answers too.
    Status(StatusArgs),
    /// Print the leader and nothing else.
    Leader(LeaderArgs),
    /// Print changes as they happen.
    Watch(WatchArgs),
    /// Wait until somebody leads, this node leads, or another could take over.
    Wait(WaitArgs),
    /// Hand the leadership to another node.
    Switchover(SwitchoverArgs),
    /// Let another node lead: the leader on this machine stops its work and stands aside.
    Resign(ResignArgs),
    /// Let nobody new lead for a while; the leader goes on.
    Pause(PauseArgs),
    /// End a pause.
    Resume(ResumeArgs),
    /// Print the latest changes of an election.
    History(HistoryArgs),
    /// Put something readable in the place of what cannot be read.
    Repair(RepairArgs),
    /// Take an entry out of the line.
    Evict(EvictArgs),
    /// Check whether everything is in order here.
    Doctor(DoctorArgs),
    /// Check, show or write settings files.
    Config(ConfigArgs),
    /// Say what an error means and what to do about it.
    Explain(ExplainArgs),
    /// Watch real nodes take over from each other.
    Demo(DemoArgs),
    /// Print what makes a shell complete tanist's words, election names too.
    Completions(CompletionsArgs),
    /// Write the manual pages.
    Man(ManArgs),
}

/// Keep one copy of a command active.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  tanist run -e demo -- python3 -m http.server 8000
  tanist run -e backup --once --no-wait -- /usr/bin/backup   exit 75 if another copy runs

Exit codes: the child's own with --once or when a policy says exit, 128+N for a signal, 126/127 when
CMD cannot be run, 64 usage, 69 store not reached, 75 not elected or lost, 0 for a clean stop.
The last log line says whose code it is.")]
pub(crate) struct RunArgs {
    /// The election to stand in: lower-case letters, digits, dots, dashes, underscores.
    #[arg(
        short,
        long,
        value_name = "NAME",
        env = "TANIST_ELECTION",
        hide_env_values = true
    )]
    pub(crate) election: Option<String>,

    /// This node's name [default: the host name].
    #[arg(
        short,
        long,
        value_name = "NAME",
        env = "TANIST_NODE",
        hide_env_values = true
    )]
    pub(crate) node: Option<String>,

    /// What this node advertises while it leads, often HOST:PORT.
    #[arg(
        long,
        value_name = "TEXT",
        env = "TANIST_ADDRESS",
        hide_env_values = true
    )]
    pub(crate) address: Option<String>,

    /// Who goes first among healthy standbys: the highest; 0 never leads [default: 100].
    #[arg(
        long,
        value_name = "N",
        value_parser = whole_number,
        allow_negative_numbers = true,
        env = "TANIST_PRIORITY",
        hide_env_values = true
    )]
    pub(crate) priority: Option<u32>,

    /// Lead once: end with the child's code, or with 75 if the leadership is lost.
    #[arg(
        long,
        env = "TANIST_ONCE",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub(crate) once: bool,

    /// Do not stand by: end with 75 unless elected at once.
    #[arg(
        long,
        env = "TANIST_NO_WAIT",
        hide_env_values = true,
        value_parser = BoolishValueParser::new(),
        conflicts_with = "wait"
    )]
    pub(crate) no_wait: bool,

    /// Stand by for at most this long before the first election, then end with 75.
    #[arg(long, value_name = "SPAN", env = "TANIST_WAIT", hide_env_values = true)]
    pub(crate) wait: Option<Span>,

    /// Instead of 75 when not elected within --wait or --no-wait.
    #[arg(
        long,
        value_name = "N",
        env = "TANIST_CONFLICT_EXIT_CODE",
        hide_env_values = true
    )]
    pub(crate) conflict_exit_code: Option<u8>,

    /// Instead of 75 when the leadership is lost with --once.
    #[arg(
        long,
        value_name = "N",
        env = "TANIST_LOST_EXIT_CODE",
        hide_env_values = true
    )]
    pub(crate) lost_exit_code: Option<u8>,

    /// How the child starts and stops.
    #[command(flatten)]
    pub(crate) child: ChildArgs,

    /// What an ended child means.
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,

    /// Whether the service and the node are well.
    #[command(flatten)]
    pub(crate) health: HealthArgs,

    /// What is run when something happens.
    #[command(flatten)]
    pub(crate) hooks: HookArgs,

    /// The spans.
    #[command(flatten)]
    pub(crate) timing: TimingArgs,

    /// The highest term this machine ever saw [default: /var/lib/tanist as root, else
    /// $XDG_STATE_HOME/tanist].
    #[arg(
        long,
        help_heading = "Place",
        value_name = "DIR",
        env = "TANIST_STATE_DIR",
        hide_env_values = true
    )]
    pub(crate) state_dir: Option<PathBuf>,

    /// A file with one word: leader, standby or failed; each node needs its own
    /// [default: ELECTION.NODE.role in the run directory].
    #[arg(
        long,
        help_heading = "Place",
        value_name = "FILE",
        env = "TANIST_ROLE_FILE",
        hide_env_values = true
    )]
    pub(crate) role_file: Option<PathBuf>,

    /// Also a file with a number for keepalived's `track_file`: 0 on the leader, else not.
    #[arg(
        long,
        help_heading = "Place",
        value_name = "FILE",
        env = "TANIST_TRACK_FILE",
        hide_env_values = true
    )]
    pub(crate) track_file: Option<PathBuf>,

    /// Where things are.
    #[command(flatten)]
    pub(crate) place: PlaceArgs,

    /// How tanist speaks.
    #[command(flatten)]
    pub(crate) speech: SpeechArgs,

    /// The command and its arguments, without a shell.
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

/// A number in our own words.
fn whole_number(text: &str) -> Result<u32, String> {
    let most = u32::MAX;
    text.trim()
        .parse()
        .map_err(|_| format!("{text:?} is no whole number; write 0 to {most}, for example 100"))
}

/// The store and the directories.
#[derive(Args, Debug)]
#[command(next_help_heading = "Place")]
pub(crate) struct PlaceArgs {
    /// Where the election is held: local:, or local:DIR [default: local:, this machine].
    #[arg(
        short,
        long,
        value_name = "STORE",
        env = "TANIST_STORE",
        hide_env_values = true
    )]
    pub(crate) store: Option<String>,

    /// Sockets, role files and the local store [default: /run/tanist as root, else
    /// $XDG_RUNTIME_DIR/tanist]. As every path, from the directory the command is given in.
    #[arg(
        long,
        value_name = "DIR",
        env = "TANIST_RUN_DIR",
        hide_env_values = true
    )]
    pub(crate) run_dir: Option<PathBuf>,

    /// File of settings, which flags and variables win over [default: the first there is of
    /// ELECTION.toml and tanist.toml in /etc/tanist; for an ordinary user before that in
    /// $XDG_CONFIG_HOME/tanist].
    #[arg(
        short,
        long,
        value_name = "FILE",
        env = "TANIST_CONFIG",
        hide_env_values = true
    )]
    pub(crate) config: Option<PathBuf>,
}

/// How tanist speaks.
#[derive(Args, Debug)]
#[command(next_help_heading = "Output")]
pub(crate) struct SpeechArgs {
    /// Form of what is printed: a table on a terminal, else plain.
    #[arg(
        short,
        long,
        value_name = "FORM",
        env = "TANIST_OUTPUT",
        hide_env_values = true
    )]
    pub(crate) output: Option<OutputForm>,

    /// Form of the log: human on a terminal, journald where standard error goes to the journal, else
    /// JSON lines.
    #[arg(
        long,
        value_name = "FORM",
        env = "TANIST_LOG_FORMAT",
        hide_env_values = true
    )]
    pub(crate) log_format: Option<LogForm>,

    /// Colours; auto also respects `NO_COLOR` and `CLICOLOR_FORCE`.
    #[arg(
        long,
        value_name = "WHEN",
        env = "TANIST_COLOR",
        hide_env_values = true
    )]
    pub(crate) color: Option<ColorWhen>,

    /// Say less: once for warnings only, twice for nothing but the last line.
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) quiet: u8,

    /// Say more: also what the store's connection does.
    #[arg(short, long, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub(crate) verbose: u8,
}

/// Form of what a query prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputForm {
    /// A table on a terminal, else plain.
    #[default]
    Auto,
    /// For people.
    Table,
    /// One JSON document, or JSON lines for a stream.
    Json,
    /// One row for each member, separated by tabs.
    Tsv,
    /// One line for each election, words separated by blanks.
    Plain,
}

/// Form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogForm {
    /// Human on a terminal, else JSON lines.
    #[default]
    Auto,
    /// For people.
    Human,
    /// One JSON object for each line.
    Json,
    /// The journal of systemd, with fields: auto, where standard error goes there.
    Journald,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal that has them.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn every_flag_has_its_variable() {
        let cli = <Cli as clap::CommandFactory>::command();
        for verb in cli.get_subcommands() {
            for arg in verb
                .get_arguments()
                .filter(|arg| arg.get_action().takes_values())
            {
                let Some(long) = arg.get_long() else { continue };
                // A word here, a span there: one variable could not mean both.
                if long == "for" {
                    assert_eq!(arg.get_env(), None, "{}", verb.get_name());
                    continue;
                }
                let variable = format!("TANIST_{}", long.replace('-', "_").to_uppercase());
                assert_eq!(
                    arg.get_env().and_then(|env| env.to_str()),
                    Some(variable.as_str()),
                    "{} --{long}",
                    verb.get_name()
                );
            }
        }
    }
}
