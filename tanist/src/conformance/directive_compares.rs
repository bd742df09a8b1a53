use tanist_core::{Directive, Outcome, Stamp};

use super::Fixture;
use super::contender::{Contender, Lawful};
use crate::backend::{Amendment, Backend, Snapshot};

const ELECTION: &str = "law-directive-compares";

/// [`super::Law::DirectiveCompares`].
pub(super) async fn check(fixture: &dyn Fixture) -> Lawful<()> {
    // Somebody has to stand, or there is nothing to direct.
    let _candidate = Contender::standing(fixture, ELECTION).await?;
    let (one, two) = (fixture.backend(), fixture.backend());
    let empty = read(&*one).await?;
    if empty.view.directive != Directive::default() || empty.directive_stamp.is_some() {
        return Err(format!("a new election asks for something: {empty:?}"));
    }
    write(&*one, &empty, 100).await?;
    refused(&*two, &empty).await?;
    let first = read(&*two).await?;
    if first.view.directive.paused_until != Some(100) || first.directive_stamp.is_none() {
        return Err(format!("what was written reads as {first:?}"));
    }
    // Who decided by another record than there is now must not be obeyed either.
    refused(&*two, &by_another_record(&first)).await?;
    write(&*two, &first, 200).await?;
    refused(&*one, &first).await?;
    let last = read(&*one).await?;
    if last.view.directive.paused_until == Some(200) {
        Ok(())
    } else {
        Err(format!(
            "a refused directive was written all the same: {last:?}"
        ))
    }
}

async fn read(backend: &dyn Backend) -> Lawful<Snapshot> {
    let read = backend.read(ELECTION).await;
    read.map_err(|error| format!("the election could not be read: {error}"))
}

fn by_another_record(read: &Snapshot) -> Snapshot {
    let mut other = read.clone();
    other.view.record_stamp = match read.view.record_stamp {
        Some(stamp) => Some(Stamp {
            version: stamp.version + 1,
            ..stamp
        }),
        None => Some(Stamp::default()),
    };
    other
}

fn paused(over: &Snapshot, until: u64) -> Amendment {
    Amendment::Direct {
        over: over.directive_stamp,
        record: over.view.record_stamp,
        directive: Directive {
            paused_until: Some(until),
            ..Directive::default()
        },
    }
}

async fn write(backend: &dyn Backend, over: &Snapshot, until: u64) -> Lawful<()> {
    match backend.amend(ELECTION, paused(over, until)).await {
        Outcome::Committed(_) => Ok(()),
        other => Err(format!(
            "a directive over what was read was answered {other:?}"
        )),
    }
}

async fn refused(backend: &dyn Backend, over: &Snapshot) -> Lawful<()> {
    match backend.amend(ELECTION, paused(over, 1)).await {
        Outcome::Refused(_) => Ok(()),
        other => Err(format!(
            "a directive over what is no more was answered {other:?}"
        )),
    }
}
