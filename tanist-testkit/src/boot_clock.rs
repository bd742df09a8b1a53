use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tanist_core::Moment;

/// Now, on the clock all processes of this machine share and which counts while it is suspended.
pub fn now() -> Moment {
    let time = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
    Moment::after_origin(Duration::new(seconds, nanos))
}
