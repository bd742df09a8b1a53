use tanist_core::Commit;

use super::Property;
use crate::happening::Happening;
use crate::world::World;

/// A node claims only when its own former tree is verified empty.
///
/// Source: design section 3, claim.
pub(super) const PROPERTY: Property = Property {
    name: "claims_when_empty",
    check,
};

fn check(world: &World, happening: &Happening<'_>) -> Option<String> {
    let Happening::Asked {
        node,
        commit: Commit::Claim { record, .. },
    } = *happening
    else {
        return None;
    };
    let instance = world.nodes[node].supervisor.as_ref()?.instance;
    let alive = world.nodes[node]
        .works
        .iter()
        .any(|work| work.owner == instance && work.tree.is_some());
    alive.then(|| {
        format!(
            "node {node} claims term {} over work of its own",
            record.term
        )
    })
}
