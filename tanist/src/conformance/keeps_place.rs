use tanist_core::Outcome;

use super::Fixture;
use super::contender::{Contender, Lawful};

/// [`super::Law::KeepsPlace`].
pub(super) async fn check(fixture: &dyn Fixture) -> Lawful<()> {
    let mut leader = Contender::leading(fixture, "law-keeps-place").await?;
    let entry = leader.own_entry()?;
    for _ in 0..3 {
        let (before, seen) = (leader.links.clone(), leader.views);
        fixture.reconnect().await;
        let back = |c: &Contender| c.links.len() > before.len() && c.views > seen;
        leader.until("view on a new connection", back).await?;
        if !leader.links.is_sorted_by(|a, b| a < b) {
            return Err(format!("connections are numbered {:?}", leader.links));
        }
        if let Some((why, _)) = &leader.ended {
            return Err(format!("the session did not survive: {why}"));
        }
        let view = leader.look().await?;
        let own: Vec<_> = view
            .line
            .iter()
            .filter(|c| c.instance() == Some(leader.instance))
            .collect();
        if own.len() != 1 || own[0].entry != entry {
            return Err(format!("the place {entry} became {own:?}"));
        }
        let renewal = leader.renewal(1)?;
        match leader.commit(renewal).await? {
            Outcome::Committed(_) => {}
            other => return Err(format!("a renewal after the reconnection: {other:?}")),
        }
    }
    Ok(())
}
