use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::agenda::{Agenda, Due};
use super::chance::Chance;
use super::host::{Host, Session, Timer, lateness};
use super::lot::{END, Lot};
use super::weather::Weather;
use crate::action::{Action, Step};
use crate::node::Frozen;
use crate::property::{Patience, Violation};
use crate::world::{Signal, World};

/// More than any run needs: whoever gets there goes round in circles.
const TOO_MANY: u64 = 1_000_000;

/// Later than any run goes on.
pub(super) const FOREVER: Duration = Duration::from_secs(360_000);

/// One run: the world, and what is due in it.
pub(super) struct Course<'a> {
    pub(super) lot: &'a Lot,
    pub(super) world: World,
    pub(super) agenda: Agenda,
    pub(super) chance: Chance,
    pub(super) weather: Weather,
    pub(super) hosts: Vec<Host>,
    /// The store's sessions, and when each is over.
    pub(super) sessions: BTreeMap<u64, Session>,
    /// How many there were.
    pub(super) opened: u64,
    pub(super) healed: bool,
    patience: Option<Patience>,
    signals: Vec<Signal>,
    steps: u64,
    struck: u32,
    print: u64,
    trace: Option<Vec<String>>,
}

/// What became of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) violation: Option<Violation>,
    /// When it ended.
    pub(crate) time: Duration,
    /// Actions.
    pub(crate) steps: u64,
    /// Activations.
    pub(crate) started: u32,
    /// Faults that took effect.
    pub(crate) struck: u32,
    /// A print of all that was applied.
    pub(crate) print: u64,
    /// What was applied, if it was asked for.
    pub(crate) trace: Vec<String>,
}

enum Next {
    Agenda,
    Wake { node: usize },
    GuardWake { node: usize, work: u32 },
}

impl<'a> Course<'a> {
    pub(super) fn new(lot: &'a Lot, traced: bool) -> Self {
        let mut chance = Chance::new(lot.seed);
        let mut world = World::new(Arc::new(lot.setup.clone()));
        world.notes = traced.then(Vec::new);
        let hosts = lot
            .setup
            .machines
            .iter()
            .map(|_| Host::new(&mut chance))
            .collect();
        let mut course = Self {
            lot,
            world,
            agenda: Agenda::default(),
            chance,
            weather: lot.weather,
            hosts,
            sessions: BTreeMap::new(),
            opened: 0,
            healed: false,
            patience: None,
            signals: Vec::new(),
            steps: 0,
            struck: 0,
            print: 0xcbf2_9ce4_8422_2325,
            trace: traced.then(Vec::new),
        };
        course.begin();
        course
    }

    fn begin(&mut self) {
        let ttl = self.lot.setup.ttl;
        for node in 0..self.hosts.len() {
            let at = self.chance.up_to(ttl / 4);
            self.later(at, node, Step::Boot);
            let at = self.chance.up_to(ttl / 2);
            self.agenda.enter(at, Due::Poll { node });
            self.agenda.enter(at, Due::Keepalive { node });
        }
        for (number, mishap) in self.lot.mishaps.iter().enumerate() {
            self.agenda.enter(mishap.at, Due::Mishap(number));
        }
        if let Some(healing) = self.lot.healing {
            self.agenda.enter(healing.at, Due::Heal);
        }
    }

    /// Until the end, or until something does not hold.
    pub(super) fn run(mut self) -> Outcome {
        let mut violation = None;
        while violation.is_none() {
            let (at, next) = self.next();
            if at >= END {
                break;
            }
            if at > self.world.time {
                self.apply(&Action::Pass {
                    by: at - self.world.time,
                });
            }
            if self.world.broken.is_none() {
                match next {
                    Next::Agenda => self.do_first(),
                    Next::Wake { node } => self.fire(node, Step::Wake),
                    Next::GuardWake { node, work } => self.fire(node, Step::GuardWake { work }),
                }
            }
            violation = self.world.broken.take().or_else(|| self.verdict());
        }
        Outcome {
            violation,
            time: self.world.time,
            steps: self.steps,
            started: self.world.started,
            struck: self.struck,
            print: self.print,
            trace: self.trace.unwrap_or_default(),
        }
    }

