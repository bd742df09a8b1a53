use tanist_core::{Commit, EntryId, Outcome, RecordState, Stamp, View};

use super::Fixture;
use super::contender::{Contender, Lawful};

/// [`super::Law::GuardsHold`].
pub(super) async fn check(fixture: &dyn Fixture) -> Lawful<()> {
    const ELECTION: &str = "law-guards-hold";
    let mut leader = Contender::leading(fixture, ELECTION).await?;
    let mut other = Contender::standing(fixture, ELECTION).await?;
    let before = other.look().await?;
    for (what, commit) in wrong_for(&leader)? {
        refused(&mut leader, what, commit).await?;
    }
    let Commit::Claim {
        entry,
        over,
        beat,
        record,
        ..
    } = other.claim()?
    else {
        return Err("no claim".to_owned());
    };
    for (what, over, beat, entry) in [
        ("a claim over no record", None, beat, entry.clone()),
        (
            "a claim over another version",
            over.map(other_version),
            beat,
            entry.clone(),
        ),
        (
            "a claim over a beat that is not there",
            over,
            Some(Stamp::default()),
            entry.clone(),
        ),
        (
            "a claim from an entry made at another time",
            over,
            beat,
            other_time(&entry),
        ),
    ] {
        let record = record.clone();
        refused(
            &mut other,
            what,
            Commit::Claim {
                entry,
                over,
                beat,
                record,
                depose: None,
            },
        )
        .await?;
    }
    let after = other.look().await?;
    unchanged(&before, &after)
}

fn wrong_for(leader: &Contender) -> Lawful<Vec<(&'static str, Commit)>> {
    let (record, stamp) = leader.record.clone().ok_or("nobody leads")?;
    let entry = leader.own_entry()?;
    let beat = tanist_core::BeatWrite::Put(1);
    let resigned = tanist_core::Record {
        state: RecordState::Resigned,
        ..record.clone()
    };
    Ok(vec![
        (
            "founding over a record",
            Commit::Found {
                record: resigned.clone(),
            },
        ),
        (
            "a renewal of another version",
            Commit::Renew {
                record: other_version(stamp),
                entry: entry.clone(),
                beat,
            },
        ),
        (
            "a renewal from an entry made at another time",
            Commit::Renew {
                record: stamp,
                entry: other_time(&entry),
                beat,
            },
        ),
        (
            "raising another version",
            Commit::Lead {
                entry: entry.clone(),
                over: other_version(stamp),
                record,
            },
        ),
        (
            "a withdrawal of another version",
            Commit::Withdraw {
                entry: entry.clone(),
                over: other_version(stamp),
                record: resigned,
            },
        ),
        (
            "leaving an entry made at another time",
            Commit::Leave {
                entry: other_time(&entry),
            },
        ),
    ])
}

async fn refused(contender: &mut Contender, what: &str, commit: Commit) -> Lawful<()> {
    match contender.commit(commit).await? {
        Outcome::Refused(_) => Ok(()),
        other => Err(format!("{what} was answered {other:?}")),
    }
}

const fn other_version(stamp: Stamp) -> Stamp {
    Stamp {
        created: stamp.created,
        version: stamp.version + 1_000_000,
    }
}

fn other_time(entry: &EntryId) -> EntryId {
    EntryId {
        key: entry.key.clone(),
        created: entry.created + 1_000_000,
    }
}

fn unchanged(before: &View, after: &View) -> Lawful<()> {
    let same = before.record == after.record
        && before.record_stamp == after.record_stamp
        && before.line == after.line;
    if same {
        Ok(())
    } else {
        Err(format!("refused commits made {after:?} of {before:?}"))
    }
}
