//! One machine, two nodes: what hangs, refuses to stop or leaves its tree is gone by the deadline,
//! and nothing overlaps.

use std::time::Duration;

use rustix::process::Signal;
use tanist_testkit::{
    Expect, Keeper, Need, PATIENCE, Process, Programs, Scene, SceneResult, Team, User, Victim,
    Work, now,
};

/// Short, so that its end can be waited for.
const LEASE: Duration = Duration::from_secs(2);
/// From the last renewal's sending to the stop signal, when renewals cease: half the lease.
const UNTIL_STOP: Duration = Duration::from_secs(1);
/// From one renewal to the next.
const RENEWAL: Duration = Duration::from_millis(250);

struct Stage {
    scene: Scene,
    team: Team,
}

/// Two nodes, one of them active with its whole tree. `extra` goes to `tanist run`.
fn stage(user: User, work: Work, extra: &[&str]) -> SceneResult<Stage> {
    stage_with_lease("2s", user, work, extra)
}

fn stage_with_lease(lease: &str, user: User, work: Work, extra: &[&str]) -> SceneResult<Stage> {
    let programs = Programs::find(env!("CARGO_BIN_EXE_tanist-probe"))?;
    let policy = [
        "--lease",
        lease,
        "--cooldown",
        "20ms",
        "--max-failovers",
        "100000/10m",
    ];
    let flags: Vec<_> = policy.into_iter().chain(extra.iter().copied()).collect();
    let mut scene = Scene::new(&programs, user, work, Keeper::tanist(&flags))?;
    scene.start("a")?;
    scene.start("b")?;
    scene.wait_active()?;
    let team = scene.team()?;
    Ok(Stage { scene, team })
}

