use clap::Args;

use crate::span::Span;

/// The spans of an election. `--lease` derives all but the last; the others are for experts.
#[derive(Args, Debug)]
#[command(next_help_heading = "Timing")]
pub(crate) struct TimingArgs {
    /// How long a leadership outlives its last acknowledged renewal; 160ms to 12h [default: 8s].
    #[arg(
        long,
        value_name = "SPAN",
        env = "TANIST_LEASE",
        hide_env_values = true
    )]
    pub(crate) lease: Option<Span>,

    /// From the stop signal to the kill in a planned stop [default: 10s].
    #[arg(
        long,
        value_name = "SPAN",
        env = "TANIST_STOP_TIMEOUT",
        hide_env_values = true
    )]
    pub(crate) stop_timeout: Option<Span>,

    /// How often to renew [default: lease/8].
    #[arg(
        long,
        value_name = "SPAN",
        env = "TANIST_RENEW_EVERY",
        hide_env_values = true
    )]
    pub(crate) renew_every: Option<Span>,

    /// When a request counts as unanswered [default: 3 lease/16].
    #[arg(
        long,
        value_name = "SPAN",
        env = "TANIST_REQUEST_TIMEOUT",
        hide_env_values = true
    )]
    pub(crate) request_timeout: Option<Span>,

    /// From the stop signal to the kill when the lease is lost [default: 3 lease/8].
    #[arg(
        long,
        value_name = "SPAN",
        env = "TANIST_LOST_STOP_TIMEOUT",
        hide_env_values = true
    )]
    pub(crate) lost_stop_timeout: Option<Span>,

    /// From the kill until the process tree is empty [default: lease/16].
    #[arg(
        long,
        value_name = "SPAN",
        env = "TANIST_KILL_TIME",
        hide_env_values = true
    )]
    pub(crate) kill_time: Option<Span>,

    /// How late a runnable guard may be scheduled [default: lease/16].
    #[arg(
        long,
        value_name = "SPAN",
        env = "TANIST_GUARD_DELAY",
        hide_env_values = true
    )]
    pub(crate) guard_delay: Option<Span>,

    /// What is asked of the store as session length [default: 1.25 lease].
    #[arg(
        long,
        value_name = "SPAN",
        env = "TANIST_SESSION_TTL",
        hide_env_values = true
    )]
    pub(crate) session_ttl: Option<Span>,
}
