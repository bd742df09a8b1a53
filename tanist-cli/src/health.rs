//! Health checks: whether the service, and this node, are well.
//!
//! ```text
//!  task for each check ── Finding ──► Gauge (pure: rise, fall, grace) ──► level and note
//!    exec: a guard of its own                                              │
//!    http, tcp: a connection, notify: its own word
//!                                                                          ▼
//!                                                    supervisor: health told, work stopped, vouched
//! ```

mod address;
mod check;
mod checks;
mod exec;
mod gauge;
mod http;
mod outcome;
mod pulse;

pub(crate) use check::{Check, Probe};
pub(crate) use checks::{Checks, Heard};
pub(crate) use gauge::Thresholds;
