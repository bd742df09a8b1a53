use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use tanist_core::Moment;

use crate::line::{Line, ProbeRole};

/// One period in which the work ran: all lines of one start, whichever process wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// What its lines carry.
    pub id: String,
    /// Who started it.
    pub instance: String,
    /// The term it was given.
    pub term: Option<u64>,
    /// Whether some of its lines carry another term.
    pub mixed_terms: bool,
    /// Its first line: nothing of it is known to have run before.
    pub first: Moment,
    /// Its last line, of whichever process.
    pub last: Moment,
    /// Who wrote the last line.
    pub last_by: Writer,
    /// The number of its first line in the file, from 1.
    pub first_line: usize,
    /// The number of its last line in the file.
    pub last_line: usize,
    /// How many lines each process wrote.
    pub writers: BTreeMap<Writer, usize>,
}

/// A process of an activation. In a PID namespace its number is not the one others see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Writer {
    /// Its place in the tree.
    pub role: ProbeRole,
    /// Its number, as it sees itself.
    pub pid: u32,
}

impl Activation {
    pub(crate) fn begun_by(line: &Line, number: usize) -> Self {
        Self {
            id: line.activation.clone(),
            instance: line.instance().to_owned(),
            term: line.term,
            mixed_terms: false,
            first: line.at,
            last: line.at,
            last_by: Writer {
                role: line.role,
                pid: line.pid,
            },
            first_line: number,
            last_line: number,
            writers: BTreeMap::new(),
        }
    }

    pub(crate) fn add(&mut self, line: &Line, number: usize) {
        let writer = Writer {
            role: line.role,
            pid: line.pid,
        };
        *self.writers.entry(writer).or_default() += 1;
        self.mixed_terms |= line.term != self.term;
        self.first = self.first.min(line.at);
        if line.at >= self.last {
            self.last = line.at;
            self.last_by = writer;
        }
        self.last_line = number;
    }

    /// Whether a process in that place of the tree wrote a line.
    pub fn has(&self, role: ProbeRole) -> bool {
        self.writers.keys().any(|writer| writer.role == role)
    }

    /// From its first line to its last.
    pub fn length(&self) -> Duration {
        self.last.since(self.first)
    }
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.role.word(), self.pid)
    }
}
