//! `tanist demo`: real nodes, real misfortunes, and the work's own word for what ran when.

mod cast;
mod history;
mod misfortune;
mod node;
mod scene;
mod show;
mod work;

use std::ffi::OsString;
use std::process::ExitCode;

pub(crate) use cast::{Cast, Script};
pub(crate) use scene::Scene;

/// The work of a node, and the step between the demo and a node.
pub(crate) fn hidden_verb(arguments: &[OsString]) -> Option<ExitCode> {
    let (verb, rest) = arguments.split_first()?;
    Some(match verb.to_str()? {
        "__demo-node" => node::run(rest),
        "__demo-work" => work::run(rest),
        _ => return None,
    })
}
