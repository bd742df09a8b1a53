use std::path::PathBuf;

use clap::Args;

use super::query::AnswerArgs;

/// Check whether everything is in order here.
#[derive(Args, Debug)]
#[command(
    after_help = "Looks at the settings file, the store, the timings, what this process and the system allow, the
files of tanist, the service manager, and the election itself. Goes by what `tanist run` would go by
here: run it as the user and in the environment of the service. Creates and changes nothing.

Examples:
  tanist doctor                     what holds for every election of this machine
  tanist doctor mail                with its settings file, and how it stands
  tanist doctor mail -o json | jq '.findings[] | select(.verdict != \"ok\")'

Exit codes: 0 all is in order, 1 something fails, 2 there are warnings only, 64 wrong usage."
)]
pub(crate) struct DoctorArgs {
    /// The election [default: what holds for all, then how each in the store stands].
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

impl DoctorArgs {
    /// The election that is meant, if it is one.
    pub(crate) fn election(&self) -> Option<&str> {
        self.named.as_deref().or(self.election.as_deref())
    }
}
