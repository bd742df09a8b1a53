use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point in time on this machine: the span since it booted, suspended time included.
///
/// The core cannot read a clock, so a moment only ever comes in from outside. All processes of one
/// machine share the origin, which is why a supervisor may hand a moment to its guard.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Moment(Duration);

impl Moment {
    /// The moment this machine booted.
    pub const ORIGIN: Self = Self(Duration::ZERO);

    /// The moment `span` after the machine booted.
    pub const fn after_origin(span: Duration) -> Self {
        Self(span)
    }

    /// How long after the machine booted this is.
    pub const fn since_origin(self) -> Duration {
        self.0
    }

    /// How long ago `earlier` was, zero if it is not earlier.
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }
}

impl Sub<Duration> for Moment {
    type Output = Self;

    /// Stops at the origin: a deadline earlier than the boot is a deadline that has passed.
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(span))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}s", self.0.as_secs(), self.0.subsec_millis())
    }
}

/// What the two clocks say at one instant.
///
/// `at` decides everything. `unix` (wall-clock seconds) is only the floor of a new term, the
/// expiry of an operator's directive and what logs print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Now {
    /// The boot-time clock.
    pub at: Moment,
    /// The wall clock, in seconds since 1970.
    pub unix: u64,
}
