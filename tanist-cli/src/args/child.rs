use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};

use crate::glob::Glob;
use crate::signal_name::SignalName;

/// How the child starts and stops.
#[derive(Args, Debug)]
#[command(next_help_heading = "Child")]
pub(crate) struct ChildArgs {
    /// What asks the child to end [default: TERM].
    #[arg(
        long,
        value_name = "SIGNAL",
        env = "TANIST_STOP_SIGNAL",
        hide_env_values = true
    )]
    pub(crate) stop_signal: Option<SignalName>,

    /// Set a variable for the child; may be repeated. In `TANIST_ENV` one for each line.
    #[arg(long, value_name = "K=V", env = "TANIST_ENV", hide_env_values = true)]
    pub(crate) env: Vec<OsString>,

    /// Let the child inherit only variables that fit; may be repeated. Always with --env.
    #[arg(
        long,
        value_name = "GLOB",
        env = "TANIST_ENV_ALLOW",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub(crate) env_allow: Vec<Glob>,

    /// Do not let the child inherit variables that fit; may be repeated.
    #[arg(
        long,
        value_name = "GLOB",
        env = "TANIST_ENV_DENY",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub(crate) env_deny: Vec<Glob>,

    /// Let the child inherit nothing but what --env-allow names.
    #[arg(
        long,
        env = "TANIST_ENV_CLEAR",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub(crate) env_clear: bool,

    /// Directory the child starts in.
    #[arg(long, value_name = "DIR", env = "TANIST_CWD", hide_env_values = true)]
    pub(crate) cwd: Option<PathBuf>,

    /// When the child serves: as soon as it has started, or when it says READY=1 at the socket in its
    /// `NOTIFY_SOCKET`; until then the role stays standby [default: started, or notify where --health
    /// notify is given].
    #[arg(
        long,
        value_name = "WHEN",
        env = "TANIST_READY",
        hide_env_values = true
    )]
    pub(crate) ready: Option<Ready>,

    /// User the child runs as, by name or number, with its group or USER:GROUP. Needs root. Sets HOME,
    /// USER, LOGNAME and SHELL, unless --env does.
    #[arg(long, value_name = "USER", env = "TANIST_USER", hide_env_values = true)]
    pub(crate) user: Option<String>,

    /// The child's standard input: null, inherit, or a file [default: null].
    #[arg(
        long,
        value_name = "WHAT",
        env = "TANIST_STDIN",
        hide_env_values = true
    )]
    pub(crate) stdin: Option<Stdin>,

    /// How the child's whole process tree is held together [default: auto].
    #[arg(
        long,
        value_name = "MEANS",
        env = "TANIST_CONTAIN",
        hide_env_values = true
    )]
    pub(crate) contain: Option<Contain>,

    /// Refuse to start where no control group can be used.
    #[arg(
        long,
        env = "TANIST_REQUIRE_CGROUP",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub(crate) require_cgroup: bool,
}

/// When the child serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Ready {
    /// As soon as it has started.
    #[default]
    Started,
    /// When it says so.
    Notify,
}

/// How the child's whole process tree is held together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Contain {
    /// A control group where permitted, else by sweeping.
    #[default]
    Auto,
    /// A control group (cgroup v2).
    Cgroup,
    /// A PID namespace: the only means that also covers the death of supervisor and guard at once.
    Pidns,
    /// Every descendant is found through the process tree until none is left.
    Sweep,
}

/// Where the child's standard input comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stdin {
    /// `/dev/null`.
    #[default]
    Null,
    /// tanist's own.
    Inherit,
    /// A file.
    File(PathBuf),
}

impl FromStr for Stdin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("write null, inherit or the path of a file".to_owned()),
            "null" | "/dev/null" => Ok(Self::Null),
            "inherit" | "-" => Ok(Self::Inherit),
            path => Ok(Self::File(path.into())),
        }
    }
}
