use std::time::Duration;

use crate::moment::Moment;
use crate::timing::Timing;

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

/// What happened, as the guard tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WorkInput {
    /// The supervisor says: start, unless it is too late.
    Begin {
        /// The deadline at first.
        safe_until: Moment,
    },
    /// The supervisor moved the deadline, to either side.
    Until {
        /// The deadline from now on.
        safe_until: Moment,
    },
    /// The supervisor says: stop.
    End {
        /// From the stop signal to the kill, if the deadline leaves that much.
        grace: Duration,
    },
    /// The end of the supervisor's pipe: it is dead.
    SupervisorGone,
    /// The exec succeeded: the child runs.
    Started,
    /// The child itself has ended; others of its tree may live.
    Exited,
    /// No process of the tree is left. Verified, not assumed.
    Empty,
    /// The supervisor has withdrawn, or needs this guard no more. Only after `Empty`.
    Dismissed,
    /// The release helper has ended.
    Released,
    /// One of the guard's own programs has ended unasked. A guard that has not begun ends itself:
    /// found out only by the election, this would cost the leadership.
    Crippled,
    /// Time has passed.
    Wake,
}

/// What the guard has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WorkAction {
    /// Let the child exec, if it is not past this moment by then.
    Start {
        /// The last moment for the exec.
        by: Moment,
    },
    /// Send the stop signal to the whole tree, and let stopped processes continue.
    Stop,
    /// Kill the whole tree, again and again until it is empty.
    Kill,
    /// Tell the supervisor.
    Report(WorkReport),
    /// Run the release helper.
    Release,
    /// The guard's work is done.
    Exit,
    /// Nothing more; wake me then, if nothing happens before.
    WaitUntil(Option<Moment>),
}

