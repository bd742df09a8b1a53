//! The rules of the tree that no compiler knows.

mod rules;
mod source;

use std::fs;

use crate::workspace::Workspace;
use crate::{Outcome, faults, say};
use source::Source;

/// Looks at every file under version control.
///
/// # Errors
///
/// When a rule is broken; what breaks it has been printed.
pub(crate) fn tidy(workspace: &Workspace) -> Outcome {
    let files = workspace.files()?;
    let mut refusals = Vec::new();
    for path in &files {
        // What is not text has no words and no lines.
        let Ok(text) = fs::read_to_string(workspace.root().join(path)) else {
            continue;
        };
        let source = Source::new(path, &text);
        refusals.extend(rules::words(&source));
        refusals.extend(rules::marks(&source));
        refusals.extend(rules::stores(&source));
        refusals.extend(rules::names(&source));
        refusals.extend(rules::this_place(&source, workspace.root()));
        refusals.extend(rules::size(&source));
        if let Some(question) = rules::long(&source) {
            say!("long: {question}");
        }
    }
    refusals.extend(rules::described(&files));
    refusals.extend(rules::examples(workspace.root()));
    refusals.extend(faults::stale(workspace)?);
    for refusal in &refusals {
        say!("{refusal}");
    }
    say!("tidy: {} files, {} refusals", files.len(), refusals.len());
    if refusals.is_empty() {
        Ok(())
    } else {
        Err("the tree is not tidy".into())
    }
}
