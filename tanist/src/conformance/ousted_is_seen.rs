use tanist_core::{Outcome, Refusal};

use super::Fixture;
use super::contender::{Contender, Lawful, stands};
use crate::backend::Amendment;

/// [`super::Law::OustedIsSeen`].
pub(super) async fn check(fixture: &dyn Fixture) -> Lawful<()> {
    const ELECTION: &str = "law-ousted-is-seen";
    let mut leader = Contender::leading(fixture, ELECTION).await?;
    leader.look().await?;
    let entry = leader.own_entry()?;
    let operator = fixture.backend();
    let amendment = Amendment::DeleteEntry {
        entry: entry.clone(),
    };
    let deleted = operator.amend(ELECTION, amendment).await;
    if !matches!(deleted, Outcome::Committed(_)) {
        return Err(format!("the entry could not be deleted: {deleted:?}"));
    }
    let gone = |c: &Contender| {
        c.ended.is_some() || c.view.as_ref().is_some_and(|view| !stands(view, &entry))
    };
    leader.until("news of the lost entry", gone).await?;
    let renewal = leader.renewal(1)?;
    match leader.commit(renewal).await? {
        Outcome::Refused(Refusal::EntryMissing | Refusal::RecordChanged | Refusal::Held) => Ok(()),
        other => Err(format!("a renewal without an entry was answered {other:?}")),
    }
}
