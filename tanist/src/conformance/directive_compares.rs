use tanist_core::{Directive, Outcome, Stamp};

use super::Fixture;
use super::contender::{Contender, Lawful};
use crate::backend::{Amendment, Backend};

const ELECTION: &str = "law-directive-compares";

/// [`super::Law::DirectiveCompares`].
pub(super) async fn check(fixture: &dyn Fixture) -> Lawful<()> {
    // Somebody has to stand, or there is nothing to direct.
    let _candidate = Contender::standing(fixture, ELECTION).await?;
    let (one, two) = (fixture.backend(), fixture.backend());
    let (none, stamp) = read(&*one).await?;
    if none != Directive::default() || stamp.is_some() {
        return Err(format!("a new election asks for {none:?} at {stamp:?}"));
    }
    write(&*one, None, 100).await?;
    refused(&*two, None).await?;
    let (directive, stamp) = read(&*two).await?;
    if directive.paused_until != Some(100) || stamp.is_none() {
        return Err(format!(
            "what was written reads as {directive:?} at {stamp:?}"
        ));
    }
    write(&*two, stamp, 200).await?;
    refused(&*one, stamp).await?;
    let (directive, _) = read(&*one).await?;
    if directive.paused_until == Some(200) {
        Ok(())
    } else {
        Err(format!(
            "a refused directive was written all the same: {directive:?}"
        ))
    }
}

async fn read(backend: &dyn Backend) -> Lawful<(Directive, Option<Stamp>)> {
    match backend.read(ELECTION).await {
        Ok(snapshot) => Ok((snapshot.view.directive, snapshot.directive_stamp)),
        Err(error) => Err(format!("the election could not be read: {error}")),
    }
}

fn paused(until: u64) -> Directive {
    Directive {
        paused_until: Some(until),
        ..Directive::default()
    }
}

async fn write(backend: &dyn Backend, over: Option<Stamp>, until: u64) -> Lawful<()> {
    let amendment = Amendment::Direct {
        over,
        directive: paused(until),
    };
    match backend.amend(ELECTION, amendment).await {
        Outcome::Committed(_) => Ok(()),
        other => Err(format!(
            "a directive over what was read was answered {other:?}"
        )),
    }
}

async fn refused(backend: &dyn Backend, over: Option<Stamp>) -> Lawful<()> {
    let amendment = Amendment::Direct {
        over,
        directive: paused(1),
    };
    match backend.amend(ELECTION, amendment).await {
        Outcome::Refused(_) => Ok(()),
        other => Err(format!(
            "a directive over an old version was answered {other:?}"
        )),
    }
}
