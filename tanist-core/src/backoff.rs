use std::time::Duration;

/// Growing, jittered waits from a seed: the same seed gives the same waits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Backoff {
    shortest: Duration,
    longest: Duration,
    attempt: u32,
    seed: u64,
}

impl Backoff {
    /// Waits from `shortest`, doubled at each attempt up to `longest`.
    pub const fn new(shortest: Duration, longest: Duration, seed: u64) -> Self {
        Self {
            shortest,
            longest,
            attempt: 0,
            seed,
        }
    }

    /// The next wait: between half and all of what the attempt calls for, so that nodes that
    /// failed together do not come back together.
    pub fn next_wait(&mut self) -> Duration {
        let full = self
            .shortest
            .saturating_mul(1 << self.attempt.min(16))
            .min(self.longest);
        self.attempt = self.attempt.saturating_add(1);
        let half = full / 2;
        let share = self.draw() % 1024;
        // `share` is below 1024, so it fits.
        half + half.saturating_mul(u32::try_from(share).unwrap_or(1023)) / 1024
    }

    /// Starts over after a success.
    pub const fn reset(&mut self) {
        self.attempt = 0;
    }

    /// One step of splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
    /// Generators, 2014).
    const fn draw(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_stay_within_bounds_and_start_over() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2), 7);
        let mut full = Duration::from_millis(100);
        for _ in 0..12 {
            let wait = backoff.next_wait();
            assert!(wait >= full / 2 && wait <= full, "{wait:?} of {full:?}");
            full = (full * 2).min(Duration::from_secs(2));
        }
        backoff.reset();
        assert!(backoff.next_wait() <= Duration::from_millis(100));
    }

    #[test]
    fn the_same_seed_gives_the_same_waits_and_another_gives_others() {
        let waits = |seed| {
            let mut backoff = Backoff::new(Duration::from_millis(10), Duration::from_secs(1), seed);
            (0..8).map(|_| backoff.next_wait()).collect::<Vec<_>>()
        };
        assert_eq!(waits(1), waits(1));
        assert_ne!(waits(1), waits(2));
    }
}
