use tanist_core::Outcome;

use super::Fixture;
use super::contender::{Contender, Lawful, is_free, stands};
use crate::release::{FORMAT, Pass, release_through};

/// [`super::Law::ReleaseFrees`].
pub(super) async fn check(fixture: &dyn Fixture) -> Lawful<()> {
    const ELECTION: &str = "law-release-frees";
    let leader = Contender::leading(fixture, ELECTION).await?;
    let mut next = Contender::standing(fixture, ELECTION).await?;
    let (record, _) = leader.record.clone().ok_or("nobody leads")?;
    let entry = leader.own_entry()?;
    let bytes = Pass {
        format: FORMAT,
        target: None,
        election: ELECTION.to_owned(),
        entry: entry.clone(),
        instance: leader.instance,
        term: record.term,
        pass: leader.backend.pass(),
        unfenced: false,
    }
    .encode();
    leader.kill().await;
    release(fixture, &next, &bytes).await?;
    let view = next.look().await?;
    if stands(&view, &entry) || !is_free(&view) {
        return Err(format!("after the release the election is {view:?}"));
    }
    next.claim_and_win().await?;
    release(fixture, &next, &bytes).await?;
    let renewal = next.renewal(1)?;
    match next.commit(renewal).await? {
        Outcome::Committed(_) => Ok(()),
        other => Err(format!(
            "a repeated release took the next leader's renewal: {other:?}"
        )),
    }
}

async fn release(fixture: &dyn Fixture, next: &Contender, bytes: &[u8]) -> Lawful<()> {
    let mut backend = fixture.backend();
    let release = release_through(&mut *backend, bytes);
    match tokio::time::timeout(next.patience(), release).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(format!("the release failed: {error}")),
        Err(_) => Err("the release came to no definite outcome".to_owned()),
    }
}
