use tanist_core::{Directive, EntryId, InstanceId, Outcome, Reading, Record, RecordState, Term};

use super::Fixture;
use super::contender::{Contender, Lawful};
use crate::backend::{Amendment, Backend};
use crate::damage::{Damage, Mend, Part};

const ELECTION: &str = "law-repair-keeps";

/// [`super::Law::RepairKeeps`].
pub(super) async fn check(fixture: &dyn Fixture) -> Lawful<()> {
    // Somebody has to stand, or there is nothing to damage.
    let _candidate = Contender::leading(fixture, ELECTION).await?;
    let backend = fixture.backend();
    let none = damage(&*backend).await?;
    if !none.is_empty() {
        return Err(format!("a good election is called damaged: {none:?}"));
    }
    for part in [Part::Record, Part::Directive] {
        let mend = match part {
            Part::Record => Mend::Record(Box::new(vacant())),
            Part::Directive | Part::History => Mend::Directive,
        };
        let (old, new) = (&b"\xff once"[..], &b"\xff twice"[..]);
        fixture.spoil(ELECTION, part, old).await;
        seen(&*backend, part, old).await?;
        fixture.spoil(ELECTION, part, new).await;
        refused(&*backend, old, mend.clone()).await?;
        seen(&*backend, part, new).await?;
        let mended = backend.amend(ELECTION, repair(new, mend.clone())).await;
        if !matches!(mended, Outcome::Committed(_)) {
            return Err(format!(
                "a repair over what was read was answered {mended:?}"
            ));
        }
        let left = damage(&*backend).await?;
        if !left.is_empty() {
            return Err(format!("after the repair of the {part} there is {left:?}"));
        }
        refused(&*backend, new, mend).await?;
    }
    let read = backend.read(ELECTION).await;
    let view = read.map_err(|error| error.to_string())?.view;
    match view.record {
        Reading::Known(record) if record.term == vacant().term => {}
        other => return Err(format!("the repaired record reads as {other:?}")),
    }
    if view.directive == Directive::default() {
        Ok(())
    } else {
        Err(format!(
            "the repaired directive asks for {:?}",
            view.directive
        ))
    }
}

fn vacant() -> Record {
    Record {
        format: Record::FORMAT,
        election: ELECTION.to_owned(),
        term: Term::new(1_000),
        node: String::new(),
        instance: InstanceId::default(),
        address: String::new(),
        entry: EntryId::default(),
        lease: std::time::Duration::from_secs(1),
        state: RecordState::Resigned,
        reason: "repaired".to_owned(),
        at: 1,
        unfenced: None,
        unknown: serde_json::Map::new(),
    }
}

fn repair(over: &[u8], mend: Mend) -> Amendment {
    Amendment::Repair {
        over: over.to_vec(),
        mend,
    }
}

async fn damage(backend: &dyn Backend) -> Lawful<Vec<Damage>> {
    let damage = backend.damage(ELECTION).await;
    damage.map_err(|error| format!("the damage could not be read: {error}"))
}

/// One part is damaged, and shown as it is.
async fn seen(backend: &dyn Backend, part: Part, bytes: &[u8]) -> Lawful<()> {
    match damage(backend).await?.as_slice() {
        [one] if one.part == part && one.bytes == bytes => Ok(()),
        other => Err(format!("a {part} of {bytes:?} is shown as {other:?}")),
    }
}

async fn refused(backend: &dyn Backend, over: &[u8], mend: Mend) -> Lawful<()> {
    match backend.amend(ELECTION, repair(over, mend)).await {
        Outcome::Refused(_) => Ok(()),
        other => Err(format!("a repair over other bytes was answered {other:?}")),
    }
}
