//! tanist keeps exactly one copy of a service active among several machines. This is the election
//! as a library; the command line is built on nothing else.
//!
//! Open a [`Session`] at the store, stand with a [`Campaign`], and work while you hold a
//! [`Leadership`]. Dropping the leadership says that nothing of the work is left; only then does
//! the next one begin.
//!
//! ```
//! use tanist::{CampaignSettings, Session, SessionSettings, Target};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let store = format!("local:{}", dir.path().join("tanist").display());
//! // "local:" for this machine alone.
//! let session = Session::open(&Target::parse(&store)?, SessionSettings::default()).await?;
//! let campaign = session.campaign(CampaignSettings::new("jobs", "node-1")?).await?;
//!
//! let lead = campaign.elected().await?;
//! let term = lead.term(); // give it to whatever the work writes to: it only grows
//! tokio::select! {
//!     () = work(term) => {}
//!     // Stop before `safe_until`; nothing may work in this term after it.
//!     ending = lead.ending() => println!("stopping: {:?}", ending.cause),
//! }
//! drop(lead); // the work is gone: the next one may begin
//! session.close().await;
//! # Ok(())
//! # }
//! # async fn work(_: tanist::Term) {}
//! ```
//!
//! # What it promises
//!
//! Between [`Campaign::elected`] and the drop of its [`Leadership`], and until
//! [`Leadership::safe_until`], no other process that keeps to these rules holds a leadership of the
//! same election. The promise rests on clocks that run at most one per cent apart and on a process
//! that is scheduled: a machine that was paused finds out too late. What the work writes to must
//! therefore refuse terms smaller than the greatest it has seen.
//!
//! # Runtime
//!
//! A [`Session`] spawns one task on the current tokio runtime, which needs its IO and time drivers.
//! There is no global state. Every asynchronous method says whether dropping its future is safe.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | none | the `local:` store: one machine, no server |
//! | `conformance` | the laws of a backend, for one of your own; not covered by semver |

pub mod clock;

mod backend;
mod boot_timer;
mod campaign;
#[cfg(feature = "conformance")]
pub mod conformance;
mod damage;
mod driver;
mod error;
mod hands;
mod leadership;
mod link;
mod observer;
mod private_dir;
mod readiness;
mod release;
mod run_dir;
mod session;
mod state_dir;
mod status;
mod store;
mod target;

pub use backend::{Amendment, Answer, Backend, Holder, Snapshot, Transition};
pub use campaign::{Campaign, CampaignSettings, Pulse};
pub use damage::{Damage, Fault, Mend, Part};
pub use error::{Error, ErrorKind};
pub use leadership::{Ending, Leadership};
pub use link::{Command, ElectionName, Link, LinkPeer, LinkSettings, Report, Reports};
pub use observer::Observer;
pub use release::{release, release_through};
pub use run_dir::run_dir;
pub use session::{Session, SessionSettings};
pub use state_dir::remembered;
pub use status::{Place as LinePlace, Status};
pub use store::Store;
/// The core: what elections are made of, for backends and for those who look closely.
pub use tanist_core as core;
pub use tanist_core::{
    Alarm, Directive, EndCause, EntryId, Event, Health, InstanceId, Member, Moment, NodeUntil, Now,
    Reason, Record, RecordState, Role, Term, Timing, TimingError, TimingSettings, View, Wait,
};
pub use target::{Place, Server, Target, check_election};

/// The target of what is logged through `tracing` about each [`Event`]: alarms as warnings, others
/// for debugging. Who subscribes to [`Campaign::events`] and tells them in its own words filters
/// it out.
pub const EVENTS: &str = "tanist::event";

/// Makes sure that `path` is a directory of this user alone, mode 0700, in a place where nobody else
/// but root can put another one; makes it if it is missing. What a process keeps for others of the
/// same user, sockets for example, belongs in such a directory. Blocks.
///
/// # Errors
///
/// [`ErrorKind::Unsafe`] if it is another's, open to others or in an unsafe place, [`ErrorKind::Io`]
/// if it cannot be made or looked at.
pub fn private_directory(path: &std::path::Path) -> Result<(), Error> {
    private_dir::prepare(path, "use the directory")
}

/// The names of the backends of this build.
pub fn backends() -> impl Iterator<Item = &'static str> {
    backend::table::compiled()
}

/// The backend of `target`, to wrap it, to test it or to share it; [`Session::open`] does it by
/// itself.
///
/// # Errors
///
/// As [`Session::open`].
pub fn open_backend(target: &Target) -> Result<Box<dyn Backend>, Error> {
    backend::table::open(target, backend::table::Access::Stand)
}
