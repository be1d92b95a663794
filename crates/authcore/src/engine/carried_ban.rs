//! Bans that outlive their account, where the policy says so (gamebase X-4).

use chrono::{DateTime, Utc};

use super::Engine;
use super::corridor::{Draft, Settled};
use crate::account::{Account, AccountId, Identity};
use crate::error::Error;
use crate::event::EventKind;
use crate::lifecycle::{Ban, BanEnd, BanState, Expiry, Withdrawal};
use crate::store::{CodeKey, CodePurpose, Lookup, OneTimeCode, Write};

impl Engine {
    /// What remembers the ban of an account that was withdrawn while it was in force: one code for each identity that it
    /// had, for as long as the ban would have lasted, and no longer than the policy says.
    pub(super) fn carried_bans(&self, before: &Account, after: &Account) -> Vec<Write> {
        let (Some(memory), false, Withdrawal::Done { at, .. }) =
            (self.policy.carry_ban, before.withdrawal.is_done(), after.withdrawal)
        else {
            return Vec::new();
        };
        let Some(ban) = outlived(after, at) else { return Vec::new() };
        let expires_at = match ban.expiry {
            Expiry::Never => at + memory,
            Expiry::At(end) => end.min(at + memory),
        };
        self.remember(after.id, &before.identities, expires_at)
    }

    /// What remembers the suspension of an account by the identities that its player gives up meanwhile: one that leaves
    /// before the account is withdrawn is no way around what follows.
    pub(super) fn carried_suspension(
        &self,
        before: &Account,
        after: &Account,
        now: DateTime<Utc>,
    ) -> Vec<Write> {
        let (Some(memory), BanState::Grace(_)) = (self.policy.carry_ban, &after.ban) else {
            return Vec::new();
        };
        let gone = before.identities.iter().filter(|it| after.identity(&it.key).is_none());
        self.remember(after.id, gone, now + memory)
    }

    fn remember<'a>(
        &self,
        account: AccountId,
        identities: impl IntoIterator<Item = &'a Identity>,
        expires_at: DateTime<Utc>,
    ) -> Vec<Write> {
        let keys = identities.into_iter().filter_map(|identity| {
            // The first is that of the current signing key.
            self.parts.keys.ban_keys(&identity.key).next()
        });
        keys.map(|key| {
            Write::PutCode(OneTimeCode {
                key,
                purpose: CodePurpose::CarriedBan,
                account,
                credential_generation: 0,
                tries_left: 1,
                expires_at,
            })
        })
        .collect()
    }

    /// A new account is banned when the last owner of its identity was, and would still be; or suspended, when that one
    /// is. It then carries the ban itself, and the code is of no more use.
    pub(super) async fn start_banned(
        &self,
        account: &mut Account,
        now: DateTime<Utc>,
        draft: &mut Draft,
    ) -> Result<(), Error> {
        if self.policy.carry_ban.is_none() {
            return Ok(());
        }
        let keys: Vec<_> = account
            .identities
            .iter()
            .flat_map(|identity| self.parts.keys.ban_keys(&identity.key))
            .collect();
        let Some(code) = self.take_code(&keys, draft).await?.filter(|code| now < code.expires_at)
        else {
            return Ok(());
        };
        account.ban = self.ban_of_last_owner(&code, now).await?;
        match account.ban {
            BanState::Banned(_) => draft.events.push((account.id, EventKind::Banned)),
            BanState::Grace(_) => draft.events.push((account.id, EventKind::GraceBanned)),
            BanState::None => {}
        }
        Ok(())
    }

    /// The first code that there is; it is of no more use.
    async fn take_code(
        &self,
        keys: &[CodeKey],
        draft: &mut Draft,
    ) -> Result<Option<OneTimeCode>, Error> {
        for key in keys {
            if let Some(code) = self.parts.store.code(key).await? {
                draft.writes.push(Write::DeleteCode(*key));
                return Ok(Some(code));
            }
        }
        Ok(None)
    }

    /// What a code remembers: the ban of a tombstone, or how an account stands that still is.
    async fn ban_of_last_owner(
        &self,
        code: &OneTimeCode,
        now: DateTime<Utc>,
    ) -> Result<BanState, Error> {
        let Some(Settled { account, .. }) = self.load(&Lookup::Id(code.account), now).await? else {
            // Deleted in good standing since.
            return Ok(BanState::None);
        };
        let ban = match account.withdrawal {
            Withdrawal::Done { at, .. } => outlived(&account, at),
            _ => account.ban.ban(),
        };
        Ok(match ban {
            Some(ban) => BanState::Banned(Box::new(Ban { since: now, ..ban.clone() })),
            None => account.ban,
        })
    }
}

/// The ban that was in force when the account was withdrawn.
fn outlived(account: &Account, withdrawn_at: DateTime<Utc>) -> Option<&Ban> {
    let past = account.records.past_bans.last()?;
    (past.end == BanEnd::Withdrawn { at: withdrawn_at }).then_some(&past.ban)
}