    fn verdict(&mut self) -> Option<Violation> {
        if self.steps > TOO_MANY {
            let what = format!("{} steps by {:?}", self.steps, self.world.time);
            return Some(Violation {
                property: "stays_calm",
                what,
            });
        }
        self.patience
            .as_mut()
            .and_then(|patience| patience.check(&self.world))
    }

    fn do_first(&mut self) {
        let Some(due) = self.agenda.take_first() else {
            return;
        };
        match due {
            Due::Step { node, step } => self.step(node, step),
            Due::Later(_) if self.healed => {}
            Due::Later(action) => match *action {
                Action::At { node, step } => self.step(node, step),
                action => self.apply(&action),
            },
            Due::Mishap(_) if self.healed => {}
            Due::Mishap(number) => {
                let mishap = self.lot.mishaps[number];
                if self.strike(&mishap) || self.strike_instead(&mishap) {
                    self.struck += 1;
                }
            }
            Due::Poll { node } => self.poll(node),
            Due::Keepalive { node } => self.keepalive(node),
            Due::Expire { session } => self.expire(session),
            Due::Heal => {
                self.heal();
                self.patience = Some(Patience::new(&self.lot.setup, self.world.time));
            }
            Due::Bump => self.bump(),
        }
    }

    fn fire(&mut self, node: usize, step: Step) {
        match step {
            Step::GuardWake { work } => {
                self.hosts[node]
                    .guard_wakes
                    .retain(|(serial, _)| *serial != work);
            }
            _ => self.hosts[node].wake = None,
        }
        self.apply(&Action::At { node, step });
    }

    /// Lets a step happen, once the process that it concerns runs.
    pub(super) fn step(&mut self, node: usize, step: Step) {
        if self.waits(node, &step) {
            self.hosts[node].held.push(step);
            return;
        }
        match step {
            Step::Open | Step::Connect if self.hosts[node].cut_until > self.world.time => {
                let at = self.hosts[node].cut_until + self.delay(node);
                self.later(at, node, step);
                return;
            }
            Step::Connect => self.hosts[node].connecting = false,
            Step::Read => self.hosts[node].reading = false,
            Step::Leave => self.hosts[node].leaving = true,
            Step::Boot => self.hosts[node].leaving = false,
            _ => {}
        }
        let opens = step == Step::Open
            && self.world.nodes[node]
                .supervisor
                .as_ref()
                .is_some_and(|it| it.opening);
        if opens {
            self.open_session(node);
        }
        self.apply(&Action::At { node, step });
    }

    fn waits(&self, node: usize, step: &Step) -> bool {
        match self.world.nodes[node].frozen {
            Frozen::Nothing => false,
            Frozen::Machine => !matches!(
                step,
                Step::Decide { .. }
                    | Step::Lose { .. }
                    | Step::LoseAnswer { .. }
                    | Step::Disconnect
                    | Step::KillMachine { .. }
                    | Step::Thaw
            ),
            Frozen::Supervisor => matches!(
                step,
                Step::Open
                    | Step::Connect
                    | Step::End
                    | Step::Alive { .. }
                    | Step::Answer { .. }
                    | Step::GiveUp { .. }
                    | Step::Read
                    | Step::View
                    | Step::Report { .. }
                    | Step::Resign
                    | Step::Leave
                    | Step::Health(_)
                    | Step::Priority(_)
            ),
        }
    }

    pub(super) fn apply(&mut self, action: &Action) {
        self.steps += 1;
        self.world.apply(action);
        self.hash(action);
        if let Some(trace) = &mut self.trace {
            if !matches!(action, Action::Pass { .. }) {
                trace.push(format!("{:>10.4}s {action}", self.world.time.as_secs_f64()));
            }
            for note in self
                .world
                .notes
                .iter_mut()
                .flat_map(|notes| notes.drain(..))
            {
                trace.push(format!("              {note}"));
            }
        }
        let mut signals =
            std::mem::replace(&mut self.world.signals, std::mem::take(&mut self.signals));
        for signal in signals.drain(..) {
            self.carry(signal);
        }
        self.signals = signals;
        match action {
            Action::Pass { .. } => {}
            Action::At { node, .. } => self.look_after(*node),
            Action::Store(_) => (0..self.hosts.len()).for_each(|node| self.look_after(node)),
        }
    }

