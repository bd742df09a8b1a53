use super::Property;
use crate::happening::Happening;
use crate::world::World;

/// Work is ordered to begin only after a guarded commit of this very term was acknowledged, and
/// while the lease that it gives covers start and stop.
///
/// The lease is the world's own count, from when the commit was really sent.
///
/// Source: reliability S5 and S7; design section 3, claim and lead.
pub(super) const PROPERTY: Property = Property {
    name: "begins_guarded",
    check,
};

fn check(world: &World, happening: &Happening<'_>) -> Option<String> {
    let Happening::Ordered { node, beginning } = *happening else {
        return None;
    };
    let proof = world.nodes[node].supervisor.as_ref()?.proof;
    let term = beginning.term;
    let Some(proof) = proof.filter(|proof| proof.term == term && proof.leading) else {
        return Some(format!(
            "node {node} begins term {term} though no guarded commit of it was acknowledged"
        ));
    };
    let safe_until = proof.sent + world.setup.lease(node);
    if beginning.safe_until > safe_until {
        return Some(format!(
            "node {node} begins term {term} until {}, but its lease ends at {safe_until}",
            beginning.safe_until
        ));
    }
    let timing = &world.setup.machines[node].timing;
    (world.now(node).at > timing.start_by(safe_until))
        .then(|| format!("node {node} begins term {term} with too little lease left"))
}
