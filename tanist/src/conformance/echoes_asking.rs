use std::time::Duration;

use tanist_core::{Ask, Outcome};

use super::Fixture;
use super::contender::{Contender, Lawful};
use crate::clock;

/// [`super::Law::EchoesAsking`].
pub(super) async fn check(fixture: &dyn Fixture) -> Lawful<()> {
    const PIPELINED: u64 = 5;
    let mut leader = Contender::leading(fixture, "law-echoes-asking").await?;
    let mut asks = Vec::new();
    for count in 1..=PIPELINED {
        // Instants that no clock would give again, and numbers with gaps.
        let asked_at = clock::now().at - Duration::from_millis(count * 7);
        let ask = Ask {
            id: 1000 + count * 17,
            asked_at,
            renewal: true,
        };
        let renewal = leader.renewal(count)?;
        leader.ask_as(ask, renewal);
        asks.push(ask);
    }
    for ask in asks {
        let (echo, outcome) = leader.answer(ask).await?;
        if echo != ask {
            return Err(format!("{ask:?} came back as {echo:?}"));
        }
        if !matches!(outcome, Outcome::Committed(_)) {
            return Err(format!(
                "a renewal that nothing spoke against was answered {outcome:?}"
            ));
        }
    }
    Ok(())
}
