use tanist_core::{Outcome, Refusal};

use super::Fixture;
use super::contender::{Contender, Lawful};
use crate::backend::Amendment;

/// [`super::Law::VictoryIsFresh`].
pub(super) async fn check(fixture: &dyn Fixture) -> Lawful<()> {
    const ELECTION: &str = "law-victory-is-fresh";
    let mut waiting = Contender::standing(fixture, ELECTION).await?;
    waiting.look().await?;
    let claim = waiting.claim()?;
    let entry = waiting.own_entry()?;
    let operator = fixture.backend();
    let deleted = operator
        .amend(ELECTION, Amendment::DeleteEntry { entry })
        .await;
    if !matches!(deleted, Outcome::Committed(_)) {
        return Err(format!("the entry could not be deleted: {deleted:?}"));
    }
    match waiting.commit(claim).await? {
        Outcome::Refused(Refusal::EntryMissing) => {}
        other => {
            return Err(format!(
                "a claim of a lapsed candidacy was answered {other:?}"
            ));
        }
    }
    let record = waiting.look().await?.record;
    match record.known() {
        Some(record) if record.instance == waiting.instance => {
            Err("the record names a candidate that does not stand".to_owned())
        }
        _ => Ok(()),
    }
}
