//! Real sessions of one process on one directory: who leads, who follows, and what may go wrong.

use std::time::Duration;

use tanist::{
    Campaign, CampaignSettings, EndCause, Leadership, Observer, Session, SessionSettings, Store,
    Target, Timing,
};

/// Longer than anything below takes on a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(20);

struct Node {
    session: Session,
    campaign: Campaign,
}

fn target(dir: &tempfile::TempDir) -> Target {
    Target::parse(&format!("local:{}", dir.path().join("store").display())).unwrap()
}

fn settings(node: &str) -> CampaignSettings {
    let mut settings = CampaignSettings::new("jobs", node).unwrap();
    settings.timing = Timing::from_lease(Duration::from_secs(2)).unwrap();
    settings.address = format!("{node}:9000");
    settings
}

async fn node(target: &Target, name: &str) -> Node {
    stand(target, settings(name)).await
}

async fn stand(target: &Target, settings: CampaignSettings) -> Node {
    let session_settings = SessionSettings::for_timing(&settings.timing);
    let session = Session::open(target, session_settings).await.unwrap();
    let campaign = session.campaign(settings).await.unwrap();
    Node { session, campaign }
}

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} took longer than {PATIENCE:?}"),
    }
}

async fn elected(node: &Node) -> Leadership {
    soon("an election", node.campaign.elected()).await.unwrap()
}

#[tokio::test]
async fn the_first_leads_and_the_second_follows_at_once_when_it_stops() {
    let dir = tempfile::tempdir().unwrap();
    let target = target(&dir);
    let a = node(&target, "a").await;
    let lead_a = elected(&a).await;
    assert_eq!(lead_a.reason().word(), "start");
    assert!(lead_a.safe_until() > tanist::clock::now().at);
    let b = node(&target, "b").await;
    soon(
        "standing",
        b.campaign.watch().wait_for(|status| status.entry.is_some()),
    )
    .await
    .unwrap();
    a.campaign.resign();
    let ending = soon("the word to end", lead_a.ending()).await;
    assert_eq!(ending.cause, EndCause::Resigned);
    assert_eq!(
        b.campaign.status().role.word(),
        "standby",
        "the work of a is not gone yet"
    );
    let term_a = lead_a.term();
    let stopped_at = std::time::Instant::now();
    lead_a.stopped();
    let lead_b = elected(&b).await;
    eprintln!("hand-over took {:?}", stopped_at.elapsed());
    assert!(lead_b.term() > term_a);
    assert_eq!(
        (lead_b.previous(), lead_b.reason().word()),
        (Some("a"), "handover")
    );
    soon("closing", async {
        drop(lead_b);
        b.session.close().await;
        a.session.close().await;
    })
    .await;
}
