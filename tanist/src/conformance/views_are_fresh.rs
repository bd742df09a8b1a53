use std::time::Duration;

use tanist_core::{Commit, Directive, Focus, NodeUntil, Outcome};

use super::Fixture;
use super::contender::{Contender, Lawful};
use crate::backend::Amendment;

/// Beyond the poll's latest time: for a machine that is busy.
const SLACK: Duration = Duration::from_secs(2);

/// [`super::Law::ViewsAreFresh`].
pub(super) async fn check(fixture: &dyn Fixture) -> Lawful<()> {
    const ELECTION: &str = "law-views-are-fresh";
    // Joining is enough: no session, no look.
    let mut observer = Contender::arrive(fixture.backend(), fixture.settings(), ELECTION);
    observer.until("first view", |c| c.view.is_some()).await?;
    let poll = fixture.settings().ttl / 2 + SLACK;
    for _ in 0..2 {
        // What comes with joining and connecting is no poll.
        observer.listen(fixture.settings().ttl / 2).await;
        let seen = observer.views;
        observer
            .within(poll, "unasked view", |c| c.views > seen)
            .await?;
    }
    observer.watch(Focus::Record);
    let mut leader = Contender::standing(fixture, ELECTION).await?;
    leader.look().await?;
    leader.claim_and_win().await?;
    let instance = leader.instance;
    let leads = move |c: &Contender| {
        let record = c.view.as_ref().and_then(|view| view.record.known());
        record.is_some_and(|record| record.instance == instance)
    };
    observer.until("view of the new record", leads).await?;
    tells_members(&mut observer, &mut leader).await?;
    asked_for(fixture, ELECTION, &mut observer).await?;
    let revision = leader.look().await?.position;
    let again = leader.look().await?.position;
    if again.store != revision.store || again.revision < revision.revision {
        return Err(format!("the store went from {revision:?} to {again:?}"));
    }
    Ok(())
}

async fn tells_members(observer: &mut Contender, leader: &mut Contender) -> Lawful<()> {
    let member = tanist_core::Member {
        priority: 7,
        ..leader.member()
    };
    let outcome = leader
        .commit(Commit::Publish {
            member: member.clone(),
        })
        .await?;
    if !matches!(outcome, Outcome::Committed(_)) {
        return Err(format!("publishing was answered {outcome:?}"));
    }
    let view = observer.look().await?;
    if view.members.get(&leader.instance) == Some(&member) {
        Ok(())
    } else {
        Err(format!(
            "{member:?} was published, but the view shows {:?}",
            view.members
        ))
    }
}

/// The directive is watched, whatever else is.
async fn asked_for(fixture: &dyn Fixture, election: &str, observer: &mut Contender) -> Lawful<()> {
    let node = NodeUntil {
        node: "somebody".to_owned(),
        until: u64::MAX,
    };
    let directive = Directive {
        successor: Some(node),
        ..Directive::default()
    };
    let Ok(read) = fixture.backend().read(election).await else {
        return Err("the election could not be read".to_owned());
    };
    let amendment = Amendment::Direct {
        over: None,
        record: read.view.record_stamp,
        directive: directive.clone(),
    };
    let outcome = fixture.backend().amend(election, amendment).await;
    if !matches!(outcome, Outcome::Committed(_)) {
        return Err(format!("the directive was answered {outcome:?}"));
    }
    let shows = move |c: &Contender| c.view.as_ref().is_some_and(|v| v.directive == directive);
    observer.until("view of the directive", shows).await
}
