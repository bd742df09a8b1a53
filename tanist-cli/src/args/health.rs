use clap::Args;

use crate::health::Check;
use crate::span::Span;

/// Whether the service and the node are well.
#[derive(Args, Debug)]
#[command(next_help_heading = "Health")]
pub(crate) struct HealthArgs {
    /// Check the service while the child runs; may be repeated: exec:CMD, `http://HOST:PORT/PATH`,
    /// `tcp://HOST:PORT` or notify, each with NAME= in front if wished. In `TANIST_HEALTH` one for each line.
    #[arg(
        long,
        value_name = "CHECK",
        env = "TANIST_HEALTH",
        hide_env_values = true,
        value_delimiter = '\n'
    )]
    pub(crate) health: Vec<Check>,

    /// Check the node, also while it stands by: one that fails does not lead; may be repeated. Written
    /// like --health.
    #[arg(
        long,
        value_name = "CHECK",
        env = "TANIST_HEALTH_STANDBY",
        hide_env_values = true,
        value_delimiter = '\n'
    )]
    pub(crate) health_standby: Vec<Check>,

    /// How often to check [default: 2s].
    #[arg(
        long,
        value_name = "SPAN",
        env = "TANIST_HEALTH_INTERVAL",
        hide_env_values = true
    )]
    pub(crate) health_interval: Option<Span>,

    /// When a check counts as failed [default: 1s].
    #[arg(
        long,
        value_name = "SPAN",
        env = "TANIST_HEALTH_TIMEOUT",
        hide_env_values = true
    )]
    pub(crate) health_timeout: Option<Span>,

    /// How often in a row a check has to pass again to count as passing [default: 2].
    #[arg(
        long,
        value_name = "N",
        env = "TANIST_HEALTH_RISE",
        hide_env_values = true,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub(crate) health_rise: Option<u32>,

    /// How often in a row a check has to fail to count as critical [default: 3].
    #[arg(
        long,
        value_name = "N",
        env = "TANIST_HEALTH_FALL",
        hide_env_values = true,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub(crate) health_fall: Option<u32>,

    /// After the child's start failures do not count for so long, or until a check has passed
    /// [default: 30s].
    #[arg(
        long,
        value_name = "SPAN",
        env = "TANIST_HEALTH_START_GRACE",
        hide_env_values = true
    )]
    pub(crate) health_start_grace: Option<Span>,

    /// Renew the leadership only within this span after every check has passed last: then the child
    /// also ends when it, or what checks it, hangs [default: renew without].
    #[arg(
        long,
        value_name = "SPAN",
        env = "TANIST_RENEW_NEEDS_HEALTH",
        hide_env_values = true
    )]
    pub(crate) renew_needs_health: Option<Span>,
}
