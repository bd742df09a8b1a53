use std::time::Duration;

use super::chance::Chance;

/// How the network is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weather {
    /// Most messages take about this long.
    pub(super) usual: Duration,
    /// Some take up to this long.
    pub(super) slow: Duration,
    /// How many of a thousand are slow.
    pub(super) slow_permille: u64,
    /// How many of a thousand are lost.
    pub(super) lost_permille: u64,
    /// How many requests of a thousand reach the store twice.
    pub(super) doubled_permille: u64,
    /// Of how many requests of a thousand the session says soon that it does not know.
    pub(super) unknown_permille: u64,
}

impl Weather {
    /// No message is lost, none is slow.
    pub(super) const fn fair(request_timeout: Duration) -> Self {
        Self {
            usual: Duration::from_nanos(request_timeout.as_nanos() as u64 / 16),
            slow: Duration::ZERO,
            slow_permille: 0,
            lost_permille: 0,
            doubled_permille: 0,
            unknown_permille: 0,
        }
    }

    pub(super) fn draw(chance: &mut Chance, request_timeout: Duration, lease: Duration) -> Self {
        let usual = request_timeout / [100, 40, 16][chance.index(3)];
        let slow = [request_timeout, request_timeout * 3, lease * 2][chance.index(3)];
        let level = |chance: &mut Chance| [0, 2, 10, 50][chance.index(4)];
        Self {
            usual,
            slow,
            slow_permille: level(chance),
            lost_permille: level(chance),
            doubled_permille: level(chance),
            unknown_permille: level(chance),
        }
    }

    pub(super) fn delay(&self, chance: &mut Chance) -> Duration {
        if chance.hits(self.slow_permille) {
            return chance.up_to(self.slow);
        }
        chance.between(self.usual / 4, self.usual * 2)
    }
}
