use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tanist_core::{
    Ask, BeatWrite, Commit, EntryId, Fact, Focus, Grant, InstanceId, Member, Outcome, Reading,
    Record, RecordState, Stamp, Term, Vacancy, View,
};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::Fixture;
use crate::backend::Backend;
use crate::clock;
use crate::link::{Command, ElectionName, Link, LinkPeer, LinkSettings, Report};

/// What a law says when it is broken.
pub(super) type Lawful<T> = Result<T, String>;

/// One process of a law: a backend at work, without any core to be careful on its behalf.
pub(super) struct Contender {
    pub(super) instance: InstanceId,
    pub(super) backend: Arc<dyn Backend>,
    pub(super) entry: Option<EntryId>,
    /// The record that our claim wrote.
    pub(super) record: Option<(Record, Stamp)>,
    pub(super) view: Option<View>,
    /// How many views have come.
    pub(super) views: u64,
    /// Numbers of the connections, in the order in which they were reported.
    pub(super) links: Vec<u64>,
    pub(super) grant: Option<Grant>,
    pub(super) ended: Option<(String, bool)>,
    /// Everything reported, as debug output shows it.
    pub(super) said: Vec<String>,
    pub(super) election: ElectionName,
    settings: LinkSettings,
    peer: LinkPeer,
    run: JoinHandle<()>,
    answers: BTreeMap<u64, (Ask, Outcome)>,
    asks: u64,
}

impl Contender {
    /// A process that has joined the election and opened its session.
    pub(super) async fn enter(fixture: &dyn Fixture, election: &str) -> Lawful<Self> {
        let mut this = Self::arrive(fixture.backend(), fixture.settings(), election);
        this.send(Command::Open);
        this.until("a session and a view", |c| {
            c.grant.is_some() && c.view.is_some()
        })
        .await?;
        Ok(this)
    }

    /// A process that has joined, no more.
    pub(super) fn arrive(
        backend: Box<dyn Backend>,
        settings: LinkSettings,
        election: &str,
    ) -> Self {
        let backend: Arc<dyn Backend> = backend.into();
        let (link, peer) = Link::pair(settings);
        let runner = Arc::clone(&backend);
        let run = tokio::spawn(async move { runner.run(link).await });
        let instance = fresh_instance();
        let election: ElectionName = election.into();
        let this = Self {
            instance,
            backend,
            entry: None,
            record: None,
            view: None,
            views: 0,
            links: Vec::new(),
            grant: None,
            ended: None,
            said: Vec::new(),
            election: Arc::clone(&election),
            settings,
            peer,
            run,
            answers: BTreeMap::new(),
            asks: 0,
        };
        this.send(Command::Join {
            election,
            instance: Some(instance),
        });
        this
    }

    /// A process that stands.
    pub(super) async fn standing(fixture: &dyn Fixture, election: &str) -> Lawful<Self> {
        let mut this = Self::enter(fixture, election).await?;
        this.stand().await?;
        Ok(this)
    }

    /// A process that leads, in term 10 or in the term after the one it found.
    pub(super) async fn leading(fixture: &dyn Fixture, election: &str) -> Lawful<Self> {
        let mut this = Self::standing(fixture, election).await?;
        this.look().await?;
        this.claim_and_win().await?;
        Ok(this)
    }

    pub(super) fn send(&self, command: Command) {
        // A run that has ended is noticed by what it does not report.
        let _ = self.peer.commands.send(command);
    }

    /// How long anything may take that the store does at once. Generous, because a law must not
    /// be broken by a machine that is busy.
    pub(super) fn patience(&self) -> Duration {
        self.settings.ttl + Duration::from_secs(5)
    }

    /// Takes in reports until `is` holds.
    pub(super) async fn until(
        &mut self,
        what: &str,
        is: impl FnMut(&Self) -> bool + Send,
    ) -> Lawful<()> {
        let patience = self.patience();
        self.within(patience, what, is).await
    }

