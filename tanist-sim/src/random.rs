//! Many long random runs of the real core, in weather and mishaps drawn from a seed.

mod agenda;
mod carry;
mod chance;
mod course;
mod host;
mod lot;
mod mishap;
mod strike;
mod weather;

use std::fmt;
use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tanist_core::Defects;

use course::{Course, Outcome};
use lot::Lot;

use crate::property::Violation;

/// How many runs go on at once.
const THREADS: usize = 2;
/// How much of a trace is told.
const TOLD: usize = 160;

/// What a run is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Faults all the time; whatever must hold is asked about after every step.
    Safety,
    /// Faults at first; then all is healed, or a core is, and somebody has to lead, and to go on.
    Liveness,
}

/// Which runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) mode: Mode,
    pub(crate) first_seed: u64,
    pub(crate) runs: u64,
    /// The rules left out.
    pub(crate) defects: Defects,
    /// Whether nothing is printed.
    pub(crate) quiet: bool,
}

/// What all the runs did.
#[derive(Clone, Debug)]
pub(crate) struct Summary {
    pub(crate) mode: Mode,
    pub(crate) first_seed: u64,
    pub(crate) runs: u64,
    pub(crate) steps: u64,
    pub(crate) started: u64,
    pub(crate) struck: u64,
    /// The fewest faults that took effect in one run.
    pub(crate) fewest: u32,
    pub(crate) took: Duration,
    /// The violation of the lowest seed.
    pub(crate) found: Option<Found>,
}

/// A violation, in the shortest run that shows it.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) seed: u64,
    pub(crate) mode: Mode,
    pub(crate) violation: Violation,
    /// How many faults were drawn, and those that it takes.
    drawn: usize,
    lot: Lot,
    /// What was applied, and what the machines said.
    pub(crate) trace: Vec<String>,
}

/// Runs seed after seed on two threads, and tells what came of it.
pub(crate) fn run(options: &Options) -> Summary {
    let summary = search(options);
    if !options.quiet {
        let mut out = io::stdout().lock();
        // Nobody is left to be told that nobody listens.
        let _ = writeln!(out, "{summary}");
        if let Some(found) = &summary.found {
            let _ = writeln!(out, "{found}");
        }
    }
    summary
}

/// One run again, with its trace, if it violates anything.
pub(crate) fn replay(seed: u64, mode: Mode, defects: Defects) -> Option<Found> {
    let lot = Lot::draw(seed, mode, defects);
    let outcome = Course::new(&lot, false).run();
    outcome
        .violation
        .map(|violation| shrink(seed, mode, lot, violation))
}

/// Looks for a violation of a core with these rules left out.
pub(crate) fn hunt(defects: Defects, mode: Mode, most_runs: u64) -> Option<Found> {
    let options = Options {
        mode,
        first_seed: 1,
        runs: most_runs,
        defects,
        quiet: true,
    };
    search(&options).found
}

fn search(options: &Options) -> Summary {
    let begun = Instant::now();
    let next = AtomicU64::new(options.first_seed);
    let end = AtomicU64::new(options.first_seed.saturating_add(options.runs));
    let total = Mutex::new(Total::default());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let own = work(options, &next, &end);
                if let Ok(mut total) = total.lock() {
                    total.add(own);
                }
            });
        }
    });
    let total = total.into_inner().unwrap_or_default();
    let found = total
        .found
        .and_then(|seed| replay(seed, options.mode, options.defects));
    Summary {
        mode: options.mode,
        first_seed: options.first_seed,
        runs: total.runs,
        steps: total.steps,
        started: total.started,
        struck: total.struck,
        fewest: total.fewest.unwrap_or_default(),
        took: begun.elapsed(),
        found,
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Total {
    runs: u64,
    steps: u64,
    started: u64,
    struck: u64,
    fewest: Option<u32>,
    found: Option<u64>,
}

impl Total {
    fn take(&mut self, outcome: &Outcome) {
        self.runs += 1;
        self.steps += outcome.steps;
        self.started += u64::from(outcome.started);
        self.struck += u64::from(outcome.struck);
        self.fewest = Some(
            self.fewest
                .map_or(outcome.struck, |it| it.min(outcome.struck)),
        );
    }

    fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.steps += other.steps;
        self.started += other.started;
        self.struck += other.struck;
        self.fewest = [self.fewest, other.fewest].into_iter().flatten().min();
        self.found = [self.found, other.found].into_iter().flatten().min();
    }
}

/// Takes seeds until none is left below the lowest that violates anything.
fn work(options: &Options, next: &AtomicU64, end: &AtomicU64) -> Total {
    let mut total = Total::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end.load(Ordering::Relaxed) {
            return total;
        }
        let lot = Lot::draw(seed, options.mode, options.defects);
        let outcome = Course::new(&lot, false).run();
        total.take(&outcome);
        if outcome.violation.is_some() {
            end.fetch_min(seed, Ordering::Relaxed);
            total.found = Some(total.found.map_or(seed, |found| found.min(seed)));
        }
    }
}

