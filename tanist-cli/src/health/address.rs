use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// `HOST:PORT`, `[V6]:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

/// Looks names up for one check.
#[derive(Clone, Debug, Default)]
pub(super) struct Lookup {
    /// The system is still at the last one.
    busy: Arc<AtomicBool>,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let example = "write HOST:PORT, for example 127.0.0.1:8000 or [::1]:8000";
        let (host, port) = text.rsplit_once(':').ok_or(example)?;
        let port = port
            .parse()
            .ok()
            .filter(|&port| port > 0)
            .ok_or_else(|| format!("{port:?} is no port; {example}"))?;
        let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        let is_v6 = bare.is_some_and(|bare| matches!(bare.parse(), Ok(IpAddr::V6(_))));
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
        if !is_v6 && (host.is_empty() || !host.chars().all(is_name)) {
            return Err(format!("{host:?} is no host; {example}"));
        }
        Ok(Self {
            host: bare.unwrap_or(host).to_owned(),
            port,
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl Address {
    /// Connects to the first of its addresses that answers.
    ///
    /// # Errors
    ///
    /// That of the last address.
    pub(super) async fn connect(&self, lookup: &Lookup) -> io::Result<TcpStream> {
        let mut failure = io::Error::other(format!("{} has no address", self.host));
        for address in self.resolve(lookup).await? {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn resolve(&self, lookup: &Lookup) -> io::Result<Vec<SocketAddr>> {
        if let Ok(ip) = self.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, self.port)]);
        }
        // The system's look-up blocks, and may do so for longer than any check. It gets a thread that
        // nobody waits for, also not the end of this process, and never a second one.
        if lookup.busy.swap(true, Ordering::AcqRel) {
            return Err(io::Error::other(format!(
                "looking up {} still hangs",
                self.host
            )));
        }
        let (tell, told) = oneshot::channel();
        let (host, port, busy) = (self.host.clone(), self.port, Arc::clone(&lookup.busy));
        let look_up = move || {
            let found = (host.as_str(), port).to_socket_addrs();
            busy.store(false, Ordering::Release);
            // The check's time may be over.
            let _ = tell.send(found.map(Iterator::collect));
        };
        let started = std::thread::Builder::new()
            .name("look-up".to_owned())
            .spawn(look_up);
        if let Err(error) = started {
            lookup.busy.store(false, Ordering::Release);
            return Err(error);
        }
        told.await
            .unwrap_or_else(|gone| Err(io::Error::other(gone)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_are_read_and_written_alike() {
        for text in [
            "127.0.0.1:80",
            "[::1]:8000",
            "db.example-1.org:5432",
            "localhost:1",
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        for text in [
            "",
            ":80",
            "host",
            "host:0",
            "host:70000",
            "::1:80",
            "[x]:80",
            "a b:1",
            "a/b:1",
        ] {
            let why = text.parse::<Address>().unwrap_err();
            assert!(why.contains("HOST:PORT"), "{text}: {why}");
        }
    }
}
