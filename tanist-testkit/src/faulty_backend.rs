use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tanist::core::{
    Ask, Candidate, Commit, EntryId, Fact, Member, Outcome, Receipt, Refusal, Stamp, View,
};
use tanist::{
    Amendment, Answer, Backend, Command, ElectionName, Error, Link, LinkPeer, Report, Reports,
    Snapshot, clock,
};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// A backend with another one inside, between which things go wrong: by chance from a seed, or
/// deliberately, as a badly written backend would have it.
#[derive(Clone)]
pub struct FaultyBackend {
    inner: Arc<dyn Backend>,
    faults: Faults,
    control: FaultControl,
}

/// What goes wrong. Nothing by default.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// The same seed gives the same choices.
    pub seed: u64,
    /// Answers and views come up to this much later, each by its own draw.
    pub delay: Duration,
    /// Of a thousand commits, how many happen without an answer.
    pub lost_answers: u64,
    /// Of a thousand commits, how many never reach the store, without an answer.
    pub lost_requests: u64,
    /// Of a thousand answers, how many are replaced by an honest `Unknown`.
    pub unknown: u64,
    /// What it gets wrong every time.
    pub lies: BTreeSet<Lie>,
    /// What it must not tell.
    pub secret: String,
}

/// A mistake that backends are written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lie {
    /// A refused claim is reported as committed.
    ClaimsWin,
    /// A claim is written over whatever record there is.
    ClaimsOverAnything,
    /// Every refusal is reported as a commit.
    NothingIsRefused,
    /// An answer carries the instant of its arrival instead of that of the ask.
    AnswersAreRestamped,
    /// A renewal is answered by what is nearest, without asking the store.
    RenewalsAreAnsweredHere,
    /// Only the record is looked at when a claim is decided, not the entry.
    LapsedMayWin,
    /// A view comes when it is asked for, and never else.
    ViewsOnlyWhenAsked,
    /// Once a view showed that we lead, it is shown for ever.
    ViewsAreFrozen,
    /// What was begun goes on when the run is dropped.
    Outlives,
    /// A withdrawal is acknowledged and not sent.
    WithdrawalsAreSwallowed,
    /// What operators and helpers write is acknowledged and not sent.
    AmendmentsAreSwallowed,
    /// A directive is written over whatever there is.
    DirectivesOverAnything,
    /// A reconnection gives the place up and takes a new one.
    ReconnectionsStandAnew,
    /// A refused session is reported as one that may be tried again.
    RefusalsAreRetried,
    /// Errors repeat the credentials.
    SecretsAreTold,
}

/// The other end of a [`FaultyBackend`] and its clones: what it is told, and what it has done.
#[derive(Clone, Debug, Default)]
pub struct FaultControl(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// How often the connections were broken.
    broken: watch::Sender<u64>,
    effects: Mutex<BTreeMap<&'static str, u64>>,
    draws: AtomicU64,
}

impl FaultControl {
    /// Breaks the connection of every run under way for a moment.
    pub fn reconnect(&self) {
        self.0.broken.send_modify(|times| *times += 1);
    }

    /// How often each fault took effect. One that never did has tested nothing.
    pub fn effects(&self) -> BTreeMap<&'static str, u64> {
        self.lock().clone()
    }

    fn count(&self, effect: &'static str) {
        *self.lock().entry(effect).or_default() += 1;
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.0
            .effects
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl FaultyBackend {
    /// `inner`, with `faults` around it.
    pub fn new(inner: Box<dyn Backend>, faults: Faults, control: FaultControl) -> Self {
        Self {
            inner: inner.into(),
            faults,
            control,
        }
    }

    /// A number below `below`, from the seed. splitmix64, as in the core's waits.
    fn draw(&self, below: u64) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let draws = self.control.0.draws.fetch_add(1, Ordering::Relaxed);
        let mut z = self
            .faults
            .seed
            .wrapping_add(draws.wrapping_add(1).wrapping_mul(STEP));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below.max(1)
    }

    fn happens(&self, of_a_thousand: u64, effect: &'static str) -> bool {
        let happens = of_a_thousand > 0 && self.draw(1000) < of_a_thousand;
        if happens {
            self.control.count(effect);
        }
        happens
    }

    fn lies(&self, lie: Lie) -> bool {
        self.faults.lies.contains(&lie)
    }

    fn delay(&self) -> Duration {
        let most = u64::try_from(self.faults.delay.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(if most == 0 { 0 } else { self.draw(most) })
    }
}

impl Backend for FaultyBackend {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn location(&self) -> String {
        self.inner.location()
    }

    fn run(&self, link: Link) -> Answer<'_, ()> {
        let run = Passage::run(self.clone(), link);
        if !self.lies(Lie::Outlives) {
            return Box::pin(run);
        }
        Box::pin(async move {
            // Dropping the handle does not end the task: that is the lie.
            let _ = tokio::spawn(run).await;
        })
    }

    fn read<'a>(&'a self, election: &'a str) -> Answer<'a, Result<Snapshot, Error>> {
        self.inner.read(election)
    }

    fn elections(&self) -> Answer<'_, Result<Vec<String>, Error>> {
        self.inner.elections()
    }

    fn amend<'a>(&'a self, election: &'a str, amendment: Amendment) -> Answer<'a, Outcome> {
        Box::pin(async move {
            if self.lies(Lie::AmendmentsAreSwallowed) {
                return Outcome::Committed(Receipt::default());
            }
            let amendment = match amendment {
                Amendment::Direct { directive, .. } if self.lies(Lie::DirectivesOverAnything) => {
                    let there = self.inner.read(election).await.ok();
                    let over = there.and_then(|snapshot| snapshot.directive_stamp);
                    Amendment::Direct { over, directive }
                }
                other => other,
            };
            self.inner.amend(election, amendment).await
        })
    }

    fn pass(&self) -> Vec<u8> {
        self.inner.pass()
    }

    fn take_pass(&mut self, pass: &[u8]) {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.take_pass(pass);
        }
    }

    fn holds(&self, election: &str) -> io::Result<Vec<OwnedFd>> {
        self.inner.holds(election)
    }
}

/// One run: everything that passes between the driver and the real backend.
struct Passage {
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
    async fn run(backend: FaultyBackend, mut outer: Link) {
        let (
            link,
            LinkPeer {
                commands,
                mut reports,
            },
        ) = Link::pair(outer.settings());
        let inner = Arc::clone(&backend.inner);
        let mut broken = backend.control.0.broken.subscribe();
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
