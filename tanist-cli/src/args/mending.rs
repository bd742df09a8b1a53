use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::ElectionArgs;
use super::query::AnswerArgs;

/// Go ahead without a question.
#[derive(Args, Debug)]
pub(crate) struct ConfirmArgs {
    /// Do not ask; not enough where somebody may be leading.
    #[arg(
        short,
        long,
        env = "TANIST_YES",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub(crate) yes: bool,

    /// Go ahead although somebody may be leading: the election's name once more.
    #[arg(
        long,
        value_name = "NAME",
        env = "TANIST_CONFIRM",
        hide_env_values = true
    )]
    pub(crate) confirm: Option<String>,
}

/// Put something readable in the place of what cannot be read.
#[derive(Args, Debug)]
#[command(
    after_help = "Nobody claims over a record that cannot be read, so its service stays down until this is done.
Shows the bytes first and keeps them beside the new ones. The new record says that nobody leads, in
a term as high as any that is known, and the next in line leads at once: make sure that no copy of
the work is left, on any machine. What a later version of tanist wrote is never overwritten.

Examples:
  tanist repair mail                     shows what is wrong, then asks
  tanist repair mail --confirm mail      without a question, although somebody may be leading
  tanist repair mail --yes               for scripts; not enough for a record

Exit codes: 0 repaired, or there is nothing to repair, 4 the store does not know the election, 64 not
confirmed, 69 store not reached, 75 it changed meanwhile, 76 a later version wrote it."
)]
pub(crate) struct RepairArgs {
    /// The election.
    #[command(flatten)]
    pub(crate) election: ElectionArgs,

    /// Go ahead without a question.
    #[command(flatten)]
    pub(crate) confirm: ConfirmArgs,

    /// The highest term this machine ever saw [default: as `tanist run`].
    #[arg(
        long,
        value_name = "DIR",
        env = "TANIST_STATE_DIR",
        hide_env_values = true
    )]
    pub(crate) state_dir: Option<PathBuf>,

    /// How it is answered.
    #[command(flatten)]
    pub(crate) answer: AnswerArgs,
}

/// Take an entry out of the line.
#[derive(Args, Debug)]
#[command(
    after_help = "For a node that stands in the line and cannot stand down: its process is frozen, or its machine is
gone and the store has not noticed yet. The entry goes only if it is still the one that was named.
A tanist that lives notices, and stands anew, last in the line; a leader stops its work before that.
Nothing is killed.

Examples:
  tanist status mail -v                     the column ENTRY has what to name
  tanist evict -e mail 'mail/entry-0011223344556677889900aabbccddee@42'
  tanist evict -e mail KEY@42 --yes         for scripts; refused for the leader's entry
  tanist evict -e mail KEY@42 --confirm mail     although it is the leader's, or no tanist's

Exit codes: 0 it is gone, 4 the store does not know the election, 64 wrong usage or not confirmed, 69
store not reached, 75 it was gone already, is another by now, or cannot be taken out."
)]
pub(crate) struct EvictArgs {
    /// The election.
    #[arg(
        short,
        long,
        value_name = "NAME",
        env = "TANIST_ELECTION",
        hide_env_values = true
    )]
    pub(crate) election: String,

    /// The entry, KEY@CREATED, as `tanist status -v` shows it.
    #[arg(value_name = "ENTRY")]
    pub(crate) entry: String,

    /// Go ahead without a question.
    #[command(flatten)]
    pub(crate) confirm: ConfirmArgs,

    /// How it is answered.
    #[command(flatten)]
    pub(crate) answer: AnswerArgs,
}
