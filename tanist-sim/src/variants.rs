//! The deliberate mistakes, each of which the same enumerations and runs must find.

use std::fmt;
use std::time::{Duration, Instant};

use tanist_core::Defects;

use crate::enumerate::enumerate;
use crate::plan::Plan;
use crate::property::named;
use crate::random::{Mode, hunt};
use crate::scene::TICK;
use crate::trace::tell;

/// A rule left out, and the net that has to catch it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variant {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    defects: fn(&mut Defects),
    net: Net,
}

#[derive(Clone, Copy, Debug)]
enum Net {
    /// An enumeration, and the property that has to fail. Others may fail sooner, and tell less:
    /// that a lease is counted wrongly is no news, that two work at once is.
    Every {
        plan: &'static str,
        /// How far the search goes; it ends with the first schedule found, so it may go further
        /// than is cheap for a plan that holds.
        ticks: u32,
        property: &'static str,
    },
    /// Random runs that heal.
    Healed,
}

/// What became of the search.
#[derive(Debug)]
pub(crate) struct Caught {
    pub(crate) name: &'static str,
    pub(crate) took: Duration,
    /// What was violated, and how; `None`: the net has a hole.
    pub(crate) story: Option<String>,
}

/// More runs than any of them needs.
const MOST_RUNS: u64 = 2_000;

/// All of them.
pub(crate) const VARIANTS: [Variant; 12] = [
    every(
        "lease-from-receipt",
        "cut-late",
        6,
        "one_activation",
        |it| it.lease_from_receipt = true,
    ),
    every("grace-too-short", "late-2", 11, "one_activation", |it| {
        it.grace_short_by = TICK
    }),
    every("no-grace", "entry-late", 7, "one_activation", |it| {
        it.no_grace = true
    }),
    every(
        "withdraw-before-empty",
        "resign-late",
        6,
        "one_activation",
        |it| {
            it.withdraw_before_empty = true;
        },
    ),
    every("begin-unguarded", "exit-late", 8, "begins_guarded", |it| {
        it.begin_unguarded = true
    }),
    every(
        "term-from-revision",
        "restore-exit",
        6,
        "terms_rise",
        |it| it.term_from_revision = true,
    ),
    every(
        "resigned-by-waiter",
        "beat-mood-late",
        6,
        "one_activation",
        |it| {
            it.resigned_by_waiter = true;
        },
    ),
    every(
        "count-survives-reconnect",
        "restore-cut",
        5,
        "one_activation",
        |it| {
            it.count_survives_reconnect = true;
        },
    ),
    every(
        "delete-by-name",
        "end-double",
        8,
        "deletes_by_identity",
        |it| it.delete_by_name = true,
    ),
    every(
        "helper-marks-first",
        "kill-resign",
        4,
        "release_is_final",
        |it| {
            it.helper_marks_first = true;
        },
    ),
    healed("lost-renewal-is-loss", |it| it.lost_renewal_is_loss = true),
    healed("rank-is-veto", |it| it.rank_is_veto = true),
];

const fn every(
    name: &'static str,
    plan: &'static str,
    ticks: u32,
    property: &'static str,
    defects: fn(&mut Defects),
) -> Variant {
    Variant {
        name,
        defects,
        net: Net::Every {
            plan,
            ticks,
            property,
        },
    }
}

const fn healed(name: &'static str, defects: fn(&mut Defects)) -> Variant {
    Variant {
        name,
        defects,
        net: Net::Healed,
    }
}

impl Variant {
    /// Throws the net.
    pub(crate) fn hunt(&self) -> Caught {
        let begun = Instant::now();
        let mut defects = Defects::default();
        (self.defects)(&mut defects);
        let story = match self.net {
            Net::Every {
                plan,
                ticks,
                property,
            } => Plan::named(plan)
                .and_then(|plan| self.enumerated(plan.until(ticks), property, defects)),
            Net::Healed => hunt(defects, Mode::Liveness, MOST_RUNS).map(|found| found.to_string()),
        };
        Caught {
            name: self.name,
            took: begun.elapsed(),
            story,
        }
    }

    fn enumerated(&self, plan: Plan, property: &str, defects: Defects) -> Option<String> {
        let properties = [named(property)?];
        let found = enumerate(&plan, defects, &properties, usize::MAX);
        let (violation, trace) = found.violation?;
        let mut story = format!(
            "{violation}\nplan {} (faults: {}), one of the shortest schedules, {} steps:\n",
            plan.name,
            plan.budget,
            trace.len()
        );
        for line in tell(plan.start(defects, &properties), &trace) {
            story.push_str(&line);
            story.push('\n');
        }
        Some(story)
    }
}

impl fmt::Display for Caught {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = self.took.as_secs_f64();
        match &self.story {
            Some(story) => writeln!(
                f,
                "variant {}: found in {took:.1} s\n{}",
                self.name,
                story.trim_end()
            )?,
            None => writeln!(
                f,
                "variant {}: NOT FOUND in {took:.1} s: the net has a hole",
                self.name
            )?,
        }
        write!(
            f,
            "again: cargo run --release -p tanist-sim -- variants {}",
            self.name
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those that are found within a second or two also without optimisation.
    #[test]
    fn the_mistakes_that_are_quickly_found_are_found() {
        for name in [
            "grace-too-short",
            "no-grace",
            "withdraw-before-empty",
            "helper-marks-first",
        ] {
            let variant = VARIANTS.iter().find(|it| it.name == name).unwrap();
            assert!(variant.hunt().story.is_some(), "{name}");
        }
    }

    #[test]
    fn every_net_exists() {
        for variant in VARIANTS {
            if let Net::Every { plan, property, .. } = variant.net {
                assert!(Plan::named(plan).is_some(), "{plan}");
                assert!(named(property).is_some(), "{property}");
            }
        }
    }
}
