//! tanist decides here: pure state machines, without async, clock, IO or chance.
#![warn(clippy::wildcard_enum_match_arm)]

mod backoff;
mod candidate;
mod defects;
mod directive;
mod election;
mod event;
mod fact;
mod lease;
mod line;
mod memory;
mod moment;
mod order;
mod record;
mod release;
mod seen;
mod state;
mod term;
mod timing;
mod view;
mod work_action;
mod work_input;
mod workload;

pub use backoff::Backoff;
pub use candidate::{Candidate, EntryId, Health, Member, Owner};
pub use defects::Defects;
pub use directive::{Directive, NodeUntil};
pub use election::{Config, Election, Input, Output};
pub use event::{Alarm, EndCause, Event, Wait};
pub use fact::{Ask, Fact, Grant, Outcome, Receipt, Refusal};
pub use lease::Lease;
pub use line::Standing;
pub use memory::Memory;
pub use moment::{Moment, Now};
pub use order::{BeatWrite, Beginning, Commit, Focus, Order, Reason};
pub use record::{InstanceId, Reading, Record, RecordState};
pub use release::{Release, ReleaseStep};
pub use state::{Claim, Elect, Role, State, Tenure, Yielding};
pub use term::Term;
pub use timing::{Timing, TimingError, TimingSettings};
pub use view::{Position, Stamp, Vacancy, View};
pub use work_action::{WorkAction, WorkReport};
pub use work_input::WorkInput;
pub use workload::Workload;
