use std::path::PathBuf;

use clap::Args;

/// Write the manual pages.
#[derive(Args, Debug)]
#[command(
    after_help = "tanist.1, and tanist-VERB.1 for each verb. Pages of these names are replaced.

Examples:
  tanist man /usr/share/man/man1
  tanist man . && man ./tanist-run.1

Exit codes: 0 written, 73 the directory cannot be made or written, 77 it may not be."
)]
pub(crate) struct ManArgs {
    /// Where to; made if it is not there.
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
}
