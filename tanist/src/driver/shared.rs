//! What all elections of a process share: one backend at work, one connection, one session.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tanist_core::{Fact, Grant, Input};

use super::Driver;
use crate::clock;
use crate::link::{Command, ElectionName, Link, LinkPeer, Report};

/// The backend at work.
pub(super) struct Peer {
    link: LinkPeer,
    run: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// The one session of the store that all elections share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Session {
    Closed,
    Opening,
    Open(Grant),
}

impl Driver {
    pub(super) fn session_fact(&mut self, fact: &Fact) {
        match fact {
            Fact::Opened(grant) => self.session = Session::Open(*grant),
            Fact::Connected { link } => {
                if self.link.is_some_and(|present| present >= *link) {
                    return;
                }
                self.link = Some(*link);
            }
            Fact::Disconnected => self.link = None,
            Fact::Ended { .. } => self.session = Session::Closed,
            Fact::Alive { .. } => {}
            // These belong to one election; a backend that says otherwise is not heard.
            Fact::Viewed { .. } | Fact::Answered { .. } => return,
        }
        for election in self.names() {
            self.tell(&election, fact);
            self.pump(&election);
        }
    }

    /// Tells one election what became of the session that it shares.
    pub(super) fn tell(&mut self, election: &ElectionName, fact: &Fact) {
        let link = self.link;
        let Some(contest) = self.contests.get_mut(election) else {
            return;
        };
        match fact {
            Fact::Opened(_) if contest.wants && !contest.attached => {
                self.attach(election);
                return;
            }
            Fact::Opened(_) => return,
            _ if !contest.attached => {
                if matches!(fact, Fact::Ended { .. }) && contest.wants {
                    contest.wants = false;
                } else {
                    return;
                }
            }
            Fact::Ended { .. } => (contest.wants, contest.attached) = (false, false),
            _ => {}
        }
        contest.connected = link.is_some() && contest.attached;
        contest.core.handle(clock::now(), Input::Fact(fact.clone()));
    }

    /// The session is open: an election that asked for it hears of it, and of the connection.
    pub(super) fn attach(&mut self, election: &ElectionName) {
        let (Session::Open(grant), Some(contest)) = (self.session, self.contests.get_mut(election))
        else {
            return;
        };
        contest.attached = true;
        contest
            .core
            .handle(clock::now(), Input::Fact(Fact::Opened(grant)));
        if let Some(link) = self.link {
            contest.connected = true;
            contest
                .core
                .handle(clock::now(), Input::Fact(Fact::Connected { link }));
        }
    }

    pub(super) fn open(&mut self, election: &ElectionName) {
        self.ensure_peer();
        let Some(contest) = self.contests.get_mut(election) else {
            return;
        };
        contest.wants = true;
        let instance = Some(contest.instance());
        if !std::mem::replace(&mut contest.joined, true) {
            self.command(Command::Join {
                election: Arc::clone(election),
                instance,
            });
        }
        match self.session {
            Session::Closed => {
                self.session = Session::Opening;
                self.command(Command::Open);
            }
            Session::Opening => {}
            Session::Open(_) => self.attach(election),
        }
    }

    pub(super) fn leave(&mut self, election: &ElectionName) {
        let Some(contest) = self.contests.get_mut(election) else {
            return;
        };
        (contest.wants, contest.attached, contest.connected) = (false, false, false);
        if std::mem::take(&mut contest.joined) {
            self.command(Command::Leave {
                election: Arc::clone(election),
            });
        }
        if self
            .contests
            .get(election)
            .is_some_and(|contest| contest.leaving)
        {
            // Dropping it tells its campaign.
            self.contests.remove(election);
        }
    }

    /// Begins to use the backend, at first or after it gave up.
    pub(super) fn ensure_peer(&mut self) {
        if self.peer.is_some() {
            return;
        }
        let (link, peer) = Link::pair(self.settings);
        let backend = Arc::clone(&self.backend);
        let run = Box::pin(async move { backend.run(link).await });
        self.peer = Some(Peer { link: peer, run });
    }

    /// The backend returned unasked. The elections hear it as the end of their session, and ask
    /// for another in their own time.
    pub(super) fn backend_gone(&mut self) {
        tracing::warn!(backend = self.backend.name(), "the store's client gave up");
        self.peer = None;
        for contest in self.contests.values_mut() {
            contest.joined = false;
        }
        self.session_fact(&Fact::Disconnected);
        let why = "the store's client gave up".to_owned();
        self.session_fact(&Fact::Ended { why, retry: true });
    }

    pub(super) fn command(&self, command: Command) {
        if let Some(peer) = &self.peer {
            // When the backend is gone, its end is the next thing that this loop hears.
            let _ = peer.link.commands.send(command);
        }
    }

    pub(super) async fn end_session(&mut self) {
        self.contests.clear();
        self.command(Command::Close);
        if let Some(peer) = self.peer.take() {
            drop(peer.link.commands);
            // The store ends the session by itself after its length; waiting longer is no use.
            if tokio::time::timeout(self.settings.ttl, peer.run)
                .await
                .is_err()
            {
                tracing::warn!(
                    backend = self.backend.name(),
                    "the session could not be closed"
                );
            }
        }
    }
}

/// The next report; `None` when the backend has returned. Never resolves without a backend.
pub(super) async fn next_report(peer: &mut Option<Peer>) -> Option<Report> {
    let Some(peer) = peer else {
        return std::future::pending().await;
    };
    // What was reported before the end counts, so reports go first.
    tokio::select! {
        biased;
        report = peer.link.reports.recv() => report,
        () = &mut peer.run => None,
    }
}
