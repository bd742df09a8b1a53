//! Numbers users care about, measured side by side with what they use today.

mod footprint;
mod handover;
mod sample;

use crate::Outcome;
use crate::workspace::Workspace;

/// `cargo xtask bench handover [--rounds N] [--json FILE]`
/// `cargo xtask bench footprint [--json FILE]`
///
/// # Errors
///
/// When a bar is missed, or what was measured was not safe.
pub(crate) fn bench(workspace: &Workspace, words: &[&str]) -> Outcome {
    let (mut rounds, mut json) = (200, None);
    let [which @ ("handover" | "footprint"), rest @ ..] = words else {
        return Err("there are two benches: handover, footprint".into());
    };
    let mut flags = rest;
    while let [flag, value, rest @ ..] = flags {
        match *flag {
            "--rounds" if *which == "handover" => rounds = value.parse()?,
            "--json" => json = Some(*value),
            _ => return Err(format!("bench {which} does not know {flag}").into()),
        }
        flags = rest;
    }
    if let [left] = flags {
        return Err(format!("{left} needs a value").into());
    }
    let (report, outcome) = if *which == "handover" {
        let report = handover::handover(workspace, rounds)?;
        (report.to_json(), report.finish())
    } else {
        let report = footprint::footprint(workspace)?;
        (report.to_json(), report.finish())
    };
    if let Some(file) = json {
        std::fs::write(file, format!("{report:#}\n"))?;
    }
    outcome
}
