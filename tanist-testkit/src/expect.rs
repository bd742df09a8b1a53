use std::ops::RangeInclusive;
use std::time::Duration;

use crate::line::ProbeRole;

/// What a history must show beyond safety, which is always checked.
///
/// The default asks for at least one activation with terms: a history that shows nothing proves
/// nothing, so it fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect {
    /// How many activations there must be.
    pub activations: RangeInclusive<usize>,
    /// Whether every activation must have a term. Terms that are there must rise in any case.
    pub terms: bool,
    /// The processes that must have written in every activation, so that a tree without its
    /// escapee does not pass for one that was killed with it.
    pub roles: Vec<ProbeRole>,
    /// The longest time without any activation between the first and the last.
    pub longest_gap: Option<Duration>,
    /// Processes of the work that were found alive at the end, described for people; `None` when
    /// nobody looked, which the verdict then says.
    pub survivors: Option<Vec<String>>,
}

impl Default for Expect {
    fn default() -> Self {
        Self {
            activations: 1..=usize::MAX,
            terms: true,
            roles: Vec::new(),
            longest_gap: None,
            survivors: None,
        }
    }
}
