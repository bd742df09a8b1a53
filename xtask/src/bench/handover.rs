//! How long nobody is active: from the cause to the first line of the successor's work.
//!
//! Three nodes stand in one election, so that one has always waited since the round before. Their
//! work is a probe that dies of the stop signal at once: nothing of its own stop time is in the
//! numbers. Between rounds the active one writes for a while, so that who was restarted is settled.
//! The history is judged too: a fast hand-over that overlaps is none.

use std::error::Error;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use tanist_testkit::{Expect, Keeper, Programs, Scene, Team, User, Victim, Work, now};

use super::sample::Sample;
use crate::workspace::{Profile, Workspace};
use crate::{Outcome, say};

/// What ends the active one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// An operator stops it.
    CleanStop,
    /// One of these is killed.
    Killed(Victim),
}

/// A cause, how it is called, and its bars for median and 99 of 100.
struct Row {
    cause: Cause,
    name: &'static str,
    median: Duration,
    p99: Option<Duration>,
    /// Whether `flock(1)` hands over then at all: if only it is killed, its command keeps the lock.
    flock: bool,
}

const ROWS: [Row; 4] = [
    Row {
        cause: Cause::CleanStop,
        name: "clean stop",
        median: ms(10),
        p99: None,
        flock: true,
    },
    Row {
        cause: Cause::Killed(Victim::Child),
        name: "child killed",
        median: ms(10),
        p99: None,
        flock: true,
    },
    Row {
        cause: Cause::Killed(Victim::Supervisor),
        name: "supervisor killed",
        median: ms(20),
        p99: Some(ms(100)),
        flock: false,
    },
    Row {
        cause: Cause::Killed(Victim::Both),
        name: "both killed",
        median: ms(20),
        p99: Some(ms(100)),
        flock: true,
    },
];

