use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::backend::table::{self, Known, PlaceKind};
use crate::error::{Error, ErrorKind};

const OPERATION: &str = "read the store's URL";

/// Which store: a scheme, a place and parameters, parsed once.
///
/// ```text
/// local:                                   a private directory of this machine, the usual one
/// local:/run/tanist                        this one
/// etcd://10.0.0.1,10.0.0.2:2379/prefix     etcds:// with TLS
/// zk://10.0.0.1:2181,[::1]/chroot?layout=  zks:// with TLS
/// ```
///
/// Which of them this build can open, [`crate::backends`] tells.
///
/// Credentials have no place in it, because URLs end up in process lists, logs and shell
/// histories. What [`fmt::Display`] prints is therefore never secret, and parses to the same
/// target again.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Target {
    known: &'static Known,
    scheme: &'static str,
    place: Place,
    parameters: BTreeMap<String, String>,
}

/// Where the store is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// In a directory of this machine; `None` is the usual one, see [`crate::run_dir`].
    Directory(Option<PathBuf>),
    /// On servers.
    Servers {
        /// Their addresses; never empty.
        servers: Vec<Server>,
        /// The path below which everything is kept: empty, or with a leading slash and no
        /// trailing one.
        path: String,
    },
}

/// The address of one server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Server {
    /// Name or address; an IPv6 address without its brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Target {
    /// Reads a store URL.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`], saying what is wrong and what to write instead. A store that this
    /// build leaves out parses; opening it fails with [`ErrorKind::NotCompiled`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let Some((scheme, rest)) = text.split_once(':') else {
            return Err(invalid("it has no scheme").hint(format!(
                "begin with one of {}; local: is this machine alone",
                table::schemes()
            )));
        };
        let Some((known, scheme)) = table::find(scheme) else {
            return Err(unknown_scheme(scheme));
        };
        // Before anything quotes a part of it.
        refuse_credentials(rest)?;
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(invalid("it contains white space or control characters"));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let place = match known.place {
            PlaceKind::Directory => directory(rest)?,
            PlaceKind::Servers { default_port } => servers(scheme, rest, default_port)?,
        };
        let parameters = parameters(known, query)?;
        Ok(Self {
            known,
            scheme,
            place,
            parameters,
        })
    }

    /// The scheme as it was written: `etcd` or `etcds`.
    pub const fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// The name of its backend.
    pub const fn backend(&self) -> &'static str {
        self.known().name
    }

    /// Where the store is.
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// The value of a parameter, if it was given.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// Whether this build can open it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotCompiled`], naming what it carries and, where there is one, the feature to
    /// build with.
    pub fn check_compiled(&self) -> Result<(), Error> {
        if self.known().open.is_some() {
            Ok(())
        } else {
            Err(self.left_out())
        }
    }

    pub(crate) fn left_out(&self) -> Error {
        let known = self.known();
        let why = format!("this build does not carry {}", known.name);
        let remedy = known.feature.map_or_else(
            || "a later release may".to_owned(),
            |feature| format!("build with `--features {feature}` for that one"),
        );
        Error::new(ErrorKind::NotCompiled, "open the store", why)
            .with("scheme", self.scheme)
            .hint(format!("it carries {}; {remedy}", table::schemes()))
    }

    pub(crate) const fn known(&self) -> &'static Known {
        self.known
    }
}

