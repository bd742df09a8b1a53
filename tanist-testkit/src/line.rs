use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tanist_core::Moment;

/// One line of a history: a process of the work was alive at that moment.
///
/// Written as one JSON object, filled up with blanks to a fixed length, by one `write` to a file
/// opened for appending: lines of many processes never mix, none is cut, and their order in the
/// file is the order in which they were written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Nanoseconds since the machine booted, suspended time included.
    #[serde(rename = "at", with = "nanos")]
    pub at: Moment,
    /// The process, as it numbers itself: in a PID namespace not the number the outside sees.
    pub pid: u32,
    /// Its place in the tree.
    pub role: ProbeRole,
    /// The start of the work it belongs to.
    pub activation: String,
    /// The fencing token its root was given, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<u64>,
}

/// The place of a probe's process in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProbeRole {
    /// The process that was started as the work.
    Root,
    /// Started by the root.
    Child,
    /// Started by the child.
    Grandchild,
    /// Left the tree: own session, parent gone.
    Escapee,
}

impl ProbeRole {
    /// The word used in lines and flags.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Child => "child",
            Self::Grandchild => "grandchild",
            Self::Escapee => "escapee",
        }
    }

    /// Reads what [`ProbeRole::word`] says.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Root, Self::Child, Self::Grandchild, Self::Escapee]
            .into_iter()
            .find(|role| role.word() == word)
    }
}

impl Line {
    /// Who was started: the instance of the node, or whatever stands before the first `/`.
    ///
    /// Starts of one instance in one term are restarts in place; the same term under another
    /// instance is a term issued twice.
    pub fn instance(&self) -> &str {
        self.activation
            .split('/')
            .next()
            .unwrap_or(&self.activation)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

mod nanos {
    use serde::{Deserializer, Serializer};

    use super::{Deserialize, Duration, Moment};

    pub(super) fn serialize<S: Serializer>(moment: &Moment, to: S) -> Result<S::Ok, S::Error> {
        let nanos = u64::try_from(moment.since_origin().as_nanos()).unwrap_or(u64::MAX);
        to.serialize_u64(nanos)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Moment, D::Error> {
        u64::deserialize(from).map(|nanos| Moment::after_origin(Duration::from_nanos(nanos)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_as_it_was_written() {
        let line = Line {
            at: Moment::after_origin(Duration::from_nanos(12_345_678_901)),
            pid: 7,
            role: ProbeRole::Escapee,
            activation: "feed/42/12345".to_owned(),
            term: Some(42),
        };
        let text = line.to_string();
        assert_eq!(
            text,
            r#"{"at":12345678901,"pid":7,"role":"escapee","activation":"feed/42/12345","term":42}"#
        );
        assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), line);
        assert_eq!(line.instance(), "feed");
    }

    #[test]
    fn every_role_reads_as_it_was_written() {
        for role in [
            ProbeRole::Root,
            ProbeRole::Child,
            ProbeRole::Grandchild,
            ProbeRole::Escapee,
        ] {
            assert_eq!(ProbeRole::parse(role.word()), Some(role));
        }
        assert_eq!(ProbeRole::parse("stranger"), None);
    }
}