/// Not measured: caches are cold and the third node may not wait yet.
const WARM_UP: usize = 5;
/// Lines the active one writes before the next round.
const SETTLED: usize = 16;
const NAMES: [&str; 3] = ["a", "b", "c"];
/// Parking would end the bench, and the cooldown is not what is measured.
const POLICY: [&str; 4] = ["--cooldown", "20ms", "--max-failovers", "1000000/10m"];

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// All rows, measured.
pub(crate) struct Report {
    rows: Vec<(&'static Row, Sample, Option<Sample>)>,
}

/// Measures every row, tanist and `flock(1)` in turn.
pub(crate) fn handover(workspace: &Workspace, rounds: usize) -> Result<Report, Box<dyn Error>> {
    workspace.build("tanist-cli", Profile::Release)?;
    workspace.build("tanist-testkit", Profile::Release)?;
    let programs = Programs {
        tanist: workspace.program("tanist", Profile::Release),
        probe: workspace.program("tanist-probe", Profile::Release),
    };
    let mut rows = Vec::new();
    for row in &ROWS {
        let tanist = measure(&programs, Keeper::tanist(&POLICY), row, rounds)?;
        let flock = row
            .flock
            .then(|| measure(&programs, Keeper::Flock, row, rounds))
            .transpose()?;
        rows.push((row, tanist, flock));
    }
    Ok(Report { rows })
}

fn measure(
    programs: &Programs,
    keeper: Keeper,
    row: &Row,
    rounds: usize,
) -> Result<Sample, Box<dyn Error>> {
    let terms = keeper != Keeper::Flock;
    let user = if User::tester_is_root() {
        User::Root
    } else {
        User::Ordinary
    };
    let mut scene = Scene::new(programs, user, Work::Probe(vec!["--alone"]), keeper)?;
    NAMES.iter().try_for_each(|name| scene.start(name))?;
    let mut measured = Vec::new();
    for round in 0..WARM_UP + rounds {
        scene.wait_active()?;
        scene.wait("the active one to settle", |history| {
            let lines: usize = history.activations().last()?.writers.values().sum();
            (lines >= SETTLED).then_some(())
        })?;
        let team = scene.team()?;
        let caused = now();
        cause(&team, row.cause, terms, round)?;
        let next = scene.wait_begun()?;
        if round >= WARM_UP {
            measured.push(next.first.since(caused));
        }
        let node = scene.node(&team.node)?;
        if row.cause != Cause::Killed(Victim::Child) || !terms {
            node.wait()?;
            scene.start(&team.node)?;
        }
    }
    scene.wait_active()?;
    let verdict = scene.finish(Expect {
        terms,
        ..Expect::default()
    })?;
    if verdict.holds() {
        Ok(Sample::new(measured))
    } else {
        Err(verdict.to_string().into())
    }
}

/// `flock` passes no signal on: who stops its work cleanly has to stop the work itself.
fn cause(team: &Team, cause: Cause, tanist: bool, round: usize) -> Outcome {
    match cause {
        Cause::CleanStop if tanist => team.supervisor.signal(Signal::TERM)?,
        Cause::CleanStop => team.work.signal(Signal::TERM)?,
        Cause::Killed(victim) => team.kill(victim, round)?,
    }
    Ok(())
}

impl Report {
    /// Prints the table.
    ///
    /// # Errors
    ///
    /// When a bar is missed.
    pub(crate) fn finish(&self) -> Outcome {
        say!("\nfrom the cause to the successor's first line, milliseconds");
        say!(
            "{:<18} {:>6}  {:^24}  {:^24}  ratio  bar",
            "",
            "",
            "tanist",
            "flock(1)"
        );
        say!(
            "{:<18} {:>6}  {:>7} {:>7} {:>8}  {:>7} {:>7} {:>8}",
            "cause",
            "rounds",
            "median",
            "p99",
            "max",
            "median",
            "p99",
            "max"
        );
        let mut missed = Vec::new();
        for (row, tanist, flock) in &self.rows {
            let met = met(row, tanist);
            let flock_shown = flock
                .as_ref()
                .map_or_else(|| format!("{:^24}", "never"), show);
            say!(
                "{:<18} {:>6}  {}  {flock_shown}  {:>5}  {}",
                row.name,
                tanist.count(),
                show(tanist),
                flock.as_ref().map_or_else(
                    || "-".to_owned(),
                    |flock| format!("{:.1}", ratio(tanist, flock))
                ),
                if met { "met" } else { "MISSED" }
            );
            if !met {
                missed.push(row.name);
            }
        }
        say!("never: the command has the lock of a killed flock and runs on, guarded by nobody");
        if missed.is_empty() {
            Ok(())
        } else {
            Err(format!("bars missed: {}", missed.join(", ")).into())
        }
    }

    /// The same for programs.
    pub(crate) fn to_json(&self) -> Value {
        let numbers = |sample: &Sample| {
            json!({
                "rounds": sample.count(),
                "median_ms": millis(sample.median()),
                "p99_ms": millis(sample.p99()),
                "max_ms": millis(sample.max()),
            })
        };
        let rows = self.rows.iter().map(|(row, tanist, flock)| {
            json!({
                "cause": row.name,
                "tanist": numbers(tanist),
                "flock": flock.as_ref().map(numbers),
                "ratio": flock.as_ref().map(|flock| ratio(tanist, flock)),
                "bar_median_ms": millis(row.median),
                "bar_p99_ms": row.p99.map(millis),
                "met": met(row, tanist),
            })
        });
        json!({ "bench": "handover", "store": "local", "rows": rows.collect::<Vec<_>>() })
    }
}

fn met(row: &Row, tanist: &Sample) -> bool {
    tanist.median() <= row.median && row.p99.is_none_or(|bar| tanist.p99() <= bar)
}

fn show(sample: &Sample) -> String {
    let [median, p99, max] = [sample.median(), sample.p99(), sample.max()].map(millis);
    format!("{median:>7.2} {p99:>7.2} {max:>8.2}")
}

fn ratio(tanist: &Sample, flock: &Sample) -> f64 {
    tanist.median().as_secs_f64() / flock.median().as_secs_f64()
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}
