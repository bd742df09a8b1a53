use std::ffi::OsString;
use std::fmt;
use std::str::FromStr;

use super::address::Address;
use super::http::HttpTarget;
use crate::words;

/// A check as it was written: `exec:CMD`, `http://…`, `tcp://HOST:PORT` or `notify`, with `NAME=` in
/// front if wished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// What it is called; where nobody named it, after what it does.
    pub(crate) name: String,
    /// Whether somebody named it.
    pub(crate) named: bool,
    /// What it does.
    pub(crate) probe: Probe,
}

/// What a check does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    /// Runs a command: 0 passes, 1 warns, everything else fails.
    Exec(Vec<OsString>),
    /// Gets a page: 2xx passes, 429 warns, everything else fails.
    Http(HttpTarget),
    /// Connects.
    Tcp(Address),
    /// Listens to what the service says of itself.
    Notify,
}

impl FromStr for Check {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (name, rest) = match text.split_once('=') {
            Some((name, rest)) if is_name(name) => (Some(name), rest),
            _ => (None, text),
        };
        let probe = if let Some(command) = rest.strip_prefix("exec:") {
            Probe::Exec(words::split(command)?)
        } else if let Some(address) = rest.strip_prefix("tcp://") {
            Probe::Tcp(address.parse()?)
        } else if rest == "notify" {
            Probe::Notify
        } else if rest.starts_with("http://") || rest.starts_with("https://") {
            Probe::Http(rest.parse()?)
        } else {
            return Err(format!(
                "{text:?} is no check; write exec:CMD, http://HOST:PORT/PATH, tcp://HOST:PORT or \
                 notify, with NAME= in front if it shall have a name"
            ));
        };
        Ok(Self {
            name: name.map_or_else(|| probe.name(), str::to_owned),
            named: name.is_some(),
            probe,
        })
    }
}

fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !text.is_empty() && text.len() <= 63 && text.chars().all(fits)
}

impl Probe {
    /// What to call it where nobody says.
    fn name(&self) -> String {
        match self {
            Self::Exec(command) => {
                let command = command.first().map(std::path::Path::new);
                let file = command.and_then(|command| command.file_name());
                let name = file.unwrap_or_default().to_string_lossy();
                name.chars().filter(|c| !c.is_control()).take(63).collect()
            }
            Self::Http(_) => "http".to_owned(),
            Self::Tcp(_) => "tcp".to_owned(),
            Self::Notify => "notify".to_owned(),
        }
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exec(command) => {
                write!(f, "exec:")?;
                let words = command.iter().map(|word| word.to_string_lossy());
                f.write_str(&words.collect::<Vec<_>>().join(" "))
            }
            Self::Http(target) => target.fmt(f),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Notify => f.write_str("notify"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, String), String> {
        let check: Check = text.parse()?;
        Ok((check.name, check.probe.to_string()))
    }

    #[test]
    fn a_check_is_called_after_what_it_does_or_as_somebody_named_it() {
        let read = |text: &str| read(text).unwrap();
        let pair = |name: &str, probe: &str| (name.to_owned(), probe.to_owned());
        assert_eq!(
            read("exec:/bin/pg_isready -q"),
            pair("pg_isready", "exec:/bin/pg_isready -q")
        );
        assert_eq!(read("db=exec:pg a=b"), pair("db", "exec:pg a=b"));
        assert_eq!(read("exec:env a=b"), pair("env", "exec:env a=b"));
        assert_eq!(read("http://h/?a=b"), pair("http", "http://h:80/?a=b"));
        assert_eq!(read(" web=http://h/ "), pair("web", "http://h:80/"));
        assert_eq!(read("p=tcp://[::1]:5432"), pair("p", "tcp://[::1]:5432"));
    }

    #[test]
    fn what_is_no_check_is_told_how_to_become_one() {
        for (text, why) in [
            ("", "is no check"),
            ("ping", "write exec:CMD"),
            ("a b=exec:true", "is no check"),
            ("exec:", "at least one word"),
            ("exec:a | b", "no shell"),
            ("x=tcp://h", "HOST:PORT"),
            ("https://h/", "https is not spoken"),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
    }
}
