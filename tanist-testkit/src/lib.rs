//! tanist is provoked here: the probe that tells when it ran, the checker of what it told, and the
//! scenarios that start nodes as real processes and take them down.

mod activation;
mod boot_clock;
mod check;
mod expect;
mod finding;
mod free_port;
mod history;
mod line;
mod probe;
mod probe_options;
mod process;
pub mod span;
mod tail;
mod verdict;

pub use activation::{Activation, Writer};
pub use boot_clock::now;
pub use expect::Expect;
pub use finding::Finding;
pub use free_port::FreePort;
pub use history::History;
pub use line::{Line, ProbeRole};
pub use probe::Probe;
pub use probe_options::{ProbeOptions, Stage};
pub use process::Process;
pub use tail::Tail;
pub use verdict::Verdict;
