//! One machine, two nodes, and the kernel gives them no more of something.

use std::process::{Child, Command};

use tanist_testkit::{
    Expect, Keeper, Need, PATIENCE, Process, Programs, Quota, Resource, Scene, SceneResult, Tail,
    User, Victim, Work, now,
};

/// One of them is active; both have all they keep ready.
fn two_nodes(flags: &[&'static str]) -> SceneResult<Scene> {
    let programs = Programs::find(env!("CARGO_BIN_EXE_tanist-probe"))?;
    let keeper = Keeper::tanist(&["--lease", "2s", "--contain", "sweep"]);
    let work = Work::Probe(flags.to_vec());
    let mut scene = Scene::new(&programs, User::Ordinary, work, keeper)?;
    scene.start("a")?;
    scene.wait_active()?;
    scene.start("b")?;
    let mut log = Tail::open(scene.node("b")?.log())?;
    log.wait_for("b to stand", now() + PATIENCE, |new| {
        new.contains(r#""event":"standby""#).then_some(())
    })?;
    Ok(scene)
}

fn of(scene: &Scene) -> SceneResult<Vec<Process>> {
    let mut all = Process::all()?;
    all.retain(|process| process.pid != std::process::id() && process.belongs_to(scene.folder()));
    Ok(all)
}

/// Waits until the standby has all it starts beforehand: the launcher of its guard is the last of
/// the processes, and its own threads are those that stay for good.
fn wait_ready(scene: &mut Scene) -> SceneResult<()> {
    let tasks = format!("/proc/{}/task", scene.node("b")?.pid());
    let until = now() + PATIENCE;
    loop {
        let launches = |process: &Process| process.command.iter().any(|word| word == "__launch");
        let threads = std::fs::read_dir(&tasks)?
            .map_while(Result::ok)
            .map_while(|task| std::fs::read_to_string(task.path().join("comm")).ok());
        let hands = threads.filter(|name| name.trim() == "hand").count();
        if hands == 3 && of(scene)?.iter().any(launches) {
            return Ok(());
        }
        if now() > until {
            return Err(format!("b is not ready: {hands} hands").into());
        }
        std::thread::yield_now();
    }
}

/// F99: no further process or thread for anybody, the guards included, by `pids.max`.
#[test]
fn with_no_process_to_be_had_a_standby_takes_over_and_ends() -> SceneResult<()> {
    if !Need::Pids.go_on() {
        return Ok(());
    }
    let mut scene = two_nodes(&["--alone"])?;
    wait_ready(&mut scene)?;
    let quota = Quota::new(Resource::Pids)?;
    for process in of(&scene)? {
        quota.hold(&process)?;
    }
    quota.exhaust()?;
    scene.team()?.kill(Victim::Supervisor, 0)?;
    scene.wait_active()?;
    let expect = Expect {
        activations: 2..=2,
        roles: scene.roles(),
        ..Expect::default()
    };
    let verdict = scene.finish(expect)?;
    assert!(verdict.holds(), "{verdict}");
    Ok(())
}

/// Takes all the time it gets.
struct Busy(Child);

impl Busy {
    fn start() -> SceneResult<Self> {
        let mut shell = Command::new("sh");
        Ok(Self(shell.args(["-c", "while :; do :; done"]).spawn()?))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// F61: the supervisor alone gets no time of a processor, by a quota that others use up.
#[test]
fn a_supervisor_without_a_processor_has_no_work_for_long() -> SceneResult<()> {
    if !Need::Cpu.go_on() {
        return Ok(());
    }
    let mut scene = two_nodes(&[])?;
    let team = scene.team()?;
    let busy: Vec<Busy> = std::iter::repeat_with(Busy::start)
        .take(8)
        .collect::<Result<_, _>>()?;
    // After them, so that it is gone before they have to end.
    let quota = Quota::new(Resource::Cpu)?;
    for process in &busy {
        quota.hold(&Process::open(process.0.id()).ok_or("it ended")?)?;
    }
    quota.exhaust()?;
    quota.hold(&team.supervisor)?;
    for worker in scene.workers()? {
        // No formula: whether a last renewal still comes through is the scheduler's choice.
        worker.wait_ended(now() + PATIENCE)?;
    }
    assert!(!team.supervisor.has_ended(), "it is its guard that acts");
    // The supervisor has the lock, so the next one begins when it can give it back.
    assert_eq!(scene.history().activations().len(), 1);
    drop(quota);
    drop(busy);
    scene.wait_active()?;
    let expect = Expect {
        activations: 2..=2,
        roles: scene.roles(),
        ..Expect::default()
    };
    let verdict = scene.finish(expect)?;
    assert!(verdict.holds(), "{verdict}");
    Ok(())
}
