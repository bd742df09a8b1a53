use std::collections::BTreeMap;

use crate::candidate::{Candidate, Member};
use crate::directive::Directive;
use crate::line;
use crate::record::{InstanceId, Reading, Record, RecordState};

/// All of one election as one read of the store found it.
///
/// A view is a hint. It decides what to try next and when; only a guarded commit decides whether.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// Where the store stood when this was read.
    pub position: Position,
    /// The record and its stamp; the stamp is that of the record as it was read.
    pub record: Reading,
    /// The version of the record, `None` exactly where it is absent.
    pub record_stamp: Option<Stamp>,
    /// The version of the beat, `None` where there is none.
    pub beat: Option<Stamp>,
    /// The line, in the store's own creation order.
    pub line: Vec<Candidate>,
    /// What the instances tell of themselves.
    pub members: BTreeMap<InstanceId, Member>,
    /// What the operator asks.
    pub directive: Directive,
    /// What else keeps the leadership taken.
    pub vacancy: Vacancy,
}

impl View {
    /// Who may lead next at the wall-clock second `unix`, the tanist first. The present leader and
    /// whoever stands behind a foreign candidate are not among them.
    ///
    /// Every node ranks by its own view. A rank is only a head start, so two that differ cost time
    /// and nothing else.
    pub fn succession(&self, unix: u64) -> Vec<&Candidate> {
        line::succession(self, unix)
    }

    /// The leader by the record, if it has gone while a lock of this machine's kernel, which was its,
    /// is held: by processes that it started.
    pub fn lingering(&self) -> Option<&Record> {
        let leader = self.record.known()?;
        let gone = !self.line.iter().any(|it| it.entry == leader.entry);
        let lingers =
            gone && leader.state != RecordState::Resigned && self.vacancy == Vacancy::Held;
        lingers.then_some(leader)
    }
}

/// A version of one value: opaque, and different whenever the value was written anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// When the value was created, in the store's order.
    pub created: u64,
    /// Which of its versions this is.
    pub version: u64,
}

/// Which store this is and how far it has come.
///
/// Within one store it only grows. A store that answers with a smaller one, or with another
/// identity, was restored or replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Position {
    /// Identity of the store's data: etcd's cluster id; 0 where there is none.
    pub store: u64,
    /// etcd's revision, ZooKeeper's zxid, the local store's counter.
    pub revision: u64,
}

/// How a candidate may know that the leader's right is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Vacancy {
    /// Only by the record and the leader's lease: wait G.
    #[default]
    ByLease,
    /// A lock of this machine's kernel is free: whoever held it is gone, with its process tree.
    Free,
    /// That lock is held.
    Held,
}
