//! One machine, two nodes, real services: whatever is killed, at most one copy is active, terms
//! rise, and somebody takes over.
//!
//! Twenty rounds for each victim, each service and each kind of user. A client connects all the
//! time, every tree has a descendant that left by setsid and double fork, and the checker judges
//! what the processes of the trees wrote themselves.

use tanist_testkit::{
    Client, Expect, Keeper, Need, Programs, Scene, SceneResult, User, Verdict, Victim, Work, now,
};

const ROUNDS: usize = 20;

/// No cooldown to speak of, and no parking: here children fail again and again on purpose.
const POLICY: [&str; 6] = [
    "--lease",
    "4s",
    "--cooldown",
    "20ms",
    "--max-failovers",
    "100000/10m",
];

struct Case {
    user: User,
    work: Work,
    contain: &'static str,
}

impl Case {
    fn can_run(&self) -> bool {
        let needs = [
            (self.user == User::Root).then_some(Need::Root),
            (self.user == User::Ordinary && self.contain == "pidns")
                .then_some(Need::UserNamespaces),
            (self.work == Work::Redis).then_some(Need::Redis),
            (self.work == Work::HttpServer).then_some(Need::Python),
        ];
        needs.into_iter().flatten().all(Need::go_on)
    }

    fn scene(&self) -> SceneResult<Scene> {
        let programs = Programs::find(env!("CARGO_BIN_EXE_tanist-probe"))?;
        let flags: Vec<_> = POLICY
            .into_iter()
            .chain(["--contain", self.contain])
            .collect();
        let mut scene = Scene::new(
            &programs,
            self.user,
            self.work.clone(),
            Keeper::tanist(&flags),
        )?;
        scene.start("a")?;
        scene.start("b")?;
        Ok(scene)
    }

    /// Kills `victim` again and again; each time the service has to come back.
    fn rounds(&self, victim: Victim) -> SceneResult<()> {
        if !self.can_run() {
            return Ok(());
        }
        let mut scene = self.scene()?;
        let client = scene.client();
        for round in 0..ROUNDS {
            serving(&mut scene, &client)?;
            let team = scene.team()?;
            team.kill(victim, round)?;
            if victim.takes_supervisor() {
                scene.node(&team.node)?.wait()?;
                scene.start(&team.node)?;
            }
        }
        serving(&mut scene, &client)?;
        self.judge(&mut scene, &client)
    }

    /// Without a PID namespace a descendant that escaped survives the death of all three. It has
    /// the lock's descriptor, so nobody succeeds until an operator has killed it.
    fn rounds_with_survivors(&self) -> SceneResult<()> {
        if !self.can_run() {
            return Ok(());
        }
        let mut scene = self.scene()?;
        let client = scene.client();
        for round in 0..ROUNDS {
            serving(&mut scene, &client)?;
            let team = scene.team()?;
            let before = scene.history().activations().len();
            team.kill(Victim::All, round)?;
            scene.node(&team.node)?.wait()?;
            let killed = now();
            scene.start(&team.node)?;
            scene.wait("survivors to go on", |history| {
                let newest = history.activations().last().map(|newest| newest.last)?;
                (newest.since(killed).as_millis() >= 100).then_some(())
            })?;
            assert_eq!(scene.history().activations().len(), before, "round {round}");
            for survivor in scene.workers()? {
                survivor.signal(rustix::process::Signal::KILL)?;
            }
        }
        serving(&mut scene, &client)?;
        self.judge(&mut scene, &client)
    }

    fn judge(&self, scene: &mut Scene, client: &Client) -> SceneResult<()> {
        let expect = Expect {
            activations: ROUNDS + 1..=ROUNDS + 1,
            roles: scene.roles(),
            ..Expect::default()
        };
        let verdict = scene.finish(expect)?;
        assert!(verdict.holds(), "{verdict}");
        one_service_after_the_other(client, &verdict);
        Ok(())
    }
}

/// Waits until a new activation has its whole tree and its service answers.
fn serving(scene: &mut Scene, client: &Client) -> SceneResult<()> {
    let active = scene.wait_active()?;
    client.wait_answer(active.first, now() + tanist_testkit::PATIENCE)?;
    Ok(())
}

/// The client saw each service once, and none came back after another had answered.
fn one_service_after_the_other(client: &Client, verdict: &Verdict) {
    let services = client.services();
    for (index, service) in services.iter().enumerate() {
        let again = services[..index]
            .iter()
            .any(|earlier| earlier.identity == service.identity);
        assert!(!again, "{} answered again: {services:#?}", service.identity);
    }
    assert_eq!(
        services.len(),
        verdict.activations.len(),
        "{services:#?}\n{verdict}"
    );
}

macro_rules! cases {
    ($($name:ident: $user:expr, $work:expr;)*) => {$(
        mod $name {
            use super::*;

            fn case() -> Case {
                Case { user: $user, work: $work, contain: "auto" }
            }

            /// F69, F74, F92: SIGKILL for the supervisor of a tree with an escaped descendant.
            #[test]
            fn supervisor_killed() -> SceneResult<()> {
                case().rounds(Victim::Supervisor)
            }

            /// F69, F75: SIGKILL for the guard of a tree with an escaped descendant.
            #[test]
            fn guard_killed() -> SceneResult<()> {
                case().rounds(Victim::Guard)
            }

            /// F79: SIGKILL for the child.
            #[test]
            fn child_killed() -> SceneResult<()> {
                case().rounds(Victim::Child)
            }

            /// F76: the same, in a PID namespace.
            #[test]
            fn all_killed_in_a_pid_namespace() -> SceneResult<()> {
                Case { contain: "pidns", ..case() }.rounds(Victim::All)
            }

            /// F76, F92: the same, with a descendant that escaped.
            #[test]
            fn all_killed_and_an_escaped_descendant_survives() -> SceneResult<()> {
                case().rounds_with_survivors()
            }
        }
    )*};
}

cases! {
    probe_as_root: User::Root, Work::Probe(Vec::new());
    probe_as_user: User::Ordinary, Work::Probe(Vec::new());
    redis_as_root: User::Root, Work::Redis;
    redis_as_user: User::Ordinary, Work::Redis;
    http_server_as_root: User::Root, Work::HttpServer;
    http_server_as_user: User::Ordinary, Work::HttpServer;
}

/// Where nothing escapes, the parent-death signal is enough: the lock is free at once.
///
/// F76: SIGKILL for supervisor, guard and child at once.
#[test]
fn all_killed_and_nothing_escaped() -> SceneResult<()> {
    Case {
        user: User::Ordinary,
        work: Work::Probe(vec!["--alone"]),
        contain: "sweep",
    }
    .rounds(Victim::All)
}

/// The other means of containment, for each of the other victims.
///
/// F69, F70: without a control group.
#[test]
fn contained_by_sweeping() -> SceneResult<()> {
    let case = || Case {
        user: User::Ordinary,
        work: Work::Probe(Vec::new()),
        contain: "sweep",
    };
    [
        Victim::Supervisor,
        Victim::Guard,
        Victim::Child,
        Victim::Both,
    ]
    .into_iter()
    .try_for_each(|victim| case().rounds(victim))
}
