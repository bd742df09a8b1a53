//! What the README says of `flock(1)` and `etcdctl lock`, cell by cell, on the real programs.
//!
//! If one of these fails because a later version does better, the comparison has to say so.

use std::error::Error;
use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tanist_testkit::{Etcd, Expect, History, Line, Need, PATIENCE, Process, Tail, now};

type Checked = Result<(), Box<dyn Error>>;

/// For how long a command has to work on before it counts as one that nobody stops.
const WORKS_ON: Duration = Duration::from_secs(1);

#[test]
fn flock_that_is_told_to_stop_leaves_its_command_with_the_lock() -> Checked {
    flock_leaves_its_command_with_the_lock(Signal::TERM)
}

#[test]
fn flock_that_is_killed_leaves_its_command_with_the_lock() -> Checked {
    flock_leaves_its_command_with_the_lock(Signal::KILL)
}

fn flock_leaves_its_command_with_the_lock(signal: Signal) -> Checked {
    let scene = Peers::new()?;
    let mut wrapper = scene.flock("first")?;
    scene.wait_for("first")?;
    signal_to(&wrapper, signal)?;
    assert_eq!(wrapper.wait()?.signal(), Some(signal.as_raw()));
    scene.works_on("first")?;
    let another = Command::new("flock")
        .arg("--nonblock")
        .arg(scene.lock())
        .arg("true")
        .status()?;
    assert_eq!(another.code(), Some(1), "the lock was free");
    Ok(())
}

#[test]
fn flock_does_not_notice_that_its_lock_has_gone() -> Checked {
    let scene = Peers::new()?;
    let _first = scene.flock("first")?;
    scene.wait_for("first")?;
    std::fs::remove_file(scene.lock())?;
    let _second = scene.flock("second")?;
    scene.wait_for("second")?;
    scene.works_on("first")?;
    scene.assert_two_at_once()
}

#[test]
fn flock_passes_the_kill_of_its_command_on_and_gives_it_no_number() -> Checked {
    let scene = Peers::new()?;
    let mut flock = Command::new("flock");
    flock.arg(scene.lock());
    let killed = flock.args(["sh", "-c", "kill -9 $$"]).status()?;
    assert_eq!(killed.code(), Some(137));
    let mut flock = Command::new("flock");
    let given = flock
        .env_clear()
        .arg(scene.lock())
        .arg("/usr/bin/env")
        .output()?;
    assert_eq!(String::from_utf8(given.stdout)?, "");
    Ok(())
}

#[test]
fn etcdctl_lock_ignores_a_request_to_stop() -> Checked {
    let Some((scene, etcd)) = Peers::with_etcd()? else {
        return Ok(());
    };
    let mut wrapper = scene.etcdctl(&etcd, "first")?;
    scene.wait_for("first")?;
    signal_to(&wrapper, Signal::TERM)?;
    scene.works_on("first")?;
    assert_eq!(wrapper.try_wait()?, None, "etcdctl has ended");
    Ok(())
}

#[test]
fn etcdctl_lock_that_is_killed_leaves_its_command_beside_the_next() -> Checked {
    let Some((scene, etcd)) = Peers::with_etcd()? else {
        return Ok(());
    };
    let mut wrapper = scene.etcdctl(&etcd, "first")?;
    scene.wait_for("first")?;
    let _second = scene.etcdctl(&etcd, "second")?;
    signal_to(&wrapper, Signal::KILL)?;
    assert_eq!(wrapper.wait()?.signal(), Some(9));
    scene.wait_for("second")?;
    scene.works_on("first")?;
    scene.assert_two_at_once()
}

#[test]
fn etcdctl_lock_does_not_notice_that_its_lease_has_gone() -> Checked {
    let Some((scene, etcd)) = Peers::with_etcd()? else {
        return Ok(());
    };
    let _first = scene.etcdctl(&etcd, "first")?;
    scene.wait_for("first")?;
    let key = etcd.ask(&["get", "--prefix", "--keys-only", "peers/"])?;
    let lease = key.trim().trim_start_matches("peers/");
    etcd.ask(&["lease", "revoke", lease])?;
    let _second = scene.etcdctl(&etcd, "second")?;
    scene.wait_for("second")?;
    scene.works_on("first")?;
    scene.assert_two_at_once()
}

