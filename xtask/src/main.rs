//! What a developer runs: `cargo xtask` prints the list.

mod bench;
mod ci;
mod faults;
mod fmt;
mod part;
mod record_overlap;
mod test;
mod tidy;
mod workspace;

use std::error::Error;
use std::process::ExitCode;

use workspace::Workspace;

/// What a command ends with: nothing, or what went wrong.
type Outcome = Result<(), Box<dyn Error>>;

/// Prints a line; a reader who went away is not an error of ours.
macro_rules! say {
    ($($part:tt)*) => {{
        use std::io::Write as _;
        let _unread = writeln!(std::io::stdout(), $($part)*);
    }};
}
use say;

const COMMANDS: &str = "\
cargo xtask COMMAND

  test [--all] [--without NEED,...]
                      all tests and the simulator; --all adds the benches. Installs what the tests
                      need if run as root. NEED: root, redis, python, etcd, userns, cgroup, pids,
                      cpu
  ci                  everything a change has to pass: format, lints, documentation, licences,
                      bans, advisories, tidy and the tests
  tidy                the rules of the tree: sizes, words, where stores may be named
  faults              write docs/faults.md: what can go wrong, and the tests that inject it
  fmt [--check]       format every Rust file, or say which is not
  bench handover [--rounds N] [--json FILE]
                      how long nobody is active, beside flock(1)
  bench footprint [--json FILE]
                      size, start, memory and idle processor time of the static program
  record-overlap      record anew how `etcdctl lock` lets two in at once (needs etcd)";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Outcome {
    let workspace = Workspace::find()?;
    match words {
        ["test", rest @ ..] => test::test(&workspace, rest),
        ["ci"] => ci::ci(&workspace),
        ["tidy"] => tidy::tidy(&workspace),
        ["fmt"] => fmt::fmt(&workspace, false),
        ["fmt", "--check"] => fmt::fmt(&workspace, true),
        ["faults"] => faults::faults(&workspace),
        ["bench", rest @ ..] => bench::bench(&workspace, rest),
        ["record-overlap"] => record_overlap::record_overlap(&workspace),
        _ => Err(format!("no such command\n\n{COMMANDS}").into()),
    }
}
