use super::Property;
use crate::happening::Happening;
use crate::world::World;

/// Terms strictly rise in the order of activation, also when the store forgets.
///
/// Excused is a claimant on a store that lost or rolled back its record, on a machine that had
/// not seen the last term and whose wall clock was not past it: a repeat needs all three at once
/// (design section 3, limits). A restart in place keeps its term, and its node.
///
/// Source: reliability S2 and S3; design section 3, claim.
pub(super) const PROPERTY: Property = Property {
    name: "terms_rise",
    check,
};

fn check(world: &World, happening: &Happening<'_>) -> Option<String> {
    let Happening::Started { node, term, work } = *happening else {
        return None;
    };
    let ledger = &world.ledger;
    if term > ledger.highest {
        return None;
    }
    let claim = work.guard.as_ref()?.claim?;
    let forgivable =
        ledger.forgotten && claim.knew < ledger.highest && claim.unix <= ledger.highest.number();
    (!forgivable).then(|| {
        format!(
            "node {node} starts work in term {term}, after one in term {}",
            ledger.highest
        )
    })
}
