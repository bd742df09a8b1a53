//! What the shipped file weighs: its size, its start, and what an idle node costs.
//!
//! One node leads a probe, another stands by. What is counted of each is tanist's own: supervisor,
//! guard, launcher and release program, but not the work.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tanist_testkit::{Keeper, PATIENCE, Process, Programs, Scene, Tail, User, Work, now};

use super::sample::Sample;
use crate::workspace::{Profile, Workspace};
use crate::{Outcome, say};

/// Runs of `--version`.
const STARTS: usize = 200;
/// How long the idle nodes are watched.
const WATCHED: Duration = Duration::from_secs(30);

const SIZE_BAR: u64 = 10 * 1024 * 1024;
const START_BAR: Duration = Duration::from_millis(20);
const MEMORY_BAR: u64 = 15 * 1024;

/// What was measured.
pub(crate) struct Report {
    size: u64,
    start: Sample,
    flock: Sample,
    standby: Cost,
    leader: Cost,
}

/// What one idle node costs.
#[derive(Clone, Copy, Debug)]
struct Cost {
    processes: usize,
    /// The sum over its processes, in KiB: what they share counts for each of them.
    resident: u64,
    /// The same, with what is shared divided among those who share it.
    proportional: u64,
    /// Processor time in an hour, at the rate it was watched.
    an_hour: Duration,
}

/// Measures the static program, as it is shipped.
pub(crate) fn footprint(workspace: &Workspace) -> Result<Report, Box<dyn Error>> {
    let tanist = workspace.build_static("tanist-cli", "tanist")?;
    workspace.build("tanist-testkit", Profile::Release)?;
    let size = fs::metadata(&tanist)?.len();
    let start = starts(&tanist)?;
    let flock = starts(Path::new("flock"))?;
    let probe = workspace.program("tanist-probe", Profile::Release);
    let programs = Programs { tanist, probe };
    let work = Work::Probe(vec!["--alone"]);
    let mut scene = Scene::new(&programs, user(), work, Keeper::tanist(&[]))?;
    scene.start("a")?;
    scene.wait_active()?;
    scene.start("b")?;
    let (leader, standby) = (scene.node("a")?.pid(), scene.node("b")?.pid());
    let mut log = Tail::open(scene.node("b")?.log())?;
    log.wait_for("the second node to stand by", now() + PATIENCE, |new| {
        new.contains(r#""event":"standing""#).then_some(())
    })?;
    let spent = |pid| of_node(pid, processor_time);
    let before = (spent(leader)?, spent(standby)?);
    std::thread::sleep(WATCHED);
    let after = (spent(leader)?, spent(standby)?);
    Ok(Report {
        size,
        start,
        flock,
        leader: Cost::of(leader, after.0.saturating_sub(before.0))?,
        standby: Cost::of(standby, after.1.saturating_sub(before.1))?,
    })
}

fn user() -> User {
    if User::tester_is_root() {
        User::Root
    } else {
        User::Ordinary
    }
}

fn starts(program: &Path) -> Result<Sample, Box<dyn Error>> {
    let mut measured = Vec::new();
    for _ in 0..STARTS {
        let begun = now();
        let mut command = Command::new(program);
        let ended = command.arg("--version").stdout(Stdio::null()).status()?;
        measured.push(now().since(begun));
        if !ended.success() {
            return Err(format!("{} --version: {ended}", program.display()).into());
        }
    }
    Ok(Sample::new(measured))
}

/// The sum of `count` over the node's processes that are tanist's.
fn of_node(
    supervisor: u32,
    count: impl Fn(u32) -> Result<u64, Box<dyn Error>>,
) -> Result<u64, Box<dyn Error>> {
    members(supervisor)?.into_iter().map(count).sum()
}

fn members(supervisor: u32) -> Result<Vec<u32>, Box<dyn Error>> {
    let all = Process::all()?;
    let mut members = vec![supervisor];
    let mut next = 0;
    while let Some(parent) = members.get(next).copied() {
        next += 1;
        let children = all.iter().filter(|process| process.parent == parent);
        let ours = children.filter(|process| process.command.first().is_some_and(is_tanist));
        members.extend(ours.map(|process| process.pid));
    }
    Ok(members)
}

fn is_tanist(name: &String) -> bool {
    Path::new(name)
        .file_name()
        .is_some_and(|name| name == "tanist")
}

/// In nanoseconds, of all its threads: the ticks of proc(5) are too coarse for so little.
fn processor_time(pid: u32) -> Result<u64, Box<dyn Error>> {
    let mut spent = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(thread?.path().join("schedstat"))?;
        let first = text.split_whitespace().next();
        spent += first.ok_or("an empty schedstat")?.parse::<u64>()?;
    }
    Ok(spent)
}

fn kibibytes(pid: u32, what: &str) -> Result<u64, Box<dyn Error>> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(what));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or("no such line in smaps_rollup")?.parse()?)
}

impl Cost {
    fn of(supervisor: u32, nanoseconds: u64) -> Result<Self, Box<dyn Error>> {
        let spent = Duration::from_nanos(nanoseconds);
        Ok(Self {
            processes: members(supervisor)?.len(),
            resident: of_node(supervisor, |pid| kibibytes(pid, "Rss:"))?,
            proportional: of_node(supervisor, |pid| kibibytes(pid, "Pss:"))?,
            an_hour: spent.mul_f64(3600.0 / WATCHED.as_secs_f64()),
        })
    }

    fn to_json(self) -> Value {
        json!({
            "processes": self.processes,
            "rss_kib": self.resident,
            "pss_kib": self.proportional,
            "cpu_s_per_hour": self.an_hour.as_secs_f64(),
        })
    }
}

impl Report {
    /// Prints the table.
    ///
    /// # Errors
    ///
    /// When a bar is missed.
    pub(crate) fn finish(&self) -> Outcome {
        let mebibytes = |kib: u64| Duration::from_millis(kib * 1000 / 1024).as_secs_f64();
        let millis = |span: Duration| span.as_secs_f64() * 1000.0;
        say!("\nfootprint of the static program, the store being local");
        say!("{:<34} {:.1} MiB", "size", mebibytes(self.size / 1024));
        say!(
            "{:<34} {:.2} ms (flock: {:.2} ms), p99 {:.2} ms",
            "--version, median",
            millis(self.start.median()),
            millis(self.flock.median()),
            millis(self.start.p99()),
        );
        for (name, cost) in [("idle standby", self.standby), ("leader", self.leader)] {
            say!(
                "{name:<34} {} processes, RSS {:.1} MiB, PSS {:.1} MiB, CPU {:.2} s an hour",
                cost.processes,
                mebibytes(cost.resident),
                mebibytes(cost.proportional),
                cost.an_hour.as_secs_f64(),
            );
        }
        let bars = [
            ("size", self.size <= SIZE_BAR),
            ("--version", self.start.median() < START_BAR),
            ("idle standby's memory", self.standby.resident <= MEMORY_BAR),
        ];
        let missed: Vec<_> = bars.iter().filter(|bar| !bar.1).map(|bar| bar.0).collect();
        if missed.is_empty() {
            Ok(())
        } else {
            Err(format!("bars missed: {}", missed.join(", ")).into())
        }
    }

    /// The same for programs.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "bench": "footprint",
            "store": "local",
            "size_bytes": self.size,
            "version_ms": self.start.median().as_secs_f64() * 1000.0,
            "flock_version_ms": self.flock.median().as_secs_f64() * 1000.0,
            "standby": self.standby.to_json(),
            "leader": self.leader.to_json(),
        })
    }
}
