//! The laws through a backend that is only unlucky, and through backends that are wrong; and whole
//! sessions over stores that lose answers.
#![expect(
    clippy::unwrap_used,
    reason = "a fault that cannot be staged has to fail its test"
)]

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tanist::conformance::{self, Fixture, Law, Verdict};
use tanist::{
    Answer, Backend, CampaignSettings, LinkSettings, Part, Session, SessionSettings, Target, Timing,
};
use tanist_testkit::{FaultControl, Faults, FaultyBackend, Lie};

const SECRET: &str = "correct horse battery staple";

/// The local store behind a wrapper.
struct Wrapped {
    dir: tempfile::TempDir,
    faults: Faults,
    control: FaultControl,
}

impl Wrapped {
    fn new(faults: Faults) -> Self {
        let faults = Faults {
            secret: SECRET.to_owned(),
            ..faults
        };
        Self {
            dir: tempfile::tempdir().unwrap(),
            faults,
            control: FaultControl::default(),
        }
    }

    fn lying(lie: Lie) -> Self {
        Self::new(Faults {
            lies: BTreeSet::from([lie]),
            ..Faults::default()
        })
    }

    fn store(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    fn open(&self) -> Box<dyn Backend> {
        let target = Target::parse(&format!("local:{}", self.store().display())).unwrap();
        let local = tanist::open_backend(&target).unwrap();
        Box::new(FaultyBackend::new(
            local,
            self.faults.clone(),
            self.control.clone(),
        ))
    }
}

impl Fixture for Wrapped {
    fn backend(&self) -> Box<dyn Backend> {
        self.open()
    }

    fn settings(&self) -> LinkSettings {
        let ttl = Duration::from_millis(600);
        LinkSettings {
            ttl,
            request_timeout: Duration::from_millis(200),
        }
    }

    fn cut_off(&self) -> Answer<'_, ()> {
        std::fs::rename(self.store(), self.dir.path().join("away")).unwrap();
        drop(self.open());
        Box::pin(async {})
    }

