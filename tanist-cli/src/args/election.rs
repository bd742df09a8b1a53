use clap::Args;

use crate::problem::Problem;
use crate::settings::{Layers, Source};

/// The election that is meant.
#[derive(Args, Debug)]
pub(crate) struct ElectionArgs {
    /// The election.
    #[arg(value_name = "ELECTION")]
    named: Option<String>,

    /// The same.
    #[arg(
        short,
        long,
        value_name = "NAME",
        env = "TANIST_ELECTION",
        hide_env_values = true
    )]
    election: Option<String>,
}

/// The elections that are meant.
#[derive(Args, Debug)]
pub(crate) struct ElectionsArgs {
    /// The elections [default: all in the store].
    #[arg(value_name = "ELECTION")]
    elections: Vec<String>,

    /// One more.
    #[arg(
        short,
        long,
        value_name = "NAME",
        env = "TANIST_ELECTION",
        hide_env_values = true
    )]
    election: Option<String>,
}

impl ElectionArgs {
    /// Its name. What stands in the command wins over what was set for all commands.
    ///
    /// # Errors
    ///
    /// There is none, or there are two in the command.
    pub(crate) fn one(self, layers: Layers<'_>) -> Result<String, Problem> {
        match (self.named, self.election) {
            (Some(named), Some(flag)) if is_typed(layers) && named != flag => {
                Err(two_elections(&named, &flag))
            }
            (Some(name), _) | (None, Some(name)) => Ok(name),
            (None, None) => Err(Problem::usage("election::none", "which election?")
                .next("name it behind the command; tanist status lists those of the store")),
        }
    }
}

impl ElectionsArgs {
    /// Their names; none for all of the store.
    pub(crate) fn all(self, layers: Layers<'_>) -> Vec<String> {
        let mut all = self.elections;
        let more = self.election.filter(|_| all.is_empty() || is_typed(layers));
        all.extend(more);
        all
    }
}

/// Two names where one election is meant.
pub(super) fn two_elections(named: &str, flag: &str) -> Problem {
    let what = format!("which election, {named:?} or {flag:?}?");
    Problem::usage("election::two", what).next("this command is about one election; name it once")
}

fn is_typed(layers: Layers<'_>) -> bool {
    matches!(layers.source("election"), Source::Flag(_))
}
