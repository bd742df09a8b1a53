//! The guard with real processes.
//!
//! This test program is everything at once, told apart by its first argument: the guard and its
//! programs (the product's code, under an allocator that counts), the supervisor that a test
//! freezes or kills, and the tests themselves.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod containment;
mod deadline;
mod hidden;
mod killed;
mod launcher;
mod life;
mod look;
mod namespace;
mod plan;
mod rig;
mod start;
mod supervisor;
mod tripwire;

#[path = "../../src"]
#[expect(
    dead_code,
    unused_imports,
    reason = "the unit tests inside are run where they belong"
)]
mod product {
    pub(crate) mod guard;
}

use std::alloc::System;
use std::ffi::OsString;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if arguments.first().is_some_and(|verb| verb == "__guard") {
        return counted_guard(&arguments[1..]);
    }
    if let Some(code) = product::guard::hidden_verb(&arguments, rig::note_release) {
        return code;
    }
    if arguments
        .first()
        .is_some_and(|verb| verb == supervisor::VERB)
    {
        return supervisor::run(&arguments[1..]);
    }
    let mut trials = Vec::new();
    trials.extend(trials_of("life", life::TESTS));
    trials.extend(trials_of("start", start::TESTS));
    trials.extend(trials_of("launcher", launcher::TESTS));
    trials.extend(trials_of("deadline", deadline::TESTS));
    trials.extend(trials_of("killed", killed::TESTS));
    trials.extend(trials_of("hidden", hidden::TESTS));
    trials.extend(trials_of("containment", containment::TESTS));
    trials.extend(trials_of("namespace", namespace::TESTS));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A named test.
type Test = (&'static str, fn());

fn trials_of(module: &str, tests: &[Test]) -> Vec<Trial> {
    let trial = |(name, test): &Test| {
        let test = *test;
        Trial::test(format!("{module}::{name}"), move || {
            test();
            Ok(())
        })
    };
    tests.iter().map(trial).collect()
}

/// The guard as `hidden_verb` runs it, with a look at the allocator before and after what must not
/// allocate. Tests that let a guard end read the outcome.
fn counted_guard(arguments: &[OsString]) -> ExitCode {
    match product::guard::GuardProcess::set_up(arguments.iter().cloned()) {
        Err(code) => code,
        Ok(guard) => {
            let before = ALLOCATOR.stats();
            // A counter that saw nothing of the set-up would prove nothing.
            assert!(before.allocations > 0);
            let code = guard.serve();
            let during = ALLOCATOR.stats() - before;
            rig::note_allocations(during.allocations + during.reallocations);
            code
        }
    }
}
