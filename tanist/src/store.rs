use std::fmt;

use tanist_core::{Directive, EntryId, Outcome, Record, Refusal, Stamp};

use crate::backend::table::{self, Access};
use crate::backend::{Amendment, Backend, Snapshot};
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

    /// Writes the directive, if it still has the version `over` that was read. Whether a dropped
    /// call took effect is unknown.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Changed`] if somebody wrote it meanwhile: read again and decide anew.
    pub async fn direct(
        &self,
        election: &str,
        over: Option<Stamp>,
        directive: Directive,
    ) -> Result<(), Error> {
        self.amend(
            "write the directive",
            election,
            Amendment::Direct { over, directive },
        )
        .await
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

    /// Writes the record by hand, if it still has the version `over` that was read: an operator's
    /// last resort.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Changed`] if it was written meanwhile.
    pub async fn repair(
        &self,
        election: &str,
        over: Option<Stamp>,
        record: Record,
    ) -> Result<(), Error> {
        self.amend(
            "repair the record",
            election,
            Amendment::WriteRecord { over, record },
        )
        .await
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

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("backend", &self.backend.name())
            .field("location", &self.backend.location())
            .finish_non_exhaustive()
    }
}
