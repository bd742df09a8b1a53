use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tanist_core::{InstanceId, Timing};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::backend::Backend;
use crate::backend::table::{self, Access};
use crate::boot_timer::BootTimer;
use crate::campaign::{Campaign, CampaignSettings, Desk};
use crate::driver::{Driver, NewContest, Request};
use crate::error::{Error, ErrorKind};
use crate::hands::Hands;
use crate::leadership::Origin;
use crate::link::{ElectionName, LinkSettings};
use crate::state_dir::StateDir;
use crate::target::{Target, check_election};

/// One process at one store: one connection, one session of the store, one task, however many
/// elections it stands in.
///
/// Dropping it leaves all of them, each in the right order: its work is told to end, and only when
/// its [`crate::Leadership`] was dropped is the leadership given back. [`Session::close`] waits for
/// that.
pub struct Session {
    requests: mpsc::UnboundedSender<Request>,
    backend: Arc<dyn Backend>,
    target: Option<String>,
    task: Option<JoinHandle<()>>,
}

/// What a session asks of its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionSettings {
    /// The session's length to ask for; the store may grant another.
    pub ttl: Duration,
    /// A request not answered by then goes to the next member.
    pub request_timeout: Duration,
}

impl SessionSettings {
    /// What suits a leadership with this timing.
    pub const fn for_timing(timing: &Timing) -> Self {
        Self {
            ttl: timing.session_ttl(),
            request_timeout: timing.request_timeout(),
        }
    }
}

impl Default for SessionSettings {
    /// What suits the default lease.
    fn default() -> Self {
        let lease = Timing::DEFAULT_LEASE;
        Self {
            ttl: lease * 5 / 4,
            request_timeout: lease * 3 / 16,
        }
    }
}

impl Session {
    /// Begins to use the store of `target`. The store itself may come up later: reaching it is
    /// tried for ever, and [`crate::Status::connected`] tells how it goes.
    ///
    /// Runs one task on the current tokio runtime, which needs its IO and time drivers.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotCompiled`] for a store that this build leaves out, [`ErrorKind::Unsafe`] for
    /// a directory that others could write to, [`ErrorKind::Closed`] outside of a tokio runtime.
    #[expect(
        clippy::unused_async,
        reason = "an opening that has to wait must stay possible"
    )]
    pub async fn open(target: &Target, settings: SessionSettings) -> Result<Self, Error> {
        Self::start(
            table::open(target, Access::Stand)?.into(),
            Some(target.to_string()),
            settings,
        )
    }

    /// The same on a backend that is not one of those built in.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] outside of a tokio runtime.
    pub fn with_backend(
        backend: Box<dyn Backend>,
        settings: SessionSettings,
    ) -> Result<Self, Error> {
        Self::start(backend.into(), None, settings)
    }

    fn start(
        backend: Arc<dyn Backend>,
        target: Option<String>,
        settings: SessionSettings,
    ) -> Result<Self, Error> {
        const OPERATION: &str = "open a session";
        let runtime = Handle::try_current().map_err(|error| {
            Error::new(ErrorKind::Closed, OPERATION, "there is no tokio runtime").caused_by(error)
        })?;
        let SessionSettings {
            ttl,
            request_timeout,
        } = settings;
        if ttl.is_zero() || request_timeout.is_zero() {
            return Err(Error::new(ErrorKind::Invalid, OPERATION, "a span of zero"));
        }
        let (requests, requests_in) = mpsc::unbounded_channel();
        let link = LinkSettings {
            ttl,
            request_timeout,
        };
        let timer = BootTimer::new().map_err(|error| Error::io(OPERATION, error))?;
        let disk = Hands::hire().map_err(|error| Error::io(OPERATION, error))?;
        let driver = Driver::new(Arc::clone(&backend), link, disk);
        let task = runtime.spawn(driver.run(requests_in, timer));
        Ok(Self {
            requests,
            backend,
            target,
            task: Some(task),
        })
    }

    /// The backend's name and where the store is, for people.
    pub fn location(&self) -> (&'static str, String) {
        (self.backend.name(), self.backend.location())
    }

    /// Stands in an election, from now until the campaign is closed or dropped.
    ///
    /// Reads what this machine remembers of the election first. Cancel-safe: either there is a
    /// campaign, or nothing happened.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] for a name that cannot be one, or for an election in which this
    /// session stands already; [`ErrorKind::Closed`] after the session's end. A state directory
    /// that cannot be used is no error but is told in [`crate::Status::memory_failure`].
    pub async fn campaign(&self, settings: CampaignSettings) -> Result<Campaign, Error> {
        const OPERATION: &str = "stand in the election";
        check_election(&settings.election)?;
        if settings.node.is_empty() || settings.node.chars().any(char::is_control) {
            let why = "the node's name is empty or contains control characters";
            return Err(Error::new(ErrorKind::Invalid, OPERATION, why));
        }
        let election: ElectionName = settings.election.as_str().into();
        let instance = InstanceId::new(random(OPERATION)?);
        let seed = u64::from_le_bytes(random_bytes(OPERATION)?);
        let state = settings
            .state_dir
            .clone()
            .map(|dir| StateDir::new(dir, &election));
        let desk = Desk::new(&election, &settings.node, instance);
        let origin = Origin {
            election: Arc::clone(&election),
            instance,
            backend: Arc::clone(&self.backend),
            target: self.target.clone(),
            requests: self.requests.clone(),
        };
        let (accepted, answer) = tokio::sync::oneshot::channel();
        let contest = NewContest {
            settings,
            seed,
            state,
            desk: Arc::clone(&desk),
            origin,
            accepted,
        };
        let closed = || Error::new(ErrorKind::Closed, OPERATION, "the session is closed");
        let campaign = Campaign::new(Arc::clone(&election), instance, desk, self.requests.clone());
        self.requests
            .send(Request::Campaign(Box::new(contest)))
            .map_err(|_| closed())?;
        match answer.await {
            Ok(true) => Ok(campaign),
            Ok(false) => Err(Error::new(
                ErrorKind::Invalid,
                OPERATION,
                "this session stands in it already",
            )
            .with("election", election)
            .hint("open another session for a second candidate")),
            Err(_) => Err(closed()),
        }
    }

    /// Leaves all elections and waits until everything is given back and the store's session has
    /// ended. Waits for as long as a [`crate::Leadership`] is kept.
    ///
    /// Not cancel-safe in the sense that it goes on in the background when dropped.
    pub async fn close(mut self) {
        let _ = self.requests.send(Request::Close);
        if let Some(task) = self.task.take() {
            // It fails only if the task panicked or its runtime is going: either way it is over.
            let _ = task.await;
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Without a driver there is nothing left to close.
        let _ = self.requests.send(Request::Close);
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (backend, location) = self.location();
        f.debug_struct("Session")
            .field("backend", &backend)
            .field("location", &location)
            .finish_non_exhaustive()
    }
}

fn random(operation: &'static str) -> Result<u128, Error> {
    random_bytes(operation).map(u128::from_le_bytes)
}

fn random_bytes<const N: usize>(operation: &'static str) -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(ErrorKind::Io, operation, "there is no randomness").caused_by(error)
    })?;
    Ok(bytes)
}
