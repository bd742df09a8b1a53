//! A hook is held to the same as the work: nothing of it lives when the next leader's work begins.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use rustix::process::Signal;
use tanist_testkit::{
    Expect, History, Keeper, PATIENCE, Process, Programs, Scene, SceneResult, Tail, User, Work, now,
};

const LEASE: Duration = Duration::from_secs(2);

/// Two nodes whose hook is a stubborn probe with a whole tree, beside the work's own.
struct Stage {
    scene: Scene,
    hooks: Tail,
    history: History,
}

impl Stage {
    fn new(event: &str) -> SceneResult<Self> {
        let programs = Programs::find(env!("CARGO_BIN_EXE_tanist-probe"))?;
        let flags = [
            "--lease",
            "2s",
            "--hook-timeout",
            "10m",
            "--stop-timeout",
            "8s",
        ];
        let work = Work::Probe(vec![]);
        let mut scene = Scene::new(&programs, User::Ordinary, work, Keeper::tanist(&flags))?;
        let folder = scene.folder().to_owned();
        let log = folder.join("hooks");
        let probe = folder.join("tanist-probe");
        let hook = format!(
            "{event}=sh -c 'exec \"$0\" --log \"$1\" --ignore-term' {} {}",
            probe.display(),
            log.display()
        );
        for node in ["a", "b"] {
            scene.start_with(node, &[("TANIST_HOOK", OsString::from(&hook))])?;
        }
        let hooks = Tail::open(&log)?;
        // Whoever runs the hook writes there.
        fs::set_permissions(&log, PermissionsExt::from_mode(0o666))?;
        Ok(Self {
            scene,
            hooks,
            history: History::default(),
        })
    }

    /// Waits until the whole tree of the first hook has written.
    fn wait_hook(&mut self) -> SceneResult<()> {
        let (history, roles) = (&mut self.history, self.scene.roles());
        let until = now() + PATIENCE;
        let waited = self.hooks.wait_for("the hook's tree", until, |new| {
            history.extend(new);
            let all = history.activations();
            let first = all.first()?;
            roles.iter().all(|role| first.has(*role)).then_some(())
        });
        Ok(waited?)
    }

    fn supervisor(&mut self, node: &str) -> SceneResult<Process> {
        let pid = self.scene.node(node)?.pid();
        Ok(Process::open(pid).ok_or("it has ended")?)
    }

    /// The node that leads now.
    fn leader(&self) -> SceneResult<String> {
        Ok(self.scene.team()?.node)
    }

    /// Hooks and works of different terms never overlap, nor do the works.
    fn judge(mut self) -> SceneResult<()> {
        self.scene.wait_active()?;
        let expect = Expect {
            activations: 2..=2,
            roles: self.scene.roles(),
            ..Expect::default()
        };
        let verdict = self.scene.finish(expect)?;
        assert!(verdict.holds(), "{verdict}");
        self.history = History::default();
        let log = fs::read_to_string(self.scene.folder().join("hooks"))?;
        self.history.extend(&log);
        let hooks = self.history.activations();
        assert!(!hooks.is_empty());
        for work in self.scene.history().activations() {
            for hook in &hooks {
                let (of_hook, of_work) = (hook.term, work.term);
                let apart = match of_hook.cmp(&of_work) {
                    std::cmp::Ordering::Less => hook.last < work.first,
                    std::cmp::Ordering::Greater => work.last < hook.first,
                    std::cmp::Ordering::Equal => true,
                };
                assert!(apart, "{} and {} overlap", hook.id, work.id);
            }
        }
        Ok(())
    }
}

#[test]
fn a_killed_leader_s_hook_is_gone_before_the_next_work_begins() -> SceneResult<()> {
    let mut stage = Stage::new("after-promote")?;
    stage.scene.wait_active()?;
    stage.wait_hook()?;
    let leader = stage.leader()?;
    stage.supervisor(&leader)?.signal(Signal::KILL)?;
    stage.judge()
}

#[test]
fn a_stopped_leader_s_hook_is_gone_before_the_next_work_begins() -> SceneResult<()> {
    let mut stage = Stage::new("after-promote")?;
    stage.scene.wait_active()?;
    stage.wait_hook()?;
    let leader = stage.leader()?;
    stage.supervisor(&leader)?.signal(Signal::TERM)?;
    stage.judge()
}

#[test]
fn a_hook_before_the_stop_is_gone_before_the_next_work_begins() -> SceneResult<()> {
    let mut stage = Stage::new("before-demote")?;
    stage.scene.wait_active()?;
    let leader = stage.leader()?;
    let supervisor = stage.supervisor(&leader)?;
    supervisor.signal(Signal::TERM)?;
    stage.wait_hook()?;
    supervisor.signal(Signal::KILL)?;
    stage.judge()
}

#[test]
fn a_frozen_supervisor_s_hook_is_gone_by_the_deadline() -> SceneResult<()> {
    let mut stage = Stage::new("after-promote")?;
    stage.scene.wait_active()?;
    stage.wait_hook()?;
    let leader = stage.leader()?;
    let supervisor = stage.supervisor(&leader)?;
    supervisor.freeze()?;
    let frozen = now();
    for worker in stage.scene.workers()? {
        worker.wait_ended(frozen + LEASE)?;
    }
    supervisor.thaw()?;
    stage.judge()
}

/// Nothing of the child runs yet, so its guard has nothing to kill, and could release at once.
#[test]
fn a_leader_killed_before_its_work_began_leaves_no_hook() -> SceneResult<()> {
    let mut stage = Stage::new("before-promote")?;
    stage.wait_hook()?;
    let first = stage.history.activations()[0].term;
    // Who leads has a guard for the hook beside the one for the work.
    let pids = [stage.scene.node("a")?.pid(), stage.scene.node("b")?.pid()];
    let all = Process::all()?;
    let guards = |pid: u32| all.iter().filter(|it| it.parent == pid).count();
    let leader = if guards(pids[0]) > guards(pids[1]) {
        "a"
    } else {
        "b"
    };
    stage.supervisor(leader)?.signal(Signal::KILL)?;
    // The next one's hook begins, and never lets its work begin either.
    let roles = stage.scene.roles();
    let (history, until) = (&mut stage.history, now() + PATIENCE);
    let apart = stage.hooks.wait_for("the next hook", until, |new| {
        history.extend(new);
        let all = history.activations();
        let second = all.iter().find(|hook| hook.term > first)?;
        roles
            .iter()
            .all(|role| second.has(*role))
            .then(|| all[0].last < second.first)
    })?;
    assert!(apart);
    assert!(stage.scene.history().activations().is_empty());
    Ok(())
}
