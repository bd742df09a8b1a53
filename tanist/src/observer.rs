use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tanist_core::{Fact, Focus};

use crate::backend::Backend;
use crate::backend::table::{self, Access};
use crate::clock;
use crate::error::{Error, ErrorKind};
use crate::link::{Command, ElectionName, Link, LinkPeer, LinkSettings, Report};
use crate::session::SessionSettings;
use crate::status::Status;
use crate::target::{Target, check_election};

/// Watches an election without standing in it, and without a session of the store.
///
/// It creates nothing: an election or a store that is not there yet is seen as an empty one, until
/// somebody stands in it.
///
/// It has no task of its own: it works while [`Observer::changed`] is awaited.
pub struct Observer {
    election: ElectionName,
    status: Status,
    link: Option<u64>,
    peer: LinkPeer,
    run: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Observer {
    /// Begins to watch `election` at the store of `target`.
    ///
    /// # Errors
    ///
    /// As [`crate::Session::open`], and [`ErrorKind::Invalid`] for a name that cannot be one.
    #[expect(
        clippy::unused_async,
        reason = "an opening that has to wait must stay possible"
    )]
    pub async fn open(target: &Target, election: &str) -> Result<Self, Error> {
        Self::with_backend(table::open(target, Access::Look)?, election)
    }

    /// The same through a backend that is not one of those built in.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] for a name that cannot be one.
    pub fn with_backend(backend: Box<dyn Backend>, election: &str) -> Result<Self, Error> {
        check_election(election)?;
        let election: ElectionName = election.into();
        let SessionSettings {
            ttl,
            request_timeout,
        } = SessionSettings::default();
        let (link, peer) = Link::pair(LinkSettings {
            ttl,
            request_timeout,
        });
        let run = Box::pin(async move { backend.run(link).await });
        let status = Status::new(Arc::clone(&election), String::new(), None);
        let this = Self {
            election,
            status,
            link: None,
            peer,
            run,
        };
        this.send(Command::Join {
            election: Arc::clone(&this.election),
            instance: None,
        });
        Ok(this)
    }

    /// The latest snapshot. Without a view until [`Observer::changed`] returned for the first time.
    pub const fn status(&self) -> &Status {
        &self.status
    }

    /// Waits until something is new: first for the election as it stands, then for every change.
    /// The loss of the connection is one.
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] if the backend has given up; that is final.
    pub async fn changed(&mut self) -> Result<&Status, Error> {
        loop {
            // What was reported before the end counts, so the backend is only asked to go on when
            // nothing is left to take in.
            let report = tokio::select! {
                biased;
                report = self.peer.reports.recv() => report,
                () = &mut self.run => None,
            };
            let Some(report) = report else {
                // The finished future must not be polled again.
                self.run = Box::pin(std::future::pending());
                self.peer.reports.close();
                return Err(self.closed());
            };
            if self.take_in(report) {
                return Ok(&self.status);
            }
        }
    }

    fn take_in(&mut self, report: Report) -> bool {
        match report {
            Report::Session(Fact::Connected { link }) => {
                self.link = Some(link);
                let election = Arc::clone(&self.election);
                self.send(Command::Watch {
                    election,
                    focus: Focus::Record,
                });
                !std::mem::replace(&mut self.status.connected, true)
            }
            Report::Session(Fact::Disconnected | Fact::Ended { .. }) => {
                self.link = None;
                std::mem::replace(&mut self.status.connected, false)
            }
            Report::Election(_, Fact::Viewed { link, view }) if self.link == Some(link) => {
                self.status.viewed_at = Some(clock::now().at);
                let news = self.status.view.as_deref() != Some(&view);
                if news {
                    self.status.view = Some(Arc::new(view));
                }
                news
            }
            // An observer has neither session nor commits, and late views say nothing.
            Report::Session(_) | Report::Election(..) => false,
        }
    }

    fn send(&self, command: Command) {
        // When the backend is gone, `changed` says so.
        let _ = self.peer.commands.send(command);
    }

    fn closed(&self) -> Error {
        Error::new(
            ErrorKind::Closed,
            "watch the election",
            "the store's client has given up",
        )
        .with("election", &self.election)
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
