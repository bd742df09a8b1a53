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

fn a_claim_past_the_lease_starts_nothing(late: Late) -> SceneResult<()> {
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
    let let_go = now();
    disk.let_go()?;

    let next = scene.wait_active()?;
    assert!(next.first > let_go);
    // By the lease of the late claim it would have ended at once.
    scene.wait("the work to go on for a lease", |history| {
        let last = history.activations().last()?.last;
        (last > let_go + LEASE).then_some(())
    })?;
    let leads = record(&scene)?;
    assert_eq!(
        (leads.node.as_str(), leads.term.number()),
        ("b", next.term.unwrap_or_default()),
        "who claimed late leads all the same"
    );

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

#[test]
fn when_the_record_is_written_late() -> SceneResult<()> {
    a_claim_past_the_lease_starts_nothing(Late::Before)
}

#[test]
fn when_only_the_answer_is_late() -> SceneResult<()> {
    a_claim_past_the_lease_starts_nothing(Late::After)
}