    pub(super) async fn within(
        &mut self,
        patience: Duration,
        what: &str,
        mut is: impl FnMut(&Self) -> bool + Send,
    ) -> Lawful<()> {
        let deadline = Instant::now() + patience;
        while !is(self) {
            match timeout_at(deadline, self.peer.reports.recv()).await {
                Ok(Some(report)) => self.take_in(report),
                Ok(None) => return Err(format!("the run ended while waiting for {what}")),
                Err(_) => {
                    return Err(format!(
                        "no {what} within {patience:?}; view {:?}",
                        self.view
                    ));
                }
            }
        }
        Ok(())
    }

    /// Takes in whatever comes for `span`.
    pub(super) async fn listen(&mut self, span: Duration) {
        let deadline = Instant::now() + span;
        while let Ok(Some(report)) = timeout_at(deadline, self.peer.reports.recv()).await {
            self.take_in(report);
        }
    }

    fn take_in(&mut self, report: Report) {
        self.said.push(format!("{report:?}"));
        match report {
            Report::Session(Fact::Opened(grant)) => self.grant = Some(grant),
            Report::Session(Fact::Connected { link }) => self.links.push(link),
            Report::Session(Fact::Ended { why, retry }) => self.ended = Some((why, retry)),
            Report::Election(election, Fact::Viewed { view, .. }) if election == self.election => {
                self.view = Some(view);
                self.views += 1;
            }
            Report::Election(_, Fact::Answered { ask, outcome }) => {
                self.answers.insert(ask.id, (ask, outcome));
            }
            Report::Session(_) | Report::Election(..) => {}
        }
    }

    /// A view that was read after this was called. Views may come late, so it has to be as new as
    /// what a read without a session finds now.
    pub(super) async fn look(&mut self) -> Lawful<View> {
        let now = self.backend.read(&self.election).await;
        let now = now.map_err(|error| format!("the election cannot be read: {error}"))?;
        let floor = now.view.position.revision;
        let before = self.views;
        self.send(Command::Look {
            election: Arc::clone(&self.election),
        });
        let fresh = |c: &Self| {
            let view = c.view.as_ref();
            c.views > before && view.is_some_and(|view| view.position.revision >= floor)
        };
        self.until("fresh view after a look", fresh).await?;
        self.view.clone().ok_or_else(|| "no view".to_owned())
    }

    pub(super) fn watch(&self, focus: Focus) {
        self.send(Command::Watch {
            election: Arc::clone(&self.election),
            focus,
        });
    }

    pub(super) fn ask(&mut self, commit: Commit) -> Ask {
        self.asks += 1;
        let renewal = matches!(commit, Commit::Renew { .. });
        let ask = Ask {
            id: self.asks,
            asked_at: clock::now().at,
            renewal,
        };
        self.ask_as(ask, commit);
        ask
    }

    pub(super) fn ask_as(&self, ask: Ask, commit: Commit) {
        let election = Arc::clone(&self.election);
        self.send(Command::Commit {
            election,
            ask,
            commit: Box::new(commit),
        });
    }

    pub(super) async fn answer(&mut self, ask: Ask) -> Lawful<(Ask, Outcome)> {
        self.until("answer", |c| c.answers.contains_key(&ask.id))
            .await?;
        self.answers
            .remove(&ask.id)
            .ok_or_else(|| "no answer".to_owned())
    }

    pub(super) fn answered(&self, ask: Ask) -> Option<&Outcome> {
        self.answers.get(&ask.id).map(|(_, outcome)| outcome)
    }

    pub(super) async fn commit(&mut self, commit: Commit) -> Lawful<Outcome> {
        let ask = self.ask(commit);
        Ok(self.answer(ask).await?.1)
    }

    pub(super) async fn stand(&mut self) -> Lawful<EntryId> {
        match self
            .commit(Commit::Stand {
                member: self.member(),
            })
            .await?
        {
            Outcome::Committed(receipt) => {
                let entry = receipt.entry.ok_or("a committed stand names no entry")?;
                self.entry = Some(entry.clone());
                Ok(entry)
            }
            other => Err(format!("standing was answered with {other:?}")),
        }
    }

    pub(super) fn member(&self) -> Member {
        Member {
            node: self.node(),
            address: "127.0.0.1:1".to_owned(),
            priority: Member::DEFAULT_PRIORITY,
            health: tanist_core::Health::Healthy,
            note: String::new(),
            aside: false,
            version: "law".to_owned(),
        }
    }

