//! A claim whose answer takes longer than the lease that it would give: no work starts under it, and
//! the election goes on.

use std::fs;
use std::time::Duration;

use rustix::process::Signal;
use tanist::core::{Record, RecordState};
use tanist_testkit::{
    Expect, Keeper, Late, LateRecord, Programs, Scene, SceneResult, User, Victim, Work, now,
};

const LEASE: Duration = Duration::from_secs(2);

fn record(scene: &Scene) -> SceneResult<Record> {
    let path = scene.folder().join("store/.tanist/scene/record");
    Ok(serde_json::from_str(&fs::read_to_string(path)?)?)
}

/// The terms in which a node started its work, by its own log: what is killed at once writes nothing
/// else.
fn started(scene: &mut Scene, node: &str) -> SceneResult<Vec<u64>> {
    let mut terms = Vec::new();
    for line in fs::read_to_string(scene.node(node)?.log())?.lines() {
        let line: serde_json::Value = serde_json::from_str(line)?;
        if line["event"] == "started" {
            terms.push(line["term"].as_u64().ok_or("no term")?);
        }
    }
    Ok(terms)
}

struct Stage {
    scene: Scene,
    disk: LateRecord,
    /// The record as it stands while the disk is late.
    claimed: Record,
}

impl Stage {
    /// A third node takes over, and the history holds.
    fn judge(mut self) -> SceneResult<()> {
        let scene = &mut self.scene;
        scene.start("c")?;
        scene.team()?.kill(Victim::Supervisor, 0)?;
        scene.wait_active()?;
        let roles = scene.roles();
        let verdict = scene.finish(Expect {
            activations: 3..=3,
            roles,
            ..Expect::default()
        })?;
        assert!(verdict.holds(), "{verdict}");
        Ok(())
    }
}

/// A node that has claimed, or is about to, and waits for its disk until its lease is over.
fn held_past_the_lease(late: Late) -> SceneResult<Stage> {
    let programs = Programs::find(env!("CARGO_BIN_EXE_tanist-probe"))?;
    let keeper = Keeper::tanist(&["--lease", "2s"]);
    let user = User::Ordinary;
    let mut scene = Scene::new(&programs, user, Work::Probe(vec![]), keeper)?;
    scene.start("a")?;
    scene.wait_active()?;
    scene.team()?.supervisor.signal(Signal::TERM)?;
    scene.node("a")?.wait()?;
    let before = record(&scene)?;
    assert_eq!(before.state, RecordState::Resigned);

    let mut disk = LateRecord::new(scene.folder(), user, late)?;
    scene.start_with("b", &disk.environment())?;
    disk.wait_held()?;
    let held = now();
    // The fault took effect where it was meant to: one has claimed, or is about to.
    let claimed = record(&scene)?;
    match late {
        Late::Before => assert_eq!(claimed, before),
        Late::After => {
            assert_eq!((claimed.state, &*claimed.node), (RecordState::Leading, "b"));
            assert!(claimed.term > before.term);
        }
    }
    scene.wait_idle(held + LEASE)?;
    assert_eq!(record(&scene)?, claimed, "nobody else could write");
    Ok(Stage {
        scene,
        disk,
        claimed,
    })
}

/// Lets it go on: it begins under another commit than the claim.
fn goes_on(late: Late) -> SceneResult<()> {
    let mut stage = held_past_the_lease(late)?;
    let let_go = now();
    stage.disk.let_go()?;

    let next = stage.scene.wait_active()?;
    assert!(next.first > let_go);
    // By the lease of the late claim it would have ended at once.
    stage
        .scene
        .wait("the work to go on for a lease", |history| {
            let last = history.activations().last()?.last;
            (last > let_go + LEASE).then_some(())
        })?;
    let leads = record(&stage.scene)?;
    assert_eq!(
        (leads.node.as_str(), leads.term.number()),
        ("b", next.term.unwrap_or_default()),
        "who claimed late leads all the same"
    );
    let started = started(&mut stage.scene, "b")?;
    assert_eq!(started, [leads.term.number()], "nothing else was started");
    stage.judge()
}

/// F86: the claim takes effect after the lease.
#[test]
fn when_the_record_is_written_late() -> SceneResult<()> {
    goes_on(Late::Before)
}

/// F86: the answer to the claim comes after the lease.
#[test]
fn when_only_the_answer_is_late() -> SceneResult<()> {
    goes_on(Late::After)
}

/// What proves that the answer alone starts nothing: the commit that has to follow it is refused,
/// because the lock that was claimed is not in its place any more.
///
/// F86, F91: the same, with the lock file removed meanwhile.
#[test]
fn when_the_answer_is_late_and_the_lock_is_gone() -> SceneResult<()> {
    let mut stage = held_past_the_lease(Late::After)?;
    fs::remove_file(stage.scene.folder().join("store/scene/lock"))?;
    stage.disk.let_go()?;
    let next = stage.scene.wait_active()?;
    let term = next.term.unwrap_or_default();
    let claimed = stage.claimed.term.number();
    assert!(term > claimed, "term {term}");
    let started = started(&mut stage.scene, "b")?;
    assert_eq!(started, [term], "term {claimed} was never confirmed");
    stage.judge()
}
