use std::error::Error;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;

use crate::boot_clock::now;
use crate::free_port::FreePort;
use crate::process::Process;
use crate::scene::PATIENCE;
use crate::tail::Tail;

/// A real etcd of one member on ports of its own, with its data in a folder of the test's.
///
/// Dropped, it ends, and with it every process that names its folder: clients, their commands and
/// what these left behind.
#[derive(Debug)]
pub struct Etcd {
    folder: PathBuf,
    client: FreePort,
    /// Reserved for as long as the server has it.
    _peer: FreePort,
    server: Child,
}

impl Etcd {
    /// Starts it and waits until it serves.
    ///
    /// # Errors
    ///
    /// When it is not installed or does not come up.
    pub fn start(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let (client, peer) = (FreePort::find()?, FreePort::find()?);
        let url = |port: &FreePort| format!("http://{}", port.address());
        let log = folder.join("etcd.log");
        let mut command = Command::new("etcd");
        command.arg("--data-dir").arg(folder.join("data"));
        for (flags, port) in [
            (["--listen-client-urls", "--advertise-client-urls"], &client),
            (
                ["--listen-peer-urls", "--initial-advertise-peer-urls"],
                &peer,
            ),
        ] {
            for flag in flags {
                command.args([flag, &url(port)]);
            }
        }
        command.args(["--initial-cluster", &format!("default={}", url(&peer))]);
        command
            .stdin(Stdio::null())
            .stdout(File::create(&log)?)
            .stderr(File::options().append(true).open(&log)?);
        let server = command.spawn().map_err(|error| {
            format!("cannot start etcd ({error}): install etcd-server and etcd-client")
        })?;
        let etcd = Self {
            folder: folder.to_owned(),
            client,
            _peer: peer,
            server,
        };
        Tail::open(&log)?.wait_for("etcd to serve", now() + PATIENCE, |new| {
            new.contains("ready to serve client requests").then_some(())
        })?;
        Ok(etcd)
    }

    /// `etcdctl` with these words, in the folder.
    pub fn ctl(&self, words: &[&str]) -> Command {
        let mut ctl = Command::new("etcdctl");
        ctl.args(["--endpoints", &self.client.address()])
            .args(words);
        ctl.env("ETCDCTL_API", "3")
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        ctl
    }

    /// What `etcdctl` with these words prints.
    ///
    /// # Errors
    ///
    /// When it does not run or does not succeed.
    pub fn ask(&self, words: &[&str]) -> io::Result<String> {
        let output = self.ctl(words).output()?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(io::Error::other(why));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        for process in Process::all().into_iter().flatten() {
            if process.belongs_to(&self.folder) {
                // One that is gone already is as good.
                let _gone = process.signal(Signal::KILL);
            }
        }
        let _reaped = self.server.wait();
    }
}
