//! The two ends between the driver and a backend.

use std::sync::Arc;
use std::time::Duration;

use tanist_core::{Ask, Commit, Fact, Focus, InstanceId, Outcome, View};
use tokio::sync::mpsc;

/// The name of an election, shared.
pub type ElectionName = Arc<str>;

/// What one [`crate::Backend::run`] holds: commands come in, facts go out.
///
/// A backend owes these, and the laws test them:
///
/// * It connects at once and tries again for ever; [`Fact::Connected`] and [`Fact::Disconnected`]
///   say how it goes. Each connection has a greater number than any before.
/// * [`Command::Open`] opens the one session: [`Fact::Opened`], in the end. [`Fact::Ended`] tells
///   that it is over, with `retry: false` only where nothing but a person can help.
/// * For every joined election it reports a fresh [`Fact::Viewed`] after joining, after every
///   connection, after every look, after each change of what is watched, and, with one jittered
///   poll for all, at least every half of the session's granted length. Joining needs no session.
/// * Every commit is answered with its `ask` untouched, unless the connection it went out on is
///   over. Several may be under way at once. [`Outcome::Unknown`] is always an honest answer,
///   [`Outcome::Committed`] and [`Outcome::Refused`] only after the store's quorum said so.
/// * Answers and views of an earlier connection are dropped, not reported.
#[derive(Debug)]
pub struct Link {
    settings: LinkSettings,
    commands: mpsc::UnboundedReceiver<Command>,
    reports: Reports,
}

/// What a session is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkSettings {
    /// The session's length to ask of the store.
    pub ttl: Duration,
    /// A request not answered by then goes to the next member.
    pub request_timeout: Duration,
}

/// What the driver asks of a backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Report this election from now on.
    Join {
        /// Its name.
        election: ElectionName,
        /// Who will stand in it; `None` for an observer.
        instance: Option<InstanceId>,
    },
    /// Open the session.
    Open,
    /// Read the election anew and report it.
    Look {
        /// Its name.
        election: ElectionName,
    },
    /// What to be woken by from now on; the directive and the own entry are always watched.
    Watch {
        /// The election's name.
        election: ElectionName,
        /// What else.
        focus: Focus,
    },
    /// Put a commit to the store's quorum and report what became of it.
    Commit {
        /// The election's name.
        election: ElectionName,
        /// Returned with the answer.
        ask: Ask,
        /// What to commit.
        commit: Box<Commit>,
    },
    /// Report this election no more. What it had created may be deleted, never its record.
    Leave {
        /// Its name.
        election: ElectionName,
    },
    /// End the session, then return from `run`.
    Close,
}

/// What a backend tells the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// Of the session or connection, and so of all elections.
    Session(Fact),
    /// Of one election.
    Election(ElectionName, Fact),
}

/// Where a backend reports to. Cloning is cheap; reporting never blocks.
#[derive(Clone, Debug)]
pub struct Reports(mpsc::UnboundedSender<Report>);

/// The driver's side of a [`Link`]; a wrapper around another backend or a test holds it, too.
#[derive(Debug)]
pub struct LinkPeer {
    /// Commands for the backend.
    pub commands: mpsc::UnboundedSender<Command>,
    /// What the backend reports; ends when it has dropped its side.
    pub reports: mpsc::UnboundedReceiver<Report>,
}

impl Link {
    /// Both sides of a new link.
    pub fn pair(settings: LinkSettings) -> (Self, LinkPeer) {
        let (commands, commands_in) = mpsc::unbounded_channel();
        let (reports_out, reports) = mpsc::unbounded_channel();
        let link = Self {
            settings,
            commands: commands_in,
            reports: Reports(reports_out),
        };
        (link, LinkPeer { commands, reports })
    }

    /// What the session is asked for.
    pub const fn settings(&self) -> LinkSettings {
        self.settings
    }

    /// The next command; `None` when the driver is gone, which means the same as
    /// [`Command::Close`]. Cancel-safe.
    pub async fn next(&mut self) -> Option<Command> {
        self.commands.recv().await
    }

    /// Where to report.
    pub const fn reports(&self) -> &Reports {
        &self.reports
    }
}

impl Reports {
    /// Reports a fact of the session or connection.
    pub fn session(&self, fact: Fact) {
        self.send(Report::Session(fact));
    }

    /// Reports what a read of `election` found on the connection `link`.
    pub fn viewed(&self, election: &ElectionName, link: u64, view: View) {
        self.send(Report::Election(
            Arc::clone(election),
            Fact::Viewed { link, view },
        ));
    }

    /// Reports what became of a commit.
    pub fn answered(&self, election: &ElectionName, ask: Ask, outcome: Outcome) {
        self.send(Report::Election(
            Arc::clone(election),
            Fact::Answered { ask, outcome },
        ));
    }

    /// Passes a report on as it is.
    pub fn send(&self, report: Report) {
        // Nobody listens only when the driver is gone; `next` tells the backend so.
        let _ = self.0.send(report);
    }
}
