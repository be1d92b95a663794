//! What a provider tells of its accounts (gamebase 3.19). The host has checked that the provider says so.

use chrono::{DateTime, Utc};

use super::Engine;
use super::corridor::{Draft, Settled, Tries};
use crate::account::{Account, AccountId, IdentityKey};
use crate::error::Error;
use crate::event::EventKind;
use crate::lifecycle::WithdrawalCause;
use crate::mapping::{UnlinkRequest, unlink};
use crate::proof::Operator;
use crate::refusal::Refusal;
use crate::session::{SessionEvent, end_sessions};

impl Engine {
    /// The player took their consent back at the provider (gamebase 3.19): all sessions of the account end, and it stays.
    /// A login with the same identity opens it again (gamebase X-40).
    ///
    /// # Errors
    ///
    /// [`Refusal::IdentityUnknown`] when no account owns the identity, or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the sessions may have ended all the same.
    pub async fn provider_consent_revoked(
        &self,
        operator: &Operator,
        key: &IdentityKey,
    ) -> Result<AccountId, Error> {
        let now = self.now();
        let account = self
            .change_owner(key, now, |settled, draft| {
                let mut account = settled.account.clone();
                end_sessions(&mut account, SessionEvent::ConsentRevoked);
                settled.update(&account, draft);
                draft.events.push((account.id, EventKind::SessionsEnded));
                Ok(account.id)
            })
            .await?;
        tracing::info!(%account, operator = operator.name(), "consent revoked at the provider");
        Ok(account)
    }

    /// The player deleted their account at the provider (gamebase 3.19): the account is withdrawn; or, where the policy
    /// says so and it has other logins, it only loses this one (gamebase X-23).
    ///
    /// # Errors
    ///
    /// [`Refusal::IdentityUnknown`] when no account owns the identity, or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the change may be committed all the same.
    pub async fn provider_account_deleted(
        &self,
        operator: &Operator,
        key: &IdentityKey,
    ) -> Result<AccountId, Error> {
        let now = self.now();
        let account = self
            .change_owner(key, now, |settled, draft| {
                let mut account = settled.account.clone();
                if !(self.policy.provider_delete_unlinks
                    && self.unlink_only(settled, &mut account, key, now, draft))
                {
                    let cause = WithdrawalCause::Provider;
                    self.withdraw_now(settled, &mut account, cause, now, draft)?;
                    settled.update(&account, draft);
                }
                Ok(account.id)
            })
            .await?;
        tracing::info!(%account, operator = operator.name(), "account deleted at the provider");
        Ok(account)
    }

    /// Takes the identity away where another login stays; says whether it did.
    fn unlink_only(
        &self,
        settled: &Settled,
        account: &mut Account,
        key: &IdentityKey,
        now: DateTime<Utc>,
        draft: &mut Draft,
    ) -> bool {
        let request = UnlinkRequest::of_operator(key);
        let Ok(change) = unlink(account, &request, &self.policy, now) else {
            return false;
        };
        self.write_change(settled, account, change, None, draft);
        draft.writes.extend(self.carried_by_gone(&settled.account, account, now));
        true
    }

    /// Changes whichever account owns an identity.
    async fn change_owner<T: Send>(
        &self,
        key: &IdentityKey,
        now: DateTime<Utc>,
        rule: impl Fn(&Settled, &mut Draft) -> Result<T, Refusal> + Send + Sync,
    ) -> Result<T, Error> {
        let mut tries = Tries::new();
        loop {
            let settled = self
                .owner(key, now)
                .await?
                .ok_or_else(|| Refusal::IdentityUnknown(key.provider().clone()))?;
            let mut draft = Draft::default();
            let answer = rule(&settled, &mut draft)?;
            match self.commit(draft, now).await {
                Ok(()) => return Ok(answer),
                Err(lost) => tries.again(lost)?,
            };
        }
    }
}
