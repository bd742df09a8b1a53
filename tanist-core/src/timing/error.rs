use std::fmt;
use std::time::Duration;

/// A budget that cannot be kept, and the number to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimingError {
    /// A span is shorter than anything here can be done in.
    TooShort {
        /// The setting's name.
        setting: &'static str,
        /// How long it is.
        span: Duration,
        /// The shortest that can be kept.
        at_least: Duration,
        /// Why.
        because: &'static str,
        /// The shortest lease that derives it, where it was derived.
        lease_at_least: Option<Duration>,
    },
    /// A span is longer than any leader should be waited for.
    TooLong {
        /// The setting's name.
        setting: &'static str,
        /// The longest that is taken.
        at_most: Duration,
    },
    /// Stopping takes longer than the lease lasts.
    StopExceedsLease {
        /// The lease.
        lease: Duration,
        /// `lost_stop_timeout + kill_time + guard_delay`.
        stop: Duration,
    },
    /// One lost request would end the leadership.
    OneLostRequest {
        /// `2 × renew_every + request_timeout`.
        needed: Duration,
        /// What the lease leaves before the stop signal.
        available: Duration,
        /// The shortest lease with which these spans would do.
        lease_at_least: Duration,
    },
}

impl fmt::Display for TimingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort {
                setting,
                span,
                at_least,
                because,
                lease_at_least,
            } => {
                write!(
                    f,
                    "{setting} is {span:?} and has to be at least {at_least:?}: {because}: "
                )?;
                match lease_at_least {
                    Some(lease) => write!(f, "raise lease to {lease:?}, or set {setting}"),
                    None => write!(f, "raise {setting} to {at_least:?}"),
                }
            }
            Self::TooLong { setting, at_most } => write!(
                f,
                "{setting} is longer than {} hours: lower it",
                at_most.as_secs() / 3600
            ),
            Self::StopExceedsLease { lease, stop } => write!(
                f,
                "stopping may take {stop:?} (lost-stop-timeout + kill-time + guard-delay) but the \
                 lease is {lease:?}: raise lease or lower lost-stop-timeout"
            ),
            Self::OneLostRequest {
                needed,
                available,
                lease_at_least,
            } => write!(
                f,
                "one lost request would end the leadership: 2 x renew-every + request-timeout is \
                 {needed:?}, but the lease leaves {available:?} before the stop signal: raise lease \
                 to {lease_at_least:?} or lower renew-every, request-timeout or lost-stop-timeout"
            ),
        }
    }
}

impl std::error::Error for TimingError {}
