use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use crate::free_port::FreePort;
use crate::process::Process;
use crate::programs::Programs;

/// What the nodes of a scene keep active.
///
/// A service is started by a shell that first starts a probe beside it, so that its activations
/// are told by the same lines as those of a probe alone, an escaped descendant's among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// A probe with its tree, and these flags.
    Probe(Vec<&'static str>),
    /// `redis-server`, with a probe.
    Redis,
    /// `python3 -m http.server`, with a probe.
    HttpServer,
}

impl Work {
    /// The command that a node runs.
    pub(crate) fn command(
        &self,
        programs: &Programs,
        folder: &Path,
        port: &FreePort,
    ) -> Vec<OsString> {
        let service = match self {
            Self::Probe(flags) => return probe(programs, folder, port, flags),
            Self::Redis => format!(
                "exec redis-server --bind 127.0.0.1 --port {} --save '' --appendonly no --dir . \
                 --logfile redis.log",
                port.number()
            ),
            Self::HttpServer => format!(
                "site=site.$TANIST_TERM.$$ && mkdir $site && cd $site && echo $site >identity && \
                 exec {} -m http.server --bind 127.0.0.1 {} 2>>../http.log",
                python(),
                port.number()
            ),
        };
        let script = format!("cd \"$1\" && shift && {{ \"$@\" & }} && {service}");
        let shell = [
            "/bin/sh".into(),
            "-c".into(),
            script.into(),
            "sh".into(),
            folder.into(),
        ];
        let probe = [programs.probe.clone().into(), "--log".into(), log(folder)];
        shell.into_iter().chain(probe).collect()
    }

    /// Whether `process` is the one that was started as the work.
    pub(crate) fn is_root(&self, process: &Process) -> bool {
        let words = &process.command;
        let Some(first) = words.first() else {
            return false;
        };
        match self {
            Self::Probe(_) => {
                let role = words.iter().position(|word| word == "--role");
                let role = role
                    .and_then(|at| words.get(at + 1))
                    .map_or("root", String::as_str);
                first.ends_with("tanist-probe") && role == "root"
            }
            Self::Redis => first.contains("redis-server"),
            Self::HttpServer => words.get(2).is_some_and(|word| word == "http.server"),
        }
    }

    /// Asks whoever serves who it is; different for each start.
    pub(crate) fn ask(&self, stream: &mut TcpStream) -> io::Result<String> {
        let (question, mark) = match self {
            Self::Probe(_) => ("", ""),
            Self::Redis => ("INFO server\r\nQUIT\r\n", "run_id:"),
            Self::HttpServer => ("GET /identity HTTP/1.0\r\n\r\n", "\r\n\r\n"),
        };
        stream.write_all(question.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let identity = answer
            .split_once(mark)
            .and_then(|(_, rest)| rest.lines().next());
        match identity
            .map(str::trim)
            .filter(|identity| !identity.is_empty())
        {
            Some(identity) => Ok(identity.to_owned()),
            None => Err(io::Error::new(io::ErrorKind::InvalidData, answer)),
        }
    }
}

fn probe(programs: &Programs, folder: &Path, port: &FreePort, flags: &[&str]) -> Vec<OsString> {
    let mut command: Vec<OsString> =
        vec![programs.probe.clone().into(), "--log".into(), log(folder)];
    command.extend(["--listen".into(), port.address().into()]);
    command.extend(flags.iter().map(OsString::from));
    command
}

/// Where every probe of a scene writes.
pub(crate) fn log(folder: &Path) -> OsString {
    folder.join("history").into()
}

/// The system's own, which an ordinary user can run too; a version manager's often lies in
/// somebody's home.
fn python() -> &'static str {
    if Path::new("/usr/bin/python3").exists() {
        "/usr/bin/python3"
    } else {
        "python3"
    }
}