/// Leaves out whatever the violation does not need.
fn shrink(seed: u64, mode: Mode, drawn: Lot, violation: Violation) -> Found {
    let same = |lot: &Lot| {
        let outcome = Course::new(lot, false).run();
        outcome
            .violation
            .filter(|found| found.property == violation.property)
            .map(|_| outcome.time)
    };
    let mut lot = drawn.clone();
    let mut calm = lot.clone();
    calm.weather.lost_permille = 0;
    calm.weather.slow_permille = 0;
    calm.weather.doubled_permille = 0;
    if same(&calm).is_some() {
        lot = calm;
    }
    let mut place = lot.mishaps.len();
    while place > 0 {
        place -= 1;
        let mut less = lot.clone();
        less.mishaps.remove(place);
        if same(&less).is_some() {
            lot = less;
            place = lot.mishaps.len().min(place + 1);
        }
    }
    let outcome = Course::new(&lot, true).run();
    Found {
        seed,
        mode,
        violation: outcome.violation.unwrap_or(violation),
        drawn: drawn.mishaps.len(),
        lot,
        trace: outcome.trace,
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Safety => "safety",
            Self::Liveness => "liveness",
        })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.first_seed + self.runs.saturating_sub(1);
        write!(
            f,
            "random {}: {} runs of 10 minutes, seeds {} to {last}, {} steps, {} activations, \
             {} faults took effect (at least {} a run), in {:.1} s",
            self.mode,
            self.runs,
            self.first_seed,
            self.steps,
            self.started,
            self.struck,
            self.fewest,
            self.took.as_secs_f64()
        )
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.violation)?;
        writeln!(
            f,
            "seed {}, {} mode; {:?}",
            self.seed, self.mode, self.lot.weather
        )?;
        for (node, machine) in self.lot.setup.machines.iter().enumerate() {
            let (lease, drift) = (machine.timing.lease(), machine.clock.drift_ppm);
            writeln!(
                f,
                "node {node}: lease {lease:?}, clock off by {drift} ppm, priority {}",
                machine.priority
            )?;
        }
        let left = self.lot.mishaps.len();
        writeln!(f, "{left} of {} faults are enough:", self.drawn)?;
        for mishap in &self.lot.mishaps {
            writeln!(f, "  {mishap}")?;
        }
        if let Some(healing) = &self.lot.healing {
            writeln!(f, "healed after {:?}, core {:?}", healing.at, healing.core)?;
        }
        let skipped = self.trace.len().saturating_sub(TOLD);
        let lines = self.trace.len();
        writeln!(
            f,
            "what happened, the last {} of {lines} lines:",
            lines - skipped
        )?;
        for line in &self.trace[skipped..] {
            writeln!(f, "{line}")?;
        }
        if self.lot.setup.defects != Defects::default() {
            // A variant's: who hunts it says how to see it again.
            return Ok(());
        }
        let mode = if self.mode == Mode::Liveness {
            " --mode liveness"
        } else {
            ""
        };
        let seed = self.seed;
        write!(
            f,
            "again: cargo run --release -p tanist-sim -- random --seed {seed}{mode}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(mode: Mode) -> Options {
        Options {
            mode,
            first_seed: 1,
            runs: 200,
            defects: Defects::default(),
            quiet: true,
        }
    }

    fn holds(mode: Mode) {
        let summary = run(&options(mode));
        if let Some(found) = &summary.found {
            panic!("{found}");
        }
        assert_eq!(summary.runs, 200);
        assert!(summary.started > 200, "{summary}");
        assert!(summary.fewest >= 5, "{summary}");
    }

    /// F65: every machine's wall clock is off, and stands still or runs; its boot-time clock drifts.
    #[test]
    fn two_hundred_runs_in_which_anything_may_fail_are_safe() {
        holds(Mode::Safety);
    }

    #[test]
    fn two_hundred_runs_lead_and_go_on_leading_once_they_are_healed() {
        holds(Mode::Liveness);
    }

    #[test]
    fn the_same_seed_gives_the_same_trace() {
        for mode in [Mode::Safety, Mode::Liveness] {
            let lot = Lot::draw(7, mode, Defects::default());
            let once = Course::new(&lot, true).run();
            let again = Course::new(&Lot::draw(7, mode, Defects::default()), true).run();
            assert!(once.trace.len() > 100);
            assert_eq!(once, again);
            let other = Course::new(&Lot::draw(8, mode, Defects::default()), true).run();
            assert_ne!(once.trace, other.trace);
            // Nobody who listens changes what happens.
            assert_eq!(Course::new(&lot, false).run().print, once.print);
        }
    }
}
