//! The real core in a false world: every short schedule, and many long random ones.
//!
//! `every [PLAN...]` follows every schedule of the plans (`--ticks` goes further than CI does), `random` runs seeds, `variants [NAME...]`
//! proves that deliberate mistakes are found, `all` does what CI does. Whatever is found is told as
//! one of its shortest schedules, with the command that shows it again.

mod action;
mod budget;
mod enumerate;
mod every;
mod fingerprint;
mod happening;
mod ledger;
mod node;
mod plan;
mod plans;
mod property;
mod random;
mod scene;
mod setup;
mod store;
mod trace;
mod variants;
mod world;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use tanist_core::Defects;

use plan::Plan;
use plans::PLANS;
use random::{Mode, Options};
use variants::{VARIANTS, Variant};

/// Fewer distinct states than this would be another enumerator.
const FEWEST_STATES: usize = 1_000_000;
/// Random runs of `all`, half of them in each mode.
const RUNS: u64 = 100_000;

const USAGE: &str = "\
usage: tanist-sim all
       tanist-sim every [--ticks N] [PLAN...]
       tanist-sim random [--mode safety|liveness] [--from SEED] [--runs N]
       tanist-sim random --seed SEED [--mode safety|liveness]
       tanist-sim variants [NAME...]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let held = match arguments
        .split_first()
        .map(|(verb, rest)| (verb.as_str(), rest))
    {
        Some(("all", [])) => all(),
        Some(("every", names)) => chosen_plans(names).map(|plans| explore(&plans)),
        Some(("random", options)) => random_runs(options),
        Some(("variants", names)) => chosen_variants(names).map(|variants| prove(&variants)),
        _ => None,
    };
    match held {
        Some(true) => ExitCode::SUCCESS,
        Some(false) => ExitCode::FAILURE,
        None => {
            tell(USAGE);
            ExitCode::from(2)
        }
    }
}

/// What CI asks for. Goes on after a failure, so that one run tells of all.
fn all() -> Option<bool> {
    let explored = explore(PLANS);
    let half = RUNS / 2;
    let safe = run(Mode::Safety, 1, half);
    let live = run(Mode::Liveness, 1, half);
    let proven = prove(&VARIANTS);
    Some(explored && safe && live && proven)
}

fn explore(plans: &[Plan]) -> bool {
    let explored = every::explore(plans, |explored| tell(&explored.to_string()));
    let states: usize = explored.iter().map(|explored| explored.found.states).sum();
    tell(&format!(
        "every: {} plans, {states} distinct states",
        explored.len()
    ));
    let enough = plans.len() < PLANS.len() || states >= FEWEST_STATES;
    if !enough {
        tell(&format!("every: that is fewer than {FEWEST_STATES}"));
    }
    enough && explored.len() == plans.len() && explored.iter().all(every::Explored::holds)
}

fn run(mode: Mode, first_seed: u64, runs: u64) -> bool {
    let defects = Defects::default();
    let options = Options {
        mode,
        first_seed,
        runs,
        defects,
        quiet: false,
    };
    random::run(&options).found.is_none()
}

fn random_runs(options: &[String]) -> Option<bool> {
    let mut modes = vec![Mode::Safety, Mode::Liveness];
    let (mut seed, mut first, mut runs) = (None, 1, 1_000);
    for option in options.chunks(2) {
        let [name, value] = option else {
            return None;
        };
        match (name.as_str(), value.as_str()) {
            ("--mode", "safety") => modes = vec![Mode::Safety],
            ("--mode", "liveness") => modes = vec![Mode::Liveness],
            ("--seed", value) => seed = Some(value.parse().ok()?),
            ("--from", value) => first = value.parse().ok()?,
            ("--runs", value) => runs = value.parse().ok()?,
            _ => return None,
        }
    }
    let held = modes.into_iter().map(|mode| match seed {
        Some(seed) => replay(seed, mode),
        None => run(mode, first, runs),
    });
    // All of them run, whatever the first says.
    Some(held.collect::<Vec<bool>>().iter().all(|held| *held))
}

fn replay(seed: u64, mode: Mode) -> bool {
    let found = random::replay(seed, mode, Defects::default());
    tell(&found.as_ref().map_or_else(
        || format!("seed {seed}, {mode}: holds"),
        ToString::to_string,
    ));
    found.is_none()
}

fn prove(variants: &[Variant]) -> bool {
    let (next, found) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..every::THREADS {
            scope.spawn(|| {
                while let Some(variant) = variants.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let caught = variant.hunt();
                    tell(&format!("{caught}\n"));
                    found.fetch_add(usize::from(caught.story.is_some()), Ordering::Relaxed);
                }
            });
        }
    });
    let found = found.into_inner();
    tell(&format!("variants: {found} of {} found", variants.len()));
    found == variants.len()
}

fn chosen_plans(names: &[String]) -> Option<Vec<Plan>> {
    if let [option, ticks, names @ ..] = names
        && option == "--ticks"
    {
        let ticks = ticks.parse().ok()?;
        let plans = chosen_plans(names)?;
        return Some(plans.into_iter().map(|plan| plan.until(ticks)).collect());
    }
    if names.is_empty() {
        return Some(PLANS.to_vec());
    }
    names.iter().map(|name| Plan::named(name)).collect()
}

fn chosen_variants(names: &[String]) -> Option<Vec<Variant>> {
    if names.is_empty() {
        return Some(VARIANTS.to_vec());
    }
    let named = |name: &String| {
        VARIANTS
            .iter()
            .find(|variant| variant.name == name)
            .copied()
    };
    names.iter().map(named).collect()
}

fn tell(text: &str) {
    // Nobody is left to be told that nobody listens.
    let _ = writeln!(io::stdout().lock(), "{text}");
}
