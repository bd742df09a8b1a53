use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use tanist::Pulse;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// The service manager that started us, if it wants to hear of us.
///
/// Nothing is decided by it, so what cannot be sent is lost.
#[derive(Debug)]
pub(crate) struct ServiceManager {
    line: Option<Line>,
    watch: Option<Watch>,
    role: String,
    /// What the child says of itself.
    word: String,
    /// What was said last.
    status: String,
}

#[derive(Debug)]
struct Line {
    socket: UnixDatagram,
    address: SocketAddr,
}

/// A manager that kills whoever makes no progress.
#[derive(Debug)]
struct Watch {
    every: Duration,
    due: Instant,
    pulse: Pulse,
    /// The question whether the election's loop turns.
    asked: Option<JoinHandle<bool>>,
}

impl ServiceManager {
    /// The one that the environment names.
    pub(crate) fn of_environment(pulse: Pulse) -> Self {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let address = variable("NOTIFY_SOCKET");
        let line = address.and_then(|address| Line::to(&address).ok());
        let number = |name: &str| variable(name)?.to_str()?.parse::<u64>().ok();
        // It may be meant for somebody above us.
        let is_for_us =
            number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let usec = number("WATCHDOG_USEC").filter(|&usec| usec > 0 && is_for_us && line.is_some());
        Self {
            line,
            watch: usec.map(|usec| Watch {
                // Half would do; the other quarter is for the answer to the question.
                every: Duration::from_micros(usec / 4),
                due: Instant::now(),
                pulse,
                asked: None,
            }),
            role: String::new(),
            word: String::new(),
            status: String::new(),
        }
    }

    /// We stand in the line: what was started is there.
    pub(crate) fn ready(&self) {
        self.send("READY=1");
    }

    /// What we are now.
    pub(crate) fn role(&mut self, role: String) {
        self.role = role;
        self.tell_status();
    }

    /// What the child says of itself, or nothing any more.
    pub(crate) fn relay(&mut self, word: &str) {
        word.clone_into(&mut self.word);
        self.tell_status();
    }

    /// We end for sure, and it may take so long.
    pub(crate) fn stopping(&self, within: Duration) {
        let usec = within.as_micros();
        self.send(&format!("STOPPING=1\nEXTEND_TIMEOUT_USEC={usec}"));
    }

    /// Waits until a sign of life is due. Cancel safe; never resolves where nobody waits for one.
    pub(crate) async fn due(&self) {
        match &self.watch {
            Some(watch) => tokio::time::sleep_until(watch.due).await,
            None => std::future::pending().await,
        }
    }

    /// Gives a sign of life, if there is life: this loop came here, and the election's loop has
    /// answered since the last time.
    pub(crate) fn sign(&mut self) {
        let Some(watch) = &mut self.watch else { return };
        watch.due = Instant::now() + watch.every;
        let answered = watch.asked.as_ref().is_none_or(JoinHandle::is_finished);
        if answered {
            let pulse = watch.pulse.clone();
            watch.asked = Some(tokio::spawn(async move { pulse.felt().await }));
            self.send("WATCHDOG=1");
        }
    }

    fn tell_status(&mut self) {
        let colon = if self.word.is_empty() { "" } else { ": " };
        let status = format!("STATUS={}{colon}{}", self.role, self.word);
        if status != self.status {
            self.send(&status);
            self.status = status;
        }
    }

    fn send(&self, text: &str) {
        if let Some(line) = &self.line {
            // A manager that does not read, or is gone, must not hold us up.
            let _ = line.socket.send_to_addr(text.as_bytes(), &line.address);
        }
    }
}

impl Line {
    /// A path, or, behind an `@`, an abstract name.
    fn to(address: &OsStr) -> io::Result<Self> {
        let address = match address.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            [b'/', ..] => SocketAddr::from_pathname(address)?,
            _ => return Err(io::ErrorKind::Unsupported.into()),
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, address })
    }
}
