//! What can go wrong, and the tests that make it go wrong: gathered from the tests themselves.

mod catalogue;
mod proof;

use std::fmt::Write as _;
use std::fs;

use crate::workspace::Workspace;
use crate::{Outcome, say};
use catalogue::{FAULTS, Fault};
use proof::Proof;

const PAGE: &str = "docs/faults.md";

const HEAD: &str = "\
# Faults, and the tests that inject them

What can go wrong, what other tools do then, what tanist does, and the tests that make it happen and
look. A test names its fault where it is written (`/// F82: ...`); this page is put together from
that by `cargo xtask faults`, and `cargo xtask tidy` refuses one that is out of date.

The commands run as they stand after `cargo build -p tanist-cli -p tanist-testkit`; about half of
them need root. Numbers that are missing belong to stores on a network.
";

/// Writes the page.
///
/// # Errors
///
/// When a fault has no test, or the page cannot be written.
pub(crate) fn faults(workspace: &Workspace) -> Outcome {
    let proofs = gather(workspace)?;
    let refusals = unproven(FAULTS, &proofs);
    for refusal in &refusals {
        say!("{refusal}");
    }
    fs::write(workspace.root().join(PAGE), page(FAULTS, &proofs))?;
    match refusals.len() {
        0 => Ok(()),
        count => Err(format!("{count} marks or faults are wrong").into()),
    }
}

/// What is wrong with the page and with what it is made of.
///
/// # Errors
///
/// When the tree cannot be read.
pub(crate) fn stale(workspace: &Workspace) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let proofs = gather(workspace)?;
    let mut refusals = unproven(FAULTS, &proofs);
    let written = fs::read_to_string(workspace.root().join(PAGE)).unwrap_or_default();
    if written != page(FAULTS, &proofs) {
        refusals.push(format!("{PAGE} is out of date: cargo xtask faults"));
    }
    Ok(refusals)
}

fn gather(workspace: &Workspace) -> Result<Vec<Proof>, Box<dyn std::error::Error>> {
    let mut proofs = Vec::new();
    for path in workspace.files()? {
        if path.ends_with(".rs") && !path.starts_with("xtask/") {
            let text = fs::read_to_string(workspace.root().join(&path))?;
            proofs.extend(proof::marked(&path, &text));
        }
    }
    Ok(proofs)
}

/// Faults without a test, and tests of faults there are none of.
fn unproven(faults: &[Fault], proofs: &[Proof]) -> Vec<String> {
    let is_proven = |fault: &&Fault| proofs.iter().any(|proof| proof.faults.contains(&fault.id));
    let without = faults.iter().filter(|fault| !is_proven(fault));
    let without = without.map(|fault| format!("F{:02}: no test names it", fault.id));
    let is_known = |id: &u8| faults.iter().any(|fault| fault.id == *id);
    let unknown = proofs.iter().flat_map(|proof| {
        let strange = proof.faults.iter().filter(|id| !is_known(id));
        strange.map(|id| format!("{}: there is no F{id:02}", proof.command))
    });
    let nameless = proofs.iter().filter(|proof| proof.command.is_empty());
    let nameless = nameless.map(|proof| format!("{}: a mark on what is no test", proof.function));
    without.chain(unknown).chain(nameless).collect()
}

fn page(faults: &[Fault], proofs: &[Proof]) -> String {
    let mut page = HEAD.to_owned();
    for fault in faults {
        // Writing into a string does not fail.
        let _ = write!(
            page,
            "\n## F{:02}. {}\n\n* Others: {}\n* tanist: {}\n",
            fault.id, fault.what, fault.others, fault.tanist
        );
        if let Some(why) = fault.not_here {
            let _ = writeln!(page, "* Not had with real processes: {why}");
        }
        let shown = proofs
            .iter()
            .filter(|proof| proof.faults.contains(&fault.id));
        for proof in shown {
            let _ = writeln!(page, "* `{}`", proof.command);
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: [Fault; 1] = [Fault {
        id: 7,
        what: "It breaks",
        others: "they wait.",
        tanist: "it goes on.",
        not_here: None,
    }];

    #[test]
    fn a_fault_without_a_test_and_a_test_without_a_fault_are_refused() {
        assert_eq!(unproven(&ONE, &[]), ["F07: no test names it"]);
        let text = "/// F07, F08: it breaks.\n#[test]\nfn it_goes_on() {}\n";
        let proofs: Vec<_> = proof::marked("a/tests/b.rs", text).collect();
        let refused = unproven(&ONE, &proofs);
        assert_eq!(
            refused,
            ["cargo test -p a --test b it_goes_on: there is no F08"]
        );
        let page = page(&ONE, &proofs);
        assert!(
            page.contains("## F07. It breaks") && page.contains("* `cargo test -p a"),
            "{page}"
        );
    }
}
