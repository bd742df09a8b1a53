use tanist_core::Outcome;

use super::Fixture;
use super::contender::{Contender, Lawful, is_free, stands};

/// [`super::Law::WithdrawFrees`].
pub(super) async fn check(fixture: &dyn Fixture) -> Lawful<()> {
    const ELECTION: &str = "law-withdraw-frees";
    let mut leader = Contender::leading(fixture, ELECTION).await?;
    let mut next = Contender::standing(fixture, ELECTION).await?;
    let withdrawal = leader.withdrawal()?;
    let outcome = leader.commit(withdrawal.clone()).await?;
    if !matches!(outcome, Outcome::Committed(_)) {
        return Err(format!("a withdrawal was answered {outcome:?}"));
    }
    let view = next.look().await?;
    let entry = leader.own_entry()?;
    if stands(&view, &entry) || !is_free(&view) {
        return Err(format!("after the withdrawal the election is {view:?}"));
    }
    next.claim_and_win().await?;
    // The answer may have been lost: the same once more.
    let again = leader.commit(withdrawal).await?;
    if !matches!(again, Outcome::Refused(_)) {
        return Err(format!(
            "the withdrawal of an old leadership was answered {again:?}"
        ));
    }
    let renewal = next.renewal(1)?;
    match next.commit(renewal).await? {
        Outcome::Committed(_) => Ok(()),
        other => Err(format!(
            "a repeated withdrawal took the next leader's renewal: {other:?}"
        )),
    }
}
