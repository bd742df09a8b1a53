use super::Property;
use crate::happening::Happening;
use crate::world::World;

/// The core never gives out orders without end at one instant.
///
/// Source: reliability L6; design section 3, loss of contact.
pub(super) const PROPERTY: Property = Property {
    name: "stays_calm",
    check,
};

fn check(_: &World, happening: &Happening<'_>) -> Option<String> {
    let Happening::Spun { node } = *happening else {
        return None;
    };
    Some(format!("node {node} goes round in circles"))
}