impl FromStr for Target {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.scheme)?;
        match &self.place {
            Place::Directory(None) => {}
            Place::Directory(Some(path)) => write!(f, "{}", path.display())?,
            Place::Servers { servers, path } => {
                f.write_str("//")?;
                for (index, server) in servers.iter().enumerate() {
                    write!(f, "{}{server}", if index == 0 { "" } else { "," })?;
                }
                f.write_str(path)?;
            }
        }
        for (index, (name, value)) in self.parameters.iter().enumerate() {
            write!(f, "{}{name}={value}", if index == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Checks the name of an election: `[a-z0-9][a-z0-9._-]{0,62}`, so that it can be a key, a znode, a
/// file and a label, and neither nest nor clash.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] says which character is in the way.
pub fn check_election(name: &str) -> Result<(), Error> {
    const LONGEST: usize = 63;
    let refuse = |why: String| {
        Err(Error::new(ErrorKind::Invalid, "use this name for an election", why)
            .with("name", format!("{name:?}"))
            .hint(
                "take 1 to 63 of a-z, 0-9, dot, underscore and dash, beginning with a letter or \
                 digit",
            ))
    };
    if name.is_empty() {
        return refuse("it is empty".to_owned());
    }
    if name.len() > LONGEST {
        return refuse(format!("it is {} bytes long", name.len()));
    }
    let wrong = name.char_indices().find(|(index, c)| match c {
        'a'..='z' | '0'..='9' => false,
        '.' | '_' | '-' => *index == 0,
        _ => true,
    });
    match wrong {
        None => Ok(()),
        Some((0, c)) => refuse(format!("it begins with {c:?}")),
        Some((_, c)) => refuse(format!("it contains {c:?}")),
    }
}

fn invalid(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, OPERATION, why)
}

fn unknown_scheme(scheme: &str) -> Error {
    let printable = scheme.len() <= 32 && scheme.chars().all(|c| c.is_ascii_alphanumeric());
    let error = if printable {
        invalid(format!("there is no store {scheme:?}"))
    } else {
        invalid("it does not begin with the name of a store")
    };
    let all = table::schemes();
    match table::nearest(scheme) {
        Some(nearest) => error.hint(format!(
            "did you mean {nearest}: ? This build carries {all}"
        )),
        None => error.hint(format!("this build carries {all}")),
    }
}

fn refuse_credentials(rest: &str) -> Result<(), Error> {
    let authority = rest.strip_prefix("//").unwrap_or_default();
    let end = authority.find(['/', '?', '#']).unwrap_or(authority.len());
    // A password may itself contain a slash, so the whole of a server list is searched.
    let whole = &authority[..authority.find('?').unwrap_or(authority.len())];
    if authority[..end].contains('@') || whole.contains('@') {
        return Err(invalid(
            "it contains credentials, and a URL ends up in process lists, logs and shell histories",
        )
        .hint("leave out everything up to the @ and give the credentials in a file"));
    }
    Ok(())
}

fn directory(rest: &str) -> Result<Place, Error> {
    if rest.is_empty() {
        return Ok(Place::Directory(None));
    }
    if rest.starts_with("//") && !rest.starts_with("///") {
        return Err(invalid("local: has no servers").hint("write local:/directory"));
    }
    let path = Path::new(rest);
    if !path.is_absolute() {
        return Err(invalid("the directory is not an absolute path")
            .with("path", rest)
            .hint("two processes with different working directories must mean the same place"));
    }
    if rest.split('/').any(|part| part == "..") {
        return Err(invalid("the directory contains ..").with("path", rest));
    }
    Ok(Place::Directory(Some(path.components().collect())))
}

fn servers(scheme: &str, rest: &str, default_port: u16) -> Result<Place, Error> {
    let Some(rest) = rest.strip_prefix("//") else {
        return Err(
            invalid("servers are missing").hint(format!("write {scheme}://host[:port],.../path"))
        );
    };
    let (list, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let servers = list
        .split(',')
        .map(|server| parse_server(server, default_port))
        .collect::<Result<_, _>>()?;
    let path = path.strip_suffix('/').unwrap_or(path);
    for part in path.split('/').skip(1) {
        if matches!(part, "" | "." | ".." | ".tanist") {
            return Err(invalid(format!("{part:?} cannot be a part of the path"))
                .with("path", path)
                .hint("write single slashes between plain names"));
        }
    }
    Ok(Place::Servers {
        servers,
        path: path.to_owned(),
    })
}

fn parse_server(text: &str, default_port: u16) -> Result<Server, Error> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let Some((host, port)) = rest.split_once(']') else {
                return Err(invalid("a bracket is not closed").with("server", text));
            };
            if host.parse::<Ipv6Addr>().is_err() {
                return Err(invalid("what is in brackets is no IPv6 address").with("server", text));
            }
            match port.strip_prefix(':') {
                None if port.is_empty() => (host, None),
                Some(port) => (host, Some(port)),
                None => {
                    return Err(invalid("only a port may follow the bracket").with("server", text));
                }
            }
        }
        None if text.matches(':').count() > 1 => {
            return Err(invalid("an IPv6 address has to stand in brackets")
                .with("server", text)
                .hint("write [::1]:port"));
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if host.is_empty() || !host.chars().all(is_name) {
        return Err(invalid("a server has no usable name").with("server", format!("{text:?}")));
    }
    let port = match port {
        None => default_port,
        Some(port) => match port.parse() {
            Ok(port) if port != 0 => port,
            _ => return Err(invalid("the port is not between 1 and 65535").with("server", text)),
        },
    };
    Ok(Server {
        host: host.to_owned(),
        port,
    })
}

fn parameters(known: &Known, query: &str) -> Result<BTreeMap<String, String>, Error> {
    let mut parameters = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        // The value is not quoted: somebody may have tried a password here.
        if !known.parameters.contains(&name) {
            let all = if known.parameters.is_empty() {
                "none".to_owned()
            } else {
                known.parameters.join(", ")
            };
            return Err(invalid("a parameter is unknown")
                .with("parameter", format!("{name:?}"))
                .hint(format!("{} knows {all}", known.name)));
        }
        if value.is_empty() {
            return Err(invalid("a parameter has no value").with("parameter", name));
        }
        if parameters
            .insert(name.to_owned(), value.to_owned())
            .is_some()
        {
            return Err(invalid("a parameter is given twice").with("parameter", name));
        }
    }
    Ok(parameters)
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;
