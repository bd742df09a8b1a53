use super::Property;
use crate::happening::Happening;
use crate::world::World;

/// What a commit deletes is the very entry that it names, created when it says.
///
/// Under the same key the same instance may stand anew, after its entry was lost.
///
/// Source: reliability S8; design section 3, claim.
pub(super) const PROPERTY: Property = Property {
    name: "deletes_by_identity",
    check,
};

fn check(_: &World, happening: &Happening<'_>) -> Option<String> {
    let Happening::Deleted { named, deleted } = *happening else {
        return None;
    };
    (*named != deleted.entry)
        .then(|| format!("{named} was to be deleted, and {} is", deleted.entry))
}
