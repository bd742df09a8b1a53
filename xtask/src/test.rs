//! Everything that shows that tanist works, in parts.

use std::env;
use std::process::{Command, Stdio};

use tanist_testkit::{Need, User, WITHOUT};

use crate::part::Parts;
use crate::workspace::{Profile, Workspace, run};
use crate::{Outcome, say};

/// What the tests need beside the Rust toolchain: a program, and the Debian package it is in.
const PACKAGES: [(&str, &str); 6] = [
    ("etcd", "etcd-server"),
    ("etcdctl", "etcd-client"),
    ("flock", "util-linux"),
    ("python3", "python3"),
    ("redis-server", "redis-server"),
    ("unshare", "util-linux"),
];

/// `cargo xtask test [--all] [--without NEED,...]`
///
/// # Errors
///
/// When a part fails, or something is missing that nobody left out.
pub(crate) fn test(workspace: &Workspace, mut words: &[&str]) -> Outcome {
    let (mut all, mut without) = (false, String::new());
    loop {
        words = match words {
            [] => break,
            ["--all", rest @ ..] => {
                all = true;
                rest
            }
            ["--without", list, rest @ ..] => {
                without.clone_from(&(*list).to_owned());
                rest
            }
            [other, ..] => return Err(format!("test does not know {other}").into()),
        };
    }
    check_words(&without)?;
    let mut parts = Parts::default();
    parts.run("packages", install);
    parts.run("build", || {
        workspace.build("tanist-cli", Profile::Test)?;
        workspace.build("tanist-testkit", Profile::Test)
    });
    parts.run("tests", || tests(workspace, &without));
    parts.run("documentation's examples", || {
        run(&mut workspace.cargo(&["test", "--locked", "--workspace", "--doc", "--quiet"]))
    });
    parts.run("simulator", || {
        run(&mut workspace.cargo(&[
            "run",
            "--locked",
            "--release",
            "-p",
            "tanist-sim",
            "--",
            "all",
        ]))
    });
    parts.run("oldest toolchain", || oldest_toolchain(workspace));
    if all {
        parts.run("bench", || crate::bench::bench(workspace, &["handover"]));
    }
    if !without.is_empty() {
        say!("\nNOT RUN: tests that need {without}");
    }
    parts.finish()
}

fn check_words(without: &str) -> Outcome {
    let known = |word: &&str| Need::ALL.iter().any(|need| need.word() == *word);
    match without
        .split(',')
        .filter(|word| !word.is_empty())
        .find(|word| !known(word))
    {
        Some(word) => Err(format!(
            "no need {word:?}; there are {}",
            Need::ALL.map(Need::word).join(", ")
        )
        .into()),
        None => Ok(()),
    }
}

/// Puts in what is missing, where that is possible.
pub(crate) fn install() -> Outcome {
    let is_there = |program: &str| {
        let paths = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&paths).any(|folder| folder.join(program).is_file())
    };
    let mut missing: Vec<&str> = PACKAGES
        .iter()
        .filter(|(program, _)| !is_there(program))
        .map(|(_, package)| *package)
        .collect();
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    let wanted = missing.join(" ");
    if !User::tester_is_root() || !is_there("apt-get") {
        return Err(format!("missing: {wanted}; as root: apt-get install {wanted}").into());
    }
    say!("installing {wanted}");
    let apt = |words: &[&str]| {
        let mut apt = Command::new("apt-get");
        apt.args(["-qq", "-o", "Dpkg::Use-Pty=0"]).args(words);
        apt.env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(Stdio::null());
        run(&mut apt)
    };
    apt(&["update"])?;
    let words: Vec<_> = ["install", "--yes", "--no-install-recommends"]
        .into_iter()
        .chain(missing)
        .collect();
    apt(&words)
}

/// With nextest where it is there: a process for each test, and a limit for one that hangs.
fn tests(workspace: &Workspace, without: &str) -> Outcome {
    let nextest = Command::new("cargo-nextest")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    let words: &[&str] = if nextest.is_ok_and(|status| status.success()) {
        &[
            "nextest",
            "run",
            "--locked",
            "--workspace",
            "--no-fail-fast",
        ]
    } else {
        say!("cargo-nextest is not there: with cargo test");
        &[
            "test",
            "--locked",
            "--workspace",
            "--all-targets",
            "--no-fail-fast",
        ]
    };
    let mut cargo = workspace.cargo(words);
    cargo
        .env("TANIST_BIN", workspace.program("tanist", Profile::Test))
        .env(WITHOUT, without);
    run(&mut cargo)
}

/// The lint `incompatible_msrv` checks what is called; only a build checks the language.
fn oldest_toolchain(workspace: &Workspace) -> Outcome {
    const OLDEST: &str = "1.89";
    let list = Command::new("rustup").args(["toolchain", "list"]).output();
    let list = list.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    if !list.is_ok_and(|list| list.lines().any(|line| line.starts_with(OLDEST))) {
        say!("NOT RUN: toolchain {OLDEST} is not installed; only the lint has checked it");
        return Ok(());
    }
    let mut cargo = Command::new("cargo");
    cargo.args([&format!("+{OLDEST}"), "check", "--locked", "--workspace"]);
    // The variables of the toolchain this program was started with would win over the one named.
    for variable in ["RUSTUP_TOOLCHAIN", "RUSTC", "RUSTDOC", "CARGO"] {
        cargo.env_remove(variable);
    }
    run(cargo
        .current_dir(workspace.root())
        .env("CARGO_TARGET_DIR", workspace.target("oldest")))
}
