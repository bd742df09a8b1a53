//! Everything that shows that tanist works, in parts.

use std::env;
use std::io::{BufRead as _, BufReader, Read};
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
    self::parts(workspace, &without, &mut parts);
    if all {
        for bench in ["handover", "footprint"] {
            parts.run(bench, || crate::bench::bench(workspace, &[bench]));
        }
    }
    parts.finish()
}

/// The parts of the tests, without those that need what is in `without`.
pub(crate) fn parts(workspace: &Workspace, without: &str, parts: &mut Parts) {
    parts.run("packages", install);
    parts.run("build", || {
        workspace.build("tanist-cli", Profile::Test)?;
        workspace.build("tanist-testkit", Profile::Test)
    });
    let mut closing = Vec::new();
    parts.run("tests", || tests(workspace, without, &mut closing));
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
    if !without.is_empty() {
        closing.push(format!("NOT RUN: tests that need {without}"));
    }
    parts.close_with(closing);
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
///
/// What the runner says at its end is passed on to the end of everything.
fn tests(workspace: &Workspace, without: &str, closing: &mut Vec<String>) -> Outcome {
    let nextest = Command::new("cargo-nextest")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    let nextest = nextest.is_ok_and(|status| status.success());
    let words: &[&str] = if nextest {
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
    if nextest {
        cargo.stderr(Stdio::piped());
    } else {
        cargo.stdout(Stdio::piped());
    }
    let mut runner = cargo.spawn()?;
    let said: Option<Box<dyn Read>> = match (runner.stderr.take(), runner.stdout.take()) {
        (Some(said), _) => Some(Box::new(said)),
        (None, said) => said.map(|said| Box::new(said) as Box<dyn Read>),
    };
    for line in said
        .into_iter()
        .flat_map(|said| BufReader::new(said).lines())
    {
        let line = line?;
        say!("{line}");
        if is_closing(&line) {
            closing.push(line);
        }
    }
    let status = runner.wait()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("the runner ended with {status}").into())
    }
}

/// The verdict of nextest or of `cargo test`, and what it names as failed.
fn is_closing(line: &str) -> bool {
    let line = line.trim_start();
    ["Summary ", "FAIL ", "TIMEOUT ", "SIG", "test result: "]
        .iter()
        .any(|word| line.starts_with(word))
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
