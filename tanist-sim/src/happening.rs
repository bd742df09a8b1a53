use tanist_core::{Beginning, Candidate, Commit, EntryId, InstanceId, Moment, RecordState, Term};

use crate::node::Work;

/// What the properties are asked about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Happening<'a> {
    /// Real time is about to move on to where this machine's clock shows `to`.
    Passing { node: usize, to: Moment },
    /// The core sent a commit.
    Asked { node: usize, commit: &'a Commit },
    /// The core ordered the work to begin.
    Ordered {
        node: usize,
        beginning: &'a Beginning,
    },
    /// A process tree is alive from now on.
    Started {
        node: usize,
        term: Term,
        work: &'a Work,
    },
    /// A commit changed the store, just now.
    Took {
        instance: InstanceId,
        commit: &'a Commit,
    },
    /// The record was written, just now.
    Wrote {
        state: RecordState,
        term: Term,
        instance: InstanceId,
    },
    /// A commit named an entry and deleted one.
    Deleted {
        named: &'a EntryId,
        deleted: &'a Candidate,
    },
    /// A release helper reports that it is done.
    Released {
        instance: InstanceId,
        entry: &'a EntryId,
        term: Term,
    },
    /// The core gave out more orders at one instant than anything can mean.
    Spun { node: usize },
}
