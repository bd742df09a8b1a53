//! Every schedule of every plan, on two threads.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tanist_core::Defects;

use crate::enumerate::{Found, enumerate};
use crate::plan::Plan;
use crate::property::SAFETY;
use crate::trace::tell;

/// How many enumerations go on at once.
pub(crate) const THREADS: usize = 2;

/// What one plan came to.
#[derive(Debug)]
pub(crate) struct Explored {
    pub(crate) plan: Plan,
    pub(crate) found: Found,
    took: Duration,
}

/// Explores plans with the core as it is, and tells of each, in the order in which they end.
pub(crate) fn explore(plans: &[Plan], told: impl Fn(&Explored) + Sync) -> Vec<Explored> {
    let next = AtomicUsize::new(0);
    let all = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(plan) = plans.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let begun = Instant::now();
                    let found = enumerate(plan, Defects::default(), &SAFETY, usize::MAX);
                    let explored = Explored {
                        plan: *plan,
                        found,
                        took: begun.elapsed(),
                    };
                    told(&explored);
                    if let Ok(mut all) = all.lock() {
                        all.push(explored);
                    }
                }
            });
        }
    });
    all.into_inner().unwrap_or_default()
}

impl Explored {
    /// Whether every schedule was followed to its end and nothing was found.
    pub(crate) const fn holds(&self) -> bool {
        self.found.complete && self.found.violation.is_none()
    }
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plan, found, took } = self;
        write!(
            f,
            "every {:<16} {:>9} states, {:>2} ticks, {:>3} steps deep, {:>5.1} s, faults: {}",
            plan.name,
            found.states,
            plan.ticks,
            found.depth,
            took.as_secs_f64(),
            plan.budget
        )?;
        let Some((violation, trace)) = &found.violation else {
            return Ok(());
        };
        writeln!(
            f,
            "\n{violation}\none of the shortest schedules, {} steps:",
            trace.len()
        )?;
        for line in tell(plan.start(Defects::default(), &SAFETY), trace) {
            writeln!(f, "{line}")?;
        }
        write!(
            f,
            "again: cargo run --release -p tanist-sim -- every {}",
            plan.name
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cheap_plans_hold_and_are_followed_to_their_end() {
        for name in ["cut", "end-double"] {
            let plan = Plan::named(name).unwrap();
            let explored = explore(&[plan], |_| {});
            assert!(explored[0].holds(), "{}", explored[0]);
            assert!(explored[0].found.states > 1_000, "{}", explored[0]);
        }
    }
}
