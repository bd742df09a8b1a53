use std::time::Duration;

use tanist_core::Outcome;

use super::Fixture;
use super::contender::{Contender, Lawful};

/// [`super::Law::RenewalIsProof`].
pub(super) async fn check(fixture: &dyn Fixture) -> Lawful<()> {
    const RENEWALS: u64 = 5;
    let mut leader = Contender::leading(fixture, "law-renewal-is-proof").await?;
    let renewal = leader.renewal(1)?;
    if !matches!(leader.commit(renewal).await?, Outcome::Committed(_)) {
        return Err("a renewal was not committed before the cut".to_owned());
    }
    fixture.cut_off().await;
    let mut asks = Vec::new();
    for count in 2..2 + RENEWALS {
        let renewal = leader.renewal(count)?;
        asks.push(leader.ask(renewal));
        leader.listen(fixture.settings().ttl / 4).await;
    }
    leader.listen(Duration::from_millis(100)).await;
    for ask in asks {
        if let Some(Outcome::Committed(_)) = leader.answered(ask) {
            return Err(format!(
                "{ask:?} was committed without what decides commits"
            ));
        }
    }
    Ok(())
}
