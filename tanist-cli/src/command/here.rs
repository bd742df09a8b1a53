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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mine {
    Yes,
    /// It is, and its child has still to say that it serves.
    Starting,
    No,
}

/// Whether the leader is here.
///
/// A child of tanist knows which instance it runs under, and that is the identity; whether it is ready
/// is its own word. Where a name is given it is the name that is asked for. Anybody else means the
/// machine: whether one of this user's supervisors here is the leader, whatever it calls itself.
pub(super) async fn is_me(
    leader: &Leader,
    settings: &QuerySettings,
    election: &str,
    node: Option<&str>,
) -> Mine {
    let instance = std::env::var("TANIST_INSTANCE").ok();
    if let Some(instance) = instance.as_deref().and_then(InstanceId::parse) {
        let mine = leader.instance == instance;
        return if mine { Mine::Yes } else { Mine::No };
    }
    if node.is_some_and(|node| leader.node != node) {
        return Mine::No;
    }
    let here = supervisors(settings, election).await;
    let leads = |local: &&Local| local.instance == leader.instance;
    match here.as_ref().map(|here| here.iter().find(leads)) {
        Some(Some(local)) if !local.ready => Mine::Starting,
        Some(Some(_)) => Mine::Yes,
        _ if node.is_some() => Mine::Yes,
        Some(None) => Mine::No,
        // Another user, or another run directory: all that is left is the name.
        None if leader.node == host_name() => Mine::Yes,
        None => Mine::No,
    }
}

/// Whether the leader is of this machine and user, and its child has still to say that it serves.
pub(super) async fn is_starting(leader: &Leader, settings: &QuerySettings, election: &str) -> bool {
    let here = supervisors(settings, election).await.unwrap_or_default();
    here.iter()
        .any(|local| local.instance == leader.instance && !local.ready)
}

/// The supervisors of this machine and user that stand in `election`; `None` if there is no control
/// socket of that election.
pub(super) async fn supervisors(settings: &QuerySettings, election: &str) -> Option<Vec<Local>> {
    let run_dir = settings.run_dir.as_deref()?;
    let patience = settings.timeout.value.min(HEARING);
    control::locals(run_dir, election, patience).await
}
