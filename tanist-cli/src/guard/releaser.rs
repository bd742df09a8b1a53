use std::process::ExitCode;

use nix::sys::signal::SigSet;
use rustix::net::{RecvFlags, SendFlags};

use super::channel::{self, Descriptors, MESSAGE_MAX};
use super::wire::Notice;

/// Gives a leadership back, given its release bytes: `tanist::release` but in tests.
pub(crate) type Release = fn(&[u8]) -> Result<(), String>;

/// The program that sleeps beside its guard and acts only when it is handed release bytes.
///
/// It says that it is prepared and reads one message. The end instead of a message means that the
/// guard was dismissed, or killed: then the supervisor releases, because only it can know that the
/// tree is gone.
pub(super) fn run(release: Release) -> ExitCode {
    // Service managers signal whole groups; only the guard decides when this one ends.
    let _ = SigSet::all().thread_block();
    let line = std::io::stdin();
    let mut buffer = vec![0; MESSAGE_MAX];
    let length = Notice::Prepared { detail: &[] }.encode(&mut buffer);
    if channel::send(&line, &buffer[..length], &[], SendFlags::empty()).is_err() {
        return ExitCode::FAILURE;
    }
    let mut none = Descriptors::default();
    let Ok(Some(length)) = channel::receive(&line, &mut buffer, &mut none, RecvFlags::empty())
    else {
        return ExitCode::SUCCESS;
    };
    match release(&buffer[..length]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            complain(&reason);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "nobody else is left to hear it")]
fn complain(reason: &str) {
    eprintln!("tanist: the leadership could not be released, its lease has to run out: {reason}");
}
