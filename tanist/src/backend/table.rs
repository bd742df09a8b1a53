//! The table of backends. Scheme names, messages and tests follow from it.

use std::hash::{Hash, Hasher};

use crate::backend::{Backend, local};
use crate::error::Error;
use crate::target::Target;

/// The table: one line per backend, in the order in which they are listed to people.
static TABLE: &[Known] = &[
    Known {
        name: "local",
        schemes: &["local"],
        feature: None,
        place: PlaceKind::Directory,
        parameters: local::PARAMETERS,
        open: Some(local::open),
    },
    Known {
        name: "etcd",
        schemes: &["etcd", "etcds"],
        feature: None,
        place: PlaceKind::Servers { default_port: 2379 },
        parameters: &[],
        open: None,
    },
    Known {
        name: "zookeeper",
        schemes: &["zk", "zks"],
        feature: None,
        place: PlaceKind::Servers { default_port: 2181 },
        parameters: &["layout"],
        open: None,
    },
];

/// One backend, compiled or not.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) schemes: &'static [&'static str],
    /// The feature of this crate that builds it in. `None` for what is always in, and for what no
    /// release has yet.
    pub(crate) feature: Option<&'static str>,
    pub(crate) place: PlaceKind,
    pub(crate) parameters: &'static [&'static str],
    /// `None` where this build leaves it out.
    pub(crate) open: Option<Open>,
}

/// A backend is its name.
impl PartialEq for Known {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Known {}

impl Hash for Known {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

/// What follows the scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PlaceKind {
    Directory,
    Servers { default_port: u16 },
}

/// Makes the backend of a target, without reaching for the store yet.
pub(crate) type Open = fn(&Target, Access) -> Result<Box<dyn Backend>, Error>;

/// What a backend is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// To read, and to write what an operator says. Opening and reading create nothing.
    Look,
    /// To stand in elections: what the store needs on this machine is made.
    Stand,
}

/// What a URL may begin with in this build: `local:, etcd:`.
pub(crate) fn schemes() -> String {
    let compiled = TABLE.iter().filter(|known| known.open.is_some());
    let schemes: Vec<String> = compiled
        .flat_map(|known| known.schemes)
        .map(|scheme| format!("{scheme}:"))
        .collect();
    schemes.join(", ")
}

/// The backends of this build, by name.
pub(crate) fn compiled() -> impl Iterator<Item = &'static str> {
    TABLE
        .iter()
        .filter(|known| known.open.is_some())
        .map(|known| known.name)
}

/// The backend of a scheme.
pub(crate) fn find(scheme: &str) -> Option<(&'static Known, &'static str)> {
    TABLE.iter().find_map(|known| {
        known
            .schemes
            .iter()
            .find(|known| **known == scheme)
            .map(|scheme| (known, *scheme))
    })
}

/// The scheme that was probably meant.
pub(crate) fn nearest(scheme: &str) -> Option<&'static str> {
    const NEAR: usize = 2;
    let meant = TABLE.iter().flat_map(|known| {
        let names = known.schemes.iter().map(|scheme| (*scheme, *scheme));
        names.chain([(known.name, known.schemes[0])])
    });
    meant
        .map(|(name, scheme_of)| (distance(scheme, name), name.len(), scheme_of))
        // Half of a word changed is another word.
        .filter(|(distance, length, _)| *distance <= NEAR && distance * 2 <= *length)
        .min_by_key(|(distance, ..)| *distance)
        .map(|(_, _, scheme)| scheme)
}

/// How many letters must be changed, inserted or deleted to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let changed = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// Makes the backend of `target`.
pub(crate) fn open(target: &Target, access: Access) -> Result<Box<dyn Backend>, Error> {
    match target.known().open {
        Some(open) => open(target, access),
        None => Err(target.left_out()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_counted_in_letters() {
        assert_eq!(distance("etcd", "etcd"), 0);
        assert_eq!(distance("etdc", "etcd"), 2);
        assert_eq!(distance("", "zk"), 2);
        assert_eq!(distance("lcal", "local"), 1);
    }

    #[test]
    fn no_scheme_is_listed_twice() {
        let mut all: Vec<_> = TABLE.iter().flat_map(|known| known.schemes).collect();
        let listed = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), listed);
    }

    #[test]
    fn every_feature_that_is_named_is_one_of_this_crate() {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let manifest = std::fs::read_to_string(manifest).unwrap();
        let (_, features) = manifest.split_once("[features]").unwrap();
        let (features, _) = features.split_once("\n[").unwrap();
        for feature in TABLE.iter().filter_map(|known| known.feature) {
            let line = format!("\n{feature} = [");
            assert!(features.contains(&line), "{feature} is no feature");
        }
    }

    #[test]
    fn only_what_this_build_carries_is_offered() {
        for known in TABLE {
            for scheme in known.schemes {
                let offered = schemes().contains(&format!("{scheme}:"));
                assert_eq!(offered, known.open.is_some(), "{scheme}");
            }
        }
    }
}
