mod error;

use std::time::Duration;

use crate::moment::Moment;

pub use error::TimingError;

/// Every span of one election, valid by construction.
///
/// ```text
/// asked_at ── renew every h ── TERM at kill − K_t ── KILL at safe_until − K_k − X ── empty ── safe_until
///                                                                  another may begin at asked_at + G
/// ```
///
/// One number, the lease L, derives all the others; each may be set. [`Timing::new`] refuses a
/// budget in which one lost request would end the leadership, and one that asks more of a kernel
/// than it keeps: what it accepts, an idle machine keeps.
///
/// | span | at least | because |
/// |---|---|---|
/// | `kill_time` | 10 ms | processes are reaped and counted; a kernel may take one tick (100 Hz) for each step |
/// | `guard_delay` | 10 ms | a process that may run is run within one tick |
/// | `renew_every` | 20 ms | a timer and a thread are woken for it, a tick each |
/// | `request_timeout` | 30 ms | there, the store's own work, and back: a tick each |
/// | `lost_stop_timeout` | 0 | who has no time for a stop signal is killed |
/// | `session_ttl` | the lease | a session that ends before the lease takes the leadership with it |
/// | `lease` | `2 renew_every + request_timeout + lost_stop_timeout + kill_time + guard_delay` and 1 ms | one lost request is harmless |
///
/// Derived from a lease of [`Timing::SHORTEST_LEASE`] the spans are exactly these.
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

impl Timing {
    /// The lease used where none is set.
    pub const DEFAULT_LEASE: Duration = Duration::from_secs(8);
    /// The shortest lease that derives spans which can be kept.
    pub const SHORTEST_LEASE: Duration = Duration::from_millis(160);
    /// The longest lease: for so long nobody leads when a leader vanished.
    pub const LONGEST_LEASE: Duration = Duration::from_secs(12 * 3600);
    /// The longest of the other spans, `stop_timeout` apart.
    const LONGEST: Duration = Duration::from_secs(24 * 3600);
    /// One tick of a kernel that has 100 of them a second.
    const TICK: Duration = Duration::from_millis(10);
    /// The planned stop's grace where none is set.
    pub const DEFAULT_STOP_TIMEOUT: Duration = Duration::from_secs(10);

    /// Derives what is not set and checks the whole.
    ///
    /// # Errors
    ///
    /// [`TimingError`] names the first inequality that does not hold.
    pub fn new(settings: TimingSettings) -> Result<Self, TimingError> {
        let lease = settings.lease.unwrap_or(Self::DEFAULT_LEASE);
        if lease > Self::LONGEST_LEASE {
            return Err(TimingError::TooLong {
                setting: "lease",
                at_most: Self::LONGEST_LEASE,
            });
        }
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
        timing.check_each(&settings)?;
        timing.check()?;
        Ok(timing)
    }

    /// The timing that `lease` derives.
    ///
    /// # Errors
    ///
    /// [`TimingError::TooShort`] below [`Timing::SHORTEST_LEASE`], [`TimingError::TooLong`] above
    /// [`Timing::LONGEST_LEASE`].
    pub fn from_lease(lease: Duration) -> Result<Self, TimingError> {
        Self::new(TimingSettings {
            lease: Some(lease),
            ..TimingSettings::default()
        })
    }

    /// Whether each span is one that can be kept, the others apart.
    fn check_each(&self, settings: &TimingSettings) -> Result<(), TimingError> {
        let spans = [
            (
                "kill-time",
                self.kill_time,
                settings.kill_time,
                Self::TICK,
                "killed processes are not gone before the kernel's next tick",
            ),
            (
                "guard-delay",
                self.guard_delay,
                settings.guard_delay,
                Self::TICK,
                "a process that may run is not always run before the kernel's next tick",
            ),
            (
                "renew-every",
                self.renew_every,
                settings.renew_every,
                Self::TICK * 2,
                "each renewal wakes a timer and a thread, which takes a tick of the kernel each",
            ),
            (
                "request-timeout",
                self.request_timeout,
                settings.request_timeout,
                Self::TICK * 3,
                "the way there, the store's own work and the way back take a tick of the kernel \
                 each",
            ),
            (
                "lost-stop-timeout",
                self.lost_stop_timeout,
                settings.lost_stop_timeout,
                Duration::ZERO,
                "",
            ),
            (
                "session-ttl",
                self.session_ttl,
                settings.session_ttl,
                self.lease,
                "a session that ends before the lease takes the leadership with it",
            ),
        ];
        for (setting, span, given, at_least, because) in spans {
            if span < at_least {
                return Err(TimingError::TooShort {
                    setting,
                    span,
                    at_least,
                    because,
                    lease_at_least: given.is_none().then_some(Self::SHORTEST_LEASE),
                });
            }
            if span > Self::LONGEST {
                let at_most = Self::LONGEST;
                return Err(TimingError::TooLong { setting, at_most });
            }
        }
        Ok(())
    }

    /// Whether the spans fit into the lease together.
    fn check(&self) -> Result<(), TimingError> {
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

#[cfg(test)]
mod tests;