#[test]
fn etcdctl_lock_gives_a_revision_and_says_1_for_a_killed_command() -> Checked {
    let Some((_folder, etcd)) = Peers::with_etcd()? else {
        return Ok(());
    };
    let mut lock = etcd.ctl(&["lock", "peers", "--", "sh", "-c", "kill -9 $$"]);
    let killed = lock.stderr(Stdio::null()).status()?;
    assert_eq!(killed.code(), Some(1));
    let revision = |_| {
        let said = etcd.ask(&["lock", "peers", "--", "sh", "-c", "echo $ETCD_LOCK_REV"])?;
        Ok::<u64, Box<dyn Error>>(said.trim().parse()?)
    };
    let revisions = [0, 1].map(revision);
    let [Ok(first), Ok(second)] = revisions else {
        return Err(format!("no numbers: {revisions:?}").into());
    };
    assert!(first < second, "{first}, then {second}");
    Ok(())
}

/// A folder in which commands under different wrappers write one history.
struct Peers(tempfile::TempDir);

impl Peers {
    fn new() -> Result<Self, Box<dyn Error>> {
        Ok(Self(tempfile::tempdir()?))
    }

    /// With a server in the folder, unless such tests are left out.
    fn with_etcd() -> Result<Option<(Self, Etcd)>, Box<dyn Error>> {
        if !Need::Etcd.go_on() {
            return Ok(None);
        }
        let scene = Self::new()?;
        let etcd = Etcd::start(scene.folder())?;
        Ok(Some((scene, etcd)))
    }

    fn folder(&self) -> &Path {
        self.0.path()
    }

    fn lock(&self) -> PathBuf {
        self.folder().join("lock")
    }

    fn history(&self) -> PathBuf {
        self.folder().join("history")
    }

    fn flock(&self, instance: &str) -> Result<Child, Box<dyn Error>> {
        let mut flock = Command::new("flock");
        flock.arg(self.lock());
        self.start(flock, instance)
    }

    fn etcdctl(&self, etcd: &Etcd, instance: &str) -> Result<Child, Box<dyn Error>> {
        self.start(etcd.ctl(&["lock", "--ttl", "2", "peers", "--"]), instance)
    }

    /// Starts the wrapper with the probe as its command.
    fn start(&self, mut wrapper: Command, instance: &str) -> Result<Child, Box<dyn Error>> {
        let log = File::create(self.folder().join(format!("{instance}.log")))?;
        wrapper
            .arg(env!("CARGO_BIN_EXE_tanist-probe"))
            .args(["--alone", "--life", "60s", "--log"])
            .arg(self.history())
            .env("TANIST_INSTANCE", instance)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        Ok(wrapper.spawn()?)
    }

    fn wait_for(&self, instance: &str) -> Checked {
        self.wait(instance, |line| line.instance() == instance)
    }

    /// Returns when the command of `instance` has written [`WORKS_ON`] after now.
    fn works_on(&self, instance: &str) -> Checked {
        let begun = now();
        self.wait(instance, |line| {
            line.instance() == instance && line.at > begun + WORKS_ON
        })
    }

    fn wait(&self, instance: &str, wanted: impl Fn(&Line) -> bool) -> Checked {
        let what = format!("the command of {instance}");
        Tail::open(self.history())?.wait_for(&what, now() + PATIENCE, |new| {
            let mut lines = new
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok());
            lines.any(|line| wanted(&line)).then_some(())
        })?;
        Ok(())
    }

    fn assert_two_at_once(&self) -> Checked {
        let terms = Expect {
            terms: false,
            ..Expect::default()
        };
        let verdict = History::read(self.history())?.check(&terms);
        assert!(verdict.overlap() >= WORKS_ON, "never two:\n{verdict}");
        Ok(())
    }
}

impl Drop for Peers {
    /// Commands that nobody stops are what this is about, so they are stopped here.
    fn drop(&mut self) {
        for process in Process::all().into_iter().flatten() {
            if process.belongs_to(self.folder()) {
                // One that is gone already is as good.
                let _gone = process.signal(Signal::KILL);
            }
        }
    }
}

fn signal_to(child: &Child, signal: Signal) -> Checked {
    let process = Process::open(child.id()).ok_or("the wrapper has gone")?;
    Ok(process.signal(signal)?)
}
