use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tanist::InstanceId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::JoinSet;

use crate::supervise::stem_of;

/// A supervisor of this machine and user, as its control socket tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Local {
    /// Its control socket.
    pub(crate) socket: PathBuf,
    /// This start of it.
    pub(crate) instance: InstanceId,
    /// Whether it serves, should it lead: not while its child has still to say so.
    pub(crate) ready: bool,
}

/// Which supervisors of this machine and user stand in `election`: those whose control socket in
/// `run_dir` answers within `patience`.
///
/// `None` if there is no socket of that election at all: then nothing can be said of it here.
pub(crate) async fn locals(
    run_dir: &Path,
    election: &str,
    patience: Duration,
) -> Option<Vec<Local>> {
    let mut asked = JoinSet::new();
    for socket in sockets(run_dir, election) {
        // All at once: one that is frozen must not use up the time of the others.
        asked.spawn(async move {
            let answer = tokio::time::timeout(patience, ask(&socket, "status")).await;
            (socket, answer)
        });
    }
    if asked.is_empty() {
        return None;
    }
    let answers = asked.join_all().await.into_iter();
    // One that was killed has left its socket behind and does not answer.
    let answers = answers.filter_map(|(socket, answer)| Some((socket, answer.ok()?.ok()?)));
    let of_election = answers.filter(|(_, answer)| answer["election"] == election);
    Some(
        of_election
            .filter_map(|(socket, answer)| {
                let instance = InstanceId::parse(answer["instance"].as_str()?)?;
                let ready = answer["role"] == "leader" || answer["waits_ready"] != true;
                Some(Local {
                    socket,
                    instance,
                    ready,
                })
            })
            .collect(),
    )
}

/// Tells the supervisor behind `socket` to let another lead.
///
/// # Errors
///
/// Why it does not, for people.
pub(crate) async fn resign(socket: &Path, patience: Duration) -> Result<(), String> {
    match tokio::time::timeout(patience, ask(socket, "resign")).await {
        Ok(Ok(answer)) if answer["ok"] == true => Ok(()),
        Ok(Ok(answer)) => Err(answer["error"]
            .as_str()
            .unwrap_or("it gives no reason")
            .to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("it does not answer".to_owned()),
    }
}

/// The answer decides whether it is the election's: of copies with one name, the file's has a number.
fn sockets(run_dir: &Path, election: &str) -> Vec<PathBuf> {
    let stem = stem_of(election);
    let Ok(items) = run_dir.read_dir() else {
        return Vec::new();
    };
    let paths = items.flatten().map(|item| item.path());
    let fits = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.strip_prefix(&stem))
            .is_some_and(|rest| rest.ends_with(".sock"))
    };
    paths.filter(fits).collect()
}

async fn ask(socket: &Path, request: &str) -> io::Result<Value> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(format!("{request}\n").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    serde_json::from_slice(&answer).map_err(Into::into)
}
