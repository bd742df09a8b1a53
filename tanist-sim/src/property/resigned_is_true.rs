use tanist_core::RecordState;

use super::Property;
use crate::happening::Happening;
use crate::world::World;

/// The record says `resigned` in a term only while no work of that term or an earlier one is
/// alive, because who reads it waits for nothing.
///
/// Work of a later term can be alive only where a restore has put the record back, and then
/// whoever knows of the later term does not trust the record (design section 3, when a standby may
/// claim).
///
/// Source: reliability S6; design sections 2 (withdraw) and 3 (stop).
pub(super) const PROPERTY: Property = Property {
    name: "resigned_is_true",
    check,
};

fn check(world: &World, happening: &Happening<'_>) -> Option<String> {
    let Happening::Wrote {
        state: RecordState::Resigned,
        term,
        instance,
    } = *happening
    else {
        return None;
    };
    let (node, tree, _) = world
        .trees()
        .find(|(_, tree, _)| !tree.excused && tree.term <= term)?;
    Some(format!(
        "{instance} writes `resigned` while the work of node {node} in term {} is alive",
        tree.term
    ))
}
