//! One machine, two hundred nodes. A target of its own, because it leaves its neighbours no
//! processor: `cargo test` runs one target after the other, and nextest is told.

use rustix::process::Signal;
use tanist_testkit::{
    Expect, Keeper, PATIENCE, Process, Programs, Scene, SceneResult, Tail, User, Victim, Work, now,
};

/// How many there are.
const NODES: usize = 200;

/// The nodes that log this first of the two: who leads and who stands.
fn split(scene: &mut Scene, names: &[String]) -> SceneResult<(Vec<String>, Vec<String>)> {
    let (mut leading, mut standing) = (Vec::new(), Vec::new());
    for name in names {
        let mut log = Tail::open(scene.node(name)?.log())?;
        let leads = log.wait_for(&format!("{name} to stand"), now() + PATIENCE, |new| {
            let has = |event: &str| new.contains(&format!(r#""event":"{event}""#));
            (has("started") || has("standby")).then(|| has("started"))
        })?;
        if leads {
            leading.push(name.clone());
        } else {
            standing.push(name.clone());
        }
    }
    Ok((leading, standing))
}

/// F91, F92: two hundred nodes of one election, started without waiting for each other, with all
/// their guards. One leads, all others stand, and when the leader is killed one of them follows.
#[test]
fn two_hundred_nodes_that_start_together_are_one_leader_and_a_line() -> SceneResult<()> {
    let programs = Programs::find(env!("CARGO_BIN_EXE_tanist-probe"))?;
    let keeper = Keeper::tanist(&["--lease", "20s"]);
    let work = Work::Probe(vec!["--alone"]);
    let mut scene = Scene::new(&programs, User::Ordinary, work, keeper)?;
    let mut names: Vec<String> = (0..NODES).map(|number| format!("node-{number}")).collect();
    for name in &names {
        scene.start(name)?;
    }
    scene.wait_active()?;
    let (leading, standing) = split(&mut scene, &names)?;
    assert_eq!(
        (leading.len(), standing.len()),
        (1, NODES - 1),
        "{leading:?}"
    );

    let first = scene.team()?;
    assert_eq!(first.node, leading[0]);
    first.kill(Victim::Supervisor, 0)?;
    scene.wait_active()?;
    let second = scene.team()?.node;
    assert!(standing.contains(&second), "{second}");

    // All at once, but for the leader: otherwise ever another would lead.
    names.retain(|name| *name != first.node && *name != second);
    names.push(second);
    let (leader, standbys) = names.split_last().ok_or("nobody")?;
    for name in standbys {
        let node = Process::open(scene.node(name)?.pid()).ok_or("a standby ended")?;
        node.signal(Signal::TERM)?;
    }
    for name in standbys {
        assert_eq!(scene.node(name)?.wait()?.code(), Some(0), "{name}");
    }
    let node = Process::open(scene.node(leader)?.pid()).ok_or("the leader ended")?;
    node.signal(Signal::TERM)?;
    assert_eq!(scene.node(leader)?.wait()?.code(), Some(0), "{leader}");
    let expect = Expect {
        activations: 2..=2,
        roles: scene.roles(),
        ..Expect::default()
    };
    let verdict = scene.finish(expect)?;
    assert!(verdict.holds(), "{verdict}");
    Ok(())
}
