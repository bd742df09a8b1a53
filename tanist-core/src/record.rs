use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::candidate::EntryId;
use crate::term::Term;

/// The persistent statement of who leads in which term.
///
/// Written only by claim, begin and withdraw, so the lease never changes within a term. Readable
/// by any client of the store: it is JSON. Fields that this version does not know are kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Record {
    /// Version of the format; a record of a newer one is never overwritten.
    pub format: u32,
    /// The election this record belongs to.
    pub election: String,
    /// The fencing token.
    pub term: Term,
    /// Name of the node that leads or led.
    pub node: String,
    /// The start of that node; identity is always this, never the name.
    pub instance: InstanceId,
    /// What the leader advertises, often `host:port`.
    pub address: String,
    /// The leader's place in the line.
    pub entry: EntryId,
    /// L of the leader, in milliseconds in the store.
    #[serde(rename = "lease_ms", with = "millis")]
    pub lease: Duration,
    /// Whether the leader leads, waits or has left.
    pub state: RecordState,
    /// Why the record was written, for people.
    pub reason: String,
    /// When, in seconds since 1970 on the writer's wall clock, for people.
    pub at: u64,
    /// The node that led before and did not give the leadership back, as long as nobody said that
    /// it is shut out of what the work writes to; empty if its name is not known. In a record that
    /// says `resigned` it is a debt: whoever leads next has to fence that node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfenced: Option<String>,
    /// What a later version wrote beside.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl Record {
    /// The format this version writes.
    pub const FORMAT: u32 = 1;

    /// The bytes kept in the store.
    pub fn encode(&self) -> Vec<u8> {
        // Strings, numbers and a map with string keys: nothing in it can fail to serialise.
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }
}

/// The three things a record can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordState {
    /// Its instance may be at work until its lease is over.
    Leading,
    /// Its instance has shut out a leader whose renewals could not be seen, and waits for that
    /// leader's lease to end. Everybody else treats it as `leading`.
    Waiting,
    /// Its instance's work was verified gone before this was written.
    Resigned,
}

/// What a read of the record found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::large_enum_variant, reason = "nearly always it is the record")]
pub enum Reading {
    /// No record.
    Absent,
    /// A record that this version understands.
    Known(Record),
    /// A record of a later format. It is left alone.
    Newer {
        /// Its format.
        format: u32,
    },
    /// Bytes that are no record of this election. They are left alone.
    Garbage {
        /// What is wrong with them.
        why: String,
    },
}

impl Reading {
    /// Reads the bytes found in the store, of a record of `election`.
    pub fn decode(bytes: &[u8], election: &str) -> Self {
        let value: Value = match serde_json::from_slice(bytes) {
            Ok(value) => value,
            Err(error) => {
                return Self::Garbage {
                    why: error.to_string(),
                };
            }
        };
        match value.get("format").and_then(Value::as_u64) {
            Some(format) if format > u64::from(Record::FORMAT) => {
                return Self::Newer {
                    format: u32::try_from(format).unwrap_or(u32::MAX),
                };
            }
            Some(_) => {}
            None => {
                return Self::Garbage {
                    why: "it has no format number".to_owned(),
                };
            }
        }
        match serde_json::from_value::<Record>(value) {
            Ok(record) if record.term > Term::HIGHEST => Self::Garbage {
                why: format!("its term {} is out of range", record.term),
            },
            Ok(record) if record.election == election => Self::Known(record),
            Ok(record) => Self::Garbage {
                why: format!("it belongs to the election {:?}", record.election),
            },
            Err(error) => Self::Garbage {
                why: error.to_string(),
            },
        }
    }

    /// The record, if it is one this version understands.
    pub const fn known(&self) -> Option<&Record> {
        match self {
            Self::Known(record) => Some(record),
            Self::Absent | Self::Newer { .. } | Self::Garbage { .. } => None,
        }
    }
}

/// One start of a node: 128 random bits.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId(u128);

impl InstanceId {
    /// The instance with these bits.
    pub const fn new(bits: u128) -> Self {
        Self(bits)
    }

    /// Reads what [`fmt::Display`] wrote: 32 lower-case hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (text.len() == 32 && digits).then(|| u128::from_str_radix(text, 16).ok().map(Self))?
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for InstanceId {
    /// As it is written everywhere else.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for InstanceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for InstanceId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected 32 hex digits"))
    }
}

mod millis {
    use super::{Deserialize, Deserializer, Duration, Serializer};

    pub(super) fn serialize<S: Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
        // Rounded up: a successor that waits for a shorter lease than the holder's would be unsafe.
        let millis = span.as_nanos().div_ceil(1_000_000);
        to.serialize_u64(u64::try_from(millis).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            format: Record::FORMAT,
            election: "jobs".to_owned(),
            term: Term::new(42),
            node: "db-1".to_owned(),
            instance: InstanceId::new(0xfeed),
            address: "10.0.0.1:9000".to_owned(),
            entry: EntryId {
                key: "jobs/1".to_owned(),
                created: 7,
            },
            lease: Duration::from_millis(300),
            state: RecordState::Leading,
            reason: "claim".to_owned(),
            at: 1_790_000_000,
            unfenced: None,
            unknown: Map::new(),
        }
    }

    #[test]
    fn a_record_survives_the_store() {
        assert_eq!(
            Reading::decode(&record().encode(), "jobs"),
            Reading::Known(record())
        );
    }

    #[test]
    fn fields_of_a_later_version_are_kept() {
        let mut text: Value = serde_json::from_slice(&record().encode()).unwrap();
        text["zone"] = Value::from("a");
        let read = Reading::decode(text.to_string().as_bytes(), "jobs");
        let again = read.known().unwrap().encode();
        assert!(
            String::from_utf8(again)
                .unwrap()
                .contains("\"zone\": \"a\"")
        );
    }

    #[test]
    fn what_is_no_record_of_this_election_is_never_taken_for_one() {
        assert!(matches!(
            Reading::decode(b"", "jobs"),
            Reading::Garbage { .. }
        ));
        assert!(matches!(
            Reading::decode(b"{\"format\":1}", "jobs"),
            Reading::Garbage { .. }
        ));
        assert!(matches!(
            Reading::decode(&record().encode(), "mail"),
            Reading::Garbage { .. }
        ));
        let endless = Record {
            term: Term::new(u64::MAX),
            ..record()
        };
        assert!(matches!(
            Reading::decode(&endless.encode(), "jobs"),
            Reading::Garbage { .. }
        ));
        let newer = b"{\"format\":2,\"what\":\"ever\"}";
        assert_eq!(Reading::decode(newer, "jobs"), Reading::Newer { format: 2 });
    }

    #[test]
    fn a_lease_is_never_written_shorter_than_it_is() {
        let record = Record {
            lease: Duration::from_micros(1_500),
            ..record()
        };
        let read = Reading::decode(&record.encode(), "jobs");
        assert_eq!(read.known().unwrap().lease, Duration::from_millis(2));
    }
}
