use super::Property;
use crate::happening::Happening;
use crate::world::World;

/// No two activations of an election overlap in real time.
///
/// Excused is a tree whose machine was paused while it was alive: then only the term protects
/// (design section 3, limits).
///
/// Source: reliability S1; design section 3.
pub(super) const PROPERTY: Property = Property {
    name: "one_activation",
    check,
};

fn check(world: &World, happening: &Happening<'_>) -> Option<String> {
    let Happening::Started { node, term, work } = *happening else {
        return None;
    };
    let other = world.trees().find(|(other, tree, serial)| {
        !(tree.excused || (*other == node && *serial == work.serial))
    })?;
    Some(format!(
        "node {node} starts work in term {term} while the work of node {} in term {} is alive",
        other.0, other.1.term
    ))
}
