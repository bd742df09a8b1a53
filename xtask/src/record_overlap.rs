//! Records how `etcdctl lock` lets two holders run at once.
//!
//! Two `etcdctl lock` wait in one line for one lock; the first holder's lease is revoked while its
//! command runs, as an operator or an expiry would. The second is let in at once, and nobody stops
//! the first. What the two commands wrote is the fixture that the history checker has to fail.

use std::error::Error;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tanist_testkit::{Etcd, Expect, History, Line, PATIENCE, Tail, now};

use crate::Outcome;
use crate::workspace::{Profile, Workspace, run};

/// How long both write before the recording ends.
const TOGETHER: Duration = Duration::from_secs(2);

/// Writes the fixture anew.
///
/// # Errors
///
/// When etcd is not installed, or does not let two in at once any more.
pub(crate) fn record_overlap(workspace: &Workspace) -> Outcome {
    workspace.build("tanist-testkit", Profile::Test)?;
    let folder = tempfile::tempdir()?;
    let recording = Recording {
        folder: folder.path(),
        probe: workspace.program("tanist-probe", Profile::Test),
        etcd: Etcd::start(folder.path())?,
    };
    let history = recording.run()?;
    drop(recording);
    let verdict = History::read(&history)?.check(&Expect::default());
    if verdict.overlap() < TOGETHER {
        return Err(format!("no overlap to record:\n{verdict}").into());
    }
    let fixture = workspace
        .root()
        .join("tanist-testkit/fixtures/etcdctl-lock-overlap.jsonl");
    fs::copy(&history, &fixture)?;
    crate::say!("{verdict}\nwritten to {}", fixture.display());
    Ok(())
}

struct Recording<'a> {
    folder: &'a Path,
    probe: PathBuf,
    etcd: Etcd,
}

impl Recording<'_> {
    /// The history both holders wrote.
    fn run(&self) -> Result<PathBuf, Box<dyn Error>> {
        let history = self.folder.join("history.jsonl");
        let keys = self.folder.join("keys");
        let mut watch = self
            .etcd
            .ctl(&["watch", "--rev", "1", "--prefix", "overlap/"]);
        watch.stdout(File::create(&keys)?).spawn()?;
        self.holder("first", &history)?;
        wait(&history, "the first holder's line", |line| {
            line.contains("\"first/")
        })?;
        self.holder("second", &history)?;
        let mut line: Vec<String> = Vec::new();
        wait(&keys, "the second to stand in line", |key| {
            if key.starts_with("overlap/") && !line.iter().any(|known| known == key) {
                line.push(key.to_owned());
            }
            line.len() == 2
        })?;
        let lease = line[0].trim_start_matches("overlap/");
        run(&mut self.etcd.ctl(&["lease", "revoke", lease]))?;
        wait(&history, "the second holder's line", |line| {
            line.contains("\"second/")
        })?;
        let begun = now();
        wait(&history, "both to write", |line| {
            let line = serde_json::from_str::<Line>(line);
            line.is_ok_and(|line| line.instance() == "first" && line.at > begun + TOGETHER)
        })?;
        Ok(history)
    }

    fn holder(&self, name: &str, history: &Path) -> Outcome {
        let script = format!(
            "export TANIST_INSTANCE={name} TANIST_TERM=$ETCD_LOCK_REV; \
             exec \"$@\" --every 20ms --life 60s"
        );
        let mut holder = self
            .etcd
            .ctl(&["lock", "--ttl", "5", "overlap", "--", "sh", "-c"]);
        holder
            .args([&script, "sh"])
            .arg(&self.probe)
            .arg("--log")
            .arg(history);
        holder.spawn()?;
        Ok(())
    }
}

/// Waits until a line of `file` is `wanted`.
fn wait(file: &Path, what: &str, mut wanted: impl FnMut(&str) -> bool) -> Outcome {
    let mut tail = Tail::open(file)?;
    let until = now() + PATIENCE;
    Ok(tail.wait_for(what, until, |new| {
        new.lines().any(&mut wanted).then_some(())
    })?)
}
