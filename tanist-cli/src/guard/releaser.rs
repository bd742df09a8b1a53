use std::os::fd::OwnedFd;
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
/// tree is gone. Of the descriptors that come along the first is a stream: others work in the name of
/// the leadership and hold its other end, so nothing is released before the last of them has ended.
/// The rest is kept open meanwhile.
pub(super) fn run(release: Release) -> ExitCode {
    // Service managers signal whole groups; only the guard decides when this one ends.
    let _ = SigSet::all().thread_block();
    let line = std::io::stdin();
    let mut buffer = vec![0; MESSAGE_MAX];
    let length = Notice::Prepared { detail: &[] }.encode(&mut buffer);
    if channel::send(&line, &buffer[..length], &[], SendFlags::empty()).is_err() {
        return ExitCode::FAILURE;
    }
    let mut passed = Descriptors::default();
    let Ok(Some(length)) = channel::receive(&line, &mut buffer, &mut passed, RecvFlags::empty())
    else {
        return ExitCode::SUCCESS;
    };
    let along: Vec<OwnedFd> = passed.take_each().collect();
    let ended = along.first().map_or(Ok(()), await_end);
    let released = ended
        .map_err(|error| format!("whether all of its work has ended is not known: {error}"))
        .and_then(|()| release(&buffer[..length]));
    match released {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            complain(&reason);
            ExitCode::FAILURE
        }
    }
}

fn await_end(of: &OwnedFd) -> rustix::io::Result<()> {
    while rustix::io::retry_on_intr(|| rustix::io::read(of, &mut [0; 64]))? > 0 {}
    Ok(())
}

#[expect(clippy::print_stderr, reason = "nobody else is left to hear it")]
fn complain(reason: &str) {
    eprintln!("tanist: the leadership could not be released, its lease has to run out: {reason}");
}
