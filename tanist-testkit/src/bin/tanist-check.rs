//! Judges histories that probes wrote: `tanist-check [--json] [--no-terms] FILE...`.
//!
//! Prints each file's activations, overlap, terms and gaps. Exits with 0 if all hold, 1 if one does
//! not, 64 on a wrong flag and 66 when a file cannot be read.

use std::io::{self, Write as _};
use std::process::ExitCode;

use tanist_testkit::{Expect, History};

fn main() -> ExitCode {
    let mut expect = Expect::default();
    let mut json = false;
    let mut files = Vec::new();
    for arg in std::env::args().skip(1) {
        match arg.as_str() {
            "--json" => json = true,
            "--no-terms" => expect.terms = false,
            flag if flag.starts_with("--") => return fail(64, &format!("unknown flag {flag}")),
            _ => files.push(arg),
        }
    }
    if files.is_empty() {
        return fail(64, "usage: tanist-check [--json] [--no-terms] FILE...");
    }
    let mut holds = true;
    for file in files {
        let history = match History::read(&file) {
            Ok(history) => history,
            Err(error) => return fail(66, &format!("cannot read {file}: {error}")),
        };
        let verdict = history.check(&expect);
        holds &= verdict.holds();
        let text = if json {
            verdict.to_json().to_string()
        } else {
            format!("{file}\n{verdict}")
        };
        if writeln!(io::stdout(), "{text}").is_err() {
            return ExitCode::FAILURE;
        }
    }
    if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn fail(code: u8, what: &str) -> ExitCode {
    // Nobody may be left to read it; the code says it too.
    let _unread = writeln!(io::stderr(), "tanist-check: {what}");
    ExitCode::from(code)
}
