use tanist_core::{Commit, State};

use super::Property;
use crate::happening::Happening;
use crate::world::World;

/// Work that runs is renewed only while somebody vouches for it, where that is asked for.
///
/// Source: reliability F67.
pub(super) const PROPERTY: Property = Property {
    name: "renews_vouched",
    check,
};

fn check(world: &World, happening: &Happening<'_>) -> Option<String> {
    let Happening::Asked { node, commit } = *happening else {
        return None;
    };
    let supervisor = world.nodes[node].supervisor.as_ref()?;
    let runs = matches!(supervisor.election.state(), State::Leading(_));
    let until = supervisor.vouched_until?;
    let is_late = runs && matches!(commit, Commit::Renew { .. }) && world.now(node).at > until;
    is_late.then(|| format!("node {node} renews, though nobody vouches for its work since {until}"))
}
