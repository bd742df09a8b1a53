use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tanist::core::{
    Ask, Candidate, Commit, EntryId, Fact, Member, Outcome, Receipt, Refusal, Stamp, View,
};
use tanist::{Command, ElectionName, Link, LinkPeer, Report, Reports, clock};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::faults::Lie;
use crate::faulty_backend::FaultyBackend;

/// One run: everything that passes between the driver and the real backend.
pub(crate) struct Passage {
    backend: FaultyBackend,
    outer: Reports,
    inner: mpsc::UnboundedSender<Command>,
    late: JoinSet<Report>,
    /// The real connection's number.
    link: u64,
    /// How many connections were made up.
    made_up: u64,
    elections: BTreeMap<ElectionName, Passing>,
}

/// What is known of one election that passes.
#[derive(Default)]
struct Passing {
    claims: BTreeSet<u64>,
    frozen: Option<View>,
    /// How many views were asked for and have not come.
    asked: u64,
    stands: Option<(Member, EntryId)>,
    standing: Option<(u64, Member)>,
}

impl Passage {
    pub(crate) async fn run(backend: FaultyBackend, mut outer: Link) {
        let (
            link,
            LinkPeer {
                commands,
                mut reports,
            },
        ) = Link::pair(outer.settings());
        let inner = Arc::clone(&backend.inner);
        let mut broken = backend.control.breaks();
        let mut run = inner.run(link);
        let mut this = Self {
            backend,
            outer: outer.reports().clone(),
            inner: commands,
            late: JoinSet::new(),
            link: 0,
            made_up: 0,
            elections: BTreeMap::new(),
        };
        let mut told_to_close = false;
        loop {
            tokio::select! {
                biased;
                command = outer.next(), if !told_to_close => {
                    told_to_close = matches!(command, None | Some(Command::Close));
                    match command {
                        Some(command) => this.command(command).await,
                        None if this.backend.lies(Lie::Outlives) => {}
                        None => this.pass(Command::Close),
                    }
                }
                Ok(()) = broken.changed() => this.reconnect(),
                Some(report) = reports.recv() => this.report(report),
                Some(Ok(report)) = this.late.join_next() => this.outer.send(report),
                () = &mut run => break,
            }
        }
        while let Ok(report) = reports.try_recv() {
            this.report(report);
        }
    }

    async fn command(&mut self, command: Command) {
        match command {
            Command::Join { ref election, .. } | Command::Look { ref election } => {
                self.elections
                    .entry(Arc::clone(election))
                    .or_default()
                    .asked += 1;
                self.pass(command);
            }
            Command::Commit {
                election,
                ask,
                commit,
            } => {
                self.commit(election, ask, *commit).await;
            }
            other => self.pass(other),
        }
    }

    async fn commit(&mut self, election: ElectionName, ask: Ask, mut commit: Commit) {
        let backend = self.backend.clone();
        let passing = self.elections.entry(Arc::clone(&election)).or_default();
        let answer_here = match &commit {
            Commit::Renew { record, .. } if backend.lies(Lie::RenewalsAreAnsweredHere) => {
                Some(Receipt {
                    record: Some(*record),
                    ..Receipt::default()
                })
            }
            Commit::Withdraw { .. } if backend.lies(Lie::WithdrawalsAreSwallowed) => {
                Some(Receipt::default())
            }
            _ => None,
        };
        if let Some(receipt) = answer_here {
            self.outer
                .answered(&election, ask, Outcome::Committed(receipt));
            return;
        }
        match &mut commit {
            Commit::Claim { over, .. } => {
                passing.claims.insert(ask.id);
                if backend.lies(Lie::ClaimsOverAnything)
                    && let Ok(snapshot) = backend.inner.read(&election).await
                {
                    *over = snapshot.view.record_stamp;
                }
            }
            Commit::Stand { member } => passing.standing = Some((ask.id, member.clone())),
            _ => {}
        }
        if !backend.happens(backend.faults.lost_requests, "lost request") {
            self.pass(Command::Commit {
                election,
                ask,
                commit: Box::new(commit),
            });
        }
    }

    fn pass(&self, command: Command) {
        // When the real backend has ended, this ends too.
        let _ = self.inner.send(command);
    }

