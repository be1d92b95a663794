use std::sync::atomic::{AtomicU64, Ordering};

use authcore::{Random, RandomError};
use sha2::{Digest, Sha256};

/// The same bytes for the same seed, in the same order of calls. For tests only: whoever knows the seed knows them all.
#[derive(Debug)]
pub struct SeededRandom {
    seed: u64,
    calls: AtomicU64,
}

impl SeededRandom {
    /// Randomness that follows from this number.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, calls: AtomicU64::new(0) }
    }
}

impl Random for SeededRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        for (block, chunk) in buffer.chunks_mut(32).enumerate() {
            let mut digest = Sha256::new();
            digest.update(self.seed.to_be_bytes());
            digest.update(call.to_be_bytes());
            digest.update(block.to_be_bytes());
            for (to, from) in chunk.iter_mut().zip(digest.finalize()) {
                *to = from;
            }
        }
        Ok(())
    }
}
