use super::Property;
use crate::happening::Happening;
use crate::world::World;

/// A term is in the state directory before its work begins.
///
/// Source: reliability 1.6; design section 3, claim.
pub(super) const PROPERTY: Property = Property {
    name: "remembers_first",
    check,
};

fn check(world: &World, happening: &Happening<'_>) -> Option<String> {
    let Happening::Ordered { node, beginning } = *happening else {
        return None;
    };
    let remembered = world.nodes[node].memory.highest_term;
    (remembered < beginning.term).then(|| {
        format!(
            "node {node} begins term {}, but its disk says {remembered}",
            beginning.term
        )
    })
}