    fn node(&self) -> String {
        format!("node-{}", self.instance)
    }

    /// A claim over what the latest view shows, in a greater term.
    pub(super) fn claim(&self) -> Lawful<Commit> {
        let view = self.view.as_ref().ok_or("no view to claim over")?;
        let old = view.record.known();
        let term = old.map_or(10, |record| record.term.number() + 1);
        let depose = old.map(|record| record.entry.clone()).filter(|entry| {
            Some(entry) != self.entry.as_ref() && view.line.iter().any(|c| c.entry == *entry)
        });
        Ok(Commit::Claim {
            entry: self.own_entry()?,
            over: view.record_stamp,
            beat: view.beat,
            record: self.own_record(term, RecordState::Leading)?,
            depose,
        })
    }

    pub(super) async fn claim_and_win(&mut self) -> Lawful<()> {
        let claim = self.claim()?;
        let outcome = self.commit(claim.clone()).await?;
        self.take_victory(&claim, &outcome)
    }

    pub(super) fn take_victory(&mut self, claim: &Commit, outcome: &Outcome) -> Lawful<()> {
        let (Commit::Claim { record, .. }, Outcome::Committed(receipt)) = (claim, outcome) else {
            return Err(format!(
                "a claim that nothing spoke against was answered {outcome:?}"
            ));
        };
        let stamp = receipt
            .record
            .ok_or("a committed claim names no version of the record")?;
        self.record = Some((record.clone(), stamp));
        Ok(())
    }

    pub(super) fn renewal(&mut self, count: u64) -> Lawful<Commit> {
        let (_, record) = self.record.clone().ok_or("nothing to renew")?;
        Ok(Commit::Renew {
            record,
            entry: self.own_entry()?,
            beat: BeatWrite::Put(count),
        })
    }

    pub(super) fn withdrawal(&self) -> Lawful<Commit> {
        let (record, over) = self.record.clone().ok_or("nothing to withdraw")?;
        let record = Record {
            state: RecordState::Resigned,
            ..record
        };
        Ok(Commit::Withdraw {
            entry: self.own_entry()?,
            over,
            record,
        })
    }

    pub(super) fn own_entry(&self) -> Lawful<EntryId> {
        self.entry.clone().ok_or_else(|| "no entry".to_owned())
    }

    pub(super) fn own_record(&self, term: u64, state: RecordState) -> Lawful<Record> {
        Ok(Record {
            format: Record::FORMAT,
            election: self.election.to_string(),
            term: Term::new(term),
            node: self.node(),
            instance: self.instance,
            address: "127.0.0.1:1".to_owned(),
            entry: self.own_entry()?,
            lease: Duration::from_secs(2),
            state,
            reason: "law".to_owned(),
            at: clock::now().unix,
            unfenced: None,
            unknown: serde_json::Map::new(),
        })
    }

    /// Ends the run without warning, as the end of its process would.
    pub(super) async fn kill(self) {
        self.run.abort();
        // It was aborted, so the only news is that it is gone.
        let _ = self.run.await;
    }

    /// Ends the session in good order.
    pub(super) async fn close(self) -> Lawful<()> {
        let patience = self.patience();
        self.send(Command::Close);
        match tokio::time::timeout(patience, self.run).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(format!("the run panicked: {error}")),
            Err(_) => Err(format!(
                "the run did not return within {patience:?} after Close"
            )),
        }
    }
}

/// Whether the leadership shown in `view` may be claimed without waiting for a lease.
pub(super) fn is_free(view: &View) -> bool {
    let resigned = match &view.record {
        Reading::Absent => true,
        Reading::Known(record) => record.state == RecordState::Resigned,
        Reading::Newer { .. } | Reading::Garbage { .. } => false,
    };
    resigned && view.vacancy != Vacancy::Held
}

/// Whether `entry` stands in the line of `view`.
pub(super) fn stands(view: &View, entry: &EntryId) -> bool {
    view.line.iter().any(|candidate| candidate.entry == *entry)
}

fn fresh_instance() -> InstanceId {
    let mut bytes = [0; 16];
    // An instance that is not fresh breaks the law that meets it, loudly.
    let _ = getrandom::fill(&mut bytes);
    InstanceId::new(u128::from_le_bytes(bytes))
}
