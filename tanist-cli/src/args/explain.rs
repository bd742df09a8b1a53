use clap::Args;

/// Explain an error.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  tanist explain                    all of them
  tanist explain config::unknown-key
  tanist explain lease-lost

Exit codes: 0 explained, 64 there is no such slug.")]
pub(crate) struct ExplainArgs {
    /// What stands in brackets behind an error, or after reason= in the last line of a log
    /// [default: list all].
    #[arg(value_name = "SLUG")]
    pub(crate) slug: Option<String>,
}
