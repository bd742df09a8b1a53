use std::sync::Arc;
use std::time::Duration;

use tanist_core::{
    Alarm, Candidate, Directive, EndCause, EntryId, InstanceId, Member, Moment, Owner, Record,
    RecordState, Role, Term, View, Wait,
};

use crate::link::ElectionName;

/// One snapshot of an election as this process sees it; the latest wins.
///
/// What it says of others is as old as its view: see [`Status::view_age`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The election's name.
    pub election: ElectionName,
    /// Our node's name; empty for an observer.
    pub node: String,
    /// This start of our node; `None` for an observer.
    pub instance: Option<InstanceId>,
    /// What we are.
    pub role: Role,
    /// Whether the store can be reached.
    pub connected: bool,
    /// Our place in the line.
    pub entry: Option<EntryId>,
    /// The term of our own leadership.
    pub term: Option<Term>,
    /// Until when our own leadership lasts.
    pub safe_until: Option<Moment>,
    /// Why our leadership is ending, while it is.
    pub ending: Option<EndCause>,
    /// Why we do not claim.
    pub waiting: Option<Wait>,
    /// The latest alarms, oldest first, with when they were raised.
    pub alarms: Vec<(Moment, Alarm)>,
    /// Why the state directory could not be read or written, if it could not.
    pub memory_failure: Option<String>,
    /// The latest view of the election.
    pub view: Option<Arc<View>>,
    /// When that view was received.
    pub viewed_at: Option<Moment>,
}

/// Who stands where in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The entry and its owner.
    pub candidate: &'a Candidate,
    /// What its owner tells of itself; `None` for foreign clients.
    pub member: Option<&'a Member>,
    /// Whether the record names it as the leader.
    pub leads: bool,
}

impl Status {
    /// How many alarms are kept.
    pub const ALARMS_KEPT: usize = 16;

    pub(crate) fn new(election: ElectionName, node: String, instance: Option<InstanceId>) -> Self {
        Self {
            election,
            node,
            instance,
            role: if instance.is_some() {
                Role::Detached
            } else {
                Role::Observer
            },
            connected: false,
            entry: None,
            term: None,
            safe_until: None,
            ending: None,
            waiting: None,
            alarms: Vec::new(),
            memory_failure: None,
            view: None,
            viewed_at: None,
        }
    }

    /// The record, if somebody leads by it. Its instance may have died since; only its lease's end,
    /// or the next claim, tells.
    pub fn leader(&self) -> Option<&Record> {
        leader(self.view.as_deref()?)
    }

    /// The line, in the store's own creation order.
    pub fn line(&self) -> impl Iterator<Item = Place<'_>> {
        self.view.as_deref().into_iter().flat_map(line)
    }

    /// What the operator asks.
    pub fn directive(&self) -> Option<&Directive> {
        self.view.as_deref().map(|view| &view.directive)
    }

    /// How old the view is at `now`; `None` where there is none.
    pub fn view_age(&self, now: Moment) -> Option<Duration> {
        self.viewed_at.map(|at| now.since(at))
    }
}

/// The record of `view`, if somebody leads by it.
pub(crate) fn leader(view: &View) -> Option<&Record> {
    view.record
        .known()
        .filter(|record| record.state != RecordState::Resigned)
}

/// The line of `view`, with what is known of each.
pub(crate) fn line(view: &View) -> impl Iterator<Item = Place<'_>> {
    let leader = leader(view).map(|record| record.instance);
    view.line.iter().map(move |candidate| {
        let instance = match &candidate.owner {
            Owner::Instance(instance) => Some(*instance),
            Owner::Foreign { .. } => None,
        };
        Place {
            candidate,
            member: instance.and_then(|instance| view.members.get(&instance)),
            leads: instance.is_some() && instance == leader,
        }
    })
}
