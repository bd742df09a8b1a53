use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

/// The journal's own socket, to which a line goes as one datagram with its fields.
#[derive(Debug)]
pub(super) struct Journal {
    socket: UnixDatagram,
    path: PathBuf,
}

/// Where the journal listens on every machine that has one.
const SOCKET: &str = "/run/systemd/journal/socket";

/// Names another place for it; for tests.
const SOCKET_VARIABLE: &str = "TANIST__JOURNAL_SOCKET";

impl Journal {
    /// Finds it.
    ///
    /// # Errors
    ///
    /// There is none here, or what the system says.
    pub(super) fn open() -> io::Result<Self> {
        let path = std::env::var_os(SOCKET_VARIABLE).map_or_else(|| SOCKET.into(), PathBuf::from);
        path.symlink_metadata()?;
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, path })
    }

    /// Whether standard error goes to the journal anyway, as the service manager says.
    pub(super) fn has_standard_error() -> bool {
        let said = std::env::var_os("JOURNAL_STREAM");
        let Some((dev, ino)) = said.as_ref().and_then(|said| pair(said.as_bytes())) else {
            return false;
        };
        rustix::fs::fstat(rustix::stdio::stderr())
            .is_ok_and(|stat| (stat.st_dev, stat.st_ino) == (dev, ino))
    }

    /// Sends one line's fields. Never waits.
    ///
    /// # Errors
    ///
    /// The journal is full, gone, or takes nothing so long; the line is lost then.
    pub(super) fn send(&self, fields: &[(&str, &str)]) -> io::Result<()> {
        let datagram = encode(fields);
        let sent = self.socket.send_to(&datagram, Path::new(&self.path))?;
        debug_assert_eq!(sent, datagram.len());
        Ok(())
    }
}

fn pair(text: &[u8]) -> Option<(u64, u64)> {
    let (dev, ino) = std::str::from_utf8(text).ok()?.split_once(':')?;
    Some((dev.parse().ok()?, ino.parse().ok()?))
}

/// The journal's native protocol: `NAME=value`, or, where the value has several lines, its length
/// between name and value.
fn encode(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut datagram = Vec::new();
    for (name, value) in fields {
        datagram.extend_from_slice(name.as_bytes());
        if value.contains('\n') {
            datagram.push(b'\n');
            datagram.extend_from_slice(&(value.len() as u64).to_le_bytes());
        } else {
            datagram.push(b'=');
        }
        datagram.extend_from_slice(value.as_bytes());
        datagram.push(b'\n');
    }
    datagram
}

/// What marks every line of one event for ever: 32 hex digits that follow from the word alone.
pub(super) fn message_id(event: &str) -> String {
    // FNV-1a of 128 bits.
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    let text = ["tanist/", event].concat();
    let id = text.bytes().fold(BASIS, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(PRIME)
    });
    format!("{id:032x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_lines_or_carry_their_length() {
        let datagram = encode(&[("A", "b=c"), ("M", "x\ny"), ("E", "")]);
        assert_eq!(datagram, b"A=b=c\nM\n\x03\0\0\0\0\0\0\0x\ny\nE=\n");
    }

    #[test]
    fn an_event_keeps_its_mark_for_ever() {
        // Published: filters of others name them.
        assert_eq!(message_id("elected"), "7c93b622fd939e0743127c9f78f66261");
        assert_ne!(message_id("started"), message_id("stopped"));
    }

    #[test]
    fn the_stream_of_the_journal_is_a_device_and_a_number() {
        assert_eq!(pair(b"8:123"), Some((8, 123)));
        for text in ["", "8", "8:", "a:b"] {
            assert_eq!(pair(text.as_bytes()), None);
        }
    }
}
