use std::fmt;
use std::time::Duration;

use crate::moment::Moment;

/// Every span of one election, valid by construction.
///
/// ```text
/// asked_at ── renew every h ── TERM at kill − K_t ── KILL at safe_until − K_k − X ── empty ── safe_until
///                                                                  another may begin at asked_at + G
/// ```
///
/// One number, the lease L, derives all the others; each may be set. [`Timing::new`] refuses a
/// budget in which one lost request would end the leadership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timing {
    lease: Duration,
    renew_every: Duration,
    request_timeout: Duration,
    lost_stop_timeout: Duration,
    kill_time: Duration,
    guard_delay: Duration,
    session_ttl: Duration,
    stop_timeout: Duration,
}

/// What was asked for; whatever is `None` is derived from the lease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimingSettings {
    /// L, how long a leadership outlives its last acknowledged renewal. Default 8 s.
    pub lease: Option<Duration>,
    /// h, a renewal is sent this often. Default L/8.
    pub renew_every: Option<Duration>,
    /// R, a request not answered by then goes to the next member. Default 3L/16.
    pub request_timeout: Option<Duration>,
    /// `K_t`, from the stop signal to the kill when the lease is lost. Default 3L/8.
    pub lost_stop_timeout: Option<Duration>,
    /// `K_k`, from the kill until the process tree is empty. Default L/16.
    pub kill_time: Option<Duration>,
    /// X, how late a runnable guard may be scheduled. Default L/16.
    pub guard_delay: Option<Duration>,
    /// What is asked of the store as session length. Default 1.25 L.
    pub session_ttl: Option<Duration>,
    /// From the stop signal to the kill in a planned stop. Default 10 s.
    pub stop_timeout: Option<Duration>,
}

