use std::fmt;

use tanist_core::Record;

/// A value of an election that this version cannot read, as it is in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Which value.
    pub part: Part,
    /// Where the store has it, for people.
    pub path: String,
    /// What is there.
    pub bytes: Vec<u8>,
    /// What is wrong with it.
    pub fault: Fault,
    /// Where a repair keeps the bytes, for people. It follows from the bytes.
    pub copy: String,
}

/// A value that an election keeps as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Who leads in which term. Nobody claims over one that cannot be read.
    Record,
    /// What an operator asked for. One that cannot be read asks for nothing.
    Directive,
    /// The latest transitions. What cannot be read of them is left out.
    History,
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not what any version wrote.
    Garbage {
        /// Why not.
        why: String,
    },
    /// A later version wrote it. It is never overwritten.
    Newer {
        /// Its format.
        format: u32,
        /// The version of tanist that wrote it, where the store tells.
        version: Option<String>,
    },
}

/// What takes the place of a value that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mend {
    /// This record.
    Record(Box<Record>),
    /// A directive that asks for nothing.
    Directive,
    /// The transitions that can be read.
    History,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Record, Self::Directive, Self::History];

    /// One word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Directive => "directive",
            Self::History => "history",
        }
    }
}

impl Mend {
    /// What is mended.
    pub const fn part(&self) -> Part {
        match self {
            Self::Record(_) => Part::Record,
            Self::Directive => Part::Directive,
            Self::History => Part::History,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Garbage { why } => f.write_str(why),
            Self::Newer { format, version } => {
                write!(
                    f,
                    "it is of format {format}, which this version does not know"
                )?;
                match version {
                    Some(version) => write!(f, "; tanist {version} wrote it"),
                    None => Ok(()),
                }
            }
        }
    }
}
