//! What must hold, one property a file.

mod begins_guarded;
mod claims_when_empty;
mod deletes_by_identity;
mod ends_in_time;
mod foreign_untouched;
mod one_activation;
mod release_is_final;
mod remembers_first;
mod renews_vouched;
mod resigned_is_true;
mod someone_leads;
mod stays_calm;
mod terms_rise;

use std::fmt;

use crate::happening::Happening;
use crate::world::World;

pub(crate) use someone_leads::Patience;

/// Something that must hold whatever happens.
#[derive(Clone, Copy)]
pub(crate) struct Property {
    /// Its name, and that of its file.
    pub(crate) name: &'static str,
    /// Says what is wrong, if something is.
    pub(crate) check: fn(&World, &Happening<'_>) -> Option<String>,
}

/// A property that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// Which.
    pub(crate) property: &'static str,
    /// How.
    pub(crate) what: String,
}

/// All that are about safety.
pub(crate) const SAFETY: [Property; 12] = [
    one_activation::PROPERTY,
    terms_rise::PROPERTY,
    begins_guarded::PROPERTY,
    ends_in_time::PROPERTY,
    resigned_is_true::PROPERTY,
    claims_when_empty::PROPERTY,
    remembers_first::PROPERTY,
    renews_vouched::PROPERTY,
    foreign_untouched::PROPERTY,
    deletes_by_identity::PROPERTY,
    release_is_final::PROPERTY,
    stays_calm::PROPERTY,
];

/// The safety property with this name.
pub(crate) fn named(name: &str) -> Option<Property> {
    SAFETY.into_iter().find(|property| property.name == name)
}

impl fmt::Debug for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.property, self.what)
    }
}
