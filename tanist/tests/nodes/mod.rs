//! Nodes of one process, for tests on the local store.
#![expect(
    clippy::unwrap_used,
    reason = "a node that cannot be made has to fail its test"
)]

use std::time::Duration;

use tanist::{Campaign, CampaignSettings, Leadership, Session, SessionSettings, Target, Timing};

/// Longer than anything below takes on a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(20);

/// A process that stands in the election `jobs`.
pub(crate) struct Node {
    pub(crate) session: Session,
    pub(crate) campaign: Campaign,
}

pub(crate) fn store_target(dir: &tempfile::TempDir) -> Target {
    Target::parse(&format!("local:{}", dir.path().join("store").display())).unwrap()
}

pub(crate) fn settings(node: &str) -> CampaignSettings {
    let mut settings = CampaignSettings::new("jobs", node).unwrap();
    settings.timing = Timing::from_lease(Duration::from_secs(2)).unwrap();
    settings.address = format!("{node}:9000");
    settings
}

pub(crate) async fn node(target: &Target, name: &str) -> Node {
    stand(target, settings(name)).await
}

pub(crate) async fn stand(target: &Target, settings: CampaignSettings) -> Node {
    let session_settings = SessionSettings::for_timing(&settings.timing);
    let session = Session::open(target, session_settings).await.unwrap();
    let campaign = session.campaign(settings).await.unwrap();
    Node { session, campaign }
}

pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} took longer than {PATIENCE:?}"),
    }
}

pub(crate) async fn elected(node: &Node) -> Leadership {
    soon("an election", node.campaign.elected()).await.unwrap()
}
