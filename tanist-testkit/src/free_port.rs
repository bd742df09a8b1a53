use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// A TCP port of the loopback address that nothing listens at and no other test is given while
/// this lives.
///
/// It lies below the range from which the kernel gives ports to connecting sockets: otherwise a
/// client that connects to it while nobody listens may be given that very port, connect to itself,
/// and keep the service from binding it.
#[derive(Debug)]
pub struct FreePort {
    number: u16,
    _reservation: UnixDatagram,
}

impl FreePort {
    /// Finds one.
    ///
    /// # Errors
    ///
    /// When every port in question is taken, or the kernel's range cannot be read.
    pub fn find() -> io::Result<Self> {
        let end = connecting_ports_begin()?;
        // Where to start is not important, only that parallel tests do not all start at once.
        let span = end.saturating_sub(LOWEST).max(1);
        let start = u16::try_from(std::process::id() * 7 % u32::from(span)).unwrap_or_default();
        (0..span)
            .map(|step| LOWEST + (start + step) % span)
            .find_map(Self::take)
            .ok_or_else(|| io::Error::other(format!("no free port from {LOWEST} to {end}")))
    }

    /// The port.
    pub const fn number(&self) -> u16 {
        self.number
    }

    /// The address to listen at and connect to.
    pub fn address(&self) -> String {
        format!("{}:{}", Ipv4Addr::LOCALHOST, self.number)
    }

    fn take(number: u16) -> Option<Self> {
        let name = format!("tanist-testkit-port-{number}");
        // An abstract name goes with its last descriptor, whatever becomes of this process.
        let reservation =
            SocketAddr::from_abstract_name(name).and_then(|name| UnixDatagram::bind_addr(&name));
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok();
        reservation.ok().filter(|_| free).map(|_reservation| Self {
            number,
            _reservation,
        })
    }
}

fn connecting_ports_begin() -> io::Result<u16> {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")?;
    let begin = range
        .split_whitespace()
        .next()
        .and_then(|begin| begin.parse().ok());
    begin.ok_or_else(|| io::Error::other(format!("cannot read the port range {range:?}")))
}

const LOWEST: u16 = 20_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_differ_while_they_live_and_can_be_bound() {
        let ports: Vec<_> = (0..20).map(|_| FreePort::find().unwrap()).collect();
        for (index, port) in ports.iter().enumerate() {
            TcpListener::bind(port.address()).unwrap();
            assert!(
                ports[..index]
                    .iter()
                    .all(|other| other.number() != port.number())
            );
        }
    }
}
