//! tanist is provoked here: the probe that tells when it ran, the checker of what it told, and the
//! scenes that start nodes as real processes and take them down.

mod activation;
mod boot_clock;
mod check;
mod client;
mod control_group;
mod expect;
mod finding;
mod free_port;
mod history;
mod keeper;
mod line;
mod need;
mod node;
mod probe;
mod probe_options;
mod process;
mod programs;
mod scene;
pub mod span;
mod tail;
mod team;
mod user;
mod verdict;
mod work;

pub use activation::{Activation, Writer};
pub use boot_clock::now;
pub use client::{Client, Service};
pub use expect::Expect;
pub use finding::Finding;
pub use free_port::FreePort;
pub use history::History;
pub use keeper::Keeper;
pub use line::{Line, ProbeRole};
pub use need::{Need, WITHOUT};
pub use node::Node;
pub use probe::Probe;
pub use probe_options::{ProbeOptions, Stage};
pub use process::Process;
pub use programs::Programs;
pub use scene::{PATIENCE, Scene, SceneResult};
pub use tail::Tail;
pub use team::{Team, Victim};
pub use user::User;
pub use verdict::Verdict;
pub use work::Work;
