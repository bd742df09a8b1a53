use std::sync::Arc;
use std::time::Duration;

use tanist::{Observer, View};
use tokio::time::{Instant, timeout_at};

use super::look;
use crate::overview::Overview;
use crate::problem::Problem;
use crate::settings::QuerySettings;

/// An election, followed until what was awaited is there or the time is over.
#[derive(Debug)]
pub(super) struct Following {
    observer: Observer,
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
    pub(super) async fn next(&mut self) -> Result<Option<(Overview, Arc<View>)>, Problem> {
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
            let status = self.observer.status();
            if let Some(view) = status.view.as_ref().filter(|_| status.connected) {
                let unix = tanist::clock::now().unix;
                return Ok(Some((
                    Overview::of(&self.election, view, unix),
                    view.clone(),
                )));
            }
        }
    }
}
