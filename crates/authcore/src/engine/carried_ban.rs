//! Bans that outlive their account, where the policy says so (gamebase X-4).

use chrono::{DateTime, Utc};

use super::corridor::{Draft, Settled, Tries};
use super::link::{ProvenLink, taken};
use super::{Engine, Lost};
use crate::account::{Account, AccountId, Identity, IdentityKey};
use crate::context::RequestContext;
use crate::error::Error;
use crate::event::EventKind;
use crate::lifecycle::{Ban, BanEnd, BanState, Expiry, Withdrawal};
use crate::refusal::Refusal;
use crate::store::{CodePurpose, Conflict, Lookup, OneTimeCode, Write};
use crate::verifier::VerifiedIdentity;

/// A ban or suspension that an identity brings along, and the code that remembers it.
pub(super) type CarriedBan = (OneTimeCode, BanState);

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
        self.remember(after.id, &before.identities, end_of_memory(ban, at + memory))
    }

    /// What remembers the suspension or ban of an account by the identities that leave it on the word of its player, or
    /// of the provider whom the player told: one that leaves before the account is withdrawn is no way around either.
    pub(super) fn carried_by_gone(
        &self,
        before: &Account,
        after: &Account,
        now: DateTime<Utc>,
    ) -> Vec<Write> {
        let Some(memory) = self.policy.carry_ban else { return Vec::new() };
        let expires_at = match &after.ban {
            BanState::None => return Vec::new(),
            BanState::Grace(_) => now + memory,
            BanState::Banned(ban) => end_of_memory(ban, now + memory),
        };
        let gone = before.identities.iter().filter(|it| after.identity(&it.key).is_none());
        self.remember(after.id, gone, expires_at)
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
        verified: Option<&VerifiedIdentity>,
        now: DateTime<Utc>,
        draft: &mut Draft,
    ) -> Result<(), Error> {
        let keys = account.identities.iter().map(|identity| identity.key.clone());
        let Some((code, carried)) = self.carried(keys.collect(), verified, now).await? else {
            return Ok(());
        };
        draft.writes.push(Write::DeleteCode(code.key));
        account.ban = match carried {
            BanState::Banned(mut ban) => {
                ban.since = now;
                draft.events.push((account.id, EventKind::Banned));
                BanState::Banned(ban)
            }
            suspended => {
                draft.events.push((account.id, EventKind::GraceBanned));
                suspended
            }
        };
        Ok(())
    }

    /// Whether a ban that was carried over keeps its login from joining another account: where none may take it from a
    /// banned owner (gamebase X-5).
    pub(super) fn carries_bans_to_links(&self) -> bool {
        self.policy.carry_ban.is_some() && !self.policy.ticket_for_banned
    }

    /// Refuses to link a login that a ban was carried over with. The player is told of the ban, but who only names an email
    /// address or the like is not.
    pub(super) fn check_not_carried(
        &self,
        context: &RequestContext,
        proven: &ProvenLink,
        (code, carried): CarriedBan,
    ) -> Result<(), Refusal> {
        match carried {
            BanState::Banned(_) if proven.password.is_some() => Err(taken(&proven.key, None)),
            BanState::Banned(ban) => Err(self.banned(code.account, &ban, context)),
            BanState::None | BanState::Grace(_) => Ok(()),
        }
    }

    /// What is carried over with the first of these identities that has something, in its present form or a former one.
    pub(super) async fn carried(
        &self,
        mut identities: Vec<IdentityKey>,
        verified: Option<&VerifiedIdentity>,
        now: DateTime<Utc>,
    ) -> Result<Option<CarriedBan>, Error> {
        if self.policy.carry_ban.is_none() {
            return Ok(None);
        }
        for former in verified.into_iter().flat_map(VerifiedIdentity::former_keys) {
            self.owner_or_left(&former, now).await?;
            identities.push(former);
        }
        let keys = identities.iter().flat_map(|identity| self.parts.keys.ban_keys(identity));
        for key in keys.collect::<Vec<_>>() {
            let code = self.parts.store.code(&key).await?;
            let Some(code) = code.filter(|code| now < code.expires_at) else { continue };
            match self.ban_of_last_owner(code.account, now).await? {
                BanState::None => {}
                ban => return Ok(Some((code, ban))),
            }
        }
        Ok(None)
    }

    /// The account that owns an identity. Where time has withdrawn it, that is written: a ban that outlives it is then found.
    pub(super) async fn owner_or_left(
        &self,
        identity: &IdentityKey,
        now: DateTime<Utc>,
    ) -> Result<Option<Settled>, Error> {
        let (lookup, mut tries) = (Lookup::Identity(identity.clone()), Tries::new());
        while let Some(found) = self.load(&lookup, now).await? {
            if found.account.identity(identity).is_some() {
                return Ok(Some(found));
            }
            if self.write_due(&found, now).await? {
                break;
            }
            // Another write came before, which need not have been the same.
            tries.again(Lost::Race(Conflict::AccountChanged(found.account.id)))?;
        }
        Ok(None)
    }

    /// The ban of a tombstone, or how an account stands that still is.
    async fn ban_of_last_owner(
        &self,
        owner: AccountId,
        now: DateTime<Utc>,
    ) -> Result<BanState, Error> {
        let Some(Settled { account, .. }) = self.load(&Lookup::Id(owner), now).await? else {
            // Deleted in good standing since.
            return Ok(BanState::None);
        };
        let Withdrawal::Done { at, .. } = account.withdrawal else { return Ok(account.ban) };
        let ban = outlived(&account, at).filter(|ban| !ban.expiry.is_over(now));
        Ok(ban.map_or(BanState::None, |ban| BanState::Banned(Box::new(ban.clone()))))
    }
}

/// When a ban is forgotten: when it would have ended, and no later than the policy says.
fn end_of_memory(ban: &Ban, latest: DateTime<Utc>) -> DateTime<Utc> {
    match ban.expiry {
        Expiry::Never => latest,
        Expiry::At(end) => end.min(latest),
    }
}

/// The ban that was in force when the account was withdrawn.
fn outlived(account: &Account, withdrawn_at: DateTime<Utc>) -> Option<&Ban> {
    let past = account.records.past_bans.last()?;
    (past.end == BanEnd::Withdrawn { at: withdrawn_at }).then_some(&past.ban)
}
