//! What a provider tells of its accounts (gamebase 3.19): in a notice that its verifier reads, or by an operator, who has
//! checked that the provider says so.

use chrono::{DateTime, Utc};

use super::Engine;
use super::corridor::{Draft, Settled, Tries};
use crate::account::{Account, AccountId, IdentityKey, ProviderId};
use crate::credential::check_provider_payload;
use crate::error::Error;
use crate::event::EventKind;
use crate::lifecycle::WithdrawalCause;
use crate::mapping::{UnlinkRequest, unlink};
use crate::proof::Operator;
use crate::refusal::Refusal;
use crate::secret::Secret;
use crate::session::{SessionEvent, end_sessions};
use crate::store::{Conflict, SingleUseKey, Write};
use crate::verifier::ProviderEvent;

/// What is used up with a change, and when that may be forgotten; none for what an operator passes on.
type Once = Option<(SingleUseKey, DateTime<Utc>)>;

impl Engine {
    /// Does what follows from a notice of a provider's server, as its verifier reads it: sessions end, or the account is
    /// withdrawn, as if an operator had passed it on. The account, where one has changed; none, when the notice was told
    /// before, is of nobody here, or tells nothing that an account changes by.
    ///
    /// # Errors
    ///
    /// [`Refusal::CredentialRejected`] and [`Refusal::CredentialExpired`] when it is not the provider that tells it, or not
    /// to us; [`Refusal::ProviderUnavailable`] when that could not be checked: let the provider send it again. Or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the change may be committed all the same, and the notice then does nothing when it comes again.
    pub async fn provider_notice(
        &self,
        provider: &ProviderId,
        payload: &Secret,
    ) -> Result<Option<AccountId>, Error> {
        check_provider_payload(payload)?;
        let Some(notice) = self.ask_notice(provider, payload, self.now()).await? else {
            return Ok(None);
        };
        let (operator, once) = (Operator::vouched_for(provider.as_str()), Some(notice.once));
        let changed = match notice.event {
            ProviderEvent::ConsentRevoked => {
                self.consent_revoked(&operator, &notice.identity, once).await
            }
            ProviderEvent::AccountDeleted => {
                self.account_deleted(&operator, &notice.identity, once).await
            }
        };
        match changed {
            Ok(account) => Ok(Some(account)),
            Err(Error::Refused(Refusal::IdentityUnknown(_) | Refusal::NothingToChange)) => {
                self.use_up(notice.once).await?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Uses up what changed nothing: told again, it must not change whoever comes meanwhile.
    async fn use_up(&self, (key, forget_at): (SingleUseKey, DateTime<Utc>)) -> Result<(), Error> {
        let mut draft = Draft::default();
        draft.writes.push(Write::UseUp { key, forget_at });
        if let Err(lost) = self.commit(draft, self.now()).await {
            // It was used up before.
            Tries::new().again(lost)?;
        }
        Ok(())
    }

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
        self.consent_revoked(operator, key, None).await
    }

    async fn consent_revoked(
        &self,
        operator: &Operator,
        key: &IdentityKey,
        once: Once,
    ) -> Result<AccountId, Error> {
        let now = self.now();
        let account = self
            .change_owner(key, now, once, |settled, draft| {
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
        self.account_deleted(operator, key, None).await
    }

    async fn account_deleted(
        &self,
        operator: &Operator,
        key: &IdentityKey,
        once: Once,
    ) -> Result<AccountId, Error> {
        let now = self.now();
        let account = self
            .change_owner(key, now, once, |settled, draft| {
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

    /// Changes whichever account owns an identity; [`Refusal::NothingToChange`] when it was used up before.
    async fn change_owner<T: Send>(
        &self,
        key: &IdentityKey,
        now: DateTime<Utc>,
        once: Once,
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
            draft.writes.extend(once.map(|(key, forget_at)| Write::UseUp { key, forget_at }));
            match self.commit(draft, now).await {
                Ok(()) => return Ok(answer),
                Err(lost) => {
                    if let Conflict::UsedUp(_) = tries.again(lost)? {
                        return Err(Refusal::NothingToChange.into());
                    }
                }
            }
        }
    }
}
