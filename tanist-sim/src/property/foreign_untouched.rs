use super::Property;
use crate::happening::Happening;
use crate::world::World;

/// No entry of another client is ever deleted.
///
/// Source: reliability S8; design section 3, when a standby may claim.
pub(super) const PROPERTY: Property = Property {
    name: "foreign_untouched",
    check,
};

fn check(_: &World, happening: &Happening<'_>) -> Option<String> {
    let Happening::Deleted { deleted, .. } = *happening else {
        return None;
    };
    deleted
        .instance()
        .is_none()
        .then(|| format!("the foreign entry {} is deleted", deleted.entry))
}
