use std::path::PathBuf;

use clap::Args;

use super::SpeechArgs;
use crate::span::Span;

/// Watch real nodes take over from each other.
#[derive(Args, Debug)]
#[command(
    after_help = "Starts real nodes (tanist run) on a store of its own in a temporary directory, and every few seconds
does something bad to the one that leads: kills its supervisor, its guard or its work with signal 9,
or stops it. What ran when is read from what the work wrote itself, checked, and summed up at the end.
Nothing is left behind. Ctrl-C ends it early, with the summary.

Examples:
  tanist demo
  tanist demo --nodes 5 --for 2m --kill-every 2s
  tanist demo --seed 42 --for 10s -o json           the same bad luck again, for programs

Exit codes: 0 never two at work at once and terms rose, 76 not so, 64 wrong usage, 71 a node did not
start, 73 no temporary directory."
)]
pub(crate) struct DemoArgs {
    /// How many nodes, 2 to 9 [default: 3].
    #[arg(long, value_name = "N", env = "TANIST_NODES", hide_env_values = true)]
    pub(crate) nodes: Option<u8>,

    /// For how long [default: 30s].
    #[arg(long = "for", id = "for", value_name = "SPAN")]
    pub(crate) span: Option<Span>,

    /// How often something happens to the leader [default: 5s].
    #[arg(
        long,
        value_name = "SPAN",
        env = "TANIST_KILL_EVERY",
        hide_env_values = true
    )]
    pub(crate) kill_every: Option<Span>,

    /// The same number brings the same misfortunes in the same order [default: another each time].
    #[arg(long, value_name = "N", env = "TANIST_SEED", hide_env_values = true)]
    pub(crate) seed: Option<u64>,

    /// Keep what the work wrote in this file, which must not be there yet.
    #[arg(
        long,
        value_name = "FILE",
        env = "TANIST_KEEP_HISTORY",
        hide_env_values = true
    )]
    pub(crate) keep_history: Option<PathBuf>,

    /// How tanist speaks.
    #[command(flatten)]
    pub(crate) speech: SpeechArgs,
}
