use tanist_core::Outcome;

use super::Fixture;
use super::contender::{Contender, Lawful};

/// [`super::Law::OneLeader`].
pub(super) async fn check(fixture: &dyn Fixture) -> Lawful<()> {
    const ROUNDS: usize = 3;
    const CONTENDERS: usize = 4;
    for round in 0..ROUNDS {
        let election = format!("law-one-leader-{round}");
        let mut contenders = Vec::new();
        for _ in 0..CONTENDERS {
            contenders.push(Contender::standing(fixture, &election).await?);
        }
        for contender in &mut contenders {
            contender.look().await?;
        }
        let mut asks = Vec::new();
        for contender in &mut contenders {
            let claim = contender.claim()?;
            asks.push(contender.ask(claim));
        }
        let mut winners = Vec::new();
        for (contender, ask) in contenders.iter_mut().zip(asks) {
            if let (_, Outcome::Committed(_)) = contender.answer(ask).await? {
                winners.push(contender.instance);
            }
        }
        if winners.len() != 1 {
            return Err(format!(
                "{} of {CONTENDERS} claims were committed",
                winners.len()
            ));
        }
        for contender in &mut contenders {
            let view = contender.look().await?;
            let leader = view.record.known().map(|record| record.instance);
            if leader != Some(winners[0]) {
                return Err(format!(
                    "{} won, but the record names {leader:?}",
                    winners[0]
                ));
            }
        }
    }
    Ok(())
}
