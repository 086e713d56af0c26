//! What is random in a drill, and the same again from the same seed.

/// `SplitMix64`: nothing here is a secret.
pub(crate) struct Chance(u64);

impl Chance {
    /// From a seed, or from the moment.
    pub(crate) fn new(seed: Option<u64>) -> Self {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
        Self(seed.unwrap_or_else(|| u64::from(now.subsec_nanos())))
    }

    /// What it goes on from.
    pub(crate) const fn seed(&self) -> u64 {
        self.0
    }

    /// A number below `end`.
    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}
