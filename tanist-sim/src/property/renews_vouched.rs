use tanist_core::{Commit, State};

use super::Property;
use crate::happening::Happening;
use crate::node::ToGuard;
use crate::world::World;

/// Work that runs is renewed only while somebody vouches for it, where that is asked for.
///
/// Source: reliability F67.
pub(super) const PROPERTY: Property = Property {
    name: "renews_vouched",
    check,
};

fn check(world: &World, happening: &Happening<'_>) -> Option<String> {
    let Happening::Asked {
        node,
        commit: Commit::Renew { .. },
    } = *happening
    else {
        return None;
    };
    let supervisor = world.nodes[node].supervisor.as_ref()?;
    let until = supervisor.vouched_until?;
    let runs = matches!(supervisor.election.state(), State::Leading(_));
    // What confirms a claim goes out right before the work is told to begin.
    let has_begun = world.nodes[node].works.iter().any(|work| {
        let told = |order: &ToGuard| matches!(order, ToGuard::Begin { .. });
        work.owner == supervisor.instance && (work.tree.is_some() || work.orders.iter().any(told))
    });
    let is_late = runs && has_begun && world.now(node).at > until;
    is_late.then(|| format!("node {node} renews, though nobody vouches for its work since {until}"))
}
