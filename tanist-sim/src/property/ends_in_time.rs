use super::Property;
use crate::happening::Happening;
use crate::world::World;

/// Every process of the work is gone by `safe_until`, counted by the world from when the last
/// acknowledged guarded commit was really sent.
///
/// Source: reliability 1.4; design section 3, the holder's deadline.
pub(super) const PROPERTY: Property = Property {
    name: "ends_in_time",
    check,
};

fn check(world: &World, happening: &Happening<'_>) -> Option<String> {
    let Happening::Passing { node, to } = *happening else {
        return None;
    };
    let mut trees = world.nodes[node]
        .works
        .iter()
        .filter_map(|work| work.tree.as_ref());
    let late = trees.find(|tree| !tree.excused && tree.limit < to)?;
    Some(format!(
        "work of node {node} in term {} is alive after {}, when its lease ended",
        late.term, late.limit
    ))
}
