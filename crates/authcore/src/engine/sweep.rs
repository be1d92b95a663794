use super::Engine;
use crate::error::Error;
use crate::store::Lookup;

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// How many accounts it wrote that time had changed.
    pub settled: u64,
    /// How many codes, single-use keys and throttles it removed.
    pub removed: u64,
}

impl Swept {
    /// Whether there may be more to do than the limit let it.
    #[must_use]
    pub fn is_full(self, limit: u32) -> bool {
        self.settled.max(self.removed) >= u64::from(limit)
    }
}

impl Engine {
    /// Writes what time has done to accounts: bans that are over, grace bans that became bans, withdrawals that became
    /// final; and removes what is over and only takes up room: used-up codes, single-use keys and throttles. At most
    /// `limit` of each kind.
    ///
    /// Nothing depends on it but how early events are written, when a withdrawn player's data is gone, and the store's
    /// size. It may run on many nodes at once: an account that another one writes meanwhile is left to it.
    ///
    /// # Errors
    ///
    /// [`Error::Fault`] when the store cannot be read or written.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the rest is done the next time.
    pub async fn sweep(&self, limit: u32) -> Result<Swept, Error> {
        let now = self.now();
        let mut swept = Swept::default();
        for id in self.parts.store.due(now, limit).await? {
            let Some(settled) = self.load(&Lookup::Id(id), now).await? else { continue };
            if !settled.due {
                continue;
            }
            if self.write_due(&settled, now).await? {
                swept.settled += 1;
            }
        }
        swept.removed = self.parts.store.sweep(now, limit).await?;
        Ok(swept)
    }
}
