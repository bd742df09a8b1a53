//! The checker fails what must fail: a really recorded overlap, and the same history with its
//! other faults made worse.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tanist_testkit::{Expect, Finding, History, Line};

/// Recorded by `cargo xtask record-overlap`: two `etcdctl lock`, the first one's lease revoked
/// while its command runs.
const OVERLAP: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/fixtures/etcdctl-lock-overlap.jsonl"
);

/// The recording with every line changed by `change`.
fn changed(change: impl Fn(usize, &mut Line)) -> History {
    let mut history = History::default();
    for (index, line) in std::fs::read_to_string(OVERLAP)
        .expect(OVERLAP)
        .lines()
        .enumerate()
    {
        let mut line: Line = serde_json::from_str(line).expect(line);
        change(index, &mut line);
        history.extend(&format!("{line}\n"));
    }
    history
}

#[test]
fn a_recorded_etcdctl_lock_overlap_fails() {
    let verdict = History::read(OVERLAP)
        .expect(OVERLAP)
        .check(&Expect::default());
    let [
        Finding::Overlap {
            earlier, later, by, ..
        },
    ] = verdict.findings.as_slice()
    else {
        panic!("{verdict}");
    };
    assert!(
        earlier.starts_with("first/") && later.starts_with("second/"),
        "{verdict}"
    );
    assert!(*by > Duration::from_secs(2), "{verdict}");
    assert_eq!(verdict.overlap(), *by);
}

#[test]
fn the_program_says_for_how_long_they_overlapped_and_fails() {
    let output = Command::new(env!("CARGO_BIN_EXE_tanist-check"))
        .arg(OVERLAP)
        .output();
    let output = output.expect("tanist-check runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("FOUND S1: overlap of 2023.341 ms"), "{text}");
    assert!(text.ends_with("does not hold\n"), "{text}");

    let output = Command::new(env!("CARGO_BIN_EXE_tanist-check"))
        .args(["--json", OVERLAP])
        .output();
    let json: serde_json::Value =
        serde_json::from_slice(&output.expect("tanist-check runs").stdout).expect("one object");
    assert_eq!(
        (json["holds"].as_bool(), json["overlap_ms"].as_f64()),
        (Some(false), Some(2023.341077))
    );
}

#[test]
fn the_program_passes_what_holds_and_refuses_what_it_cannot_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let first_only = folder.path().join("history");
    let text = std::fs::read_to_string(OVERLAP).expect(OVERLAP);
    let lines = text.lines().filter(|line| line.contains("\"first/"));
    std::fs::write(
        &first_only,
        lines.map(|line| format!("{line}\n")).collect::<String>(),
    )
    .expect("written");
    let code = |path: &Path| {
        let status = Command::new(env!("CARGO_BIN_EXE_tanist-check"))
            .arg(path)
            .output();
        status.expect("tanist-check runs").status.code()
    };
    assert_eq!(code(&first_only), Some(0));
    assert_eq!(code(&folder.path().join("missing")), Some(66));
}

#[test]
fn a_term_given_to_both_holders_is_flagged_beside_the_overlap() {
    let verdict = changed(|_, line| line.term = Some(7)).check(&Expect::default());
    assert!(
        matches!(
            verdict.findings.as_slice(),
            [Finding::Overlap { .. }, Finding::TermTwice { term: 7, .. }]
        ),
        "{verdict}"
    );
}

/// A checker that trusted what lines say of their own moment would pass this one.
#[test]
fn a_line_written_late_is_flagged_whatever_moment_it_names() {
    let history = changed(|_, line| {
        if line.instance() == "first" {
            line.at = line.at - Duration::from_secs(60);
        }
    });
    let verdict = history.check(&Expect::default());
    assert!(
        matches!(verdict.findings.as_slice(), [Finding::LateLine { .. }]),
        "{verdict}"
    );
    assert_eq!(verdict.overlap(), Duration::ZERO);
}