    /// What a node needs after something happened to it.
    fn look_after(&mut self, node: usize) {
        let it = &self.world.nodes[node];
        let supervisor = it.supervisor.as_ref();
        let alone = supervisor.is_some_and(|it| it.open && it.link.is_none());
        let runs = it.frozen == Frozen::Nothing;
        let now = self.world.time;
        if alone && !self.hosts[node].connecting {
            let at = now.max(self.hosts[node].cut_until) + self.delay(node);
            self.hosts[node].connecting = true;
            self.later(at, node, Step::Connect);
        }
        if runs && !self.hosts[node].held.is_empty() {
            for step in std::mem::take(&mut self.hosts[node].held) {
                let at = now + self.short_delay(node);
                self.later(at, node, step);
            }
        }
        self.set_timers(node);
    }

    fn set_timers(&mut self, node: usize) {
        let (setup, now) = (&self.lot.setup, self.world.time);
        let (clock, late) = (
            &setup.machines[node].clock,
            setup.machines[node].timing.guard_delay(),
        );
        let (host, it) = (&mut self.hosts[node], &self.world.nodes[node]);
        let wake = it
            .supervisor
            .as_ref()
            .and_then(|supervisor| supervisor.wake);
        if host.wake.map(|timer| timer.wake) != wake {
            host.wake = wake.map(|wake| {
                let at = clock.time_of(wake).max(now) + lateness(&mut host.local, late);
                Timer { wake, at }
            });
        }
        let wakes = it
            .works
            .iter()
            .filter_map(|work| Some((work.serial, work.guard.as_ref()?.wake?)));
        let known = std::mem::take(&mut host.guard_wakes);
        for (serial, wake) in wakes {
            let same = known
                .iter()
                .find(|(of, timer)| *of == serial && timer.wake == wake);
            let timer = same.map_or_else(
                || {
                    let by = wake + lateness(&mut host.local, late);
                    Timer {
                        wake,
                        at: clock.time_of(by).max(now),
                    }
                },
                |(_, timer)| *timer,
            );
            host.guard_wakes.push((serial, timer));
        }
    }

    fn next(&self) -> (Duration, Next) {
        let mut first = (self.agenda.first_at().unwrap_or(END), Next::Agenda);
        for (node, host) in self.hosts.iter().enumerate() {
            let frozen = self.world.nodes[node].frozen;
            if let Some(timer) = host.wake.filter(|_| frozen == Frozen::Nothing)
                && timer.at < first.0
            {
                first = (timer.at, Next::Wake { node });
            }
            for (work, timer) in &host.guard_wakes {
                if frozen != Frozen::Machine && timer.at < first.0 {
                    first = (timer.at, Next::GuardWake { node, work: *work });
                }
            }
        }
        // What was due while nothing ran is due now.
        (first.0.max(self.world.time), first.1)
    }

    pub(super) fn later(&mut self, at: Duration, node: usize, step: Step) {
        self.agenda.enter(at, Due::Step { node, step });
    }

    pub(super) fn delay(&mut self, node: usize) -> Duration {
        self.weather.delay(&mut self.hosts[node].wire)
    }

    /// Of a process or a pipe.
    pub(super) fn short_delay(&mut self, node: usize) -> Duration {
        let late = self.lot.setup.machines[node].timing.guard_delay();
        lateness(&mut self.hosts[node].local, late)
    }

    fn hash(&mut self, action: &Action) {
        let kind = match action {
            Action::Pass { by } => u64::try_from(by.as_nanos()).unwrap_or(u64::MAX),
            Action::At { node, .. } => 1 + *node as u64,
            Action::Store(_) => 0,
        };
        self.print = (self.print ^ kind).wrapping_mul(0x0100_0000_01b3);
        self.print = (self.print ^ self.world.store.revision).wrapping_mul(0x0100_0000_01b3);
    }
}
