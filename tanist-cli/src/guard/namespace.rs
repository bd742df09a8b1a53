use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, ExitCode, Stdio};

use nix::sched::{CloneFlags, unshare};
use rustix::net::SendFlags;
use rustix::thread::{
    CapabilitySet, capabilities, clear_ambient_capability_set, configure_capability_in_ambient_set,
    set_capabilities,
};

use super::channel;
use super::program::{Program, await_prepared};

/// Starts the first process of a new PID namespace with the launcher inside.
///
/// Answers with that process, the launcher's line, and why `/proc` inside shows the outside, if it
/// does. It dies with the guard, and the kernel lets nobody in its namespace outlive it.
pub(super) fn start(words: &[OsString]) -> Result<(Program, OwnedFd, Option<String>), String> {
    enter()?;
    let system = |error| format!("guard: cannot start the PID namespace's first process: {error}");
    let (gate, far) = channel::pair().map_err(system)?;
    let words: Vec<OsString> = std::iter::once("__init".into())
        .chain(words.iter().cloned())
        .collect();
    let init = Program::spawn(&words, Stdio::inherit()).map_err(system)?;
    // What is started from here on needs no privilege of the namespace.
    let _ = clear_ambient_capability_set();
    if let Some(line) = &init.line {
        channel::send(line, b"gate", &[far.as_fd()], SendFlags::empty()).map_err(system)?;
    }
    drop(far);
    let caveat = init
        .await_prepared()
        .map_err(|reason| format!("PID namespace: {reason}"))?;
    await_prepared(gate.as_fd())?;
    Ok((init, gate, (!caveat.is_empty()).then_some(caveat)))
}

/// Whether [`start`] could do its work: tried by a process that ends with it.
pub(crate) fn to_be_had() -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut attempt = Command::new(program);
    let attempt = attempt.arg("__try-namespace").stdin(Stdio::null());
    let said = attempt.output().map_err(|error| error.to_string())?;
    if said.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&said.stderr).trim().to_owned())
}

/// That process: tries, and says on standard error why not.
pub(super) fn attempt() -> ExitCode {
    match enter() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // There is nobody left to tell that the stream is closed.
            let _ = writeln!(io::stderr(), "{why}");
            ExitCode::FAILURE
        }
    }
}

/// Has the next process this one starts be the first of a new PID namespace.
///
/// Without privilege that takes a user namespace, in which this user is who it was and nobody else
/// exists; the privilege to mount `/proc` in it is handed on to that process alone.
fn enter() -> Result<(), String> {
    if unshare(CloneFlags::CLONE_NEWPID).is_ok() {
        return Ok(());
    }
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWPID).map_err(|error| {
        format!(
            "--contain pidns needs root or user namespaces, and neither is permitted here \
             ({error}); allow user namespaces (sysctl user.max_user_namespaces) or choose another \
             --contain"
        )
    })?;
    let map = |file: &str, text: String| {
        fs::write(file, text).map_err(|error| format!("--contain pidns: {file}: {error}"))
    };
    map("/proc/self/setgroups", "deny".to_owned())?;
    map("/proc/self/uid_map", format!("{0} {0} 1", uid.as_raw()))?;
    map("/proc/self/gid_map", format!("{0} {0} 1", gid.as_raw()))?;
    if !uid.is_root() {
        let handed_on = hand_on_the_right_to_mount();
        handed_on.map_err(|error| format!("--contain pidns: capabilities: {error}"))?;
    }
    Ok(())
}

fn hand_on_the_right_to_mount() -> rustix::io::Result<()> {
    let mut sets = capabilities(None)?;
    sets.inheritable |= CapabilitySet::SYS_ADMIN;
    set_capabilities(None, sets)?;
    configure_capability_in_ambient_set(CapabilitySet::SYS_ADMIN, true)
}
