use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::span::Span;

/// What an ended child means.
#[derive(Args, Debug)]
#[command(next_help_heading = "When the child ends by itself")]
pub(crate) struct PolicyArgs {
    /// It ended with 0 [default: exit].
    #[arg(
        long,
        value_name = "DO",
        env = "TANIST_ON_SUCCESS",
        hide_env_values = true
    )]
    pub(crate) on_success: Option<OnSuccess>,

    /// It ended otherwise: failover, restart, restart:N, or exit [default: failover].
    #[arg(
        long,
        value_name = "DO",
        env = "TANIST_ON_FAILURE",
        hide_env_values = true
    )]
    pub(crate) on_failure: Option<OnFailure>,

    /// Stay out of the election for this long after a failure [default: 5s].
    #[arg(
        long,
        value_name = "SPAN",
        env = "TANIST_COOLDOWN",
        hide_env_values = true
    )]
    pub(crate) cooldown: Option<Span>,

    /// After more failures than this stay out for good, until tanist is started anew
    /// [default: 5/10m].
    #[arg(
        long,
        value_name = "N/SPAN",
        env = "TANIST_MAX_FAILOVERS",
        hide_env_values = true
    )]
    pub(crate) max_failovers: Option<Limit>,
}

/// The child ended with 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnSuccess {
    /// The job is done: withdraw and end with 0.
    #[default]
    Exit,
    /// Withdraw, let others go first, and stand again.
    Rejoin,
}

/// The child ended otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OnFailure {
    /// Withdraw, cool down, stand again.
    #[default]
    Failover,
    /// Start it again here, in the same term, this many times in a row, then fail over.
    Restart {
        /// A run as long as the limit's window starts the count anew. `None` is without end.
        times: Option<u32>,
    },
    /// Withdraw and end with the child's code.
    Exit,
}

impl FromStr for OnFailure {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "failover" => Ok(Self::Failover),
            "exit" => Ok(Self::Exit),
            "restart" => Ok(Self::Restart { times: None }),
            _ => text
                .strip_prefix("restart:")
                .and_then(|times| times.parse().ok())
                .filter(|&times| times > 0)
                .map(|times| Self::Restart { times: Some(times) })
                .ok_or_else(|| "write failover, restart, restart:N or exit".to_owned()),
        }
    }
}

impl fmt::Display for OnFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failover => f.write_str("failover"),
            Self::Restart { times: None } => f.write_str("restart"),
            Self::Restart { times: Some(times) } => write!(f, "restart:{times}"),
            Self::Exit => f.write_str("exit"),
        }
    }
}

/// So many within a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    /// How many are still well.
    pub(crate) times: u32,
    /// Within which span they are counted.
    pub(crate) within: Duration,
}

impl Default for Limit {
    fn default() -> Self {
        Self {
            times: 5,
            within: Duration::from_secs(600),
        }
    }
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (times, within) = text
            .split_once('/')
            .ok_or("write how many in which span, for example 5/10m")?;
        let times = times
            .parse()
            .map_err(|_| format!("{times:?} is no number"))?;
        let Span(within) = within.parse()?;
        Ok(Self { times, within })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.times, Span(self.within))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_read_and_written_alike() {
        for text in ["failover", "restart", "restart:3", "exit"] {
            assert_eq!(text.parse::<OnFailure>().unwrap().to_string(), text);
        }
        for text in ["", "restart:", "restart:0", "restart:x", "stop"] {
            assert!(text.parse::<OnFailure>().is_err(), "{text}");
        }
        assert_eq!("5/10m".parse::<Limit>(), Ok(Limit::default()));
        assert_eq!(Limit::default().to_string(), "5/10m");
        for text in ["5", "5/10", "x/10m", "/"] {
            assert!(text.parse::<Limit>().is_err(), "{text}");
        }
    }
}
