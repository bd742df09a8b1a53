use std::hash::{Hash, Hasher};

/// 128 bits that stand for a state.
///
/// Two lanes of multiply and fold with different odd constants. With ten million states the
/// chance that any two share a fingerprint, and one goes unexplored, is below 10⁻²⁴. The standard
/// hasher gives 64 bits only, which would be one in a few hundred thousand.
#[derive(Clone, Copy)]
pub(crate) struct Fingerprint {
    left: u64,
    right: u64,
}

impl Fingerprint {
    /// The fingerprint of one value.
    pub(crate) fn of(value: &impl Hash) -> u128 {
        let mut print = Self {
            left: 0x243f_6a88_85a3_08d3,
            right: 0x1319_8a2e_0370_7344,
        };
        value.hash(&mut print);
        print.add(0x5bd1_e995);
        u128::from(print.left) << 64 | u128::from(print.right)
    }

    const fn add(&mut self, word: u64) {
        self.left = fold(self.left ^ word, 0x9e37_79b9_7f4a_7c15);
        self.right =
            fold(self.right.rotate_left(23) ^ word, 0xd6e8_feb8_6659_fd93).wrapping_add(self.left);
    }
}

/// The two halves of a 128-bit product, folded; the addend keeps zero from being absorbing.
const fn fold(word: u64, by: u64) -> u64 {
    let product = (word as u128).wrapping_mul(by as u128);
    ((product as u64) ^ (product >> 64) as u64).wrapping_add(0xa076_1d64_78bd_642f)
}

impl Hasher for Fingerprint {
    fn finish(&self) -> u64 {
        self.left ^ self.right
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.add(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.add(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.add(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.add(value);
    }

    fn write_usize(&mut self, value: usize) {
        self.add(value as u64);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn different_values_have_different_fingerprints() {
        let mut seen = BTreeSet::new();
        for a in 0..300_u64 {
            for b in 0..300_u32 {
                assert!(seen.insert(Fingerprint::of(&(a, b))), "{a} {b}");
            }
        }
        assert_eq!(Fingerprint::of(&"a"), Fingerprint::of(&"a"));
        assert_ne!(Fingerprint::of(&("a", "b")), Fingerprint::of(&("ab", "")));
    }
}
