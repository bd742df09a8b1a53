//! The real binary with real children, on the local store.

mod environment;
mod once;
mod policies;
mod queries;
mod refusals;
mod signals;
mod stage;
mod takeover;
