use tanist_core::RecordState;

use super::Property;
use crate::happening::Happening;
use crate::world::World;

/// The record says `resigned` only while no work is alive, because who reads it waits for
/// nothing.
///
/// Source: reliability S6; design sections 2 (withdraw) and 3 (stop).
pub(super) const PROPERTY: Property = Property { name: "resigned_is_true", check };

fn check(world: &World, happening: &Happening<'_>) -> Option<String> {
    let Happening::Wrote { state: RecordState::Resigned, instance } = *happening else {
        return None;
    };
    let (node, tree, _) = world.trees().find(|(_, tree, _)| !tree.excused)?;
    Some(format!(
        "{instance} writes `resigned` while the work of node {node} in term {} is alive",
        tree.term
    ))
}
