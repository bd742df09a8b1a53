use std::time::Duration;

use tanist::{Snapshot, Store};

use super::turn::Tenure;
use crate::exit::Code;
use crate::overview::{Overview, State};
use crate::printer::printable;
use crate::problem::Problem;
use crate::settings::QuerySettings;
use crate::span::Span;

/// The timeout of a command that waits for work to stop, where none is set.
pub(super) const LONG: Span = Span(Duration::from_secs(30));

/// Opens the store that the settings name.
pub(super) fn open(settings: &QuerySettings) -> Result<Store, Problem> {
    let target = &settings.target;
    Store::open(&target.value).map_err(|error| Problem::of(error).set_by(&target.source))
}

/// The elections asked for, or all of them.
pub(super) async fn elections(
    store: &Store,
    settings: &QuerySettings,
) -> Result<Vec<String>, Problem> {
    if settings.elections.is_empty() {
        in_time(settings.timeout.value, store.elections()).await
    } else {
        Ok(settings.elections.clone())
    }
}

/// One election as it stands now.
pub(super) async fn overview(
    store: &Store,
    settings: &QuerySettings,
    election: &str,
) -> Result<Overview, Problem> {
    let snapshot: Snapshot = in_time(settings.timeout.value, store.read(election)).await?;
    Ok(Overview::read(election, &snapshot, tanist::clock::now()))
}

/// The answer, if it comes in time.
pub(super) async fn in_time<T>(
    timeout: Duration,
    answer: impl Future<Output = Result<T, tanist::Error>>,
) -> Result<T, Problem> {
    match tokio::time::timeout(timeout, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(no_answer(timeout)),
    }
}

/// Who leads, for a command that needs somebody to lead.
pub(super) fn tenure(overview: &Overview, settings: &QuerySettings) -> Result<Tenure, Problem> {
    let election = &overview.election;
    match &overview.state {
        State::Refused(why, next) => Err(refused(election, why, next)),
        State::Unknown => Err(unknown(election, settings)),
        State::Foreign(label) => Err(Problem::new(
            Code::TempFail,
            "election::foreign",
            format!("{election} is not led by a tanist"),
        )
        .because(format_args!(
            "{} leads by its own rules, and only by them it stops",
            printable(label)
        ))),
        State::Leading(_)
        | State::Waiting(_)
        | State::Lapsed(..)
        | State::Lingering(..)
        | State::Vacant => Tenure::of(overview).ok_or_else(|| nobody(overview)),
    }
}

/// The store was not reached.
pub(super) fn no_answer(timeout: Duration) -> Problem {
    Problem::new(
        Code::Unavailable,
        "store::no-answer",
        format!("the store did not answer within {}", Span(timeout)),
    )
    .next("give it longer with --timeout, or check that it runs")
}

/// The record needs a person.
pub(super) fn refused(election: &str, why: &str, next: &str) -> Problem {
    Problem::new(
        Code::Protocol,
        "election::refused",
        format!("nobody can lead {election} until a person has looked"),
    )
    .because(printable(why))
    .next(next)
}

/// There is no such election.
pub(super) fn unknown(election: &str, settings: &QuerySettings) -> Problem {
    Problem::new(
        Code::UnknownElection,
        "election::unknown",
        format!("nobody ever stood in an election {election:?}"),
    )
    .because(format_args!("looked in {}", settings.target.value))
    .next("tanist status lists the elections of a store; --store and --run-dir name another")
}

/// Nobody leads.
pub(super) fn nobody(overview: &Overview) -> Problem {
    let election = &overview.election;
    let problem = Problem::new(
        Code::NoLeader,
        "election::no-leader",
        format!("nobody leads {election}"),
    );
    let problem = match overview.detail() {
        Some(detail) => problem.because(printable(&detail)),
        None => problem,
    };
    problem.next(format_args!("tanist status {election} shows who stands by"))
}

/// An operator lets nobody new lead.
pub(super) fn paused(election: &str, until: u64) -> Problem {
    let left = until.saturating_sub(tanist::clock::now().unix);
    Problem::new(
        Code::TempFail,
        "election::paused",
        format!("{election} is paused"),
    )
    .because(format_args!(
        "nobody new leads for another {}",
        Span(Duration::from_secs(left))
    ))
}
