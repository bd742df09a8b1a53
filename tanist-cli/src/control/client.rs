use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tanist::InstanceId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::JoinSet;

/// Which supervisors of this machine and user stand in `election`: those whose control socket in
/// `run_dir` answers within `patience`.
///
/// `None` if there is no socket of that election at all: then nothing can be said of it here.
pub(crate) async fn instances(
    run_dir: &Path,
    election: &str,
    patience: Duration,
) -> Option<Vec<InstanceId>> {
    let mut asked = JoinSet::new();
    for socket in sockets(run_dir, election) {
        // All at once: one that is frozen must not use up the time of the others.
        asked.spawn(async move { tokio::time::timeout(patience, status(&socket)).await });
    }
    if asked.is_empty() {
        return None;
    }
    let answers = asked.join_all().await;
    // One that was killed has left its socket behind and does not answer.
    let answers = answers.into_iter().flatten().flatten();
    let of_election = answers.filter(|answer| answer["election"] == election);
    Some(
        of_election
            .filter_map(|answer| InstanceId::parse(answer["instance"].as_str()?))
            .collect(),
    )
}

/// `ELECTION.NODE.sock`; another election's name may begin alike, so the answer decides.
fn sockets(run_dir: &Path, election: &str) -> Vec<PathBuf> {
    let Ok(items) = run_dir.read_dir() else {
        return Vec::new();
    };
    let paths = items.flatten().map(|item| item.path());
    let fits = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.strip_prefix(election)?.strip_prefix('.'))
            .is_some_and(|rest| rest.ends_with(".sock"))
    };
    paths.filter(fits).collect()
}

async fn status(socket: &Path) -> io::Result<Value> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(b"status\n").await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    serde_json::from_slice(&answer).map_err(Into::into)
}
