use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::term::Term;

/// What one machine remembers of one election, across restarts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Memory {
    /// The highest term ever seen, whoever led.
    pub highest_term: Term,
    /// The longest lease ever seen, whoever led. A missing record is waited out with it.
    pub longest_lease: Duration,
}

impl Memory {
    /// Takes in what a record says. Tells whether that was news.
    pub fn learn(&mut self, term: Term, lease: Duration) -> bool {
        let before = *self;
        self.highest_term = self.highest_term.max(term);
        self.longest_lease = self.longest_lease.max(lease);
        *self != before
    }
}
