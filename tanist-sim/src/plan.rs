use std::sync::Arc;
use std::time::Duration;

use tanist_core::{Defects, Timing, TimingSettings};

use crate::action::{Action, Step};
use crate::budget::Budget;
use crate::property::Property;
use crate::scene::{Scene, TICK};
use crate::setup::{Clock, Machine, Setup};
use crate::world::World;

/// One enumeration: where it starts, how far it goes, and which faults it may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// L of the two nodes, in ticks.
    pub(crate) leases: [u32; 2],
    /// Where it starts.
    pub(crate) opening: Opening,
    /// How many ticks it goes on from there.
    pub(crate) ticks: u32,
    /// The faults of one schedule.
    pub(crate) budget: Budget,
    /// How many messages of a node may be on the wire each way.
    pub(crate) on_wire: usize,
    /// Whether messages that can mean nothing any more are taken off the wire.
    pub(crate) tidy: bool,
    /// Whether what is read may arrive late.
    pub(crate) late_views: bool,
    /// Whether the wall clocks run, past every term; else they stand at 1970.
    pub(crate) clocks: bool,
}

/// Where an enumeration starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// Two supervisors just started, and the store is empty.
    Cold,
    /// Node 0 leads and has renewed once, node 1 stands and has seen it.
    Led,
}

impl Plan {
    /// The plan with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        crate::plans::PLANS
            .iter()
            .find(|plan| plan.name == name)
            .copied()
    }

    /// The same over so many ticks.
    pub(crate) const fn until(self, ticks: u32) -> Self {
        Self { ticks, ..self }
    }

    /// The state it starts from, with these rules left out and these properties watched.
    pub(crate) fn start(&self, defects: Defects, properties: &[Property]) -> Scene {
        let setup = Setup {
            machines: self
                .leases
                .iter()
                .map(|lease| self.machine(*lease))
                .collect(),
            defects,
            instant_pipes: true,
            instant_views: !self.late_views,
            properties: properties.to_vec(),
            ttl: TICK * 4,
        };
        let mut world = World::new(Arc::new(setup));
        for node in 0..2 {
            world.apply(&Action::At {
                node,
                step: Step::Boot,
            });
        }
        let mut scene = Scene {
            world,
            left: Budget::NONE,
            horizon: Duration::MAX,
            on_wire: self.on_wire,
            tidy: self.tidy,
            dark: self.budget.cuts > 0,
            fresh: true,
            prints: [0; 2],
            store_print: 0,
        };
        if self.opening == Opening::Led {
            for node in [0, 1] {
                settle(&mut scene, node);
            }
            scene.world.apply(&Action::Pass { by: TICK });
            for node in [0, 1] {
                settle(&mut scene, node);
            }
        }
        scene.world.signals.clear();
        scene.fresh = true;
        scene.left = self.budget;
        scene.horizon = scene.world.time + TICK * self.ticks;
        scene
    }

    fn machine(&self, lease: u32) -> Machine {
        let tenth = TICK / 10;
        let timing = Timing::new(TimingSettings {
            lease: Some(TICK * lease),
            renew_every: Some(TICK),
            request_timeout: Some(TICK / 2),
            lost_stop_timeout: Some(tenth),
            kill_time: Some(tenth),
            guard_delay: Some(tenth),
            session_ttl: Some(TICK * 4),
            stop_timeout: Some(TICK * 2),
        })
        .expect("three ticks cover two renewals and a stop of less than one");
        let unix = if self.clocks { 1_000 } else { 0 };
        let clock = Clock {
            offset: Duration::ZERO,
            drift_ppm: 0,
            unix,
            unix_runs: self.clocks,
        };
        Machine {
            timing,
            clock,
            priority: 100,
            seed: 1,
        }
    }
}

/// Everything of one node that can happen without a fault, until nothing is left to happen.
fn settle(scene: &mut Scene, node: usize) {
    while let Some(next) = scene
        .choices()
        .into_iter()
        .find(|choice| matches!(choice, Action::At { node: of, .. } if *of == node))
    {
        *scene = scene.after(&next);
    }
}
