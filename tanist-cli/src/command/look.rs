use std::time::Duration;

use tanist::{Snapshot, Store};

use crate::exit::Code;
use crate::overview::Overview;
use crate::problem::Problem;
use crate::settings::QuerySettings;
use crate::span::Span;

/// Opens the store that the settings name.
pub(super) fn open(settings: &QuerySettings) -> Result<Store, Problem> {
    Ok(Store::open(&settings.target.value)?)
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
    Ok(Overview::of(
        election,
        &snapshot.view,
        tanist::clock::now().unix,
    ))
}

async fn in_time<T>(
    timeout: Duration,
    answer: impl Future<Output = Result<T, tanist::Error>>,
) -> Result<T, Problem> {
    match tokio::time::timeout(timeout, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Problem::new(
            Code::Unavailable,
            "store::no-answer",
            format!("the store did not answer within {}", Span(timeout)),
        )
        .next("give it longer with --timeout, or check that it runs")),
    }
}
