//! What a coordination service has to do for tanist, and the list of those that are built in.

pub(crate) mod local;
pub(crate) mod table;

use std::fmt;
use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;

use tanist_core::{
    Directive, EntryId, InstanceId, Moment, Outcome, Record, RecordState, Stamp, Term, View,
};

use crate::damage::{Damage, Mend};
use crate::error::Error;
use crate::link::Link;

/// What an asynchronous method of a [`Backend`] returns.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A coordination service, as one process uses it: obeys commands, reports facts, decides nothing.
///
/// Implement it for a store of your own and pass it to [`crate::Session::with_backend`]; the laws
/// it has to keep are in `tanist::conformance` (feature `conformance`), as functions that test it.
pub trait Backend: Send + Sync + 'static {
    /// One word for messages and metrics.
    fn name(&self) -> &'static str;

    /// Where the store is, for people. Without secrets.
    fn location(&self) -> String;

    /// One connection to the store, and at most one session, from now until the link says
    /// [`crate::Command::Close`] or ends. At most one `run` of a backend is under way at a time.
    ///
    /// What it owes the driver is written at [`Link`]. It returns when it has closed the session;
    /// dropping it may leave to the store what the session's end would have removed, and nothing
    /// else. It must not block its thread for longer than a file system call takes.
    fn run(&self, link: Link) -> Answer<'_, ()>;

    /// Reads one election from the store's quorum, without a session.
    ///
    /// # Errors
    ///
    /// If the store cannot be read. An election that nobody ever stood in is an empty view.
    fn read<'a>(&'a self, election: &'a str) -> Answer<'a, Result<Snapshot, Error>>;

    /// The names of all elections of the store, in order.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    fn elections(&self) -> Answer<'_, Result<Vec<String>, Error>>;

    /// What of the election this version cannot read, with its bytes. Creates nothing.
    ///
    /// # Errors
    ///
    /// If the store cannot be read. An election that nobody ever stood in has no damage.
    fn damage<'a>(&'a self, election: &'a str) -> Answer<'a, Result<Vec<Damage>, Error>>;

    /// One guarded write without a session, for operators and for [`crate::release`].
    fn amend<'a>(&'a self, election: &'a str, amendment: Amendment) -> Answer<'a, Outcome>;

    /// What another process needs, besides the target, to act for this session: secret, and
    /// handed over by pipe only. Empty where the target is enough.
    fn pass(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Takes up what [`Backend::pass`] gave in another process.
    fn take_pass(&mut self, pass: &[u8]) {
        let _ = pass;
    }

    /// Duplicates of descriptors that keep the leadership of `election` with this machine's kernel
    /// for as long as one of them is open. None where the store has no such thing.
    ///
    /// # Errors
    ///
    /// If a descriptor cannot be duplicated.
    fn holds(&self, election: &str) -> io::Result<Vec<OwnedFd>> {
        let _ = election;
        Ok(Vec::new())
    }
}

/// One election as a read without a session finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The election.
    pub view: View,
    /// The version of the directive, `None` where there is none.
    pub directive_stamp: Option<Stamp>,
    /// The latest transitions, oldest first, at most [`Transition::KEPT`].
    pub history: Vec<Transition>,
    /// When the present leader last renewed its right, on this machine's boot-time clock, where one
    /// read of the store tells that.
    pub renewed_at: Option<Moment>,
    /// The processes of this machine that hold the lock of the leadership, where that is a lock and
    /// the leader by the record has gone or has not renewed its right for half its lease; as far as
    /// this process may see them.
    pub holders: Vec<Holder>,
}

/// A process of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its number.
    pub pid: u32,
    /// Its command line, or its name where that cannot be read.
    pub command: String,
    /// What the kernel calls it: its program's name or what it gave itself, at most 15 bytes.
    pub name: String,
    /// Whether it is stopped by a signal or a debugger, so that it does nothing.
    pub frozen: bool,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {} ({})", self.pid, self.command)
    }
}

/// A guarded write that needs no session: all or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amendment {
    /// Write the operator's directive. Guards: its version and that of the record, each as read,
    /// `None` for its absence. Whoever asks for something decided by both.
    Direct {
        /// The version of the directive that was read.
        over: Option<Stamp>,
        /// The version of the record that was read.
        record: Option<Stamp>,
        /// What to write.
        directive: Directive,
    },
    /// Delete an entry and what its instance tells of itself. Guard: its creation id.
    DeleteEntry {
        /// The entry.
        entry: EntryId,
    },
    /// Write the record. Guard: its version as read, `None` for its absence.
    WriteRecord {
        /// The version that was read.
        over: Option<Stamp>,
        /// What to write.
        record: Record,
    },
    /// Put something readable in the place of what is not, and keep its bytes where
    /// [`Damage::copy`] says. Guard: these bytes.
    Repair {
        /// The bytes that were read.
        over: Vec<u8>,
        /// What takes their place.
        mend: Mend,
    },
}

/// One change of an election's record, for people.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Transition {
    /// The term.
    pub term: Term,
    /// Name of the node.
    pub node: String,
    /// The start of that node.
    pub instance: InstanceId,
    /// What the record said from then on.
    pub state: RecordState,
    /// Why.
    pub reason: String,
    /// When, in seconds since 1970 on the writer's wall clock.
    pub at: u64,
}

impl Transition {
    /// How many transitions of an election are kept.
    pub const KEPT: usize = 50;

    /// The transition that writing `record` is.
    pub fn of(record: &Record) -> Self {
        Self {
            term: record.term,
            node: record.node.clone(),
            instance: record.instance,
            state: record.state,
            reason: record.reason.clone(),
            at: record.at,
        }
    }
}
