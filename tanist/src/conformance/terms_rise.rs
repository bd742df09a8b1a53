use tanist_core::{Commit, Outcome, RecordState, Term};

use super::Fixture;
use super::contender::{Contender, Lawful};

/// [`super::Law::TermsRise`].
pub(super) async fn check(fixture: &dyn Fixture) -> Lawful<()> {
    const ELECTION: &str = "law-terms-rise";
    let mut late = Contender::standing(fixture, ELECTION).await?;
    late.look().await?;
    let stale = late.claim()?;
    let mut term = Term::ZERO;
    for _ in 0..3 {
        // Each from another process, so nothing is remembered but what the store keeps.
        let mut leader = Contender::leading(fixture, ELECTION).await?;
        let (record, _) = leader.record.clone().ok_or("no record after a victory")?;
        if record.term <= term {
            return Err(format!("term {} came after term {term}", record.term));
        }
        term = record.term;
        let withdrawal = leader.withdrawal()?;
        leader.commit(withdrawal).await?;
        leader.close().await?;
    }
    // A claim that was thought up before all that, and arrives now.
    let Commit::Claim {
        entry,
        over,
        beat,
        mut record,
        ..
    } = stale
    else {
        return Err("no claim".to_owned());
    };
    record.term = Term::new(1);
    record.state = RecordState::Leading;
    let claim = Commit::Claim {
        entry,
        over,
        beat,
        record,
        depose: None,
    };
    let outcome = late.commit(claim).await?;
    if !matches!(outcome, Outcome::Refused(_)) {
        return Err(format!(
            "a claim over a version long gone was answered {outcome:?}"
        ));
    }
    let view = late.look().await?;
    match view.record.known() {
        Some(record) if record.term == term => Ok(()),
        other => Err(format!("the record of term {term} became {other:?}")),
    }
}
