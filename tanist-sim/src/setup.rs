use std::time::Duration;

use tanist_core::{Defects, Moment, Now, Timing};

use crate::property::Property;

/// What does not change during a run.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// The machines.
    pub(crate) machines: Vec<Machine>,
    /// The rules left out.
    pub(crate) defects: Defects,
    /// Whether supervisor and guard hear each other at once. In the enumerator they do: a late
    /// message on a pipe is a late process, and the random runs have those.
    pub(crate) instant_pipes: bool,
    /// Whether a view arrives when it is read.
    pub(crate) instant_views: bool,
    /// What must hold.
    pub(crate) properties: Vec<Property>,
    /// The session length the store grants.
    pub(crate) ttl: Duration,
}

/// One machine and the node that runs on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    /// The node's budget.
    pub(crate) timing: Timing,
    /// Its clocks.
    pub(crate) clock: Clock,
    /// Its priority.
    pub(crate) priority: u32,
    /// Seeds its waits.
    pub(crate) seed: u64,
}

/// The clocks of one machine, as functions of real time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// What the boot-time clock showed when the run began.
    pub(crate) offset: Duration,
    /// How much faster than real time it runs, in millionths.
    pub(crate) drift_ppm: i32,
    /// What the wall clock showed when the run began.
    pub(crate) unix: u64,
    /// Whether the wall clock runs at all.
    pub(crate) unix_runs: bool,
}

impl Setup {
    /// Both clocks of one machine.
    pub(crate) fn now(&self, machine: usize, time: Duration) -> Now {
        let clock = &self.machines[machine].clock;
        let passed = if clock.unix_runs { time.as_secs() } else { 0 };
        Now {
            at: clock.moment(time),
            unix: clock.unix + passed,
        }
    }

    /// L of one machine.
    pub(crate) fn lease(&self, machine: usize) -> Duration {
        self.machines[machine].timing.lease()
    }
}

impl Clock {
    /// The boot-time clock at a real time.
    pub(crate) fn moment(&self, time: Duration) -> Moment {
        Moment::after_origin(self.offset + scale(time, self.drift_ppm))
    }

    /// The first real time at which the boot-time clock shows `moment`.
    pub(crate) fn time_of(&self, moment: Moment) -> Duration {
        let shown = moment.since_origin().saturating_sub(self.offset);
        if self.drift_ppm == 0 {
            return shown;
        }
        let nanos = shown.as_nanos() * 1_000_000;
        let rate = u128::from((1_000_000 + self.drift_ppm).unsigned_abs());
        let mut time = nanos_of(nanos.div_ceil(rate));
        // Both directions round down, so the division may miss by a nanosecond.
        while self.moment(time) < moment {
            time += Duration::from_nanos(1);
        }
        time
    }
}

fn scale(time: Duration, ppm: i32) -> Duration {
    if ppm == 0 {
        return time;
    }
    let rate = u128::from((1_000_000 + ppm).unsigned_abs());
    nanos_of(time.as_nanos() * rate / 1_000_000)
}

fn nanos_of(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_shows_a_moment_exactly_from_the_time_that_is_given_for_it() {
        for drift_ppm in [-10_000, -1, 0, 37, 10_000] {
            let offset = Duration::from_secs(77);
            let clock = Clock {
                offset,
                drift_ppm,
                unix: 0,
                unix_runs: true,
            };
            for millis in [0, 1, 999, 3_600_000] {
                let moment = Moment::after_origin(offset + Duration::from_millis(millis));
                let time = clock.time_of(moment);
                assert!(clock.moment(time) >= moment, "{drift_ppm} {millis}");
                let before = time.saturating_sub(Duration::from_nanos(2));
                assert!(
                    time.is_zero() || clock.moment(before) < moment,
                    "{drift_ppm} {millis}"
                );
            }
        }
    }
}