    fn report(&mut self, report: Report) {
        let backend = self.backend.clone();
        match report {
            Report::Session(Fact::Connected { link }) => {
                self.link = link;
                self.outer.session(Fact::Connected {
                    link: link + self.made_up,
                });
            }
            Report::Session(Fact::Ended { mut why, mut retry }) => {
                retry = retry || backend.lies(Lie::RefusalsAreRetried);
                if backend.lies(Lie::SecretsAreTold) {
                    why.push_str(&backend.faults.secret);
                }
                self.outer.session(Fact::Ended { why, retry });
            }
            Report::Session(fact) => self.outer.session(fact),
            Report::Election(election, Fact::Viewed { link, view }) => {
                if let Some(view) = self.view(&election, view) {
                    let link = link + self.made_up;
                    self.later(Report::Election(election, Fact::Viewed { link, view }));
                }
            }
            Report::Election(election, Fact::Answered { ask, outcome }) => {
                self.answer(election, ask, outcome);
            }
            other @ Report::Election(..) => self.outer.send(other),
        }
    }

    fn view(&mut self, election: &ElectionName, view: View) -> Option<View> {
        let backend = &self.backend;
        let passing = self.elections.entry(Arc::clone(election)).or_default();
        if backend.lies(Lie::ViewsOnlyWhenAsked) {
            passing.asked = passing.asked.checked_sub(1)?;
        }
        if !backend.lies(Lie::ViewsAreFrozen) {
            return Some(view);
        }
        let own = passing.stands.as_ref().map(|(_, entry)| entry);
        let is_own = |candidate: &Candidate| Some(&candidate.entry) == own;
        let leads = view.record.known().map(|record| &record.entry) == own;
        if passing.frozen.is_none() && leads && view.line.iter().any(is_own) {
            passing.frozen = Some(view.clone());
        }
        Some(passing.frozen.clone().unwrap_or(view))
    }

    fn answer(&mut self, election: ElectionName, mut ask: Ask, mut outcome: Outcome) {
        let backend = self.backend.clone();
        let passing = self.elections.entry(Arc::clone(&election)).or_default();
        if let (Outcome::Committed(receipt), Some((id, member))) = (&outcome, &passing.standing)
            && *id == ask.id
            && let Some(entry) = &receipt.entry
        {
            passing.stands = Some((member.clone(), entry.clone()));
        }
        if ask.id >= MADE_UP {
            return;
        }
        let is_claim = passing.claims.remove(&ask.id);
        if let Outcome::Refused(refusal) = &outcome {
            let lapsed = *refusal == Refusal::EntryMissing;
            let turned = backend.lies(Lie::NothingIsRefused)
                || (is_claim && backend.lies(Lie::ClaimsWin))
                || (is_claim && lapsed && backend.lies(Lie::LapsedMayWin));
            if turned {
                let record = Some(Stamp::default());
                outcome = Outcome::Committed(Receipt {
                    record,
                    ..Receipt::default()
                });
            }
        }
        if backend.lies(Lie::AnswersAreRestamped) {
            ask.asked_at = clock::now().at;
        }
        if backend.happens(backend.faults.lost_answers, "lost answer") {
            return;
        }
        if backend.happens(backend.faults.unknown, "unknown outcome") {
            outcome = Outcome::Unknown;
        }
        self.later(Report::Election(election, Fact::Answered { ask, outcome }));
    }

    fn later(&mut self, report: Report) {
        let delay = self.backend.delay();
        if delay.is_zero() {
            self.outer.send(report);
            return;
        }
        self.backend.control.count("delay");
        self.late.spawn(async move {
            tokio::time::sleep(delay).await;
            report
        });
    }

    fn reconnect(&mut self) {
        if self.link == 0 {
            return;
        }
        self.backend.control.count("reconnection");
        self.made_up += 1;
        self.outer.session(Fact::Disconnected);
        self.outer.session(Fact::Connected {
            link: self.link + self.made_up,
        });
        for (election, passing) in &mut self.elections {
            passing.asked += 1;
            let name = || Arc::clone(election);
            if self.backend.lies(Lie::ReconnectionsStandAnew)
                && let Some((member, entry)) = passing.stands.take()
            {
                let again = [
                    Commit::Leave { entry },
                    Commit::Stand {
                        member: member.clone(),
                    },
                ];
                passing.standing = Some((MADE_UP + 1, member));
                for (id, commit) in (MADE_UP..).zip(again) {
                    let ask = Ask {
                        id,
                        asked_at: clock::now().at,
                        renewal: false,
                    };
                    let commit = Box::new(commit);
                    let _ = self.inner.send(Command::Commit {
                        election: name(),
                        ask,
                        commit,
                    });
                }
            }
            let _ = self.inner.send(Command::Look { election: name() });
        }
    }
}

/// Asks from here on are ours, and their answers nobody else's.
const MADE_UP: u64 = 1 << 62;
