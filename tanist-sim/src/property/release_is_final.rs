use tanist_core::{Commit, EntryId, InstanceId, RecordState, Term};

use super::Property;
use crate::happening::Happening;
use crate::world::World;

/// Once a release helper reports that it is done, the dead supervisor does not lead, and nothing
/// that it still has on the wire takes effect.
///
/// Excused after a restore, which can bring the deleted entry back.
///
/// Source: design section 6, supervisor gone.
pub(super) const PROPERTY: Property = Property {
    name: "release_is_final",
    check,
};

fn check(world: &World, happening: &Happening<'_>) -> Option<String> {
    match *happening {
        _ if world.ledger.forgot_at.is_some() => None,
        Happening::Released {
            instance,
            entry,
            term,
        } => done(world, instance, entry, term),
        Happening::Took { instance, commit } => late(world, instance, commit),
        Happening::Passing { .. }
        | Happening::Asked { .. }
        | Happening::Ordered { .. }
        | Happening::Started { .. }
        | Happening::Wrote { .. }
        | Happening::Deleted { .. }
        | Happening::Spun { .. } => None,
    }
}

fn done(world: &World, instance: InstanceId, entry: &EntryId, term: Term) -> Option<String> {
    if world.store.has(entry) {
        return Some(format!(
            "the release of {instance} is done, but {entry} still stands"
        ));
    }
    let (record, _) = world.store.record.as_ref()?;
    let leads =
        record.instance == instance && record.term == term && record.state == RecordState::Leading;
    leads.then(|| format!("the release of {instance} is done, but it leads in term {term}"))
}

fn late(world: &World, instance: InstanceId, commit: &Commit) -> Option<String> {
    let entry = match commit {
        Commit::Claim { entry, .. }
        | Commit::Renew { entry, .. }
        | Commit::Lead { entry, .. }
        | Commit::Withdraw { entry, .. } => entry,
        Commit::Found { .. }
        | Commit::Stand { .. }
        | Commit::Publish { .. }
        | Commit::Leave { .. } => return None,
    };
    let released = world
        .ledger
        .released
        .iter()
        .any(|(dead, gone)| *dead == instance && gone == entry);
    released.then(|| format!("a commit of {instance} takes effect after its release was done"))
}
