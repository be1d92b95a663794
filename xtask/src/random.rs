use std::hash::{BuildHasher, Hasher, RandomState};

/// SplitMix64: small, fast, and the same on every machine, so that a seed names a run.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// A seed for a run that was given none.
    pub(crate) fn any_seed() -> u64 {
        // The hasher of the standard library is keyed at random; no crate is needed for one number.
        RandomState::new().build_hasher().finish() >> 16
    }

    /// A generator of its own for part `index` of this run.
    pub(crate) fn fork(&mut self, index: u64) -> Self {
        Self(self.next() ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`. The tiny bias of the remainder does not matter here.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a mut [T]) -> Option<&'a mut T> {
        let index = usize::try_from(self.below(from.len() as u64)).ok()?;
        from.get_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_names_a_run() {
        let (mut one, mut two) = (Random::seeded(7), Random::seeded(7));
        assert_eq!(
            (one.next(), one.below(10), one.fork(3).next()),
            (two.next(), two.below(10), two.fork(3).next())
        );
    }

    #[test]
    fn nothing_is_picked_from_nothing() {
        assert_eq!(Random::seeded(1).pick::<u8>(&mut []), None);
    }
}
