//! The only clock of the library.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};
use tanist_core::{Moment, Now};

/// What the clocks of this machine say now.
///
/// Deadlines are counted on the boot-time clock, which goes on while the machine sleeps; the
/// standard library's `Instant` does not. Read anew at each wake, never carried along.
pub fn now() -> Now {
    let boot = clock_gettime(ClockId::Boottime);
    // Neither field is ever negative on this clock, and the second is below a thousand million.
    let secs = u64::try_from(boot.tv_sec).unwrap_or_default();
    let nanos = u32::try_from(boot.tv_nsec).unwrap_or_default();
    // A wall clock set before 1970 counts as 1970: it is only ever a floor.
    let unix = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    Now {
        at: Moment::after_origin(Duration::new(secs, nanos)),
        unix,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_clock_that_counts_from_the_boot_and_never_goes_back() {
        let first = now();
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let uptime: f64 = uptime.split_whitespace().next().unwrap().parse().unwrap();
        let second = now();
        assert!(second.at >= first.at);
        // The kernel prints hundredths of the same clock.
        assert!(first.at.since_origin().as_secs_f64() <= uptime + 0.01);
        assert!(second.at.since_origin().as_secs_f64() >= uptime);
        assert!(first.unix > 1_700_000_000);
    }
}
