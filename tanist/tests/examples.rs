//! Every example runs, on a store of its own, and says what it should.
#![expect(
    clippy::unwrap_used,
    reason = "an example that cannot be run has to fail its test"
)]

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Cargo builds the examples of a package before its tests, next to them.
fn example(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    let path = path.join("examples").join(name);
    assert!(
        path.exists(),
        "build it first: cargo build -p tanist --example {name}"
    );
    path
}

fn command(name: &str, dir: &tempfile::TempDir) -> Command {
    let mut command = Command::new(example(name));
    command.arg(format!("local:{}", dir.path().join("store").display()));
    command
}

fn output(mut command: Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    text
}

#[test]
fn lead_works_in_its_term_and_leaves() {
    let dir = tempfile::tempdir().unwrap();
    let text = output(command("lead", &dir));
    for line in [
        "standing in the election example",
        "leading in term",
        "step 3",
        "work is done",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn observe_tells_of_a_leader_that_comes_and_goes() {
    let dir = tempfile::tempdir().unwrap();
    let mut observe = command("observe", &dir);
    let mut observer = observe.arg("3").stdout(Stdio::piped()).spawn().unwrap();
    // Its first line says that nobody leads; what follows is awaited by its own count.
    let mut lines =
        std::io::BufRead::lines(std::io::BufReader::new(observer.stdout.take().unwrap()));
    assert_eq!(lines.next().unwrap().unwrap(), "nobody leads");
    output(command("lead", &dir));
    assert!(
        lines
            .next()
            .unwrap()
            .unwrap()
            .starts_with("node-1 leads in term ")
    );
    assert_eq!(lines.next().unwrap().unwrap(), "nobody leads");
    assert!(lines.next().is_none());
    assert!(observer.wait().unwrap().success());
}

#[test]
fn fence_refuses_the_late_write() {
    let dir = tempfile::tempdir().unwrap();
    let text = output(command("fence", &dir));
    assert!(text.contains("refused: term"), "{text}");
    assert!(
        text.contains("the value is: written by the second"),
        "{text}"
    );
}

#[test]
fn a_backend_of_ones_own_leads_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let text = output(command("own_backend", &dir));
    assert!(text.contains("led and left with"), "{text}");
}

#[test]
fn the_page_for_library_users_shows_an_example_that_runs() {
    let page = include_str!("../../docs/library.md");
    let example = include_str!("../examples/lead.rs");
    let (_, code) = example.split_once("\n\n").unwrap();
    assert!(page.contains(&format!("```rust\n{code}```\n")), "{code}");
}
