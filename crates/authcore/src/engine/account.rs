use chrono::{DateTime, Utc};

use super::Engine;
use super::corridor::{Draft, Tries};
use crate::account::{Account, ProfileUpdate, Username, check_profile, check_username};
use crate::context::RequestContext;
use crate::error::Error;
use crate::event::EventKind;
use crate::hooks::{Done, Intent};
use crate::lifecycle::WithdrawalCause;
use crate::proof::Authenticated;
use crate::refusal::Refusal;
use crate::store::{Conflict, Lookup, Write};

impl Engine {
    /// Reads the caller's account.
    ///
    /// # Errors
    ///
    /// [`Refusal::AccessTokenInvalid`] when the caller's session has ended since it was verified, or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    pub async fn account(
        &self,
        context: &RequestContext,
        who: &Authenticated,
    ) -> Result<Account, Error> {
        self.parts.hooks.before_account(context, who).await?;
        let account = self.load_caller(who, self.now()).await?.account;
        self.parts.hooks.after(context, &Done::Account(&account)).await;
        Ok(account)
    }

    /// Checks an access token and reads the caller's account: [`verify`](Self::verify) and [`account`](Self::account)
    /// in one read.
    ///
    /// # Errors
    ///
    /// As those two.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    pub async fn account_by_token(
        &self,
        context: &RequestContext,
        access_token: &str,
    ) -> Result<Account, Error> {
        let (who, account) = self.verify_with_account(access_token).await?;
        self.parts.hooks.before_account(context, &who).await?;
        self.parts.hooks.after(context, &Done::Account(&account)).await;
        Ok(account)
    }

    /// Changes the caller's profile, and the username where it is asked for, all or nothing (nakama 12.2). Tokens keep
    /// the old username until they are refreshed.
    ///
    /// # Errors
    ///
    /// [`Refusal::NothingToChange`], [`Refusal::Invalid`], [`Refusal::UsernameTaken`], or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the change may be committed all the same.
    pub async fn update_profile(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        update: ProfileUpdate,
    ) -> Result<Account, Error> {
        self.check_open(context, self.now())?;
        let update = self.parts.hooks.before_update(context, who, update).await?;
        if update.is_empty() {
            return Err(Refusal::NothingToChange.into());
        }
        if let Some(username) = &update.username {
            // Empty is told as too short, not as missing.
            check_username(username)?;
        }
        check_profile(&update).map_err(|(field, rule)| Refusal::Invalid { field, rule })?;
        let now = self.now();
        let account = self.commit_update(context, who, &update, now).await?;
        self.parts.hooks.after(context, &Done::Update(&account)).await;
        Ok(account)
    }

    /// Changes the caller's username and nothing else.
    ///
    /// # Errors
    ///
    /// As [`update_profile`](Self::update_profile).
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the change may be committed all the same.
    pub async fn set_username(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        username: impl Into<String> + Send,
    ) -> Result<Account, Error> {
        let update = ProfileUpdate { username: Some(username.into()), ..ProfileUpdate::default() };
        self.update_profile(context, who, update).await
    }

    async fn commit_update(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        update: &ProfileUpdate,
        now: DateTime<Utc>,
    ) -> Result<Account, Error> {
        let mut tries = Tries::new();
        loop {
            let settled = self.load_caller(who, now).await?;
            let mut account = settled.account.clone();
            let mut draft = Draft::default();
            update.apply(&mut account.profile);
            if account.profile != settled.account.profile {
                draft.events.push((account.id, EventKind::ProfileChanged));
            }
            if let Some(username) = &update.username {
                account.username = Some(Username::new(username, self.parts.folding));
                if account.username != settled.account.username {
                    draft.events.push((account.id, EventKind::UsernameChanged));
                }
            }
            if draft.events.is_empty() {
                return Ok(account);
            }
            account.updated_at = now;
            self.parts.hooks.veto(context, &Intent::Update(&account))?;
            settled.update(&account, &mut draft);
            match self.commit(draft, now).await {
                Ok(()) => return Ok(account),
                Err(lost) => {
                    if let Conflict::UsernameTaken(_) = tries.again(lost)? {
                        return Err(Refusal::UsernameTaken.into());
                    }
                }
            }
        }
    }

    /// Deletes the caller's account and everything that belongs to it; its sessions end with it, and its logins are
    /// free (nakama 12.3). Where the policy has bans outlive accounts, a suspended player's is
    /// [withdrawn](Self::withdraw) instead: a tombstone remembers the ban that would follow (gamebase X-3). Deleting what
    /// is gone already is done.
    ///
    /// # Errors
    ///
    /// [`Refusal::RecentLoginRequired`], [`Refusal::AccessTokenInvalid`] when the caller's session has ended since it was
    /// verified, or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the deletion may be committed all the same.
    pub async fn delete_account(
        &self,
        context: &RequestContext,
        who: &Authenticated,
    ) -> Result<(), Error> {
        self.check_open(context, self.now())?;
        self.parts.hooks.before_delete(context, who).await?;
        let now = self.now();
        self.check_step_up(who, now)?;
        let mut tries = Tries::new();
        while let Some(mut settled) = self.load(&Lookup::Id(who.account()), now).await? {
            settled.caller(who, now)?;
            self.parts.hooks.veto(context, &Intent::Delete(&settled.account))?;
            let mut draft = Draft::default();
            if self.policy.carry_ban.is_some() && settled.account.ban.grace().is_some() {
                let mut account = settled.account.clone();
                self.withdraw_now(
                    &settled,
                    &mut account,
                    WithdrawalCause::Player,
                    now,
                    &mut draft,
                )?;
                settled.update(&account, &mut draft);
            } else {
                let (id, expect) = (who.account(), settled.version);
                settled.hold_caller(&mut draft);
                draft.writes.push(Write::DeleteAccount { id, expect });
                draft.events.push((id, EventKind::AccountDeleted));
            }
            match self.commit(draft, now).await {
                Ok(()) => break,
                Err(lost) => tries.again(lost)?,
            };
        }
        self.parts.hooks.after(context, &Done::Delete(who)).await;
        Ok(())
    }
}
