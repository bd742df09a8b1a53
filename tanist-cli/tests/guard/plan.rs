use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::look::copy_program;
use crate::rig::{NOBODY, Rig};
use crate::supervisor;

/// What a supervisor is started with.
pub(crate) struct Plan {
    pub(crate) lease_ms: u64,
    pub(crate) contain: &'static str,
    pub(crate) require_cgroup: bool,
    pub(crate) stdin: &'static str,
    pub(crate) stop_signal: Signal,
    pub(crate) cwd: &'static str,
    pub(crate) user: &'static str,
    /// Run everything as an ordinary user, if this is root.
    pub(crate) unprivileged: bool,
    /// Run everything with this signal ignored, as a shell does for its background jobs.
    pub(crate) ignoring: Option<&'static str>,
    /// Run everything in this cgroup, as an ordinary user. For root only.
    pub(crate) cgroup: Option<PathBuf>,
    /// Start a process in a session of its own before, as the same parent.
    pub(crate) after_an_elder: bool,
    /// Run everything where no further namespace may be made.
    pub(crate) without_namespaces: bool,
    /// Run everything in a PID namespace whose session is led from outside. For root only.
    pub(crate) led_from_outside: bool,
    /// Run everything as an ordinary user where `/proc` is mounted with this `hidepid`. For root
    /// only.
    pub(crate) hidepid: Option<&'static str>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            lease_ms: 2_000,
            contain: "sweep",
            require_cgroup: false,
            stdin: "null",
            stop_signal: Signal::TERM,
            cwd: "-",
            user: "-",
            unprivileged: false,
            ignoring: None,
            cgroup: None,
            after_an_elder: false,
            without_namespaces: false,
            led_from_outside: false,
            hidepid: None,
        }
    }
}

impl Plan {
    /// A supervisor whose child is this shell script; `$DIR` is the rig's directory.
    pub(crate) fn shell(self, script: &str) -> Rig {
        self.command(&["sh", "-c", script])
    }

    /// A supervisor whose child is this Python program.
    pub(crate) fn python(self, program: &str) -> Rig {
        self.command(&["python3", "-c", program])
    }

    pub(crate) fn command(self, command: &[&str]) -> Rig {
        let directory = tempfile::Builder::new()
            .prefix("tanist-guard-")
            .tempdir()
            .unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let mut program = self.program(directory.path());
        program.arg(supervisor::VERB).args([
            self.lease_ms.to_string().as_str(),
            self.contain,
            &self.require_cgroup.to_string(),
            self.stdin,
            &self.stop_signal.as_raw().to_string(),
            self.cwd,
            self.user,
            "--",
        ]);
        program.args(command).env("DIR", directory.path());
        program
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0);
        let in_a_namespace = self.led_from_outside || self.hidepid.is_some();
        Rig::start_up(directory, program, in_a_namespace)
    }

    /// This test program as the wanted user, who has to be able to read it.
    fn program(&self, directory: &Path) -> Command {
        let own = std::env::current_exe().unwrap();
        let mut words: Vec<OsString> = Vec::new();
        if let Some(signal) = self.ignoring {
            words.extend(
                ["sh", "-c", &format!("trap '' {signal}; exec \"$@\""), "sh"].map(Into::into),
            );
        }
        if self.after_an_elder {
            let elder = "setsid sleep 1000 </dev/null >/dev/null & \
                         echo $! >\"$DIR/elder\"; exec \"$@\"";
            words.extend(["sh", "-c", elder, "sh"].map(Into::into));
        }
        if self.led_from_outside {
            let inside = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];
            words.extend(inside.map(Into::into));
        }
        if let Some(hidepid) = self.hidepid {
            let mount = format!(
                "mount -t proc -o hidepid={hidepid} proc /proc && \
                 exec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups \"$@\""
            );
            let inside = ["unshare", "--mount", "--pid", "--fork", "--kill-child"];
            words.extend(inside.map(Into::into));
            words.extend(["sh", "-c", &mount, "sh"].map(Into::into));
        }
        if self.without_namespaces {
            let forbid = "for kind in user pid; do \
                              echo 0 >/proc/sys/user/max_${kind}_namespaces || exit; \
                          done; exec \"$@\"";
            let inside = [
                "unshare",
                "--user",
                "--map-root-user",
                "sh",
                "-c",
                forbid,
                "sh",
            ];
            words.extend(inside.map(Into::into));
        }
        if let Some(cgroup) = &self.cgroup {
            let enter = "echo 0 >\"$0/cgroup.procs\" && exec \"$@\"";
            let become_ordinary = [
                "setpriv",
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
            ];
            words.extend(["sh", "-c", enter].map(Into::into));
            words.push(cgroup.into());
            words.extend(become_ordinary.map(Into::into));
        }
        let is_root = rustix::process::geteuid().is_root();
        let another = self.unprivileged || self.cgroup.is_some() || self.hidepid.is_some();
        if another && is_root {
            let copy = directory.join("guard-test");
            copy_program(&own, &copy);
            words.push(copy.into());
        } else {
            words.push(own.into());
        }
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        if self.unprivileged && is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }
}
