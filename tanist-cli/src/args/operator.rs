use clap::Args;
use clap::builder::BoolishValueParser;

use super::query::AnswerArgs;
use super::{ElectionArgs, PlaceArgs, SpeechArgs};
use crate::span::Span;

/// Let another node lead: the leader on this machine stops its work and stands aside.
#[derive(Args, Debug)]
#[command(
    after_help = "The leader's tanist is asked through its control socket, so this works on its machine, for its
user and with its --run-dir. It stands aside until another leads or twice the longest wait has
passed; then it may lead again. Ends when another leads, or when nobody else could.

Examples:
  tanist resign -e mail
  tanist resign -e mail -n host-a     only if host-a leads

Exit codes: 0 it leads no more, 1 the leader is not here, 3 nobody leads, 4 the store does not know
the election, 75 refused or not done in time, 69 store not reached."
)]
pub(crate) struct ResignArgs {
    /// The election.
    #[command(flatten)]
    pub(crate) election: ElectionArgs,

    /// Resign only if the leader has this name.
    #[arg(
        short,
        long,
        value_name = "NAME",
        env = "TANIST_NODE",
        hide_env_values = true
    )]
    pub(crate) node: Option<String>,

    /// Be done within this span or fail; what was asked for may still happen [default: 30s].
    #[arg(
        long,
        value_name = "SPAN",
        env = "TANIST_TIMEOUT",
        hide_env_values = true
    )]
    pub(crate) timeout: Option<Span>,

    /// Where things are.
    #[command(flatten)]
    pub(crate) place: PlaceArgs,

    /// How tanist speaks.
    #[command(flatten)]
    pub(crate) speech: SpeechArgs,
}

/// Let nobody new lead for a while; the leader goes on.
#[derive(Args, Debug)]
#[command(
    after_help = "While it is paused, a leader that fails is not succeeded: its service stays down. So a pause
always has an end. Pausing again sets a new end.

Examples:
  tanist pause -e mail                half an hour
  tanist pause -e mail --for 2h

Exit codes: 0 it is paused, 4 the store does not know the election, 69 store not reached."
)]
pub(crate) struct PauseArgs {
    /// The election.
    #[command(flatten)]
    pub(crate) election: ElectionArgs,

    /// How long from now, at most 720h [default: 30m].
    #[arg(long = "for", id = "for", value_name = "SPAN")]
    pub(crate) span: Option<Span>,

    /// How it is answered.
    #[command(flatten)]
    pub(crate) answer: AnswerArgs,
}

/// End a pause.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  tanist resume -e mail

Exit codes: 0 it is not paused, 4 the store does not know the election, 69 store not reached.")]
pub(crate) struct ResumeArgs {
    /// The election.
    #[command(flatten)]
    pub(crate) election: ElectionArgs,

    /// How it is answered.
    #[command(flatten)]
    pub(crate) answer: AnswerArgs,
}

/// Hand the leadership to another node.
#[derive(Args, Debug)]
#[command(
    after_help = "The leader stops its work first; only when that is verified gone does the other begin. Works from
any machine that reaches the store. On a terminal it asks before anything is changed.

Examples:
  tanist switchover -e mail                             to the next in line, after a question
  tanist switchover -e mail --to host-b --from host-a   refused unless host-a leads
  tanist switchover -e mail --to host-b --yes           for scripts

Exit codes: 0 that node leads, 3 nobody leads, 4 the store does not know the election, 64 not
confirmed, 75 refused or not done in time, 69 store not reached."
)]
pub(crate) struct SwitchoverArgs {
    /// The election.
    #[command(flatten)]
    pub(crate) election: ElectionArgs,

    /// The node that shall lead [default: the next in line].
    #[arg(long, value_name = "NODE", env = "TANIST_TO", hide_env_values = true)]
    pub(crate) to: Option<String>,

    /// Refuse unless this node leads.
    #[arg(long, value_name = "NODE", env = "TANIST_FROM", hide_env_values = true)]
    pub(crate) from: Option<String>,

    /// Do not ask.
    #[arg(
        short,
        long,
        env = "TANIST_YES",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub(crate) yes: bool,

    /// Be done within this span or fail; then nothing more is tried [default: 30s].
    #[arg(
        long,
        value_name = "SPAN",
        env = "TANIST_TIMEOUT",
        hide_env_values = true
    )]
    pub(crate) timeout: Option<Span>,

    /// Where things are.
    #[command(flatten)]
    pub(crate) place: PlaceArgs,

    /// How tanist speaks.
    #[command(flatten)]
    pub(crate) speech: SpeechArgs,
}

/// Print the latest changes of an election, oldest first.
#[derive(Args, Debug)]
#[command(
    after_help = "The store keeps the last 50. Times are those of the nodes' own clocks.

Examples:
  tanist history -e mail
  tanist history -e mail --last 5 -o json

Exit codes: 0 printed, 4 the store does not know the election, 69 store not reached."
)]
pub(crate) struct HistoryArgs {
    /// The election.
    #[command(flatten)]
    pub(crate) election: ElectionArgs,

    /// At most this many, the latest [default: all].
    #[arg(long, value_name = "N", env = "TANIST_LAST", hide_env_values = true)]
    pub(crate) last: Option<usize>,

    /// How it is answered.
    #[command(flatten)]
    pub(crate) answer: AnswerArgs,
}
