//! The control socket: one line in, one line out.
//!
//! ```text
//! {"do":"status"}   who we are, our role, term and child
//! {"do":"term"}     the term, and for how many milliseconds it is ours for sure
//! {"do":"resign"}   let another lead
//! ```
//!
//! A bare word (`status`) is taken too, so that `socat` is enough of a client. Answers are JSON
//! objects with `"v":1` and `"ok"`.

mod client;
mod peer;
mod report;
mod request;
mod socket;

pub(crate) use client::{Local, locals, resign};
pub(crate) use report::{Report, Role};
pub(crate) use request::Request;
pub(crate) use socket::{ControlSocket, Instruction};
