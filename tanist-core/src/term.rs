use std::fmt;

use serde::{Deserialize, Serialize};

/// The number of one leadership. It only grows within an election, also across a restored store:
/// it *is* the fencing token that a resource checks.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Term(u64);

impl Term {
    /// No leadership yet.
    pub const ZERO: Self = Self(0);

    /// No record with a higher one is believed: a resource may keep the number signed, and a claim
    /// must always find a higher one.
    pub const HIGHEST: Self = Self(i64::MAX as u64);

    /// The term with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number, as the child and the resource see it.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The term that a claim over `self` takes, by a machine that has seen `highest` before.
    ///
    /// The stored term alone repeats when the store is restored, the machine's own memory alone
    /// when its disk is lost, and the wall clock alone when it is set back; a repeat needs all
    /// three at once.
    pub fn successor(self, highest: Self, unix: u64) -> Self {
        Self(
            self.0
                .saturating_add(1)
                .max(highest.0.saturating_add(1))
                .max(unix),
        )
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
