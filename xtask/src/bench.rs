//! Numbers users care about, measured side by side with what they use today.

mod handover;
mod sample;

use crate::Outcome;
use crate::workspace::Workspace;

/// `cargo xtask bench handover [--rounds N] [--json FILE]`
///
/// # Errors
///
/// When a bar is missed, or what was measured was not safe.
pub(crate) fn bench(workspace: &Workspace, words: &[&str]) -> Outcome {
    let (mut rounds, mut json) = (200, None);
    let ["handover", rest @ ..] = words else {
        return Err("there is one bench: handover".into());
    };
    let mut flags = rest;
    while let [flag, value, rest @ ..] = flags {
        match *flag {
            "--rounds" => rounds = value.parse()?,
            "--json" => json = Some(*value),
            _ => return Err(format!("bench does not know {flag}").into()),
        }
        flags = rest;
    }
    if let [left] = flags {
        return Err(format!("{left} needs a value").into());
    }
    let report = handover::handover(workspace, rounds)?;
    if let Some(file) = json {
        std::fs::write(file, format!("{:#}\n", report.to_json()))?;
    }
    report.finish()
}