fn probe(flags: &[&'static str]) -> Work {
    Work::Probe(flags.to_vec())
}

impl Stage {
    /// Freezes the supervisor and waits until nothing of its work is left, which the deadline
    /// bounds: the last renewal was sent before it stood still.
    fn freeze_supervisor_until_empty(&mut self) -> SceneResult<()> {
        self.team.supervisor.freeze()?;
        let frozen = now();
        let active = self.scene.history().activations().len();
        for worker in self.scene.workers()? {
            worker.wait_ended(frozen + LEASE)?;
        }
        self.scene.wait("its last lines", |history| {
            let last = history.activations()[active - 1].last;
            (last > frozen + UNTIL_STOP - RENEWAL - RENEWAL).then_some(())
        })?;
        Ok(())
    }

    /// The next activation comes, and the history holds with `activations` of them.
    fn judge(mut self, activations: usize) -> SceneResult<()> {
        self.scene.wait_active()?;
        let roles = self.scene.roles();
        let expect = Expect {
            activations: activations..=activations,
            roles,
            ..Expect::default()
        };
        let verdict = self.scene.finish(expect)?;
        assert!(verdict.holds(), "{verdict}");
        Ok(())
    }

    /// The processes of the work, frozen.
    fn freeze_work(&self) -> SceneResult<Vec<Process>> {
        let workers = self.scene.workers()?;
        for worker in &workers {
            worker.freeze()?;
        }
        Ok(workers)
    }
}

/// F61: SIGSTOP for the supervisor alone.
#[test]
fn a_frozen_supervisor_has_no_work_left_by_the_deadline() -> SceneResult<()> {
    let mut stage = stage(User::Ordinary, probe(&[]), &[])?;
    stage.freeze_supervisor_until_empty()?;
    stage.team.supervisor.thaw()?;
    stage.judge(2)
}

/// F61, F68: SIGSTOP for the supervisor of work that ignores SIGTERM.
#[test]
fn not_even_work_that_ignores_the_stop_signal() -> SceneResult<()> {
    let mut stage = stage(
        User::Ordinary,
        probe(&["--ignore-term"]),
        &["--stop-timeout", "200ms"],
    )?;
    stage.freeze_supervisor_until_empty()?;
    stage.team.supervisor.thaw()?;
    stage.judge(2)
}

/// On one machine the lock outlives the deadline, so that not even a guard that cannot act makes
/// two copies.
///
/// F62, F92: SIGSTOP for supervisor and guard while the work runs past its deadline.
#[test]
fn with_supervisor_and_guard_frozen_nobody_else_begins() -> SceneResult<()> {
    let mut stage = stage(User::Ordinary, probe(&[]), &[])?;
    let guard = stage.team.guard.take().ok_or("no guard")?;
    stage.team.supervisor.freeze()?;
    guard.freeze()?;
    let frozen = now();
    stage
        .scene
        .wait("the work to run past the deadline", |history| {
            (history.activations()[0].last > frozen + LEASE + RENEWAL).then_some(())
        })?;
    assert_eq!(stage.scene.history().activations().len(), 1);
    guard.thaw()?;
    for worker in stage.scene.workers()? {
        worker.wait_ended(now() + PATIENCE)?;
    }
    stage.team.supervisor.thaw()?;
    stage.judge(2)
}

/// F62: SIGSTOP for everything, until the deadline is long over; then all of it goes on.
#[test]
fn everything_stopped_past_the_deadline_is_ended_when_it_goes_on() -> SceneResult<()> {
    let mut stage = stage(User::Ordinary, probe(&["--ignore-term"]), &[])?;
    let guard = stage.team.guard.take().ok_or("no guard")?;
    stage.team.supervisor.freeze()?;
    guard.freeze()?;
    let workers = stage.freeze_work()?;
    // Nobody works meanwhile, the standby included: the lock is held.
    stage.scene.wait_idle(now() + LEASE + LEASE)?;
    for worker in &workers {
        worker.thaw()?;
    }
    stage.team.supervisor.thaw()?;
    guard.thaw()?;
    for worker in workers {
        worker.wait_ended(now() + PATIENCE)?;
    }
    stage.judge(2)
}

/// More time than the lease: the leader goes on renewing while its work stops.
///
/// F68: work that ignores SIGTERM.
#[test]
fn a_planned_stop_gives_the_work_its_time_and_then_kills() -> SceneResult<()> {
    let mut stage = stage(
        User::Ordinary,
        probe(&["--ignore-term"]),
        &["--stop-timeout", "3s"],
    )?;
    let told = now();
    stage.team.supervisor.signal(Signal::TERM)?;
    let next = stage.scene.wait_begun()?;
    let before = stage.scene.history().activations()[0].last;
    assert!(
        before.since(told) >= Duration::from_millis(2980),
        "{:?}",
        before.since(told)
    );
    assert!(
        next.first.since(told) >= Duration::from_secs(3),
        "{:?}",
        next.first.since(told)
    );
    let node = stage.team.node.clone();
    assert_eq!(stage.scene.node(&node)?.wait()?.code(), Some(0));
    stage.judge(2)
}

/// F68, F78: a second SIGTERM while the work ignores the first.
#[test]
fn a_second_stop_signal_does_not_wait() -> SceneResult<()> {
    let mut stage = stage(
        User::Ordinary,
        probe(&["--ignore-term"]),
        &["--stop-timeout", "8s"],
    )?;
    let told = now();
    stage.team.supervisor.signal(Signal::TERM)?;
    stage.scene.wait("the work to ignore it", |history| {
        (history.activations()[0].last > told + Duration::from_millis(100)).then_some(())
    })?;
    stage.team.supervisor.signal(Signal::TERM)?;
    let next = stage.scene.wait_begun()?;
    assert!(
        next.first.since(told) < Duration::from_secs(6),
        "{:?}",
        next.first.since(told)
    );
    let node = stage.team.node.clone();
    assert_eq!(stage.scene.node(&node)?.wait()?.code(), Some(128 + 15));
    stage.judge(2)
}

/// With a lease so long that whoever was not told would be noticed: it would be killed only after
/// 22 seconds. A parent that ends of the signal hands its children up while they are being told.
#[test]
fn every_process_of_the_tree_is_told_to_stop() -> SceneResult<()> {
    for _ in 0..5 {
        let mut stage = stage_with_lease(
            "60s",
            User::Ordinary,
            probe(&[]),
            &["--stop-timeout", "50s"],
        )?;
        let told = now();
        stage.team.supervisor.signal(Signal::TERM)?;
        let next = stage.scene.wait_begun()?;
        assert!(
            next.first.since(told) < Duration::from_secs(15),
            "{:?}",
            next.first.since(told)
        );
        stage.judge(2)?;
    }
    Ok(())
}

/// F82: SIGSTOP for the whole tree, then a planned stop.
#[test]
fn a_stopped_tree_is_let_go_on_to_be_stopped() -> SceneResult<()> {
    let mut stage = stage(User::Ordinary, probe(&[]), &["--stop-timeout", "50s"])?;
    stage.freeze_work()?;
    let told = now();
    stage.team.supervisor.signal(Signal::TERM)?;
    let next = stage.scene.wait_begun()?;
    assert!(
        next.first.since(told) < Duration::from_secs(40),
        "{:?}",
        next.first.since(told)
    );
    stage.judge(2)
}

/// F74, F82: SIGSTOP for the tree, SIGKILL for the supervisor.
#[test]
fn a_stopped_tree_goes_with_its_supervisor() -> SceneResult<()> {
    let stage = stage(User::Ordinary, probe(&[]), &[])?;
    stage.freeze_work()?;
    stage.team.kill(Victim::Supervisor, 0)?;
    stage.judge(2)
}

/// F75, F82: SIGSTOP for the tree, SIGKILL for the guard.
#[test]
fn a_stopped_tree_goes_with_its_guard() -> SceneResult<()> {
    let stage = stage(User::Ordinary, probe(&[]), &[])?;
    stage.freeze_work()?;
    stage.team.kill(Victim::Guard, 0)?;
    stage.judge(2)
}

/// F61, F82: SIGSTOP for the tree and the supervisor.
#[test]
fn a_stopped_tree_is_gone_by_the_deadline() -> SceneResult<()> {
    let stage = stage(
        User::Ordinary,
        probe(&["--ignore-term"]),
        &["--stop-timeout", "200ms"],
    )?;
    let workers = stage.freeze_work()?;
    stage.team.supervisor.freeze()?;
    let frozen = now();
    for worker in workers {
        worker.wait_ended(frozen + LEASE)?;
    }
    stage.team.supervisor.thaw()?;
    stage.judge(2)
}

/// The worst moment: the supervisor dies while its work is being stopped.
///
/// F74: SIGKILL in the middle of a planned stop.
#[test]
fn a_supervisor_killed_while_it_stops_its_work() -> SceneResult<()> {
    let mut stage = stage(
        User::Ordinary,
        probe(&["--ignore-term"]),
        &["--stop-timeout", "3s"],
    )?;
    let told = now();
    stage.team.supervisor.signal(Signal::TERM)?;
    stage.scene.wait("the work to be told", |history| {
        (history.activations()[0].last > told + Duration::from_millis(100)).then_some(())
    })?;
    stage.team.kill(Victim::Supervisor, 0)?;
    stage.judge(2)
}

/// The guard that a standby keeps ready is a process like any other.
#[test]
fn a_standby_whose_ready_guard_was_killed_still_takes_over() -> SceneResult<()> {
    let mut stage = stage(User::Ordinary, probe(&[]), &[])?;
    let standby = if stage.team.node == "a" { "b" } else { "a" };
    let standby = stage.scene.node(standby)?.pid();
    let guards = Process::all()?
        .into_iter()
        .filter(|process| process.parent == standby);
    for guard in guards {
        guard.signal(Signal::KILL)?;
        guard.wait_ended(now() + PATIENCE)?;
    }
    stage.team.kill(Victim::Supervisor, 0)?;
    stage.judge(2)
}

#[test]
fn work_that_ends_badly_is_started_again_in_place_in_the_same_term() -> SceneResult<()> {
    let mut stage = stage(User::Ordinary, probe(&[]), &["--on-failure", "restart"])?;
    let first = stage.scene.history().activations()[0].clone();
    stage.team.kill(Victim::Child, 0)?;
    let second = stage.scene.wait_begun()?;
    assert_eq!(
        (&first.instance, first.term),
        (&second.instance, second.term)
    );
    assert_ne!(first.id, second.id);
    stage.judge(2)
}

/// The classic of lock files: whoever makes it anew would hold a lock that says nothing of the old
/// one. The work takes all its time to stop, so there is time to be wrong in.
///
/// F91: the lock file is removed, five times, while the work takes all its time to stop.
#[test]
fn a_lock_file_removed_by_hand_makes_no_second_copy() -> SceneResult<()> {
    let mut stage = stage(
        User::Ordinary,
        probe(&["--ignore-term"]),
        &["--stop-timeout", "200ms"],
    )?;
    for _ in 0..5 {
        std::fs::remove_file(stage.scene.folder().join("store/scene/lock"))?;
        stage.scene.wait_active()?;
    }
    stage.team = stage.scene.team()?;
    stage.team.kill(Victim::Supervisor, 0)?;
    stage.judge(7)
}

mod in_a_control_group {
    use super::*;

    fn frozen(user: User) -> SceneResult<Option<Stage>> {
        if !Need::Root.go_on() || !Need::Cgroup.go_on() {
            return Ok(None);
        }
        let stage = stage(
            user,
            probe(&["--ignore-term"]),
            &["--contain", "cgroup", "--stop-timeout", "200ms"],
        )?;
        stage.team.work.freeze_group(true)?;
        Ok(Some(stage))
    }

    /// F84: `cgroup.freeze` for the work, SIGSTOP for the supervisor.
    #[test]
    fn a_frozen_group_is_gone_by_the_deadline() -> SceneResult<()> {
        let Some(stage) = frozen(User::Root)? else {
            return Ok(());
        };
        stage.team.supervisor.freeze()?;
        let frozen = now();
        for worker in stage.scene.workers()? {
            worker.wait_ended(frozen + LEASE)?;
        }
        stage.team.supervisor.thaw()?;
        stage.judge(2)
    }

    /// F84: `cgroup.freeze` for the work, SIGKILL for the supervisor.
    #[test]
    fn a_frozen_group_goes_with_its_supervisor() -> SceneResult<()> {
        let Some(stage) = frozen(User::Root)? else {
            return Ok(());
        };
        stage.team.kill(Victim::Supervisor, 0)?;
        stage.judge(2)
    }

    /// F84: `cgroup.freeze` for the work, SIGKILL for the guard.
    #[test]
    fn a_frozen_group_goes_with_its_guard() -> SceneResult<()> {
        let Some(stage) = frozen(User::Root)? else {
            return Ok(());
        };
        stage.team.kill(Victim::Guard, 0)?;
        stage.judge(2)
    }
}
