use std::time::Duration;

use tanist_core::{Moment, Timing, WorkAction, WorkInput, WorkReport, Workload};

fn at(millis: u64) -> Moment {
    Moment::after_origin(Duration::from_millis(millis))
}

/// L = 8 s: stop signal 4 s, kill 1 s before the deadline.
fn workload() -> Workload {
    Workload::new(Timing::from_lease(Duration::from_secs(8)).expect("this lease can be kept"))
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

/// F62: the guard wakes long after its deadline.
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
