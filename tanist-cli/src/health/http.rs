use std::fmt;
use std::io;
use std::str::FromStr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::address::{Address, Lookup};
use super::outcome::{Grade, Outcome};

/// `http://HOST[:PORT][/PATH]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HttpTarget {
    address: Address,
    /// With its query; begins with a slash.
    path: String,
}

/// Enough for the status line and headers of any health page.
const HEAD_MAX: usize = 16 * 1024;

impl FromStr for HttpTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("https:") {
            return Err(
                "https is not spoken here; check the service behind it, or write exec: \
                        with a client that knows its certificates"
                    .to_owned(),
            );
        }
        let rest = text
            .strip_prefix("http://")
            .ok_or("write http://HOST[:PORT][/PATH]")?;
        if rest.contains(|c: char| c.is_whitespace() || c.is_control() || c == '#') {
            return Err("an address on the web has no blanks and no #".to_owned());
        }
        let split = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(split);
        if host.contains('@') {
            return Err("no user and password here: others can read them".to_owned());
        }
        let has_port = host.rfind(':') > host.rfind(']');
        let address = if has_port && host.contains(':') {
            host.parse()
        } else {
            format!("{host}:80").parse()
        };
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Self {
            address: address?,
            path: format!("{slash}{path}"),
        })
    }
}

impl fmt::Display for HttpTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.address, self.path)
    }
}

impl HttpTarget {
    /// Asks once. Redirects are not followed: who checks means this address.
    pub(super) async fn ask(&self, lookup: &Lookup) -> Outcome {
        match self.status(lookup).await {
            Ok((200..=299, _)) => Outcome::pass(),
            Ok((429, line)) => Outcome::new(Grade::Warn, line),
            Ok((_, line)) => Outcome::fail(line),
            Err(error) => Outcome::fail(error.to_string()),
        }
    }

    /// The final status and the line it came in.
    async fn status(&self, lookup: &Lookup) -> io::Result<(u16, String)> {
        let mut stream = self.address.connect(lookup).await?;
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: tanist/{}\r\nAccept: */*\r\n\
             Connection: close\r\n\r\n",
            self.path,
            self.address,
            env!("CARGO_PKG_VERSION"),
        );
        stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        loop {
            match parse(&head) {
                Parsed::Status(code, line) => return Ok((code, line)),
                Parsed::Garbage => return Err(io::Error::other("the answer is not HTTP")),
                Parsed::More if head.len() >= HEAD_MAX => {
                    return Err(io::Error::other("the answer has no end of its head"));
                }
                Parsed::More => {}
            }
            let mut part = [0; 2048];
            match stream.read(&mut part).await? {
                0 => return Err(io::Error::other("the answer ended before its head did")),
                read => head.extend_from_slice(&part[..read]),
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Parsed {
    Status(u16, String),
    More,
    Garbage,
}

/// The first status that is not provisional, once its whole line is there.
fn parse(mut bytes: &[u8]) -> Parsed {
    loop {
        let shown = &bytes[..bytes.len().min(5)];
        if !b"HTTP/".starts_with(shown) {
            return Parsed::Garbage;
        }
        let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else {
            return Parsed::More;
        };
        let line = String::from_utf8_lossy(&bytes[..end]).trim_end().to_owned();
        let mut words = line.split(' ');
        let version = words.next();
        let code = words.next().filter(|code| code.len() == 3);
        let (Some("HTTP/1.1" | "HTTP/1.0"), Some(Ok(code))) = (version, code.map(str::parse))
        else {
            return Parsed::Garbage;
        };
        if !(100..200).contains(&code) {
            return Parsed::Status(code, line);
        }
        // A provisional answer ends with an empty line, and the next one follows.
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Parsed::More;
        };
        bytes = &bytes[end + 4..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_completed() {
        for (text, whole) in [
            ("http://h", "http://h:80/"),
            ("http://h:8000/a?b=c", "http://h:8000/a?b=c"),
            ("http://h?b", "http://h:80/?b"),
            ("http://[::1]/x:1", "http://[::1]:80/x:1"),
            ("http://[::1]:9/x", "http://[::1]:9/x"),
        ] {
            assert_eq!(text.parse::<HttpTarget>().unwrap().to_string(), whole);
        }
        for (text, why) in [
            ("https://h/", "https is not spoken"),
            ("http://", "is no host"),
            ("http://u:p@h/", "no user and password"),
            ("http://h/a b", "no blanks"),
            ("http://h/\r\nX: y", "no blanks"),
            ("http://h:x/", "is no port"),
        ] {
            let said = text.parse::<HttpTarget>().unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
    }

    #[test]
    fn the_status_is_read_from_whole_lines_only() {
        let status = |text: &str| parse(text.as_bytes());
        for text in ["", "HT", "HTTP/1.1 20", "HTTP/1.1 200 OK\r"] {
            assert_eq!(status(text), Parsed::More, "{text}");
        }
        let line = "HTTP/1.1 503 Service Unavailable";
        assert_eq!(
            status(&format!("{line}\r\nx: y\r\n")),
            Parsed::Status(503, line.to_owned())
        );
        assert_eq!(
            status("HTTP/1.0 204\n"),
            Parsed::Status(204, "HTTP/1.0 204".to_owned())
        );
        for text in [
            "SSH-2.0",
            "HTTP/2 200\n",
            "HTTP/1.1 20\n",
            "HTTP/1.1 abc\n",
            "\n",
        ] {
            assert_eq!(status(text), Parsed::Garbage, "{text}");
        }
        let early = "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n";
        assert_eq!(status(early), Parsed::More);
        assert!(matches!(
            status(&format!("{early}HTTP/1.1 200 OK\r\n")),
            Parsed::Status(200, _)
        ));
    }
}
