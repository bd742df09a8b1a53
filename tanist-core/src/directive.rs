use serde::{Deserialize, Serialize};

/// What an operator asked of an election: one versioned value in the store.
///
/// Times are wall-clock seconds, because a person wrote them and they only decide who goes first,
/// never whether two may lead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Directive {
    /// Who shall lead next, until when this is tried.
    pub successor: Option<NodeUntil>,
    /// Until then nobody new claims; the leader goes on.
    pub paused_until: Option<u64>,
    /// Who shall let the others go first, until when.
    pub aside: Option<NodeUntil>,
}

/// A node by name, up to a wall-clock second.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NodeUntil {
    /// The node's name.
    pub node: String,
    /// The second, since 1970, from which this no longer counts.
    pub until: u64,
}

impl Directive {
    /// The node that shall lead next, unless that has expired.
    pub fn successor(&self, unix: u64) -> Option<&str> {
        named(self.successor.as_ref(), unix)
    }

    /// The node that shall stand aside, unless that has expired.
    pub fn aside(&self, unix: u64) -> Option<&str> {
        named(self.aside.as_ref(), unix)
    }

    /// Until when nobody new claims, unless that has passed.
    pub fn paused_until(&self, unix: u64) -> Option<u64> {
        self.paused_until.filter(|&until| unix < until)
    }
}

fn named(node: Option<&NodeUntil>, unix: u64) -> Option<&str> {
    node.filter(|node| unix < node.until)
        .map(|node| node.node.as_str())
}