/// A budget that cannot be kept, and the number to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimingError {
    /// A span that has to be positive is zero.
    Zero {
        /// The setting's name.
        setting: &'static str,
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

impl Timing {
    /// The lease used where none is set.
    pub const DEFAULT_LEASE: Duration = Duration::from_secs(8);
    /// The planned stop's grace where none is set.
    pub const DEFAULT_STOP_TIMEOUT: Duration = Duration::from_secs(10);

    /// Derives what is not set and checks the whole.
    ///
    /// # Errors
    ///
    /// [`TimingError`] names the first inequality that does not hold.
    pub fn new(settings: TimingSettings) -> Result<Self, TimingError> {
        let lease = settings.lease.unwrap_or(Self::DEFAULT_LEASE);
        let timing = Self {
            lease,
            renew_every: settings.renew_every.unwrap_or(lease / 8),
            request_timeout: settings.request_timeout.unwrap_or(lease * 3 / 16),
            lost_stop_timeout: settings.lost_stop_timeout.unwrap_or(lease * 3 / 8),
            kill_time: settings.kill_time.unwrap_or(lease / 16),
            guard_delay: settings.guard_delay.unwrap_or(lease / 16),
            session_ttl: settings.session_ttl.unwrap_or(lease * 5 / 4),
            stop_timeout: settings.stop_timeout.unwrap_or(Self::DEFAULT_STOP_TIMEOUT),
        };
        timing.check()?;
        Ok(timing)
    }

    /// The timing that `lease` derives.
    ///
    /// # Errors
    ///
    /// [`TimingError::Zero`] if the lease is too short to be divided.
    pub fn from_lease(lease: Duration) -> Result<Self, TimingError> {
        Self::new(TimingSettings {
            lease: Some(lease),
            ..TimingSettings::default()
        })
    }

    fn check(&self) -> Result<(), TimingError> {
        for (setting, span) in [
            ("lease", self.lease),
            ("renew-every", self.renew_every),
            ("request-timeout", self.request_timeout),
            ("session-ttl", self.session_ttl),
        ] {
            if span.is_zero() {
                return Err(TimingError::Zero { setting });
            }
        }
        let stop = self.lost_stop();
        let Some(available) = self.lease.checked_sub(stop) else {
            return Err(TimingError::StopExceedsLease {
                lease: self.lease,
                stop,
            });
        };
        let needed = self.renew_every * 2 + self.request_timeout;
        if needed >= available {
            let lease_at_least = needed + stop + Duration::from_millis(1);
            return Err(TimingError::OneLostRequest {
                needed,
                available,
                lease_at_least,
            });
        }
        Ok(())
    }

    /// L.
    pub const fn lease(&self) -> Duration {
        self.lease
    }

    /// h.
    pub const fn renew_every(&self) -> Duration {
        self.renew_every
    }

    /// R.
    pub const fn request_timeout(&self) -> Duration {
        self.request_timeout
    }

    /// `K_t`.
    pub const fn lost_stop_timeout(&self) -> Duration {
        self.lost_stop_timeout
    }

    /// `K_k`.
    pub const fn kill_time(&self) -> Duration {
        self.kill_time
    }

    /// X.
    pub const fn guard_delay(&self) -> Duration {
        self.guard_delay
    }

    /// The session length to ask of the store; the granted one may differ.
    pub const fn session_ttl(&self) -> Duration {
        self.session_ttl
    }

    /// The planned stop's grace.
    pub const fn stop_timeout(&self) -> Duration {
        self.stop_timeout
    }

    /// `K_t + K_k + X`: what stopping a lost leadership may take.
    pub fn lost_stop(&self) -> Duration {
        self.lost_stop_timeout + self.kill_time + self.guard_delay
    }

    /// When the stop signal is due if nothing extends `safe_until`.
    pub fn term_at(&self, safe_until: Moment) -> Moment {
        safe_until - self.lost_stop()
    }

    /// When the kill is due if nothing extends `safe_until`.
    pub fn kill_at(&self, safe_until: Moment) -> Moment {
        safe_until - (self.kill_time + self.guard_delay)
    }

    /// The last moment at which work may start under `safe_until`: it has to run for a renewal
    /// period and be stopped again.
    pub fn start_by(&self, safe_until: Moment) -> Moment {
        safe_until - (self.renew_every + self.lost_stop())
    }

    /// One step of head start between two candidates of neighbouring rank: 2R.
    pub fn head_start(&self) -> Duration {
        self.request_timeout * 2
    }

    /// G: how long a record and beat written under `lease` must stand unchanged before anybody
    /// else may claim, in whole milliseconds.
    ///
    /// 1.025 covers two clocks that run 1 % apart in opposite directions: (1 + ρ)/(1 − ρ).
    pub fn grace(lease: Duration) -> Duration {
        let nanos = lease.as_nanos().saturating_mul(1025).div_ceil(1000);
        let millis = u64::try_from(nanos.div_ceil(1_000_000)).unwrap_or(u64::MAX);
        Duration::from_millis(millis)
    }
}

impl fmt::Display for TimingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero { setting } => write!(f, "{setting} must be longer than zero"),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(s: f64) -> Duration {
        Duration::from_secs_f64(s)
    }

    #[test]
    fn the_default_lease_derives_the_budget_of_the_guarantees() {
        let timing = Timing::new(TimingSettings::default()).unwrap();
        assert_eq!(timing.renew_every(), secs(1.0));
        assert_eq!(timing.request_timeout(), secs(1.5));
        assert_eq!(timing.lost_stop_timeout(), secs(3.0));
        assert_eq!(
            (timing.kill_time(), timing.guard_delay()),
            (secs(0.5), secs(0.5))
        );
        assert_eq!(timing.session_ttl(), secs(10.0));
        let safe_until = Moment::after_origin(secs(8.0));
        assert_eq!(timing.term_at(safe_until), Moment::after_origin(secs(4.0)));
        assert_eq!(timing.kill_at(safe_until), Moment::after_origin(secs(7.0)));
        assert_eq!(Timing::grace(timing.lease()), secs(8.2));
    }

    #[test]
    fn every_derived_budget_survives_one_lost_request() {
        for millis in 16..20_000 {
            Timing::from_lease(Duration::from_millis(millis)).unwrap();
        }
    }

    #[test]
    fn the_natural_looking_budget_that_one_lost_packet_breaks_is_refused() {
        let settings = TimingSettings {
            lease: Some(secs(8.0)),
            renew_every: Some(secs(1.5)),
            request_timeout: Some(secs(2.0)),
            ..TimingSettings::default()
        };
        let error = Timing::new(settings).unwrap_err();
        assert!(matches!(error, TimingError::OneLostRequest { needed, .. } if needed == secs(5.0)));
        assert!(
            error.to_string().contains("raise lease to 9.001s"),
            "{error}"
        );
    }

    #[test]
    fn a_stop_longer_than_the_lease_is_refused() {
        let settings = TimingSettings {
            lease: Some(secs(2.0)),
            lost_stop_timeout: Some(secs(3.0)),
            ..TimingSettings::default()
        };
        assert!(matches!(
            Timing::new(settings),
            Err(TimingError::StopExceedsLease { .. })
        ));
    }

    #[test]
    fn grace_covers_two_clocks_one_percent_apart() {
        for millis in [1, 3, 300, 500, 2_000, 8_000, 30_000] {
            let lease = Duration::from_millis(millis);
            let slow_holder = lease.mul_f64(1.01);
            let fast_waiter = Timing::grace(lease).mul_f64(1.0 / 1.01);
            assert!(fast_waiter > slow_holder, "{lease:?}");
        }
    }
}
