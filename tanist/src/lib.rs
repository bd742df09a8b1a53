//! tanist

mod backend;
mod boot_timer;
mod campaign;
pub mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod driver;
mod error;
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

pub use backend::{Amendment, Answer, Backend, Snapshot, Transition};
pub use campaign::{Campaign, CampaignSettings};
pub use error::{Error, ErrorKind};
pub use leadership::{Ending, Leadership};
pub use link::{Command, ElectionName, Link, LinkPeer, LinkSettings, Report, Reports};
pub use observer::Observer;
pub use release::{release, release_through};
pub use run_dir::run_dir;
pub use session::{Session, SessionSettings};
pub use status::{Place as LinePlace, Status};
pub use store::Store;
pub use tanist_core as core;
pub use tanist_core::{
    Alarm, EndCause, EntryId, Event, Health, InstanceId, Moment, Now, Reason, Record, RecordState,
    Role, Term, Timing, TimingError, TimingSettings, View, Wait,
};
pub use target::{Place, Server, Target, check_election};

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
    backend::table::open(target)
}
