use super::Fixture;
use super::contender::{Contender, Lawful, stands};

/// [`super::Law::EndFrees`].
pub(super) async fn check(fixture: &dyn Fixture) -> Lawful<()> {
    const ELECTION: &str = "law-end-frees";
    let leader = Contender::leading(fixture, ELECTION).await?;
    let entry = leader.own_entry()?;
    let mut next = Contender::standing(fixture, ELECTION).await?;
    let view = next.look().await?;
    if !stands(&view, &entry) {
        return Err(format!(
            "the leader's entry is missing from {:?}",
            view.line
        ));
    }
    leader.kill().await;
    let gone = |c: &Contender| c.view.as_ref().is_some_and(|view| !stands(view, &entry));
    next.until("view without the killed session's entry", gone)
        .await?;
    next.claim_and_win().await
}
