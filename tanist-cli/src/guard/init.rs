use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use nix::sched::{CloneFlags, unshare};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::net::{RecvFlags, SendFlags};
use rustix::process::{Pid, Signal, WaitOptions, set_parent_process_death_signal, wait};
use rustix::thread::{CapabilitySet, capabilities, clear_ambient_capability_set, set_capabilities};

use super::channel::{self, Descriptors};
use super::spec::{GuardSpec, option};
use super::wire::Notice;

/// The first process of a PID namespace: it reaps everybody, tells the guard how the child ended,
/// and ends when nobody is left. The kernel kills it when the guard dies, and all others with it.
pub(super) fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match start(arguments) {
        Ok(Some(launcher)) => reap_until_alone(launcher),
        Ok(None) => ExitCode::SUCCESS,
        Err(reason) => {
            tell(Notice::Refused {
                reason: reason.as_bytes(),
            });
            ExitCode::FAILURE
        }
    }
}

/// Starts the launcher; nothing if the guard has ended already.
fn start(arguments: impl IntoIterator<Item = OsString>) -> Result<Option<Pid>, String> {
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| format!("parent-death signal: {error}"))?;
    // The guard is outside of this namespace, so its number says nothing here; but if it ended
    // before the signal was armed, its line has ended too.
    let Some(gate) = receive_gate() else {
        return Ok(None);
    };
    let caveat = mount_proc().err();
    drop_the_right_to_mount().map_err(|error| format!("capabilities: {error}"))?;
    let launcher = Command::new(GuardSpec::SELF)
        .arg0("tanist")
        .arg("__launch")
        .arg(option("parent", std::process::id().to_string()))
        .args(arguments)
        .process_group(0)
        .stdin(gate)
        .spawn()
        .map_err(|error| format!("cannot start the launcher: {error}"))?;
    tell(Notice::Prepared {
        detail: caveat.unwrap_or_default().as_bytes(),
    });
    Ok(Some(Pid::from_child(&launcher)))
}

fn receive_gate() -> Option<OwnedFd> {
    let mut passed = Descriptors::default();
    let line = rustix::stdio::stdin();
    channel::receive(line, &mut [0; 8], &mut passed, RecvFlags::empty()).ok()??;
    passed.take_each().next()
}

/// Shows this namespace's processes under `/proc`, to this namespace only. The error says what the
/// child will see instead.
fn mount_proc() -> Result<(), String> {
    let failed = |what: &str, error: String| {
        format!("/proc inside shows the processes outside: {what}: {error}")
    };
    unshare(CloneFlags::CLONE_NEWNS).map_err(|e| failed("mount namespace", e.to_string()))?;
    let quiet = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    mount_change("/", quiet).map_err(|e| failed("propagation", e.to_string()))?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", "/proc", "proc", flags, None).map_err(|e| failed("mount", e.to_string()))
}

/// The right came with the user namespace; root's own rights are root's.
fn drop_the_right_to_mount() -> rustix::io::Result<()> {
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    clear_ambient_capability_set()?;
    let mut sets = capabilities(None)?;
    for set in [
        &mut sets.effective,
        &mut sets.permitted,
        &mut sets.inheritable,
    ] {
        *set = CapabilitySet::empty();
    }
    set_capabilities(None, sets)
}

fn reap_until_alone(launcher: Pid) -> ExitCode {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == launcher => {
                tell(Notice::Exited {
                    status: status.as_raw(),
                });
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return ExitCode::SUCCESS,
        }
    }
}

fn tell(notice: Notice<'_>) {
    let mut buffer = [0; channel::NOTICE_MAX];
    let length = notice.encode(&mut buffer);
    // A guard that cannot hear it has ended, and then so have we.
    let _ = channel::send(
        rustix::stdio::stdin(),
        &buffer[..length],
        &[],
        SendFlags::empty(),
    );
}
