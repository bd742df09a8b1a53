use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use tanist_core::Defects;

use crate::action::Action;
use crate::plan::Plan;
use crate::property::{Property, Violation};
use crate::scene::Scene;

/// What an enumeration found.
#[derive(Debug)]
pub(crate) struct Found {
    /// Distinct states.
    pub(crate) states: usize,
    /// Steps from the opening to the farthest state.
    pub(crate) depth: usize,
    /// Whether every schedule of the plan was followed to its end.
    pub(crate) complete: bool,
    /// The first violation, after one of the shortest schedules that lead to any.
    pub(crate) violation: Option<(Violation, Vec<Action>)>,
}

/// Follows every schedule of a plan, breadth first, so that the first violation is a shortest.
///
/// `most` bounds the number of states, for plans that are to find a violation.
pub(crate) fn enumerate(
    plan: &Plan,
    defects: Defects,
    properties: &[Property],
    most: usize,
) -> Found {
    let mut start = plan.start(defects, properties);
    let mut seen: HashSet<u128, BuildHasherDefault<Low>> = HashSet::default();
    seen.insert(start.fingerprint(None));
    // The path to each state: the state before, and which of its choices.
    let mut paths: Vec<(u32, u8)> = vec![(0, 0)];
    let mut level: Vec<(u32, Scene)> = vec![(0, start.clone())];
    let mut depth = 0;
    while !level.is_empty() && paths.len() < most {
        let mut next_level = Vec::new();
        for (index, scene) in level {
            for (number, choice) in scene.choices().iter().enumerate() {
                let mut next = scene.after(choice);
                let print = next.fingerprint(Some(&scene));
                let new = next.world.broken.is_some() || seen.insert(print);
                if !new {
                    continue;
                }
                let place = u32::try_from(paths.len()).unwrap_or(u32::MAX);
                paths.push((index, u8::try_from(number).unwrap_or(u8::MAX)));
                if let Some(violation) = next.world.broken {
                    let trace = trace_to(start, &paths, place);
                    let states = paths.len();
                    let violation = Some((violation, trace));
                    return Found {
                        states,
                        depth: depth + 1,
                        complete: false,
                        violation,
                    };
                }
                next_level.push((place, next));
            }
        }
        level = next_level;
        depth += 1;
    }
    Found {
        states: paths.len(),
        depth,
        complete: level.is_empty(),
        violation: None,
    }
}

/// Walks back to the opening and forth again, to tell what was applied.
fn trace_to(start: Scene, paths: &[(u32, u8)], place: u32) -> Vec<Action> {
    let mut numbers = Vec::new();
    let mut at = place;
    while at != 0 {
        let (before, number) = paths[at as usize];
        numbers.push(number);
        at = before;
    }
    let mut scene = start;
    let mut trace = Vec::new();
    for number in numbers.into_iter().rev() {
        let choice = scene.choices().swap_remove(usize::from(number));
        scene = scene.after(&choice);
        trace.push(choice);
    }
    trace
}

/// A fingerprint is its own hash.
#[derive(Default)]
struct Low(u64);

impl Hasher for Low {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }
}
