//! One machine, no server: kernel locks in a private directory. See `local/docs.md`.

mod candidacy;
mod entry_file;
mod holders;
mod ledger;
mod mending;
mod pen;
mod probe;
mod session;
mod watcher;
mod worker;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tanist_core::{Outcome, Refusal};

use crate::backend::table::Access;
use crate::backend::{Amendment, Answer, Backend, Snapshot};
use crate::damage::Damage;
use crate::error::{Error, ErrorKind};
use crate::hands::Hands;
use crate::link::Link;
use crate::target::{Place, Target};
use crate::{private_dir, run_dir};

use ledger::Ledger;

/// What may follow the `?` of a `local:` URL.
pub(crate) const PARAMETERS: &[&str] = &["allow_network_fs"];

const OPERATION: &str = "open the local store";

/// Makes the backend of a `local:` target.
pub(crate) fn open(target: &Target, access: Access) -> Result<Box<dyn Backend>, Error> {
    let root = match target.place() {
        Place::Directory(Some(dir)) => dir.clone(),
        Place::Directory(None) | Place::Servers { .. } => run_dir()?,
    };
    let network = match target.parameter("allow_network_fs") {
        None | Some("0") => Network::Refused,
        Some("1") => Network::Allowed,
        Some(_) => {
            let why = "allow_network_fs is neither 0 nor 1";
            return Err(Error::new(ErrorKind::Invalid, OPERATION, why));
        }
    };
    let local = Local {
        root,
        network,
        access,
        held: Held::default(),
        files: hire()?,
        disk: hire()?,
    };
    local.prepare()?;
    Ok(Box::new(local))
}

/// The local store, as one process uses it.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    root: PathBuf,
    network: Network,
    access: Access,
    held: Held,
    /// For what usually takes no time.
    files: Hands,
    /// For what has to reach the disk, and nobody waits for.
    disk: Hands,
}

fn hire() -> Result<Hands, Error> {
    Hands::hire().map_err(|error| {
        Error::io(OPERATION, error).hint("the limit on processes may be reached: ulimit -u")
    })
}

/// Whether locks of another machine's making are good enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Network {
    Refused,
    Allowed,
}

/// The locks that this process holds, by election.
#[derive(Clone, Debug, Default)]
struct Held(Arc<Mutex<BTreeMap<String, Arc<File>>>>);

impl Held {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<File>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Local {
    /// Makes sure that the directory is private and on a disk of this machine. Who stands makes it;
    /// who only looks takes none for an empty store.
    fn prepare(&self) -> Result<(), Error> {
        match self.access {
            Access::Stand => self.found(),
            Access::Look => self.check().map(drop),
        }
    }

    fn found(&self) -> Result<(), Error> {
        private_dir::create(&self.root, OPERATION)?;
        self.check()?;
        let failed = |error| Error::io(OPERATION, error).with("path", self.root.display());
        ledger::found_store(&self.root).map_err(failed)
    }

    /// Whether there is a directory. One that is there has to be fit for a store.
    fn check(&self) -> Result<bool, Error> {
        if !private_dir::check(&self.root, OPERATION)? {
            return Ok(false);
        }
        let failed = |error| Error::io(OPERATION, error).with("path", self.root.display());
        if self.network == Network::Refused
            && let Some(name) = network_fs(&self.root).map_err(failed)?
        {
            let why = format!("it is on {name}, where a lock may mean nothing on other machines");
            return Err(Error::new(ErrorKind::Unsafe, OPERATION, why)
                .with("path", self.root.display())
                .hint(
                    "use a directory on a disk of this machine, or add ?allow_network_fs=1 if \
                       only this machine uses it",
                ));
        }
        Ok(true)
    }

    fn ledger(&self, election: &str) -> Ledger {
        Ledger::new(&self.root, election)
    }

