//! What a change has to pass, each part with its minutes.

use std::process::{Command, Stdio};

use crate::part::Parts;
use crate::workspace::{Workspace, run};
use crate::{Outcome, fmt, say, test, tidy};

/// The version whose configuration `deny.toml` is written in.
const CARGO_DENY: &str = "0.20.2";

/// Runs every part, also after one has failed.
///
/// # Errors
///
/// When a part failed.
pub(crate) fn ci(workspace: &Workspace) -> Outcome {
    let mut parts = Parts::default();
    parts.run("format", || fmt::fmt(workspace, true));
    parts.run("tidy", || tidy::tidy(workspace));
    parts.run("lint", || {
        let words = [
            "clippy",
            "--locked",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ];
        run(&mut workspace.cargo(&words))
    });
    parts.run("documentation", || {
        // The program and the library have one name, and so would their pages: in two runs.
        let program = ["-p", "tanist-cli"];
        let others = ["--workspace", "--exclude", "tanist-cli"];
        [program.as_slice(), others.as_slice()]
            .into_iter()
            .try_for_each(|which| {
                let mut cargo = workspace.cargo(&["doc", "--locked", "--no-deps"]);
                run(cargo.args(which).env("RUSTDOCFLAGS", "-Dwarnings"))
            })
    });
    parts.run("cargo-deny", || install_deny(workspace));
    parts.run("licences, bans, sources", || {
        deny(workspace, &["check", "licenses", "bans", "sources"])
    });
    parts.run("advisories", || advisories(workspace));
    test::parts(workspace, "", &mut parts);
    parts.finish()
}

/// Built once; later runs find it.
fn install_deny(workspace: &Workspace) -> Outcome {
    let there = Command::new("cargo-deny")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if there.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    let words = [
        "install",
        "--quiet",
        "--locked",
        "cargo-deny",
        "--version",
        CARGO_DENY,
    ];
    run(&mut workspace.cargo(&words))
}

fn deny(workspace: &Workspace, words: &[&str]) -> Outcome {
    // All features of the whole workspace: what can be switched on can be shipped.
    let mut cargo = workspace.cargo(&["deny", "--locked", "--all-features", "--workspace"]);
    run(cargo.args(words))
}

/// The database of advisories lies elsewhere and not every machine can reach it.
fn advisories(workspace: &Workspace) -> Outcome {
    match deny(workspace, &["fetch", "db"]) {
        Ok(()) => deny(workspace, &["check", "advisories"]),
        Err(_) => {
            say!("NOT CHECKED: the database of advisories cannot be reached from here");
            Ok(())
        }
    }
}
