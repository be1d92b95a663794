use super::Attempt;
use crate::account::{Account, IdentityKey, Ordinal};
use crate::engine::corridor::Draft;
use crate::error::Error;
use crate::mapping::{follow, give_up};
use crate::policy::CredentialChange;
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
        let Some(mut settled) = found.filter(|found| found.account.id != account.id) else {
            return Ok(true);
        };
        let mut owner = settled.account.clone();
        if let Some((ordinal, events)) = give_up(&mut owner, device, account.id, self.now) {
            match policy.credential_change {
                CredentialChange::KeepsSessions => {}
                CredentialChange::EndsItsSessions => {
                    let mut activity = std::mem::take(&mut settled.activity);
                    activity.sessions.retain(|session| session.identity != Some(ordinal));
                    draft.writes.push(settled.update_activity(activity));
                }
                CredentialChange::EndsOtherSessions => owner.epoch = owner.epoch.next(),
            }
            settled.update(&owner, draft);
            draft.happened(owner.id, events);
        } else {
            // Time has taken it from who had it, which must be written with what is made of it.
            settled.update(&owner, draft);
        }
        Ok(true)
    }
}
