use std::collections::VecDeque;
use std::time::Duration;

use tanist::Moment;
use tanist::core::Backoff;

use crate::args::{OnFailure, OnSuccess};
use crate::settings::PolicySettings;

/// Decides what an ended child means. Pure: it is told the time.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    settings: PolicySettings,
    once: bool,
    /// Restarts in a row in this place.
    restarts: u32,
    backoff: Backoff,
    /// When this node failed over because of its child.
    failures: VecDeque<Moment>,
}

/// How a child ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// It ended with 0.
    pub(crate) success: bool,
    /// How long it ran.
    pub(crate) ran_for: Duration,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Verdict {
    /// Withdraw and end with the child's code.
    Exit,
    /// Start it again in the same term, after this wait.
    Restart {
        /// How long to wait.
        after: Duration,
        /// The how-manieth time in a row.
        attempt: u32,
    },
    /// Withdraw, stay out of the election for this long, then stand by again.
    StandDown {
        /// How long to stay out.
        cooldown: Duration,
    },
    /// Withdraw and stay out for good.
    Park {
        /// How many failures within the limit's span.
        failures: u32,
    },
}

impl Policy {
    /// The shortest wait before a restart.
    const FIRST_WAIT: Duration = Duration::from_millis(200);
    /// The longest.
    const LAST_WAIT: Duration = Duration::from_secs(30);

    /// A policy that has seen nothing yet.
    pub(crate) fn new(settings: PolicySettings, once: bool, seed: u64) -> Self {
        Self {
            settings,
            once,
            restarts: 0,
            backoff: Backoff::new(Self::FIRST_WAIT, Self::LAST_WAIT, seed),
            failures: VecDeque::new(),
        }
    }

    /// The child ended by itself at `now`.
    pub(crate) fn ended(&mut self, now: Moment, ended: Ended) -> Verdict {
        let limit = self.settings.max_failovers.value;
        if ended.ran_for >= limit.within {
            self.restarts = 0;
            self.backoff.reset();
        }
        if self.once {
            return Verdict::Exit;
        }
        if ended.success {
            return match self.settings.on_success.value {
                OnSuccess::Exit => Verdict::Exit,
                OnSuccess::Rejoin => Verdict::StandDown {
                    cooldown: self.settings.cooldown.value,
                },
            };
        }
        match self.settings.on_failure.value {
            OnFailure::Exit => Verdict::Exit,
            OnFailure::Restart { times } if times.is_none_or(|times| self.restarts < times) => {
                self.restarts += 1;
                Verdict::Restart {
                    after: self.backoff.next_wait(),
                    attempt: self.restarts,
                }
            }
            OnFailure::Restart { .. } | OnFailure::Failover => self.fail_over(now),
        }
    }

    /// The work failed at `now` in a way that another place may mend and this one cannot.
    pub(crate) fn fail_over(&mut self, now: Moment) -> Verdict {
        let limit = self.settings.max_failovers.value;
        self.restarts = 0;
        self.backoff.reset();
        self.failures.push_back(now);
        while self
            .failures
            .front()
            .is_some_and(|&at| now.since(at) > limit.within)
        {
            self.failures.pop_front();
        }
        let failures = u32::try_from(self.failures.len()).unwrap_or(u32::MAX);
        if failures > limit.times {
            Verdict::Park { failures }
        } else {
            Verdict::StandDown {
                cooldown: self.settings.cooldown.value,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Limit;
    use crate::settings::{Setting, Source};

    const COOLDOWN: Duration = Duration::from_secs(5);

    fn policy(on_success: OnSuccess, on_failure: OnFailure, once: bool) -> Policy {
        fn default<T>(value: T) -> Setting<T> {
            Setting {
                value,
                source: Source::Default,
            }
        }
        let settings = PolicySettings {
            on_success: default(on_success),
            on_failure: default(on_failure),
            cooldown: default(COOLDOWN),
            max_failovers: default(Limit {
                times: 2,
                within: Duration::from_secs(60),
            }),
        };
        Policy::new(settings, once, 7)
    }

    fn at(secs: u64) -> Moment {
        Moment::after_origin(Duration::from_secs(secs))
    }

    const FAILED: Ended = Ended {
        success: false,
        ran_for: Duration::from_secs(1),
    };
    const DONE: Ended = Ended {
        success: true,
        ran_for: Duration::from_secs(1),
    };

    #[test]
    fn once_ends_with_the_child_whatever_it_said() {
        let mut policy = policy(OnSuccess::Rejoin, OnFailure::Failover, true);
        assert_eq!(policy.ended(at(1), FAILED), Verdict::Exit);
        assert_eq!(policy.ended(at(1), DONE), Verdict::Exit);
    }

    /// F80: restarts in a row.
    #[test]
    fn restarts_wait_longer_each_time_then_fail_over() {
        let mut policy = policy(
            OnSuccess::Exit,
            OnFailure::Restart { times: Some(2) },
            false,
        );
        let mut last = Duration::ZERO;
        for expected in 1..=2 {
            let Verdict::Restart { after, attempt } = policy.ended(at(1), FAILED) else {
                panic!("no restart");
            };
            assert_eq!(attempt, expected);
            assert!(
                after > last / 2 && after >= Duration::from_millis(100),
                "{after:?}"
            );
            last = after;
        }
        assert_eq!(
            policy.ended(at(1), FAILED),
            Verdict::StandDown { cooldown: COOLDOWN }
        );
        assert!(matches!(
            policy.ended(at(9), FAILED),
            Verdict::Restart { attempt: 1, .. }
        ));
    }

    #[test]
    fn a_long_run_starts_the_count_anew() {
        let mut policy = policy(
            OnSuccess::Exit,
            OnFailure::Restart { times: Some(1) },
            false,
        );
        assert!(matches!(
            policy.ended(at(1), FAILED),
            Verdict::Restart { attempt: 1, .. }
        ));
        let long = Ended {
            ran_for: Duration::from_secs(120),
            ..FAILED
        };
        assert!(matches!(
            policy.ended(at(200), long),
            Verdict::Restart { attempt: 1, .. }
        ));
    }

    #[test]
    fn too_many_failures_in_the_span_park_and_old_ones_do_not_count() {
        let mut policy = policy(OnSuccess::Exit, OnFailure::Failover, false);
        let down = Verdict::StandDown { cooldown: COOLDOWN };
        assert_eq!(policy.ended(at(0), FAILED), down);
        assert_eq!(policy.ended(at(100), FAILED), down);
        assert_eq!(policy.ended(at(120), FAILED), down);
        assert_eq!(policy.ended(at(140), FAILED), Verdict::Park { failures: 3 });
    }

    #[test]
    fn success_exits_or_rejoins() {
        assert_eq!(
            policy(OnSuccess::Exit, OnFailure::Failover, false).ended(at(1), DONE),
            Verdict::Exit
        );
        assert_eq!(
            policy(OnSuccess::Rejoin, OnFailure::Failover, false).ended(at(1), DONE),
            Verdict::StandDown { cooldown: COOLDOWN }
        );
    }
}
