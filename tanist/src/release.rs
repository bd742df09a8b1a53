use std::time::Duration;

use serde::{Deserialize, Serialize};
use tanist_core::{Backoff, Defects, EntryId, InstanceId, Release, ReleaseStep, Term};

use crate::backend::table::{self, Access};
use crate::backend::{Amendment, Backend};
use crate::clock;
use crate::error::{Error, ErrorKind};
use crate::target::Target;

pub(crate) const FORMAT: u32 = 1;

/// What the bytes of [`crate::Leadership::release_bytes`] say. Opaque to everybody else.
#[derive(Serialize, Deserialize)]
pub(crate) struct Pass {
    pub(crate) format: u32,
    /// `None` for a backend that is not of the table.
    pub(crate) target: Option<String>,
    pub(crate) election: String,
    pub(crate) entry: EntryId,
    pub(crate) instance: InstanceId,
    pub(crate) term: Term,
    pub(crate) pass: Vec<u8>,
    /// Nothing was begun, and the leader before was not fenced.
    #[serde(default)]
    pub(crate) unfenced: bool,
}

impl Pass {
    pub(crate) fn encode(&self) -> Vec<u8> {
        // Strings and numbers only: nothing in it can fail to serialise.
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let garbage = |why: String| {
            Error::new(ErrorKind::Garbage, OPERATION, why)
                .hint("only bytes of a leadership's release_bytes can be released")
        };
        // The error's text could quote a part of the secret, so it is left out.
        let pass: Self = serde_json::from_slice(bytes)
            .map_err(|_| garbage("the bytes are not a leadership's".to_owned()))?;
        if pass.format != FORMAT {
            return Err(garbage(format!("the bytes are of format {}", pass.format)));
        }
        Ok(pass)
    }
}

const OPERATION: &str = "release the leadership";

/// Gives a leadership back for a process that is dead, in tens of milliseconds instead of after its
/// lease.
///
/// Call it only when every process of the work is verified gone. First the entry is deleted, which
/// refuses every commit of the dead process that is still on its way; then the record is made to
/// say `resigned`, if it is still that leadership's. Nothing of anybody else is touched, and doing
/// it twice is harmless. It keeps trying until the outcome is definite; put a limit around it
/// where that may be never. Cancel-safe: started anew, it takes up where the store stands.
///
/// # Errors
///
/// [`ErrorKind::Garbage`] if these are no release bytes, and what opening the store may say. A store
/// that cannot be reached is no error but a reason to go on trying.
pub async fn release(bytes: &[u8]) -> Result<(), Error> {
    let pass = Pass::decode(bytes)?;
    let Some(target) = &pass.target else {
        return Err(Error::new(
            ErrorKind::Unsupported,
            OPERATION,
            "its store is not one of those built in",
        )
        .hint("call release_through with the backend"));
    };
    let mut backend = table::open(&Target::parse(target)?, Access::Stand)?;
    backend.take_pass(&pass.pass);
    carry_out(&*backend, &pass).await;
    Ok(())
}

/// Like [`release`], through a backend that is not one of those built in.
///
/// # Errors
///
/// [`ErrorKind::Garbage`] if these are no release bytes.
pub async fn release_through(backend: &mut dyn Backend, bytes: &[u8]) -> Result<(), Error> {
    let pass = Pass::decode(bytes)?;
    backend.take_pass(&pass.pass);
    carry_out(backend, &pass).await;
    Ok(())
}

async fn carry_out(backend: &dyn Backend, pass: &Pass) {
    const SHORTEST: Duration = Duration::from_millis(5);
    const LONGEST: Duration = Duration::from_secs(1);
    let mut release = Release::new(
        pass.entry.clone(),
        pass.instance,
        pass.term,
        Defects::default(),
    );
    if pass.unfenced {
        release = release.unfenced();
    }
    let mut backoff = Backoff::new(SHORTEST, LONGEST, pass.term.number());
    loop {
        let step = release.step().clone();
        match step.clone() {
            ReleaseStep::DeleteEntry(entry) => {
                let amendment = Amendment::DeleteEntry { entry };
                release.deleted(&backend.amend(&pass.election, amendment).await);
            }
            ReleaseStep::Read => match backend.read(&pass.election).await {
                Ok(snapshot) => {
                    let view = &snapshot.view;
                    release.read(&view.record, view.record_stamp, clock::now().unix);
                }
                Err(error) => tracing::warn!(%error, "the record could not be read"),
            },
            ReleaseStep::MarkResigned { over, record } => {
                let amendment = Amendment::WriteRecord {
                    over: Some(over),
                    record,
                };
                release.marked(&backend.amend(&pass.election, amendment).await);
            }
            ReleaseStep::Done => return,
        }
        if *release.step() == step {
            tokio::time::sleep(backoff.next_wait()).await;
        } else {
            backoff.reset();
        }
    }
}
