//! The work of a node: it writes down that it is alive.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::json;

/// How often it says so.
const EVERY: Duration = Duration::from_millis(10);

/// The length of every line: it divides that of a page, so that a kill cuts none in two.
const BLOCK: usize = 256;

struct Work {
    file: File,
    activation: String,
    term: u64,
}

/// `__demo-work FILE`: writes until it is told to stop.
pub(super) fn run(rest: &[OsString]) -> ExitCode {
    match Work::begin(rest).and_then(|mut work| work.live()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nobody left to tell that the stream is closed.
            let _ = writeln!(io::stderr(), "the work of the demo: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Work {
    fn begin(rest: &[OsString]) -> io::Result<Self> {
        let path = rest.first().ok_or(io::ErrorKind::InvalidInput)?;
        let told = |name: &str| std::env::var(name).map_err(io::Error::other);
        let term = told("TANIST_TERM")?.parse().map_err(io::Error::other)?;
        let instance = told("TANIST_INSTANCE")?;
        Ok(Self {
            file: OpenOptions::new().append(true).open(path)?,
            activation: format!("{instance}/{term}/{}", now()),
            term,
        })
    }

    fn live(&mut self) -> io::Result<()> {
        let (told, teller) = UnixStream::pair()?;
        signal_hook::low_level::pipe::register(signal_hook::consts::SIGTERM, teller)?;
        self.write("start")?;
        let every = Timespec::try_from(EVERY).map_err(io::Error::other)?;
        loop {
            let mut fds = [PollFd::new(&told, PollFlags::IN)];
            match poll(&mut fds, Some(&every)) {
                Ok(0) => self.write("beat")?,
                Ok(_) => return self.write("stop"),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// One line, one write, so that lines of several processes stay apart.
    fn write(&mut self, what: &str) -> io::Result<()> {
        let line = json!({
            "at": now(),
            "pid": std::process::id(),
            "role": "root",
            "activation": self.activation,
            "term": self.term,
            "what": what,
        });
        let text = format!("{:<width$}\n", line.to_string(), width = BLOCK - 1);
        self.file.write_all(text.as_bytes())
    }
}

/// Nanoseconds since the machine was started.
fn now() -> u64 {
    let now = tanist::clock::now().at.since_origin();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}
