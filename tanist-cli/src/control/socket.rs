use std::collections::VecDeque;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::peer::may_speak;
use super::{Report, Request};

/// How many clients are served at a time. One more takes the place of the oldest: whoever asks and
/// goes is never held up by those who say nothing.
const CLIENTS: usize = 64;
/// How long a client may take for its request and its answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The listening socket, removed with it.
#[derive(Debug)]
pub(crate) struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
    inode: u64,
}

/// What a client wants done, and where to say what became of it.
#[derive(Debug)]
pub(crate) struct Instruction {
    /// What it wants.
    pub(crate) request: Request,
    /// `Err` is a text for the client.
    pub(crate) answer: oneshot::Sender<Result<(), String>>,
}

impl ControlSocket {
    /// Listens at `path`. What a killed process left there is removed; the name is ours by a lock.
    ///
    /// # Errors
    ///
    /// What the system says; a path of more than 107 bytes is one of the reasons.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        match fs::symlink_metadata(path) {
            Ok(left) if left.file_type().is_socket() => fs::remove_file(path)?,
            Ok(_) => return Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => {}
        }
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        let inode = fs::symlink_metadata(path)?.ino();
        Ok(Self {
            listener,
            path: path.to_owned(),
            inode,
        })
    }

    /// Serves clients for ever. Dropping it closes the socket.
    pub(crate) async fn serve(
        self,
        report: watch::Receiver<Report>,
        instruct: mpsc::Sender<Instruction>,
    ) {
        let mut clients = VecDeque::new();
        // Dropped with this future, which ends them all.
        let mut served = JoinSet::new();
        loop {
            let Ok((stream, _)) = self.listener.accept().await else {
                // Out of descriptors: the oldest client gives one back.
                make_room(&mut clients, 0);
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            while served.try_join_next().is_some() {}
            clients.retain(|client: &AbortHandle| !client.is_finished());
            make_room(&mut clients, CLIENTS - 1);
            let (report, instruct) = (report.clone(), instruct.clone());
            clients.push_back(served.spawn(async move {
                // A client that is too slow or goes away is its own affair.
                let _ = tokio::time::timeout(PATIENCE, converse(stream, report, instruct)).await;
            }));
            // In a crowd every client still gets its turn before it is the oldest.
            tokio::task::yield_now().await;
        }
    }
}

/// Ends the oldest, if there are more than `kept`.
fn make_room(clients: &mut VecDeque<AbortHandle>, kept: usize) {
    if clients.len() > kept
        && let Some(oldest) = clients.pop_front()
    {
        oldest.abort();
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|now| now.ino() == self.inode) {
            // It may be gone meanwhile.
            let _ = fs::remove_file(&self.path);
        }
    }
}

async fn converse(
    mut stream: UnixStream,
    report: watch::Receiver<Report>,
    instruct: mpsc::Sender<Instruction>,
) -> io::Result<()> {
    let answer = if may_speak(&stream) {
        let mut line = Vec::new();
        let (from, _) = stream.split();
        BufReader::new(from.take(Request::LONGEST))
            .read_until(b'\n', &mut line)
            .await?;
        answer(&line, &report, &instruct).await
    } else {
        refusal("only the owner of this process and root may speak to it")
    };
    stream.write_all(format!("{answer}\n").as_bytes()).await?;
    stream.shutdown().await
}

async fn answer(
    line: &[u8],
    report: &watch::Receiver<Report>,
    instruct: &mpsc::Sender<Instruction>,
) -> Value {
    let request = match Request::read(line) {
        Ok(request) => request,
        Err(why) => return refusal(&why),
    };
    match request {
        Request::Status => report.borrow().status(tanist::clock::now().at),
        Request::Term => report.borrow().term(tanist::clock::now().at),
        Request::Resign => {
            let (tell, told) = oneshot::channel();
            let sent = instruct
                .send(Instruction {
                    request,
                    answer: tell,
                })
                .await;
            match (sent, told.await) {
                (Ok(()), Ok(Ok(()))) => json!({ "v": 1, "ok": true }),
                (_, Ok(Err(why))) => refusal(&why),
                _ => refusal("tanist is ending"),
            }
        }
    }
}

fn refusal(why: &str) -> Value {
    json!({ "v": 1, "ok": false, "error": why })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Role;

    struct Served {
        _dir: tempfile::TempDir,
        path: PathBuf,
        instructions: mpsc::Receiver<Instruction>,
        _report: watch::Sender<Report>,
        task: tokio::task::JoinHandle<()>,
    }

    fn served() -> Served {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("demo.a.sock");
        let (tell, report) = watch::channel(Report {
            election: "demo".to_owned(),
            node: "a".to_owned(),
            instance: "0".to_owned(),
            role: Role::Standby,
            waits_ready: false,
            term: None,
            safe_until: None,
            pid: None,
        });
        let (instruct, instructions) = mpsc::channel(1);
        let socket = ControlSocket::bind(&path).unwrap();
        let task = tokio::spawn(socket.serve(report, instruct));
        Served {
            _dir: dir,
            path,
            instructions,
            _report: tell,
            task,
        }
    }

    async fn ask(path: &Path, request: &[u8]) -> Value {
        let mut stream = UnixStream::connect(path).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    #[tokio::test]
    async fn a_client_is_answered_and_the_socket_goes_with_its_server() {
        let served = served();
        let mode = fs::symlink_metadata(&served.path)
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let status = ask(&served.path, b"{\"do\":\"status\"}\n").await;
        assert_eq!(
            (&status["ok"], &status["role"]),
            (&true.into(), &"standby".into())
        );
        let refused = ask(&served.path, b"fly\n").await;
        assert_eq!(refused["ok"], false);
        served.task.abort();
        let _ = served.task.await;
        assert!(!served.path.exists());
    }

    /// F104: three times as many silent clients as there may be.
    #[tokio::test]
    async fn clients_that_say_nothing_hold_up_nobody() {
        let served = served();
        let begun = std::time::Instant::now();
        let mut idle = Vec::new();
        for _ in 0..CLIENTS * 3 {
            idle.push(UnixStream::connect(&served.path).await.unwrap());
            tokio::task::yield_now().await;
        }
        let status = ask(&served.path, b"status\n").await;
        assert_eq!(status["ok"], true);
        // None of them can have been given up for its silence by now.
        assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
        let mut nothing = Vec::new();
        // The oldest had to make room for the others.
        assert_eq!(idle[0].read_to_end(&mut nothing).await.unwrap(), 0);
    }

    /// F104: a line that never ends.
    #[tokio::test]
    async fn a_request_without_end_is_cut_off() {
        let served = served();
        let answer = ask(&served.path, &[b'x'; 1024]).await;
        assert_eq!(answer["ok"], false);
    }

    #[tokio::test]
    async fn an_instruction_is_answered_by_whoever_carries_it_out() {
        let mut served = served();
        let path = served.path.clone();
        let client = tokio::spawn(async move { ask(&path, b"resign\n").await });
        let instruction = served.instructions.recv().await.unwrap();
        assert_eq!(instruction.request, Request::Resign);
        instruction
            .answer
            .send(Err("nobody else stands by".to_owned()))
            .unwrap();
        assert_eq!(client.await.unwrap()["error"], "nobody else stands by");
    }

    #[tokio::test]
    async fn what_a_killed_process_left_is_replaced_but_a_file_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        drop(ControlSocket::bind(&path).unwrap());
        fs::write(&path, "").unwrap();
        assert!(ControlSocket::bind(&path).is_err());
    }
}
