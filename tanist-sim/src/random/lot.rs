use std::time::Duration;

use tanist_core::{Defects, Timing, TimingSettings};

use super::Mode;
use super::chance::Chance;
use super::mishap::{Kind, Mishap};
use super::weather::Weather;
use crate::property::SAFETY;
use crate::setup::{Clock, Machine, Setup};

/// How long a run is.
pub(super) const END: Duration = Duration::from_secs(600);
/// When the faults of a liveness run stop.
const HEALED_AT: Duration = Duration::from_secs(240);
/// The fewest faults of a run; where nobody runs to be hit, some may miss.
const FEWEST: u64 = 8;

/// All that is drawn before a run begins.
#[derive(Clone, Debug)]
pub(super) struct Lot {
    pub(super) setup: Setup,
    pub(super) weather: Weather,
    pub(super) mishaps: Vec<Mishap>,
    pub(super) healing: Option<Healing>,
    /// Whether a foreign client may come.
    pub(super) foreign: bool,
    /// Seeds what is drawn during the run.
    pub(super) seed: u64,
}

/// How a liveness run is healed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Healing {
    pub(super) at: Duration,
    /// Only this node is; the others stay broken for ever. `None`: all are.
    pub(super) core: Option<usize>,
}

impl Lot {
    pub(super) fn draw(seed: u64, mode: Mode, defects: Defects) -> Self {
        let mut chance = Chance::new(seed);
        let nodes = 3 + chance.index(3);
        let base = lease(&mut chance, mode);
        let mixed = chance.hits(200);
        let machines: Vec<Machine> = (0..nodes)
            .map(|_| {
                let lease = if mixed {
                    base * [2, 3, 4][chance.index(3)] / 4
                } else {
                    base
                };
                machine(&mut chance, lease)
            })
            .collect();
        let longest = machines.iter().map(|machine| machine.timing.lease()).max();
        let longest = longest.unwrap_or(base);
        let setup = Setup {
            ttl: longest * [5, 6, 10][chance.index(3)] / 4,
            machines,
            defects,
            instant_pipes: false,
            instant_views: false,
            properties: SAFETY.to_vec(),
        };
        let timeout = setup.machines[0].timing.request_timeout();
        let weather = Weather::draw(&mut chance, timeout, base);
        let healing = (mode == Mode::Liveness).then(|| {
            let only = chance.hits(500);
            Healing {
                at: HEALED_AT,
                core: only.then(|| chance.index(nodes)),
            }
        });
        let faults_end = healing.map_or(END, |healing| healing.at);
        let count = FEWEST + chance.below(15);
        let mut mishaps: Vec<Mishap> = (0..count)
            .map(|_| Mishap::draw(&mut chance, faults_end, nodes, base))
            .collect();
        mishaps.sort_by_key(|mishap| mishap.at);
        let foreign = mishaps
            .iter()
            .any(|it| matches!(it.kind, Kind::Foreign { .. }));
        Self {
            setup,
            weather,
            mishaps,
            healing,
            foreign,
            seed: chance.draw(),
        }
    }
}

/// Mostly long ones, which cost less to simulate; some short ones.
fn lease(chance: &mut Chance, mode: Mode) -> Duration {
    let (from, to) = match (chance.below(100), mode) {
        // Half of it is the shortest that can be kept.
        (0, _) => (320, 1_000),
        (1..5, _) => (1_000, 4_000),
        (5..25, _) => (4_000, 12_000),
        (_, Mode::Safety) => (12_000, 36_000),
        // What is left after the bound has to be worth watching.
        (_, Mode::Liveness) => (12_000, 18_000),
    };
    chance.between(Duration::from_millis(from), Duration::from_millis(to))
}

fn machine(chance: &mut Chance, lease: Duration) -> Machine {
    let timing = Timing::new(TimingSettings {
        lease: Some(lease),
        stop_timeout: Some(lease * [1, 2, 6][chance.index(3)] / 4),
        ..TimingSettings::default()
    })
    .expect("what a lease derives is a valid budget");
    let drift = i32::try_from(chance.below(20_001)).unwrap_or_default() - 10_000;
    let drift_ppm = match chance.below(4) {
        0 => 10_000,
        1 => -10_000,
        _ => drift,
    };
    let clock = Clock {
        offset: Duration::from_secs(chance.below(1_000_000)),
        drift_ppm,
        // Some machines woke up with a clock that was never set.
        unix: if chance.hits(100) {
            0
        } else {
            1_700_000_000 + chance.below(100)
        },
        unix_runs: chance.hits(900),
    };
    let priority = if chance.hits(300) {
        50 + u32::from(chance.hits(500)) * 100
    } else {
        100
    };
    Machine {
        timing,
        clock,
        priority,
        seed: chance.draw(),
    }
}
