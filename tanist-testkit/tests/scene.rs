//! A scene fails who deserves it: a keeper that forgets its work is found out, by the same rounds
//! that others pass.

use std::time::Duration;

use tanist_testkit::{
    Expect, Finding, Keeper, Programs, Scene, SceneResult, User, Verdict, Victim, Work, now,
};

/// Kills the active keeper, which is nobody's guard, and lets both works write for a while.
fn keeper_killed(keeper: Keeper) -> SceneResult<(Verdict, usize)> {
    let probe = env!("CARGO_BIN_EXE_tanist-probe");
    // No tanist here, so nothing has to be built for it: any program does in its place.
    let programs = Programs {
        tanist: probe.into(),
        probe: probe.into(),
    };
    let work = Work::Probe(vec!["--no-escapee", "--life", "30s"]);
    let mut scene = Scene::new(&programs, User::Ordinary, work, keeper.clone())?;
    scene.start("a")?;
    scene.wait("the first to be active", |history| {
        history.activations().first().map(drop)
    })?;
    scene.start("b")?;
    let team = scene.team()?;
    team.kill(Victim::Supervisor, 0)?;
    scene.node(&team.node)?.wait()?;
    let killed = now();
    if keeper == Keeper::FlockClosed {
        scene.wait("the second to be active", |history| {
            history.activations().get(1).map(drop)
        })?;
    }
    scene.wait("the first to go on", |history| {
        let first = history.activations()[0].last;
        (first > killed + Duration::from_millis(200)).then_some(())
    })?;
    let active = scene.history().activations().len();
    let verdict = scene.finish(Expect {
        terms: false,
        ..Expect::default()
    })?;
    Ok((verdict, active))
}

#[test]
fn a_keeper_that_forgets_its_work_is_found_out() -> SceneResult<()> {
    let (verdict, _) = keeper_killed(Keeper::FlockClosed)?;
    // The second cannot bind the port the first still serves, and ends: an overlap all the same.
    let overlap = verdict
        .findings
        .iter()
        .any(|one| matches!(one, Finding::Overlap { .. }));
    assert!(overlap, "{verdict}");
    Ok(())
}

/// The rule that a descriptor kept by the work keeps others out, without a tanist.
#[test]
fn a_lock_that_the_work_has_keeps_others_out() -> SceneResult<()> {
    let (verdict, active) = keeper_killed(Keeper::Flock)?;
    assert_eq!(active, 1, "{verdict}");
    assert!(verdict.overlap().is_zero(), "{verdict}");
    Ok(())
}
