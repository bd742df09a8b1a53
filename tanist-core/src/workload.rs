use std::time::Duration;

use crate::moment::Moment;
use crate::timing::Timing;
use crate::work_action::{WorkAction, WorkReport};
use crate::work_input::WorkInput;

/// One child's life as its guard sees it: the second pure machine.
///
/// It holds the deadline and knows nothing of the election. The guard feeds it what happened,
/// carries out what it says, and ends with it; the next child gets a new one. Nothing in here
/// allocates, because the guard must not.
///
/// ```text
///  Idle ── Begin ──► Starting ── End · stop signal due · exited ──► Stopping ── kill due ──► Killing
///    │ too late       │ │ └─ started ─► Running ── the same ─────────┘                        │ │
///    │                │ └── too late, or supervisor gone (also from Running) ─────────────────┘ │
///    └────────────────┴───────────────► Empty ◄──────────── verified empty ─────────────────────┘
///                                         └── dismissed, or supervisor gone and released ──► Done
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Workload {
    timing: Timing,
    phase: Phase,
    /// Every process is gone by then.
    safe_until: Moment,
    /// The supervisor can no longer withdraw, so the guard has to release.
    orphaned: bool,
    pending: Pending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Idle,
    /// The word to start is given, but nothing shows that the child runs.
    Starting {
        by: Moment,
    },
    Running,
    Stopping {
        force_at: Moment,
    },
    Killing,
    Empty,
    Releasing {
        until: Moment,
    },
    Done,
}

/// What `poll` has still to give out. At most one of each can be due at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Pending {
    start: Option<Moment>,
    stop: bool,
    kill: bool,
    release: bool,
    exit: bool,
    too_late: bool,
    deadline: bool,
    empty: bool,
}

impl Workload {
    /// A workload that has not begun.
    pub const fn new(timing: Timing) -> Self {
        Self {
            timing,
            phase: Phase::Idle,
            safe_until: Moment::ORIGIN,
            orphaned: false,
            pending: Pending {
                start: None,
                stop: false,
                kill: false,
                release: false,
                exit: false,
                too_late: false,
                deadline: false,
                empty: false,
            },
        }
    }

    /// Whether a process of the tree may be alive.
    pub const fn may_be_alive(&self) -> bool {
        matches!(
            self.phase,
            Phase::Starting { .. } | Phase::Running | Phase::Stopping { .. } | Phase::Killing
        )
    }

    /// Takes in what happened at `now`; follow it with [`Workload::poll`].
    pub fn handle(&mut self, now: Moment, input: WorkInput) {
        match input {
            WorkInput::Begin { safe_until } => self.begin(now, safe_until),
            WorkInput::Until { safe_until } => self.safe_until = safe_until,
            WorkInput::End { grace } => self.stop(now, grace),
            WorkInput::SupervisorGone => self.orphan(now),
            WorkInput::Started => {
                if matches!(self.phase, Phase::Starting { .. }) {
                    self.phase = Phase::Running;
                }
            }
            // Whoever is left has lost its parent: no reason to give it a planned stop's patience.
            WorkInput::Exited => self.stop(now, self.timing.lost_stop_timeout()),
            WorkInput::Empty => self.empty(now),
            WorkInput::Dismissed => self.dismiss(),
            WorkInput::Released => {
                if matches!(self.phase, Phase::Releasing { .. }) {
                    self.finish();
                }
            }
            WorkInput::Crippled => {
                if self.phase == Phase::Idle {
                    self.finish();
                }
            }
            WorkInput::Wake => {}
        }
        self.keep_deadline(now);
    }

    /// What to do next; call until it answers [`WorkAction::WaitUntil`].
    pub fn poll(&mut self) -> WorkAction {
        let pending = &mut self.pending;
        if let Some(by) = pending.start.take() {
            return WorkAction::Start { by };
        }
        for (due, report) in [
            (&mut pending.too_late, WorkReport::TooLate),
            (&mut pending.deadline, WorkReport::DeadlineReached),
        ] {
            if std::mem::take(due) {
                return WorkAction::Report(report);
            }
        }
        for (due, action) in [
            (&mut pending.stop, WorkAction::Stop),
            (&mut pending.kill, WorkAction::Kill),
            (&mut pending.empty, WorkAction::Report(WorkReport::Empty)),
            (&mut pending.release, WorkAction::Release),
            (&mut pending.exit, WorkAction::Exit),
        ] {
            if std::mem::take(due) {
                return action;
            }
        }
        WorkAction::WaitUntil(self.wake_at())
    }

