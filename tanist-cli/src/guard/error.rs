use std::fmt;
use std::io;

/// Why a guard could not be set up or told something.
#[derive(Debug)]
pub(crate) enum GuardError {
    /// The guard looked at what it was given and will not work with it; nothing was started.
    Refused(String),
    /// More than one message carries.
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size in bytes, or how many there are.
        size: usize,
        /// What would fit.
        most: usize,
    },
    /// The system refused.
    System {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

impl fmt::Display for GuardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(reason) => f.write_str(reason),
            Self::TooLarge { what, size, most } => {
                write!(
                    f,
                    "{what} too large for the guard: {size}, and {most} is the most it takes"
                )
            }
            Self::System { doing, source } => write!(f, "cannot {doing}: {source}"),
        }
    }
}

impl std::error::Error for GuardError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::System { source, .. } => Some(source),
            Self::Refused(_) | Self::TooLarge { .. } => None,
        }
    }
}
