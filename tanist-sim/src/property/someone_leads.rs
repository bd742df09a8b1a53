use std::time::Duration;

use super::Violation;
use crate::setup::Setup;
use crate::world::World;

/// The name of "after the faults somebody leads within the bounds".
pub(crate) const SOMEONE_LEADS: &str = "someone_leads";
/// The name of "who leads then goes on leading".
pub(crate) const STAYS_LEADER: &str = "stays_leader";

/// How long the world may go without a leader once it is healed, and whether who leads then stays.
///
/// Source: reliability L1, L3 and L5 and section 3.1: safety and liveness are checked in different
/// modes, because uniform random faults heal livelocks by chance. Here the faults stop, or go on
/// for ever for all nodes but a core that must do.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    healed_at: Duration,
    lead_by: Duration,
    led: Option<(usize, u32)>,
}

impl Patience {
    /// From now on no fault touches the core, and `latency` bounds every message of it.
    pub(crate) fn new(setup: &Setup, healed_at: Duration) -> Self {
        Self {
            healed_at,
            lead_by: healed_at + bound(setup),
            led: None,
        }
    }

    /// Whether the world is as it must be. Ask after every event.
    pub(crate) fn check(&mut self, world: &World) -> Option<Violation> {
        let leader = world.trees().map(|(node, _, serial)| (node, serial)).next();
        match (self.led, leader) {
            (None, None) if world.time > self.lead_by => Some(Violation {
                property: SOMEONE_LEADS,
                what: format!(
                    "healed at {:?}, but nobody leads at {:?}",
                    self.healed_at, self.lead_by
                ),
            }),
            (None, Some(_)) if world.time > self.lead_by => {
                self.led = leader;
                None
            }
            (None, _) => None,
            (Some(led), leader) => (leader != Some(led)).then(|| Violation {
                property: STAYS_LEADER,
                what: format!(
                    "the work of node {} ended at {:?} for no reason",
                    led.0, world.time
                ),
            }),
        }
    }
}

/// L5, two session lengths and 5 s until all stand again, then L1: G, the head starts of all who
/// may stand before, a former leader's planned stop, and two commits.
fn bound(setup: &Setup) -> Duration {
    let longest = |span: fn(&tanist_core::Timing) -> Duration| {
        setup
            .machines
            .iter()
            .map(|machine| span(&machine.timing))
            .max()
            .unwrap_or_default()
    };
    let grace = longest(|timing| tanist_core::Timing::grace(timing.lease()));
    let ranks = u32::try_from(setup.machines.len()).unwrap_or(u32::MAX);
    let stand = setup.ttl * 2 + Duration::from_secs(5);
    let ahead = longest(tanist_core::Timing::head_start) * ranks;
    let commits = longest(tanist_core::Timing::request_timeout) * 4;
    // Once for who was `waiting` at the heal, and once for the record that is counted then.
    stand + grace * 2 + ahead + longest(tanist_core::Timing::stop_timeout) + commits
}
