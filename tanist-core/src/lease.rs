use std::time::Duration;

use crate::moment::Moment;

/// Our own right to act, counted by us.
///
/// It is counted from the instant before the last acknowledged guarded commit was *sent*. Counting
/// from the answer's arrival, as most clients of this field do, adds the time the answer took to a
/// right that others have already counted down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    asked_at: Moment,
    length: Duration,
}

impl Lease {
    /// The lease that a commit asked at `asked_at` gives.
    pub const fn new(asked_at: Moment, length: Duration) -> Self {
        Self { asked_at, length }
    }

    /// When the commit that it rests on was asked.
    pub const fn asked_at(&self) -> Moment {
        self.asked_at
    }

    /// Every process of the work is gone by then.
    pub fn safe_until(&self) -> Moment {
        self.asked_at + self.length
    }

    /// Takes in another acknowledged commit. Answers may come in any order, so it never shrinks.
    pub fn extend(&mut self, asked_at: Moment) {
        self.asked_at = self.asked_at.max(asked_at);
    }
}
