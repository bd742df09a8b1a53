//! The library's only loop and only clock: it carries facts to the elections and their orders to
//! the backend, and decides nothing.

mod contest;
mod shared;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use tanist_core::{Input, InstanceId, Order, Output};
use tokio::sync::mpsc;

use crate::backend::Backend;
use crate::boot_timer::BootTimer;
use crate::clock;
use crate::error::Error;
use crate::hands::Hands;
use crate::link::{Command, ElectionName, LinkSettings, Report};

use contest::Contest;
pub(crate) use contest::NewContest;
use shared::{Peer, Session, next_report};

/// What the handles ask of the driver.
pub(crate) enum Request {
    /// Stand in another election.
    Campaign(Box<NewContest>),
    /// Something concerns one that is there.
    Wish {
        election: ElectionName,
        instance: InstanceId,
        wish: Wish,
    },
    /// Leave everything, then end.
    Close,
}

/// What is asked of one election.
pub(crate) enum Wish {
    /// The work of this activation is verified gone.
    Stopped {
        activation: u64,
    },
    /// Nothing of this activation was begun, because the leader before is not fenced.
    Unfenced {
        activation: u64,
    },
    Resign,
    Leave,
    Health(tanist_core::Health, String),
    Vouched(Option<tanist_core::Moment>),
    Priority(u32),
    /// Whether this loop turns.
    Pulse(tokio::sync::oneshot::Sender<()>),
    /// The state directory was written, or not.
    Remembered(Result<(), Error>),
}

pub(crate) struct Driver {
    backend: Arc<dyn Backend>,
    settings: LinkSettings,
    /// Who writes the state directories.
    disk: Hands,
    contests: BTreeMap<ElectionName, Contest>,
    /// The backend at work; none before the first election, and after it gave up.
    peer: Option<Peer>,
    session: Session,
    /// Number of the present connection.
    link: Option<u64>,
    closing: bool,
}

/// What the loop wakes for.
#[expect(clippy::large_enum_variant, reason = "one at a time, and never stored")]
enum Wake {
    Request(Option<Request>),
    Report(Option<Report>),
    Time,
}

impl Driver {
    pub(crate) fn new(backend: Arc<dyn Backend>, settings: LinkSettings, disk: Hands) -> Self {
        Self {
            backend,
            settings,
            disk,
            contests: BTreeMap::new(),
            peer: None,
            session: Session::Closed,
            link: None,
            closing: false,
        }
    }

    /// Carries to and fro until everything was left. Without its timer it can keep no deadline and
    /// ends at once, which every leadership takes as its end.
    pub(crate) async fn run(
        mut self,
        mut requests: mpsc::UnboundedReceiver<Request>,
        mut timer: BootTimer,
    ) {
        if let Err(error) = self.turn(&mut requests, &mut timer).await {
            tracing::error!(%error, "the boot-time timer failed, so nothing can be led");
        }
        self.end_session().await;
    }

    async fn turn(
        &mut self,
        requests: &mut mpsc::UnboundedReceiver<Request>,
        timer: &mut BootTimer,
    ) -> io::Result<()> {
        while !(self.closing && self.contests.is_empty()) {
            timer.arm(self.contests.values().filter_map(Contest::wake_at).min())?;
            let wake = tokio::select! {
                request = requests.recv() => Wake::Request(request),
                report = next_report(&mut self.peer) => Wake::Report(report),
                expired = timer.expired() => {
                    expired?;
                    Wake::Time
                }
            };
            match wake {
                Wake::Request(Some(request)) => self.request(request),
                Wake::Request(None) => self.close(),
                Wake::Report(Some(report)) => self.report(report),
                Wake::Report(None) => self.backend_gone(),
                Wake::Time => self.wake_due(),
            }
        }
        Ok(())
    }

    fn request(&mut self, request: Request) {
        match request {
            Request::Campaign(contest) => self.campaign(*contest),
            Request::Wish {
                election,
                instance,
                wish,
            } => self.wish(&election, instance, wish),
            Request::Close => self.close(),
        }
    }

