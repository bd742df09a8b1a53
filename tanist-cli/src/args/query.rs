use clap::Args;

use super::{ElectionArgs, ElectionsArgs, PlaceArgs, SpeechArgs};
use crate::span::Span;

/// How a question to the store is answered.
#[derive(Args, Debug)]
pub(crate) struct AnswerArgs {
    /// Answer or fail within this span [default: 3s].
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

/// Show who leads, who stands by and in which term.
#[derive(Args, Debug)]
#[command(
    after_help = "The store is read directly, so this works when every tanist is dead.

Examples:
  tanist status                     every election of the store
  tanist status mail -v             with the entries, as tanist evict names them
  tanist status mail -o json | jq -r '.elections[].leader.address'

Exit codes: 0 somebody leads, 3 nobody leads, 4 the store does not know the
election, 69 store not reached, 76 the store holds what must not be. Of several elections the
greatest."
)]
pub(crate) struct StatusArgs {
    /// The elections.
    #[command(flatten)]
    pub(crate) elections: ElectionsArgs,

    /// How it is answered.
    #[command(flatten)]
    pub(crate) answer: AnswerArgs,
}

/// Print the leader and nothing else.
#[derive(Args, Debug)]
#[command(after_help = "Where nobody leads, standard output stays empty.

Examples:
  tanist leader mail                the node
  tanist leader mail --address      where to connect to
  tanist leader mail --is-me && ./only-on-the-leader

Exit codes: 0 somebody leads, 3 nobody leads, 4 the store does not know the election;
with --is-me 0 this node leads, 1 another does, 3 nobody; 69 store not reached, 76 the store holds
what must not be.")]
pub(crate) struct LeaderArgs {
    /// The election.
    #[command(flatten)]
    pub(crate) election: ElectionArgs,

    /// Print what it advertises instead of its name.
    #[arg(long, group = "what")]
    pub(crate) address: bool,

    /// Print its term instead of its name.
    #[arg(long, group = "what")]
    pub(crate) term: bool,

    /// Print nothing; the exit code says whether it is here: --node, if it is given; else, in a child
    /// of tanist, its own tanist; else any tanist of this user with the same --run-dir.
    #[arg(long, group = "what")]
    pub(crate) is_me: bool,

    /// The node that --is-me asks for, by name.
    #[arg(
        short,
        long,
        value_name = "NAME",
        env = "TANIST_NODE",
        hide_env_values = true
    )]
    pub(crate) node: Option<String>,

    /// How it is answered.
    #[command(flatten)]
    pub(crate) answer: AnswerArgs,
}

/// Print changes as they happen.
#[derive(Args, Debug)]
#[command(
    after_help = "The first line of each election says how things stand. Ends by INT or TERM.

Examples:
  tanist watch mail
  tanist watch mail -o json | jq -r .event

Exit codes: 0 ended by a signal, 4 none was named and the store has none, 69 store not reached."
)]
pub(crate) struct WatchArgs {
    /// The elections.
    #[command(flatten)]
    pub(crate) elections: ElectionsArgs,

    /// Reach the store within this span or fail [default: 3s].
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
