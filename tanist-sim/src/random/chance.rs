use std::time::Duration;

/// Chance from a seed: splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
/// Generators, 2014). The same seed gives the same draws.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A stream of its own, so that what is drawn from one does not shift another.
    pub(super) const fn fork(&mut self) -> Self {
        Self(self.draw())
    }

    pub(super) const fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Less than `end`, which is not zero.
    pub(super) const fn below(&mut self, end: u64) -> u64 {
        self.draw() % end
    }

    pub(super) fn index(&mut self, len: usize) -> usize {
        let len = u64::try_from(len).unwrap_or(u64::MAX);
        usize::try_from(self.below(len)).unwrap_or_default()
    }

    /// True so many times in a thousand.
    pub(super) const fn hits(&mut self, permille: u64) -> bool {
        self.below(1_000) < permille
    }

    /// At least `from`, less than `to` unless they are equal.
    pub(super) fn between(&mut self, from: Duration, to: Duration) -> Duration {
        let span = u64::try_from(to.saturating_sub(from).as_nanos()).unwrap_or(u64::MAX);
        from + Duration::from_nanos(self.below(span.max(1)))
    }

    /// Less than `to`.
    pub(super) fn up_to(&mut self, to: Duration) -> Duration {
        self.between(Duration::ZERO, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_draws_are_those_of_splitmix64() {
        // Its reference implementation, seeded with 1234567.
        let mut chance = Chance::new(1_234_567);
        assert_eq!(chance.draw(), 6_457_827_717_110_365_317);
        assert_eq!(chance.draw(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn a_span_is_drawn_between_its_ends() {
        let mut chance = Chance::new(1);
        let (from, to) = (Duration::from_millis(3), Duration::from_millis(5));
        for _ in 0..1_000 {
            let span = chance.between(from, to);
            assert!(span >= from && span < to, "{span:?}");
        }
        assert_eq!(chance.between(to, from), to);
    }
}