    fn campaign(&mut self, new: NewContest) {
        let election = new.election();
        let free = !self.closing && !self.contests.contains_key(&election);
        let Some(mut contest) = Contest::accept(new, free) else {
            return;
        };
        contest.core.handle(clock::now(), Input::Start);
        self.contests.insert(Arc::clone(&election), contest);
        self.pump(&election);
    }

    fn wish(&mut self, election: &ElectionName, instance: InstanceId, wish: Wish) {
        let Some(contest) = self.contests.get_mut(election) else {
            return;
        };
        if contest.instance() != instance {
            return;
        }
        let input = match wish {
            Wish::Stopped { activation } => {
                if !contest.stopped(activation) {
                    return;
                }
                Input::Stopped
            }
            Wish::Unfenced { activation } => {
                if !contest.leads_as(activation) {
                    return;
                }
                Input::Unfenced
            }
            Wish::Resign => Input::Resign,
            Wish::Leave => {
                contest.leaving = true;
                Input::Leave
            }
            Wish::Health(health, note) => Input::Health { health, note },
            Wish::Vouched(until) => Input::Vouched(until),
            Wish::Priority(priority) => Input::Priority(priority),
            Wish::Pulse(asked) => {
                // Whoever asked may be gone.
                let _ = asked.send(());
                return;
            }
            Wish::Remembered(result) => {
                contest.remembered(result);
                Input::Wake
            }
        };
        contest.core.handle(clock::now(), input);
        self.pump(election);
    }

    fn close(&mut self) {
        if std::mem::replace(&mut self.closing, true) {
            return;
        }
        for election in self.names() {
            if let Some(contest) = self.contests.get_mut(&election) {
                contest.leaving = true;
                contest.core.handle(clock::now(), Input::Leave);
            }
            self.pump(&election);
        }
    }

    fn report(&mut self, report: Report) {
        match report {
            Report::Session(fact) => self.session_fact(&fact),
            Report::Election(election, fact) => {
                if let Some(contest) = self.contests.get_mut(&election)
                    && contest.takes(&fact, self.link)
                {
                    contest.core.handle(clock::now(), Input::Fact(fact));
                    self.pump(&election);
                }
            }
        }
    }

    fn wake_due(&mut self) {
        let now = clock::now();
        for election in self.names() {
            if let Some(contest) = self.contests.get_mut(&election)
                && contest.wake_at().is_some_and(|at| at <= now.at)
            {
                contest.core.handle(now, Input::Wake);
                self.pump(&election);
            }
        }
    }

    /// Carries out what the election says, until it has nothing more to say.
    fn pump(&mut self, election: &ElectionName) {
        while let Some(contest) = self.contests.get_mut(election) {
            if contest.is_remembering() {
                contest.sleep_until(None);
                break;
            }
            match contest.core.poll() {
                Output::Order(order) => self.carry(election, order),
                Output::Event(event) => contest.publish_event(event),
                Output::WaitUntil(moment) => {
                    contest.sleep_until(moment);
                    break;
                }
            }
        }
        if let Some(contest) = self.contests.get(election) {
            contest.publish_status();
        }
    }

    fn carry(&mut self, election: &ElectionName, order: Order) {
        let name = Arc::clone(election);
        match order {
            Order::Open => self.open(election),
            Order::Look => self.command(Command::Look { election: name }),
            Order::Watch(focus) => self.command(Command::Watch {
                election: name,
                focus,
            }),
            Order::Commit { ask, commit } => {
                let commit = Box::new(commit);
                self.command(Command::Commit {
                    election: name,
                    ask,
                    commit,
                });
            }
            Order::Close => self.leave(election),
            Order::Remember(memory) => {
                if let Some(contest) = self.contests.get_mut(election) {
                    contest.remember(memory, &self.disk);
                }
            }
            Order::Begin(beginning) => {
                if let Some(contest) = self.contests.get_mut(election) {
                    contest.begin(beginning);
                }
            }
            Order::Until { safe_until } => {
                if let Some(contest) = self.contests.get_mut(election) {
                    contest.until(safe_until);
                }
            }
            Order::End { cause, grace } => {
                if let Some(contest) = self.contests.get_mut(election) {
                    contest.end(cause, grace);
                }
            }
        }
    }

    fn names(&self) -> Vec<ElectionName> {
        self.contests.keys().cloned().collect()
    }
}
