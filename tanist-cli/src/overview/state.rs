use std::time::Duration;

use tanist::core::{Owner, Reading, Vacancy};
use tanist::{Holder, InstanceId, Record, RecordState, View};

use super::remains::Remains;

/// Whether somebody leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// This node.
    Leading(Leader),
    /// This node has shut out its predecessor and waits until that one's lease is over.
    Waiting(Leader),
    /// A client that is not tanist, by its own rules.
    Foreign(String),
    /// This node did, but it has not renewed its right for longer than its lease; these hold its lock.
    Lapsed(Leader, Duration, Vec<Holder>),
    /// This node did and has gone; what it started still holds the lock.
    Lingering(String, Vec<Holder>),
    /// Nobody.
    Vacant,
    /// The record cannot be understood, so nobody claims: why, and what to do.
    Refused(String, String),
    /// Nobody ever stood in it.
    Unknown,
}

/// Who leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leader {
    /// The node's name.
    pub(crate) node: String,
    /// That start of it.
    pub(crate) instance: InstanceId,
    /// What it advertises.
    pub(crate) address: String,
}

impl Leader {
    /// What it advertises, if it does.
    pub(crate) fn advertised(&self) -> Option<&str> {
        Some(self.address.as_str()).filter(|address| !address.is_empty())
    }
}

impl State {
    /// One word.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Leading(_) => "leading",
            Self::Waiting(_) => "waiting",
            Self::Foreign(_) => "foreign",
            Self::Lapsed(..) => "lapsed",
            Self::Lingering(..) => "lingering",
            Self::Vacant => "vacant",
            Self::Refused(..) => "refused",
            Self::Unknown => "unknown",
        }
    }

    /// What a person should know besides.
    pub(crate) fn detail(&self) -> Option<String> {
        match self {
            Self::Waiting(leader) => Some(format!(
                "{} leads when its predecessor's lease is over",
                leader.node
            )),
            Self::Foreign(label) => Some(format!("{label} leads by its own rules")),
            Self::Lapsed(leader, since, holders) => {
                Some(Remains::of(holders).lapsed(&leader.node, *since))
            }
            Self::Lingering(node, holders) => Some(Remains::of(holders).lingering(node)),
            Self::Refused(why, next) => Some(format!("{why}; {next}")),
            Self::Leading(_) | Self::Vacant | Self::Unknown => None,
        }
    }
}

/// A record that says `leading` is believed only as long as its entry stands and, where the store
/// is a lock of this machine, the lock is held: what is reported is never more than what is so.
pub(super) fn state(election: &str, view: &View) -> State {
    let record = match &view.record {
        Reading::Known(record) => Some(record),
        Reading::Absent => None,
        Reading::Newer { format } => {
            return State::Refused(
                format!("its record is of format {format}, which this version does not know"),
                "use the version that wrote it".to_owned(),
            );
        }
        Reading::Garbage { why } => {
            return State::Refused(
                format!("its record cannot be read: {why}"),
                format!("look, and put a readable one in its place: tanist repair -e {election}"),
            );
        }
    };
    if let Some(record) = record.filter(|record| record.state != RecordState::Resigned)
        && view.vacancy != Vacancy::Free
        && view
            .line
            .iter()
            .any(|candidate| candidate.entry == record.entry)
    {
        return match record.state {
            RecordState::Waiting => State::Waiting(leader(record)),
            RecordState::Leading | RecordState::Resigned => State::Leading(leader(record)),
        };
    }
    if let Some(gone) = view.lingering() {
        return State::Lingering(gone.node.clone(), Vec::new());
    }
    match view.line.first().map(|candidate| &candidate.owner) {
        Some(Owner::Foreign { label, .. }) => State::Foreign(label.clone()),
        _ if view.vacancy == Vacancy::Held => {
            State::Foreign("another holder of the lock".to_owned())
        }
        None if record.is_none() && view.members.is_empty() => State::Unknown,
        _ => State::Vacant,
    }
}

fn leader(record: &Record) -> Leader {
    Leader {
        node: record.node.clone(),
        instance: record.instance,
        address: record.address.clone(),
    }
}