    fn reconnect(&self) -> Answer<'_, ()> {
        self.control.reconnect();
        Box::pin(async {})
    }

    fn spoil<'a>(&'a self, election: &'a str, part: Part, bytes: &'a [u8]) -> Answer<'a, ()> {
        let side = self.store().join(".tanist").join(election);
        std::fs::write(side.join(part.word()), bytes).unwrap();
        Box::pin(async {})
    }

    fn refused(&self) -> Box<dyn Backend> {
        let backend = self.open();
        std::fs::set_permissions(self.store(), PermissionsExt::from_mode(0o777)).unwrap();
        backend
    }

    fn secret(&self) -> String {
        SECRET.to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_answers_break_no_law() {
    for law in Law::ALL {
        let delay = Duration::from_millis(30);
        let fixture = Wrapped::new(Faults {
            seed: 7,
            delay,
            ..Faults::default()
        });
        let verdict = conformance::check(law, &fixture).await;
        assert_eq!(verdict, Verdict::Kept, "{law}");
        let delayed = fixture
            .control
            .effects()
            .get("delay")
            .copied()
            .unwrap_or_default();
        let without_views = matches!(
            law,
            Law::RefusalIsFinal | Law::DirectiveCompares | Law::RepairKeeps
        );
        assert!(without_views || delayed > 0, "nothing was late in {law}");
    }
}

/// Each law, and the mistake that only it is there to find.
const MISTAKES: [(Law, Lie); 18] = [
    (Law::OneLeader, Lie::ClaimsWin),
    (Law::TermsRise, Lie::ClaimsOverAnything),
    (Law::GuardsHold, Lie::NothingIsRefused),
    (Law::EchoesAsking, Lie::AnswersAreRestamped),
    (Law::RenewalIsProof, Lie::RenewalsAreAnsweredHere),
    (Law::VictoryIsFresh, Lie::LapsedMayWin),
    (Law::ViewsAreFresh, Lie::ViewsOnlyWhenAsked),
    (Law::OustedIsSeen, Lie::ViewsAreFrozen),
    (Law::EndFrees, Lie::Outlives),
    (Law::WithdrawFrees, Lie::WithdrawalsAreSwallowed),
    (Law::WithdrawFrees, Lie::NothingIsRefused),
    (Law::ReleaseFrees, Lie::AmendmentsAreSwallowed),
    (Law::KeepsPlace, Lie::ReconnectionsStandAnew),
    (Law::CancelLeavesNothing, Lie::Outlives),
    (Law::DirectiveCompares, Lie::DirectivesOverAnything),
    (Law::RepairKeeps, Lie::RepairsOverAnything),
    (Law::RefusalIsFinal, Lie::RefusalsAreRetried),
    (Law::SecretsStay, Lie::SecretsAreTold),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_law_names_the_backend_that_breaks_it() {
    let mut found = BTreeSet::new();
    let checks = MISTAKES.map(|(law, lie)| {
        // At the same time, because most of them have to wait for something that never comes.
        tokio::spawn(async move {
            let fixture = Wrapped::lying(lie);
            (law, lie, conformance::check(law, &fixture).await)
        })
    });
    for check in checks {
        let (law, lie, verdict) = check.await.unwrap();
        match verdict {
            Verdict::Broken(breach) => {
                println!("{lie:?}: {breach}");
                assert_eq!(breach.law, law);
                assert!(!breach.to_string().contains(SECRET));
                found.insert(law);
            }
            other => panic!("{law} did not find {lie:?}: {other:?}"),
        }
    }
    assert_eq!(
        found,
        BTreeSet::from(Law::ALL),
        "each law has to find something"
    );
}

/// What the nodes of one run did, as seen from where they work.
#[derive(Default)]
struct Works {
    at_work: AtomicUsize,
    terms: Mutex<Vec<u64>>,
}

async fn take_turns(fixture: &Wrapped, node: usize, works: &Works, turns: usize) {
    let timing = Timing::from_lease(Duration::from_millis(1600)).unwrap();
    let settings = SessionSettings::for_timing(&timing);
    let session = Session::with_backend(fixture.open(), settings).unwrap();
    let mut campaign = CampaignSettings::new("jobs", format!("node-{node}")).unwrap();
    campaign.timing = timing;
    let campaign = session.campaign(campaign).await.unwrap();
    while works.terms.lock().unwrap().len() < turns {
        let elected = tokio::time::timeout(Duration::from_millis(500), campaign.elected()).await;
        let Ok(lead) = elected else {
            continue;
        };
        let lead = lead.unwrap();
        assert_eq!(
            works.at_work.fetch_add(1, Ordering::SeqCst),
            0,
            "two at work at once"
        );
        works.terms.lock().unwrap().push(lead.term().number());
        campaign.resign();
        let ending = lead.ending().await;
        assert!(
            ending.safe_until > tanist::clock::now().at,
            "told to end when it was too late"
        );
        assert_eq!(works.at_work.fetch_sub(1, Ordering::SeqCst), 1);
        lead.stopped();
    }
    session.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_over_a_store_that_loses_answers_never_work_at_once() {
    const TURNS: usize = 12;
    let mut effects = BTreeSet::new();
    for seed in [1, 2, 3] {
        let fixture = Wrapped::new(Faults {
            seed,
            delay: Duration::from_millis(20),
            lost_answers: 100,
            lost_requests: 80,
            unknown: 80,
            ..Faults::default()
        });
        let works = Works::default();
        let nodes = async {
            tokio::join!(
                take_turns(&fixture, 1, &works, TURNS),
                take_turns(&fixture, 2, &works, TURNS),
                take_turns(&fixture, 3, &works, TURNS),
            )
        };
        let shaken = async {
            loop {
                tokio::time::sleep(Duration::from_millis(300)).await;
                fixture.control.reconnect();
            }
        };
        tokio::select! {
            done = tokio::time::timeout(Duration::from_secs(120), nodes) => done.expect("liveness"),
            () = shaken => unreachable!("it goes on for ever"),
        };
        let terms = works.terms.lock().unwrap();
        assert!(terms.is_sorted_by(|a, b| a < b), "seed {seed}: {terms:?}");
        effects.extend(fixture.control.effects().into_keys());
    }
    let all = [
        "delay",
        "lost answer",
        "lost request",
        "reconnection",
        "unknown outcome",
    ];
    assert_eq!(
        effects,
        BTreeSet::from(all),
        "a fault that never happened was not tested"
    );
}
