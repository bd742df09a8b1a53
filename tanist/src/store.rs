use std::fmt;

use tanist_core::{
    Directive, EntryId, InstanceId, Memory, Outcome, Record, RecordState, Refusal, Term, Timing,
};

use crate::backend::table::{self, Access};
use crate::backend::{Amendment, Backend, Snapshot, Transition};
use crate::clock;
use crate::damage::{Damage, Fault, Mend, Part};
use crate::error::{Error, ErrorKind};
use crate::target::{Target, check_election};

/// A store without a session: what an operator reads and writes.
pub struct Store {
    backend: Box<dyn Backend>,
}

impl Store {
    /// The store of `target`. Neither this nor reading creates anything; a store that is not there
    /// yet has no elections.
    ///
    /// # Errors
    ///
    /// As [`crate::Session::open`].
    pub fn open(target: &Target) -> Result<Self, Error> {
        Ok(Self {
            backend: table::open(target, Access::Look)?,
        })
    }

    /// The same through a backend that is not one of those built in.
    pub fn with_backend(backend: Box<dyn Backend>) -> Self {
        Self { backend }
    }

    /// One election as the store's quorum has it. An election that nobody ever stood in reads as
    /// an empty one. Cancel-safe.
    ///
    /// # Errors
    ///
    /// If the store cannot be read or the name cannot be one.
    pub async fn read(&self, election: &str) -> Result<Snapshot, Error> {
        check_election(election)?;
        self.backend.read(election).await
    }

    /// The names of all elections, in order. Cancel-safe.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn elections(&self) -> Result<Vec<String>, Error> {
        self.backend.elections().await
    }

    /// Writes the directive, if it and the record still are what was `read`. Whether a dropped call
    /// took effect is unknown.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Changed`] if one of them was written meanwhile, for example because another
    /// leads now: read again and decide anew.
    pub async fn direct(
        &self,
        election: &str,
        read: &Snapshot,
        directive: Directive,
    ) -> Result<(), Error> {
        let amendment = Amendment::Direct {
            over: read.directive_stamp,
            record: read.view.record_stamp,
            directive,
        };
        self.amend("write the directive", election, amendment).await
    }

    /// Deletes an entry by hand, if it still has its creation id: an operator's last resort.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Changed`] if it is gone or another.
    pub async fn evict(&self, election: &str, entry: EntryId) -> Result<(), Error> {
        self.amend(
            "evict the entry",
            election,
            Amendment::DeleteEntry { entry },
        )
        .await
    }

    /// What of an election this version cannot read, with its bytes. Cancel-safe.
    ///
    /// # Errors
    ///
    /// If the store cannot be read or the name cannot be one.
    pub async fn damage(&self, election: &str) -> Result<Vec<Damage>, Error> {
        check_election(election)?;
        self.backend.damage(election).await
    }

    /// Puts something readable in the place of `damage`, if its bytes are still there, and keeps
    /// them where [`Damage::copy`] says: an operator's last resort. Whether a dropped call took
    /// effect is unknown.
    ///
    /// A record becomes one that says `resigned`, which the next candidate claims at once: with
    /// nobody at work, or the operator answers for that. Its term, which is returned, is the
    /// highest of what the history and `memory` know and the wall clock says, so that terms go on
    /// rising; where another machine has seen a higher one, that machine's nodes wait the longest
    /// lease out.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Changed`] if it is not as it was read, [`ErrorKind::Unsupported`] for what a
    /// later version wrote.
    pub async fn repair(
        &self,
        election: &str,
        damage: &Damage,
        memory: Memory,
    ) -> Result<Option<Term>, Error> {
        const OPERATION: &str = "repair the election";
        if let Fault::Newer { .. } = &damage.fault {
            let why = damage.fault.to_string();
            return Err(Error::new(ErrorKind::Unsupported, OPERATION, why)
                .with("election", election)
                .hint("use that version, or a later one"));
        }
        let mend = match damage.part {
            Part::Record => {
                let history = self.read(election).await?.history;
                Mend::Record(Box::new(resigned(election, &history, memory)))
            }
            Part::Directive => Mend::Directive,
            Part::History => Mend::History,
        };
        let term = match &mend {
            Mend::Record(record) => Some(record.term),
            Mend::Directive | Mend::History => None,
        };
        let over = damage.bytes.clone();
        self.amend(OPERATION, election, Amendment::Repair { over, mend })
            .await?;
        Ok(term)
    }

    async fn amend(
        &self,
        operation: &'static str,
        election: &str,
        amendment: Amendment,
    ) -> Result<(), Error> {
        check_election(election)?;
        let error =
            |kind, why: &str| Err(Error::new(kind, operation, why).with("election", election));
        match self.backend.amend(election, amendment).await {
            Outcome::Committed(_) => Ok(()),
            Outcome::Refused(Refusal::Denied { why }) => error(ErrorKind::Denied, &why),
            Outcome::Refused(Refusal::Full) => {
                error(ErrorKind::Denied, "the store takes no writes but deletions")
            }
            Outcome::Refused(_) => error(ErrorKind::Changed, "it is not as it was read"),
            Outcome::NotSent => error(ErrorKind::Unreachable, "the store cannot be reached"),
            Outcome::Unknown => error(
                ErrorKind::Unreachable,
                "the store did not answer, so it may or may not have happened",
            ),
        }
    }
}

/// A record over which anybody may claim.
fn resigned(election: &str, history: &[Transition], memory: Memory) -> Record {
    let now = clock::now().unix;
    let seen = history.iter().map(|transition| transition.term);
    let term = seen.chain([memory.highest_term, Term::new(now)]).max();
    Record {
        format: Record::FORMAT,
        election: election.to_owned(),
        term: term.unwrap_or(Term::ZERO).min(Term::HIGHEST),
        node: String::new(),
        instance: InstanceId::default(),
        address: String::new(),
        entry: EntryId::default(),
        lease: memory.longest_lease.max(Timing::DEFAULT_LEASE),
        state: RecordState::Resigned,
        reason: "repaired".to_owned(),
        at: now,
        unfenced: None,
        unknown: serde_json::Map::new(),
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("backend", &self.backend.name())
            .field("location", &self.backend.location())
            .finish_non_exhaustive()
    }
}
