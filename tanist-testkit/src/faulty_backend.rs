use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use tanist::core::{Outcome, Receipt};
use tanist::{Amendment, Answer, Backend, Damage, Error, Link, Snapshot};

use crate::fault_control::FaultControl;
use crate::faults::{Faults, Lie};
use crate::passage::Passage;

/// A backend with another one inside, between which things go wrong: by chance from a seed, or
/// deliberately, as a badly written backend would have it.
#[derive(Clone)]
pub struct FaultyBackend {
    pub(crate) inner: Arc<dyn Backend>,
    pub(crate) faults: Faults,
    pub(crate) control: FaultControl,
}

impl FaultyBackend {
    /// `inner`, with `faults` around it.
    pub fn new(inner: Box<dyn Backend>, faults: Faults, control: FaultControl) -> Self {
        Self {
            inner: inner.into(),
            faults,
            control,
        }
    }

    /// A number below `below`, from the seed. splitmix64, as in the core's waits.
    fn draw(&self, below: u64) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let draws = self.control.draw();
        let mut z = self
            .faults
            .seed
            .wrapping_add(draws.wrapping_add(1).wrapping_mul(STEP));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below.max(1)
    }

    pub(crate) fn happens(&self, of_a_thousand: u64, effect: &'static str) -> bool {
        let happens = of_a_thousand > 0 && self.draw(1000) < of_a_thousand;
        if happens {
            self.control.count(effect);
        }
        happens
    }

    pub(crate) fn lies(&self, lie: Lie) -> bool {
        self.faults.lies.contains(&lie)
    }

    pub(crate) fn delay(&self) -> Duration {
        let most = u64::try_from(self.faults.delay.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(if most == 0 { 0 } else { self.draw(most) })
    }
}

impl Backend for FaultyBackend {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn location(&self) -> String {
        self.inner.location()
    }

    fn run(&self, link: Link) -> Answer<'_, ()> {
        let run = Passage::run(self.clone(), link);
        if !self.lies(Lie::Outlives) {
            return Box::pin(run);
        }
        Box::pin(async move {
            // Dropping the handle does not end the task: that is the lie.
            let _ = tokio::spawn(run).await;
        })
    }

    fn read<'a>(&'a self, election: &'a str) -> Answer<'a, Result<Snapshot, Error>> {
        self.inner.read(election)
    }

    fn elections(&self) -> Answer<'_, Result<Vec<String>, Error>> {
        self.inner.elections()
    }

    fn damage<'a>(&'a self, election: &'a str) -> Answer<'a, Result<Vec<Damage>, Error>> {
        self.inner.damage(election)
    }

    fn amend<'a>(&'a self, election: &'a str, amendment: Amendment) -> Answer<'a, Outcome> {
        Box::pin(async move {
            if self.lies(Lie::AmendmentsAreSwallowed) {
                return Outcome::Committed(Receipt::default());
            }
            let amendment = match amendment {
                Amendment::Direct { directive, .. } if self.lies(Lie::DirectivesOverAnything) => {
                    let there = self.inner.read(election).await.ok();
                    let over = there.as_ref().and_then(|there| there.directive_stamp);
                    let record = there.and_then(|there| there.view.record_stamp);
                    Amendment::Direct {
                        over,
                        record,
                        directive,
                    }
                }
                Amendment::Repair { over, mend } if self.lies(Lie::RepairsOverAnything) => {
                    let there = self.inner.damage(election).await.unwrap_or_default();
                    let there = there.into_iter().find(|one| one.part == mend.part());
                    let over = there.map_or(over, |one| one.bytes);
                    Amendment::Repair { over, mend }
                }
                other => other,
            };
            self.inner.amend(election, amendment).await
        })
    }

    fn pass(&self) -> Vec<u8> {
        self.inner.pass()
    }

    fn take_pass(&mut self, pass: &[u8]) {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.take_pass(pass);
        }
    }

    fn holds(&self, election: &str) -> io::Result<Vec<OwnedFd>> {
        self.inner.holds(election)
    }
}
