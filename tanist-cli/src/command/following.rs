use std::time::Duration;

use tanist::{Observer, Store, View};
use tokio::time::{Instant, timeout_at};

use super::look;
use crate::overview::Overview;
use crate::problem::Problem;
use crate::settings::QuerySettings;

/// An election, followed until what was awaited is there or the time is over.
#[derive(Debug)]
pub(super) struct Following {
    observer: Observer,
    /// Tells more than the observer, which only says when to look.
    store: Store,
    election: String,
    ends: Instant,
    span: Duration,
}

impl Following {
    /// Follows from now on, for as long as the settings' timeout says.
    pub(super) async fn open(settings: &QuerySettings, election: &str) -> Result<Self, Problem> {
        let span = settings.timeout.value;
        Ok(Self {
            observer: Observer::open(&settings.target.value, election).await?,
            store: look::open(settings)?,
            election: election.to_owned(),
            // Beyond what a clock can say is as good as for ever.
            ends: Instant::now()
                .checked_add(span)
                .unwrap_or_else(|| Instant::now() + Duration::from_secs(u64::from(u32::MAX))),
            span,
        })
    }

    /// The election as it stands: first at once, then after every change. `None` when the time is
    /// over. Cancel-safe.
    ///
    /// # Errors
    ///
    /// That the store could not be reached in that time, or that its client has given up.
    pub(super) async fn next(&mut self) -> Result<Option<(Overview, View)>, Problem> {
        loop {
            match timeout_at(self.ends, self.observer.changed()).await {
                Ok(changed) => changed.map(drop)?,
                Err(_) => {
                    let connected = self.observer.status().connected;
                    return connected
                        .then_some(None)
                        .ok_or_else(|| look::no_answer(self.span));
                }
            }
            if !self.observer.status().connected {
                continue;
            }
            let Ok(read) = timeout_at(self.ends, self.store.read(&self.election)).await else {
                return Err(look::no_answer(self.span));
            };
            let snapshot = read?;
            let overview = Overview::read(&self.election, &snapshot, tanist::clock::now());
            return Ok(Some((overview, snapshot.view)));
        }
    }
}
