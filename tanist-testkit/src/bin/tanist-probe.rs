//! The work that tells when it ran: see [`tanist_testkit::ProbeOptions`] for its flags.

use std::io::{self, Write as _};
use std::process::ExitCode;

use tanist_testkit::{Probe, ProbeOptions};

fn main() -> ExitCode {
    let args = std::env::args_os().skip(1);
    let outcome = ProbeOptions::parse(args, |name| std::env::var(name).ok())
        .map_err(|wrong| (ExitCode::from(64), wrong))
        .and_then(|options| {
            Probe::run(options).map_err(|error| (ExitCode::FAILURE, error.to_string()))
        });
    outcome.unwrap_or_else(|(code, what)| {
        // Nobody may be left to read it; the code says it too.
        let _unread = writeln!(io::stderr(), "tanist-probe: {what}");
        code
    })
}