    fn begin(&mut self, now: Moment, safe_until: Moment) {
        if self.phase != Phase::Idle {
            return;
        }
        self.safe_until = safe_until;
        let by = self.timing.start_by(safe_until);
        if now > by {
            self.pending.too_late = true;
            self.pending.empty = true;
            self.phase = Phase::Empty;
            return;
        }
        self.phase = Phase::Starting { by };
        self.pending.start = Some(by);
    }

    fn stop(&mut self, now: Moment, grace: Duration) {
        match &mut self.phase {
            Phase::Starting { .. } | Phase::Running => {
                self.phase = Phase::Stopping {
                    force_at: now + grace,
                };
                self.pending.stop = true;
            }
            // A second request may only make it sooner.
            Phase::Stopping { force_at } => *force_at = (*force_at).min(now + grace),
            Phase::Idle | Phase::Killing | Phase::Empty | Phase::Releasing { .. } | Phase::Done => {
            }
        }
    }

    fn orphan(&mut self, now: Moment) {
        self.orphaned = true;
        match self.phase {
            Phase::Starting { .. } | Phase::Running | Phase::Stopping { .. } => self.kill(),
            Phase::Idle | Phase::Empty => self.release(now),
            Phase::Killing | Phase::Releasing { .. } | Phase::Done => {}
        }
    }

    fn empty(&mut self, now: Moment) {
        if !self.may_be_alive() {
            return;
        }
        // A start that was never carried out must not be carried out now.
        self.pending = Pending {
            too_late: self.pending.too_late,
            deadline: self.pending.deadline,
            ..Pending::default()
        };
        self.phase = Phase::Empty;
        if self.orphaned {
            self.release(now);
        } else {
            self.pending.empty = true;
        }
    }

    fn dismiss(&mut self) {
        if matches!(self.phase, Phase::Idle | Phase::Empty) {
            self.finish();
        }
    }

    fn keep_deadline(&mut self, now: Moment) {
        // Whoever keeps the child from running keeps the leadership from everybody: past the moment
        // at which it would be refused there is nothing left to wait for.
        if let Phase::Starting { by } = self.phase
            && now > by
        {
            self.pending.too_late = true;
            self.kill();
        }
        let runs = matches!(self.phase, Phase::Starting { .. } | Phase::Running);
        if runs && now >= self.timing.term_at(self.safe_until) {
            self.pending.deadline = true;
            self.stop(now, self.timing.lost_stop_timeout());
        }
        if let Phase::Stopping { force_at } = self.phase
            && now >= force_at.min(self.timing.kill_at(self.safe_until))
        {
            self.kill();
        }
        if let Phase::Releasing { until } = self.phase
            && now >= until
        {
            self.finish();
        }
    }

    const fn kill(&mut self) {
        self.phase = Phase::Killing;
        self.pending.kill = true;
    }

    /// A release that hangs must not keep what this guard still holds: the tree is gone, and after
    /// another lease nobody needs to be told.
    fn release(&mut self, now: Moment) {
        self.phase = Phase::Releasing {
            until: now + self.timing.lease(),
        };
        self.pending.release = true;
    }

    const fn finish(&mut self) {
        self.phase = Phase::Done;
        self.pending.exit = true;
    }

    fn wake_at(&self) -> Option<Moment> {
        match self.phase {
            Phase::Starting { by } => {
                let past = by + Duration::from_nanos(1);
                Some(past.min(self.timing.term_at(self.safe_until)))
            }
            Phase::Running => Some(self.timing.term_at(self.safe_until)),
            Phase::Stopping { force_at } => {
                Some(force_at.min(self.timing.kill_at(self.safe_until)))
            }
            Phase::Releasing { until } => Some(until),
            Phase::Idle | Phase::Killing | Phase::Empty | Phase::Done => None,
        }
    }
}