/// What the supervisor hears of its child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WorkReport {
    /// The child did not run while the lease left enough for it. `Empty` follows.
    TooLate,
    /// The stop signal went out because the deadline drew near, not because it was asked for.
    DeadlineReached,
    /// The tree is verified empty.
    Empty,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::after_origin(Duration::from_millis(millis))
    }

    /// L = 8 s: stop signal 4 s, kill 1 s before the deadline.
    fn workload() -> Workload {
        Workload::new(Timing::from_lease(Duration::from_secs(8)).unwrap())
    }

    fn step(workload: &mut Workload, now: u64, input: WorkInput) -> Vec<WorkAction> {
        workload.handle(at(now), input);
        let mut actions = Vec::new();
        loop {
            let action = workload.poll();
            if matches!(action, WorkAction::WaitUntil(_)) {
                return actions;
            }
            actions.push(action);
            assert!(actions.len() < 10, "poll never ends: {actions:?}");
        }
    }

    fn starting() -> Workload {
        let mut workload = workload();
        let begin = WorkInput::Begin {
            safe_until: at(8_000),
        };
        assert_eq!(
            step(&mut workload, 0, begin),
            [WorkAction::Start { by: at(3_000) }]
        );
        workload
    }

    fn running() -> Workload {
        let mut workload = starting();
        assert_eq!(step(&mut workload, 5, WorkInput::Started), []);
        workload
    }

    #[test]
    fn a_start_that_the_lease_does_not_cover_is_refused() {
        let mut workload = workload();
        let actions = step(
            &mut workload,
            3_001,
            WorkInput::Begin {
                safe_until: at(8_000),
            },
        );
        assert_eq!(
            actions,
            [
                WorkAction::Report(WorkReport::TooLate),
                WorkAction::Report(WorkReport::Empty)
            ]
        );
        assert!(!workload.may_be_alive());
    }

    #[test]
    fn a_start_that_does_not_come_about_is_ended_however_much_lease_is_left() {
        let mut workload = starting();
        let until = WorkInput::Until {
            safe_until: at(60_000),
        };
        assert_eq!(step(&mut workload, 1_000, until), []);
        let past = at(3_000) + Duration::from_nanos(1);
        assert_eq!(workload.poll(), WorkAction::WaitUntil(Some(past)));
        assert_eq!(step(&mut workload, 3_000, WorkInput::Wake), []);
        assert_eq!(
            step(&mut workload, 3_001, WorkInput::Wake),
            [WorkAction::Report(WorkReport::TooLate), WorkAction::Kill]
        );
        assert!(workload.may_be_alive());
        assert_eq!(step(&mut workload, 3_002, WorkInput::Started), []);
        assert_eq!(
            step(&mut workload, 3_010, WorkInput::Empty),
            [WorkAction::Report(WorkReport::Empty)]
        );
    }

    #[test]
    fn a_start_that_came_about_is_not_called_late() {
        let mut workload = running();
        let until = WorkInput::Until {
            safe_until: at(60_000),
        };
        step(&mut workload, 1_000, until);
        assert_eq!(step(&mut workload, 3_001, WorkInput::Wake), []);
        assert_eq!(workload.poll(), WorkAction::WaitUntil(Some(at(56_000))));
    }

    #[test]
    fn a_start_is_ended_sooner_where_the_deadline_moves_back() {
        let mut workload = starting();
        let until = WorkInput::Until {
            safe_until: at(6_000),
        };
        step(&mut workload, 1_000, until);
        assert_eq!(workload.poll(), WorkAction::WaitUntil(Some(at(2_000))));
        assert_eq!(
            step(&mut workload, 2_000, WorkInput::Wake),
            [
                WorkAction::Report(WorkReport::DeadlineReached),
                WorkAction::Stop
            ]
        );
    }

    #[test]
    fn a_silent_supervisor_costs_stop_then_kill_at_the_deadline() {
        let mut workload = running();
        assert_eq!(workload.poll(), WorkAction::WaitUntil(Some(at(4_000))));
        assert_eq!(
            step(&mut workload, 4_000, WorkInput::Wake),
            [
                WorkAction::Report(WorkReport::DeadlineReached),
                WorkAction::Stop
            ]
        );
        assert_eq!(workload.poll(), WorkAction::WaitUntil(Some(at(7_000))));
        assert_eq!(
            step(&mut workload, 7_000, WorkInput::Wake),
            [WorkAction::Kill]
        );
        assert_eq!(
            step(&mut workload, 7_010, WorkInput::Empty),
            [WorkAction::Report(WorkReport::Empty)]
        );
    }

    #[test]
    fn a_guard_that_slept_past_everything_kills_at_once() {
        let mut workload = running();
        let actions = step(&mut workload, 60_000, WorkInput::Wake);
        assert!(actions.contains(&WorkAction::Kill), "{actions:?}");
    }

    #[test]
    fn a_planned_stop_has_its_grace_but_never_more_than_the_deadline_leaves() {
        let mut workload = running();
        let end = WorkInput::End {
            grace: Duration::from_secs(10),
        };
        assert_eq!(step(&mut workload, 1_000, end), [WorkAction::Stop]);
        assert_eq!(workload.poll(), WorkAction::WaitUntil(Some(at(7_000))));
        assert_eq!(
            step(
                &mut workload,
                2_000,
                WorkInput::Until {
                    safe_until: at(20_000)
                }
            ),
            []
        );
        assert_eq!(workload.poll(), WorkAction::WaitUntil(Some(at(11_000))));
    }

    #[test]
    fn a_second_stop_only_makes_it_sooner() {
        let mut workload = running();
        step(
            &mut workload,
            1_000,
            WorkInput::End {
                grace: Duration::from_secs(3),
            },
        );
        step(
            &mut workload,
            1_500,
            WorkInput::End {
                grace: Duration::from_secs(9),
            },
        );
        assert_eq!(workload.poll(), WorkAction::WaitUntil(Some(at(4_000))));
        let now = WorkInput::End {
            grace: Duration::ZERO,
        };
        assert_eq!(step(&mut workload, 1_600, now), [WorkAction::Kill]);
    }

    #[test]
    fn an_extension_after_the_stop_signal_does_not_bring_the_work_back() {
        let mut workload = running();
        step(&mut workload, 4_000, WorkInput::Wake);
        assert_eq!(
            step(
                &mut workload,
                4_100,
                WorkInput::Until {
                    safe_until: at(60_000)
                }
            ),
            []
        );
        assert_eq!(workload.poll(), WorkAction::WaitUntil(Some(at(7_000))));
    }

    #[test]
    fn a_dead_supervisor_costs_kill_then_release_only_when_empty() {
        let mut workload = running();
        assert_eq!(
            step(&mut workload, 10, WorkInput::SupervisorGone),
            [WorkAction::Kill]
        );
        assert_eq!(
            step(&mut workload, 20, WorkInput::Empty),
            [WorkAction::Release]
        );
        assert_eq!(
            step(&mut workload, 30, WorkInput::Released),
            [WorkAction::Exit]
        );
    }

    #[test]
    fn a_supervisor_that_dies_between_empty_and_dismissal_is_released_for() {
        let mut workload = running();
        step(
            &mut workload,
            10,
            WorkInput::End {
                grace: Duration::ZERO,
            },
        );
        step(&mut workload, 20, WorkInput::Empty);
        assert_eq!(
            step(&mut workload, 30, WorkInput::SupervisorGone),
            [WorkAction::Release]
        );
    }

    #[test]
    fn a_release_that_hangs_keeps_the_guard_for_one_more_lease() {
        let mut workload = running();
        step(&mut workload, 10, WorkInput::SupervisorGone);
        step(&mut workload, 20, WorkInput::Empty);
        assert_eq!(workload.poll(), WorkAction::WaitUntil(Some(at(8_020))));
        assert_eq!(
            step(&mut workload, 8_020, WorkInput::Wake),
            [WorkAction::Exit]
        );
        assert_eq!(step(&mut workload, 8_030, WorkInput::Released), []);
    }

    #[test]
    fn a_dismissed_guard_ends_without_a_release() {
        let mut workload = running();
        step(
            &mut workload,
            10,
            WorkInput::End {
                grace: Duration::ZERO,
            },
        );
        assert_eq!(step(&mut workload, 15, WorkInput::Dismissed), []);
        step(&mut workload, 20, WorkInput::Empty);
        assert_eq!(
            step(&mut workload, 30, WorkInput::Dismissed),
            [WorkAction::Exit]
        );
    }

    #[test]
    fn a_crippled_guard_ends_before_its_beginning_only() {
        let mut idle = workload();
        assert_eq!(step(&mut idle, 10, WorkInput::Crippled), [WorkAction::Exit]);
        let begin = WorkInput::Begin {
            safe_until: at(8_000),
        };
        assert_eq!(step(&mut idle, 20, begin), []);
        let mut workload = running();
        assert_eq!(step(&mut workload, 10, WorkInput::Crippled), []);
        assert!(workload.may_be_alive());
    }

    #[test]
    fn what_an_ended_child_left_behind_is_stopped_too() {
        let mut workload = running();
        assert_eq!(
            step(&mut workload, 10, WorkInput::Exited),
            [WorkAction::Stop]
        );
        assert!(workload.may_be_alive());
    }
}
