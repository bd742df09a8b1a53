use clap::{Args, ValueEnum};

use super::{ElectionArgs, PlaceArgs, SpeechArgs};
use crate::span::Span;

/// Wait until something holds.
#[derive(Args, Debug)]
#[command(
    after_help = "Prints nothing. An election that is not there yet is waited for.

Examples:
  tanist wait -e mail --for active && ./start-the-tests
  tanist wait -e mail --for me --timeout 10m
  tanist wait -e mail --for standby     before the leader is taken away

Exit codes: 0 it holds, 75 not within --timeout, 69 store not reached, 76 the store holds what must
not be."
)]
pub(crate) struct WaitArgs {
    /// The election.
    #[command(flatten)]
    pub(crate) election: ElectionArgs,

    /// What to wait for.
    #[arg(long = "for", id = "for", value_name = "WHAT")]
    pub(crate) what: Awaited,

    /// The node that `--for me` asks for, by name [default: as `tanist leader --is-me`].
    #[arg(
        short,
        long,
        value_name = "NAME",
        env = "TANIST_NODE",
        hide_env_values = true
    )]
    pub(crate) node: Option<String>,

    /// Give up after this span [default: 60s].
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

/// What can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Awaited {
    /// Somebody leads.
    #[value(alias = "leader")]
    Active,
    /// This node leads.
    Me,
    /// Somebody leads, and another could take over.
    Standby,
    /// Nobody leads.
    None,
}
