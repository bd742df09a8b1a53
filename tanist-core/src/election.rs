//! The election: facts and requests in, orders and events out.

mod claim;
mod config;
mod elect;
mod input;
mod leading;
mod output;
mod permit;
mod schedule;
mod session;
mod standby;
mod yielding;

use std::collections::VecDeque;

use crate::backoff::Backoff;
use crate::candidate::{EntryId, Health, Member};
use crate::event::{Alarm, Event, Wait};
use crate::fact::{Ask, Grant};
use crate::line;
use crate::memory::Memory;
use crate::moment::{Moment, Now};
use crate::order::{Focus, Order};
use crate::record::{InstanceId, RecordState};
use crate::seen::Seen;
use crate::state::{Elect, Role, State, Tenure};
use crate::term::Term;
use crate::view::{Position, View};

pub use config::Config;
pub use input::Input;
pub use output::Output;

/// One election as one node sees it: the pure state machine.
///
/// Tell it everything that happens through [`Election::handle`], then call [`Election::poll`] until
/// it answers [`Output::WaitUntil`]. It reads no clock, draws no chance and waits for nothing.
///
/// The rules it keeps, each a property of the simulator: work begins only after a guarded commit
/// was acknowledged and while the lease left covers start and stop; the lease is counted from
/// before the send; the record says `resigned` only after the work was verified gone; terms rise.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Election {
    config: Config,
    memory: Memory,
    state: State,
    session: Session,
    /// Number of the present connection.
    link: Option<u64>,
    seen: Option<Seen>,
    /// Views of this connection with a smaller revision are late.
    floor: u64,
    highest: Position,
    /// The highest term seen when the store went back; records up to it are not trusted.
    distrust: Option<Term>,
    /// This process has seen a record of this election.
    witnessed: bool,
    /// When the last answered keepalive was sent.
    alive_at: Option<Moment>,
    entry: Option<EntryId>,
    /// Entries we held and lost: a restored store can bring them back, and we never take them up.
    ghosts: Vec<EntryId>,
    /// A claim of unknown outcome may still take effect, with this term.
    proposed: Option<Term>,
    published: Option<Member>,
    health: Health,
    note: String,
    /// No renewal of work that runs is sent later; `None` where nobody has to vouch for it.
    vouched_until: Option<Moment>,
    resigning: bool,
    leaving: bool,
    /// When a standby that leaves gives up an unreachable store.
    leave_by: Option<Moment>,
    /// Until then others go first.
    aside_until: Option<Moment>,
    /// The highest term seen when it began to stand aside; with a later one another has led.
    aside_since: Term,
    pending: Option<Pending>,
    look: Look,
    retry_at: Option<Moment>,
    backoff: Backoff,
    claim_at: Option<Moment>,
    focus: Option<Focus>,
    next_ask: u64,
    told: Told,
    outputs: VecDeque<Output>,
}

/// The store's session, as far as we have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Session {
    Closed,
    Opening,
    Open(Grant),
    Retry { at: Moment },
}

/// The one commit, renewals apart, whose answer is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Pending {
    ask: Ask,
    purpose: Purpose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Purpose {
    Found,
    Stand,
    Publish,
    Claim,
    Lead,
    Withdraw,
    Leave,
}

/// Whether a fresh view is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Look {
    Content,
    Wanted,
    Asked { at: Moment },
}

/// What was told last, so that only changes are told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Told {
    wait: Option<Wait>,
    leader: Option<(String, InstanceId, Term)>,
    alarm: Option<Alarm>,
    duplicate: Option<InstanceId>,
    lease_of: Option<Term>,
}

impl Election {
    /// An election that does nothing before [`Input::Start`].
    pub fn new(config: Config) -> Self {
        let timing = config.timing;
        let backoff = Backoff::new(timing.request_timeout(), timing.session_ttl(), config.seed);
        Self {
            memory: config.memory,
            config,
            state: State::Detached,
            session: Session::Closed,
            link: None,
            seen: None,
            floor: 0,
            highest: Position::default(),
            distrust: None,
            witnessed: false,
            alive_at: None,
            entry: None,
            ghosts: Vec::new(),
            proposed: None,
            published: None,
            health: Health::Healthy,
            note: String::new(),
            vouched_until: None,
            resigning: false,
            leaving: false,
            leave_by: None,
            aside_until: None,
            aside_since: Term::ZERO,
            pending: None,
            look: Look::Content,
            retry_at: None,
            backoff,
            claim_at: None,
            focus: None,
            next_ask: 1,
            told: Told::default(),
            outputs: VecDeque::new(),
        }
    }

    /// Takes in what happened at `now`; follow it with [`Election::poll`].
    pub fn handle(&mut self, now: Now, input: Input) {
        if self.state == State::Closed {
            return;
        }
        match input {
            Input::Start => self.open(),
            Input::Fact(fact) => self.take_in(now, fact),
            Input::Stopped => self.work_stopped(now),
            Input::Unfenced => self.hand_on_unfenced(),
            Input::Resign => self.resigning = true,
            Input::Leave => self.leaving = true,
            Input::Health { health, note } => (self.health, self.note) = (health, note),
            Input::Vouched(until) => self.vouched(now.at, until),
            Input::Priority(priority) => self.config.priority = priority,
            Input::Wake => {}
        }
        self.advance(now);
    }

