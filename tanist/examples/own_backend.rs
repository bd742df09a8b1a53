//! A backend that is not built in goes straight into a session. This one counts what passes through
//! to the local store: `cargo run --example own_backend -- STORE`.
#![expect(clippy::print_stdout, reason = "this is what the example has to say")]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tanist::core::Outcome;
use tanist::{
    Amendment, Answer, Backend, CampaignSettings, Damage, Link, Session, SessionSettings, Snapshot,
    Target,
};

struct Counting {
    inner: Box<dyn Backend>,
    commands: Arc<AtomicUsize>,
}

impl Backend for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn location(&self) -> String {
        self.inner.location()
    }

    fn run(&self, mut link: Link) -> Answer<'_, ()> {
        Box::pin(async move {
            let (inner_link, mut peer) = Link::pair(link.settings());
            let reports = link.reports().clone();
            let mut run = self.inner.run(inner_link);
            loop {
                tokio::select! {
                    Some(command) = link.next() => {
                        self.commands.fetch_add(1, Ordering::Relaxed);
                        let _ = peer.commands.send(command);
                    }
                    Some(report) = peer.reports.recv() => reports.send(report),
                    () = &mut run => return,
                }
            }
        })
    }

    fn read<'a>(&'a self, election: &'a str) -> Answer<'a, Result<Snapshot, tanist::Error>> {
        self.inner.read(election)
    }

    fn elections(&self) -> Answer<'_, Result<Vec<String>, tanist::Error>> {
        self.inner.elections()
    }

    fn damage<'a>(&'a self, election: &'a str) -> Answer<'a, Result<Vec<Damage>, tanist::Error>> {
        self.inner.damage(election)
    }

    fn amend<'a>(&'a self, election: &'a str, amendment: Amendment) -> Answer<'a, Outcome> {
        self.inner.amend(election, amendment)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "local:".to_owned());
    let inner = tanist::open_backend(&Target::parse(&store)?)?;
    let commands = Arc::new(AtomicUsize::new(0));
    let backend = Counting {
        inner,
        commands: Arc::clone(&commands),
    };

    let session = Session::with_backend(Box::new(backend), SessionSettings::default())?;
    let campaign = session
        .campaign(CampaignSettings::new("example", "node-1")?)
        .await?;
    campaign.elected().await?.stopped();
    session.close().await;
    println!(
        "led and left with {} commands",
        commands.load(Ordering::Relaxed)
    );
    Ok(())
}
