use std::fmt;

use serde::{Deserialize, Serialize};

use crate::record::InstanceId;

/// One entry of the line: where it stands, and when the store created it.
///
/// The key alone is not an identity: after a restore or a hand-made change another entry may stand
/// under the same key, so every guard and every deletion names both.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntryId {
    /// The key, znode or file.
    pub key: String,
    /// The store's own creation order: etcd's create revision, ZooKeeper's czxid.
    pub created: u64,
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.key, self.created)
    }
}

/// Somebody who stands in the line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// The place in the line.
    pub entry: EntryId,
    /// Whose place it is.
    pub owner: Owner,
}

/// Whose entry it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A start of a tanist node.
    Instance(InstanceId),
    /// Another client of the same line (Curator, etcdctl, ...), which leads by its own rules.
    Foreign {
        /// What its entry shows of it.
        label: String,
        /// Whether the store removes the entry when its client dies. One that stays for ever
        /// blocks the election until an operator evicts it.
        session: bool,
    },
}

impl Candidate {
    /// The tanist instance that stands here, if it is one.
    pub const fn instance(&self) -> Option<InstanceId> {
        match self.owner {
            Owner::Instance(instance) => Some(instance),
            Owner::Foreign { .. } => None,
        }
    }
}

/// What a node tells the others of itself, kept as long as its session.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Member {
    /// The node's name, for people.
    pub node: String,
    /// What it advertises.
    pub address: String,
    /// Higher stands before lower; 0 never leads.
    pub priority: u32,
    /// Healthy before warning; critical and parked never lead.
    pub health: Health,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// It resigned on request and lets the others go first.
    pub aside: bool,
    /// The version of tanist it runs.
    pub version: String,
}

impl Member {
    /// The priority where none is set.
    pub const DEFAULT_PRIORITY: u32 = 100;
}

/// What a node's own health checks say.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// All checks pass, or there are none.
    #[default]
    Healthy,
    /// May lead, but healthy ones go first.
    Warning,
    /// Must not lead.
    Critical,
    /// Must not lead until a person has started it anew: its work failed too often.
    Parked,
}

impl Health {
    /// Whether a node that says this may lead.
    pub const fn may_lead(self) -> bool {
        match self {
            Self::Healthy | Self::Warning => true,
            Self::Critical | Self::Parked => false,
        }
    }
}