    /// What to do or tell next; call until it answers [`Output::WaitUntil`].
    pub fn poll(&mut self) -> Output {
        self.outputs
            .pop_front()
            .unwrap_or_else(|| Output::WaitUntil(self.wake_at()))
    }

    /// What is true of this node now.
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// What the outside is told of this node.
    pub const fn role(&self) -> Role {
        match self.state {
            State::Detached | State::Closed => Role::Detached,
            State::Standby | State::Elect(_) => Role::Standby,
            State::Leading(_) => Role::Leader,
            // Not a leader any more: whoever asks must not be sent here.
            State::Yielding(_) => Role::Standby,
        }
    }

    /// The term of our own leadership, as long as the work may run.
    pub const fn term(&self) -> Option<Term> {
        match self.tenure() {
            Some(tenure) => Some(tenure.term()),
            None => None,
        }
    }

    /// Every process of our work is gone by then, if there is work.
    pub fn safe_until(&self) -> Option<Moment> {
        self.tenure().and_then(|tenure| self.deadline(tenure))
    }

    /// The latest view on the present connection.
    pub fn view(&self) -> Option<&View> {
        self.seen.as_ref().map(|seen| &seen.view)
    }

    /// What this machine should remember.
    pub const fn memory(&self) -> Memory {
        self.memory
    }

    /// What the store granted, while a session is open.
    pub const fn grant(&self) -> Option<Grant> {
        match self.session {
            Session::Open(grant) => Some(grant),
            Session::Closed | Session::Opening | Session::Retry { .. } => None,
        }
    }

    /// Our own place in the line.
    pub const fn entry(&self) -> Option<&EntryId> {
        self.entry.as_ref()
    }

    const fn tenure(&self) -> Option<&Tenure> {
        match &self.state {
            State::Leading(tenure) => Some(tenure),
            State::Yielding(yielding) => Some(&yielding.tenure),
            State::Elect(
                Elect::Confirming(tenure) | Elect::Waiting { tenure, .. } | Elect::Ready(tenure),
            ) => Some(tenure),
            State::Elect(_) | State::Detached | State::Standby | State::Closed => None,
        }
    }

    const fn tenure_mut(&mut self) -> Option<&mut Tenure> {
        match &mut self.state {
            State::Leading(tenure) => Some(tenure),
            State::Yielding(yielding) => Some(&mut yielding.tenure),
            State::Elect(
                Elect::Confirming(tenure) | Elect::Waiting { tenure, .. } | Elect::Ready(tenure),
            ) => Some(tenure),
            State::Elect(_) | State::Detached | State::Standby | State::Closed => None,
        }
    }

    /// The lease's end; while a foreign candidate stands in the line also the end of what the
    /// store assures us of our entry, because its owner does not wait G.
    fn deadline(&self, tenure: &Tenure) -> Option<Moment> {
        let safe_until = tenure.lease.as_ref()?.safe_until();
        let foreign = self.view().is_some_and(line::has_foreign);
        if !foreign {
            return Some(safe_until);
        }
        let assured = self
            .grant()
            .map_or(std::time::Duration::ZERO, |grant| grant.assured);
        let kept = self.alive_at.map_or(Moment::ORIGIN, |at| at + assured);
        Some(safe_until.min(kept))
    }

    fn order(&mut self, order: Order) {
        self.outputs.push_back(Output::Order(order));
    }

    fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn tell_wait(&mut self, wait: Wait) {
        if self.told.wait.as_ref() != Some(&wait) {
            self.told.wait = Some(wait.clone());
            self.tell(Event::Waiting(wait));
        }
    }

    fn alarm(&mut self, alarm: Alarm) {
        if self.told.alarm.as_ref() != Some(&alarm) {
            self.told.alarm = Some(alarm.clone());
            self.tell(Event::Alarm(alarm));
        }
    }

    /// Whether the store was told of us as we are now.
    fn is_published(&self) -> bool {
        self.published.as_ref().is_some_and(|told| {
            // What else a member tells is never changed.
            told.priority == self.config.priority
                && told.health == self.health
                && told.note == self.note
                && told.aside == self.aside_until.is_some()
        })
    }

    fn member(&self) -> Member {
        Member {
            node: self.config.node.clone(),
            address: self.config.address.clone(),
            priority: self.config.priority,
            health: self.health,
            note: self.note.clone(),
            aside: self.aside_until.is_some(),
            version: self.config.version.clone(),
        }
    }

    fn learn(&mut self, term: Term, lease: std::time::Duration) {
        if self.memory.learn(term, lease) {
            let memory = self.memory;
            self.order(Order::Remember(memory));
        }
    }

    /// Our entry is not ours any more. It is never taken up again.
    fn lose_entry(&mut self, entry: EntryId) {
        const REMEMBERED: usize = 4;
        if !self.ghosts.contains(&entry) {
            if self.ghosts.len() == REMEMBERED {
                self.ghosts.remove(0);
            }
            self.ghosts.push(entry.clone());
        }
        if self.entry.as_ref() == Some(&entry) {
            self.entry = None;
        }
    }

    /// Whether the record that the view shows is one we wrote in this tenure.
    fn shows_own(&self, view: &View) -> bool {
        view.record.known().is_some_and(|record| {
            record.instance == self.config.instance
                && record.state != RecordState::Resigned
                && self
                    .tenure()
                    .is_some_and(|tenure| tenure.term() == record.term)
        })
    }
}