    fn list(&self) -> Result<Vec<String>, Error> {
        let failed =
            |error| Error::io("list the elections", error).with("path", self.root.display());
        let mut names = Vec::new();
        let items = match self.root.join(ledger::SIDE).read_dir() {
            Ok(items) => items,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(names),
            Err(error) => return Err(failed(error)),
        };
        for item in items {
            let item = item.map_err(failed)?;
            let name = item.file_name().to_string_lossy().into_owned();
            if item.file_type().map_err(failed)?.is_dir() && crate::check_election(&name).is_ok() {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}

impl Backend for Local {
    fn name(&self) -> &'static str {
        "local"
    }

    fn location(&self) -> String {
        self.root.display().to_string()
    }

    fn run(&self, link: Link) -> Answer<'_, ()> {
        Box::pin(session::run(self.clone(), link))
    }

    fn read<'a>(&'a self, election: &'a str) -> Answer<'a, Result<Snapshot, Error>> {
        let ledger = self.ledger(election);
        Box::pin(async move {
            let read = self.files.run(move || ledger.snapshot()).await;
            read.and_then(|read| read)
                .map_err(|error| Error::io("read the election", error).with("election", election))
        })
    }

    fn damage<'a>(&'a self, election: &'a str) -> Answer<'a, Result<Vec<Damage>, Error>> {
        let ledger = self.ledger(election);
        Box::pin(async move {
            let found = self.files.run(move || ledger.damage()).await;
            found.and_then(|found| found).map_err(|error| {
                Error::io("look at the election", error).with("election", election)
            })
        })
    }

    fn elections(&self) -> Answer<'_, Result<Vec<String>, Error>> {
        let this = self.clone();
        Box::pin(async move {
            match self.files.run(move || this.list()).await {
                Ok(names) => names,
                Err(error) => Err(Error::io("list the elections", error)),
            }
        })
    }

    fn amend<'a>(&'a self, election: &'a str, amendment: Amendment) -> Answer<'a, Outcome> {
        let (this, ledger) = (self.clone(), self.ledger(election));
        let amend = move || match this.found() {
            Ok(()) => ledger.amend(&amendment),
            Err(error) => {
                tracing::warn!(%error, "nothing was written");
                Outcome::NotSent
            }
        };
        Box::pin(async move {
            match self.files.run(amend).await {
                Ok(outcome) => outcome,
                Err(_) => Outcome::Unknown,
            }
        })
    }

    fn holds(&self, election: &str) -> io::Result<Vec<OwnedFd>> {
        match self.held.lock().get(election) {
            Some(lock) => Ok(vec![lock.try_clone()?.into()]),
            None => Ok(Vec::new()),
        }
    }
}

/// What an operation that failed before it changed anything amounts to.
fn failure(error: &io::Error) -> Outcome {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Outcome::Refused(Refusal::Full)
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Outcome::Refused(Refusal::Denied {
                why: error.to_string(),
            })
        }
        _ => Outcome::NotSent,
    }
}

/// The name of the file system of `path`, if other machines may share it.
fn network_fs(path: &Path) -> io::Result<Option<&'static str>> {
    // From statfs(2) and linux/magic.h.
    const NETWORK: &[(u64, &str)] = &[
        (0x6969, "NFS"),
        (0x517b, "SMB"),
        (0xfe53_4d42, "SMB"),
        (0xff53_4d42, "CIFS"),
        (0x6573_5546, "FUSE"),
        (0x0102_1997, "9P"),
        (0x5346_414f, "AFS"),
        (0x6b41_4653, "AFS"),
        (0x7375_7245, "Coda"),
        (0x00c3_6400, "Ceph"),
        (0x0116_1970, "GFS2"),
        (0x7461_636f, "OCFS2"),
        (0x0bd0_0bd0, "Lustre"),
        (0x4750_4653, "GPFS"),
        (0x1983_0326, "BeeGFS"),
    ];
    let kind = rustix::fs::statfs(path)?.f_type;
    // The kernel's number has 32 bits, whatever sign the C library gives it.
    let kind = kind.cast_unsigned() & 0xffff_ffff;
    Ok(NETWORK
        .iter()
        .find(|(magic, _)| *magic == kind)
        .map(|(_, name)| *name))
}
