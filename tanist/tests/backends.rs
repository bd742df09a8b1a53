//! Every compiled backend keeps every law, or says why it cannot.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use tanist::conformance::{self, Fixture, Law, Verdict};
use tanist::{Answer, Backend, LinkSettings, Part, Target};

struct Local {
    dir: tempfile::TempDir,
}

impl Local {
    #[expect(
        clippy::unwrap_used,
        reason = "a fixture that cannot be made has to fail its test"
    )]
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn store(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    #[expect(
        clippy::unwrap_used,
        reason = "a fixture that cannot be made has to fail its test"
    )]
    fn open(&self) -> Box<dyn Backend> {
        let target = Target::parse(&format!("local:{}", self.store().display())).unwrap();
        tanist::open_backend(&target).unwrap()
    }
}

impl Fixture for Local {
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

    fn excuse(&self, law: Law) -> Option<&'static str> {
        match law {
            Law::KeepsPlace => Some("there is no connection to lose: the session is open files"),
            Law::SecretsStay => {
                Some("there are no credentials: the directory's owner is asked for")
            }
            _ => None,
        }
    }

    /// What decides is the lock at its path: here somebody puts another store in its place.
    #[expect(
        clippy::unwrap_used,
        reason = "a fault that does not take effect has to fail its test"
    )]
    fn cut_off(&self) -> Answer<'_, ()> {
        std::fs::rename(self.store(), self.dir.path().join("away")).unwrap();
        drop(self.open());
        Box::pin(async {})
    }

    #[expect(
        clippy::unwrap_used,
        reason = "a fault that does not take effect has to fail its test"
    )]
    fn spoil<'a>(&'a self, election: &'a str, part: Part, bytes: &'a [u8]) -> Answer<'a, ()> {
        let side = self.store().join(".tanist").join(election);
        std::fs::write(side.join(part.word()), bytes).unwrap();
        Box::pin(async {})
    }

    #[expect(
        clippy::unwrap_used,
        reason = "a fixture that cannot be made has to fail its test"
    )]
    fn refused(&self) -> Box<dyn Backend> {
        let backend = self.open();
        let open_to_all = PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(self.store(), open_to_all).unwrap();
        backend
    }
}

fn fixture_of(backend: &str) -> Box<dyn Fixture> {
    match backend {
        "local" => Box::new(Local::new()),
        other => panic!("the backend {other} has no fixture: add one here"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_backend_keeps_every_law() {
    let mut broken = Vec::new();
    for backend in tanist::backends() {
        for law in Law::ALL {
            let begun = std::time::Instant::now();
            let fixture = fixture_of(backend);
            let verdict = conformance::check(law, &*fixture).await;
            println!("{backend} {law}: {verdict:?} in {:?}", begun.elapsed());
            if let Verdict::Broken(breach) = verdict {
                broken.push(format!("{backend} breaks {breach}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
