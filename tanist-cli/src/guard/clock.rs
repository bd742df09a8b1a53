use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tanist_core::Moment;

/// The boot-time clock, which goes on counting while the machine is suspended.
pub(super) fn now() -> Moment {
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(now.tv_nsec).unwrap_or(0);
    Moment::after_origin(Duration::new(seconds, nanos))
}
