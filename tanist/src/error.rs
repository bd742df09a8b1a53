use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

/// What went wrong: of what kind, whether to try again, during which operation, with what, because
/// of what, and what to do about it.
///
/// Prints as one line without a full stop, which fits after "error: ". Never contains a secret.
#[derive(Clone)]
pub struct Error {
    detail: Box<Detail>,
}

#[derive(Clone)]
struct Detail {
    kind: ErrorKind,
    retry: bool,
    operation: &'static str,
    why: String,
    context: Vec<(&'static str, String)>,
    hint: Option<String>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What kind of error it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A store URL, a name or another setting is not acceptable.
    Invalid,
    /// The store is one that this build leaves out.
    NotCompiled,
    /// A directory or file could be read or changed by others, or lies where a lock means nothing.
    Unsafe,
    /// The store cannot be reached.
    Unreachable,
    /// The store does not allow it.
    Denied,
    /// What was to be changed is not as it was read.
    Changed,
    /// The session, campaign or process this belongs to is over.
    Closed,
    /// What the store holds cannot be read.
    Garbage,
    /// The backend cannot do this.
    Unsupported,
    /// A call to the operating system failed.
    Io,
}

impl ErrorKind {
    /// One word for machines.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NotCompiled => "not-compiled",
            Self::Unsafe => "unsafe",
            Self::Unreachable => "unreachable",
            Self::Denied => "denied",
            Self::Changed => "changed",
            Self::Closed => "closed",
            Self::Garbage => "garbage",
            Self::Unsupported => "unsupported",
            Self::Io => "io",
        }
    }
}

impl Error {
    /// An error of `kind` while doing `operation` ("open the store"), because of `why`.
    ///
    /// Both are lower-case fragments. Worth another try only if the store was not reached.
    pub fn new(kind: ErrorKind, operation: &'static str, why: impl Into<String>) -> Self {
        Self {
            detail: Box::new(Detail {
                kind,
                retry: kind == ErrorKind::Unreachable,
                operation,
                why: why.into(),
                context: Vec::new(),
                hint: None,
                source: None,
            }),
        }
    }

    /// A failed call to the operating system while doing `operation`.
    pub fn io(operation: &'static str, error: io::Error) -> Self {
        let retry = matches!(
            error.kind(),
            io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
        );
        let mut this = Self::new(ErrorKind::Io, operation, error.to_string()).retry(retry);
        this.detail.source = Some(Arc::new(error));
        this
    }

    /// Adds with what it happened: `("path", "/run/tanist")`.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.detail.context.push((name, value.to_string()));
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.detail.hint = Some(hint.into());
        self
    }

    /// Says whether the same may succeed later.
    #[must_use]
    pub fn retry(mut self, retry: bool) -> Self {
        self.detail.retry = retry;
        self
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn caused_by(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.detail.source = Some(Arc::new(source));
        self
    }

    /// Of what kind it is.
    pub const fn kind(&self) -> ErrorKind {
        self.detail.kind
    }

    /// Whether the same may succeed later, without anybody changing anything here.
    pub const fn is_retryable(&self) -> bool {
        self.detail.retry
    }

    /// What was being done.
    pub const fn operation(&self) -> &'static str {
        self.detail.operation
    }

    /// With what it happened.
    pub fn context(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.detail
            .context
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let detail = &self.detail;
        write!(f, "cannot {}: {}", detail.operation, detail.why)?;
        for (index, (name, value)) in detail.context.iter().enumerate() {
            write!(f, "{}{name} {value}", if index == 0 { " (" } else { ", " })?;
        }
        if !detail.context.is_empty() {
            f.write_str(")")?;
        }
        match &detail.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let retry = if self.detail.retry {
            "may be retried"
        } else {
            "final"
        };
        write!(f, "{:?}, {retry}: {self}", self.detail.kind)?;
        match &self.detail.source {
            Some(source) => write!(f, ": {source:?}"),
            None => Ok(()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.detail
            .source
            .as_ref()
            .map(|source| &**source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_where_why_and_what_next() {
        let error = Error::new(
            ErrorKind::Unsafe,
            "open the store",
            "others may write to it",
        )
        .with("path", "/tmp/x")
        .with("mode", "0777")
        .hint("run chmod 700 /tmp/x");
        let text = "cannot open the store: others may write to it (path /tmp/x, mode 0777); run \
                    chmod 700 /tmp/x";
        assert_eq!(error.to_string(), text);
        assert!(!error.is_retryable());
        assert_eq!(error.context().count(), 2);
    }

    #[test]
    fn the_cause_is_kept_and_says_whether_to_retry() {
        let error = Error::io("read", io::Error::from(io::ErrorKind::Interrupted));
        assert!(error.is_retryable());
        assert!(error.source().is_some());
        assert!(!Error::io("read", io::Error::from(io::ErrorKind::NotFound)).is_retryable());
    }
}
