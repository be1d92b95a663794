use super::Attempt;
use crate::account::{Account, IdentityKey, Ordinal};
use crate::engine::corridor::Draft;
use crate::error::Error;
use crate::mapping::{follow, take};
use crate::store::Lookup;

impl Attempt<'_> {
    /// Links the device that the login came from, away from whoever has it, in the same commit (braincloud 4.3). Says
    /// whether the account changed.
    pub(super) async fn follow(
        &self,
        device: &IdentityKey,
        account: &mut Account,
        keep: Option<Ordinal>,
        draft: &mut Draft,
    ) -> Result<bool, Error> {
        let policy = &self.engine.policy;
        let events = follow(account, device, keep, policy.identities_per_account, self.now);
        if events.is_empty() {
            return Ok(false);
        }
        draft.happened(account.id, events);
        let found = self.engine.load(&Lookup::Identity(device.clone()), self.now).await?;
        // The account itself, when it was linked a moment ago: then this commit loses the race.
        let Some(settled) = found.filter(|found| found.account.id != account.id) else {
            return Ok(true);
        };
        let (mut owner, sessions) = (settled.account.clone(), &settled.activity);
        let ends = policy.credential_change;
        match take(&mut owner, sessions, device, account.id, ends, self.now) {
            Some(taken) => settled.update_logins(&owner, taken.activity, taken.events, draft),
            // Time has taken it from who had it. It is written now: a ban that outlives the owner is then found.
            None => {
                self.engine.write_due(&settled, self.now).await?;
            }
        }
        Ok(true)
    }
}
