//! What is of this machine.

use std::time::Duration;

use tanist::InstanceId;

use crate::control::{self, Local};
use crate::overview::Leader;
use crate::settings::{QuerySettings, host_name};

/// How long a tanist of this machine may take to answer. One that is frozen must not use up the time
/// of a command that has a lot of it.
pub(super) const HEARING: Duration = Duration::from_secs(3);

/// Whether the leader is here.
///
/// A child of tanist knows which instance it runs under, and that is the identity. Where a name is
/// given it is the name that is asked for. Anybody else means the machine: whether one of this
/// user's supervisors here is the leader, whatever it calls itself.
pub(super) async fn is_me(
    leader: &Leader,
    settings: &QuerySettings,
    election: &str,
    node: Option<&str>,
) -> bool {
    let instance = std::env::var("TANIST_INSTANCE").ok();
    if let Some(instance) = instance.as_deref().and_then(InstanceId::parse) {
        return leader.instance == instance;
    }
    if let Some(node) = node {
        return leader.node == node;
    }
    match supervisors(settings, election).await {
        Some(here) => here.iter().any(|local| local.instance == leader.instance),
        // Another user, or another run directory: all that is left is the name.
        None => leader.node == host_name(),
    }
}

/// The supervisors of this machine and user that stand in `election`; `None` if there is no control
/// socket of that election.
pub(super) async fn supervisors(settings: &QuerySettings, election: &str) -> Option<Vec<Local>> {
    let run_dir = settings.run_dir.as_deref()?;
    let patience = settings.timeout.value.min(HEARING);
    control::locals(run_dir, election, patience).await
}
