use std::time::Duration;

use tanist_core::{EntryId, InstanceId, Term};

/// What the properties have to remember of the past.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Ledger {
    /// The highest term in which work ever started.
    pub(crate) highest: Term,
    /// The store lost or rolled back its record, and none of that term or a later one was written
    /// since.
    pub(crate) forgotten: bool,
    /// When that happened last.
    pub(crate) forgot_at: Option<Duration>,
    /// Whose release helper reported that it was done, and for which entry.
    pub(crate) released: Vec<(InstanceId, EntryId)>,
    /// Foreign entries so far.
    pub(crate) foreign: u64,
}
