use std::process::Command;

use crate::Outcome;
use crate::workspace::{Workspace, run};

/// Formats every Rust file, or only says which is not formatted.
///
/// By the list of files: `cargo fmt` follows `mod` lines and misses modules a macro declares.
///
/// # Errors
///
/// When a file is not formatted and was only looked at.
pub(crate) fn fmt(workspace: &Workspace, check: bool) -> Outcome {
    let files: Vec<_> = workspace
        .files()?
        .into_iter()
        .filter(|file| file.ends_with(".rs"))
        .collect();
    let mut rustfmt = Command::new("rustfmt");
    rustfmt
        .args(["--edition", "2024"])
        .args(files)
        .current_dir(workspace.root());
    if check {
        rustfmt.arg("--check");
    }
    run(&mut rustfmt)
}
