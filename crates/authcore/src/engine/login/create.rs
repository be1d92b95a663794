use futures_util::future::join;

use super::told::apply_told;
use super::{Attempt, Entry, Proven};
use crate::account::{Account, AccountId, Username, generate_username};
use crate::engine::password::throttle_of;
use crate::error::Error;
use crate::event::EventKind;
use crate::hooks::Intent;
use crate::password::{Password, check_password};
use crate::refusal::Refusal;
use crate::session::Activity;
use crate::store::Write;

impl Attempt<'_> {
    /// Makes the account, in the place of one that has left where there was one.
    pub(super) async fn create(&mut self, left: bool) -> Result<Entry, Error> {
        let allowed = self.allowed(None);
        let password = match &self.proven {
            Proven::Password { .. } => Box::pin(self.new_password(&allowed)).await?,
            Proven::Identity { .. } => None,
        };
        allowed?;
        if !self.counted && self.proven.identity().is_some() {
            let rate = self.engine.policy.creation_attempts;
            self.engine.count(self.context, "creation", rate, self.now).await?;
            self.counted = true;
        }
        let Some((key, shown)) = self.proven.identity() else {
            return Err(Refusal::AccountNotFound.into());
        };
        if self.username_taken {
            return Err(Refusal::UsernameTaken.into());
        }
        if let Some(who) = &self.login.current
            && !self.login.ignore_already_logged_in
        {
            Box::pin(self.going_on(who, None)).await?;
        }
        let engine = self.engine;
        let id = AccountId::new(self.now, &engine.random()?);
        let mut account = Account::new(id, self.now);
        let generated = match self.username() {
            None if engine.policy.generated_usernames => Some(generate_username(&engine.random()?)),
            _ => None,
        };
        account.username = self
            .username()
            .or(generated.as_deref())
            .map(|name| Username::new(name, engine.parts.folding));
        let ordinal = account.add_identity(key.clone(), shown.map(Into::into), self.now);
        account.password = password.map(|hash| Password { hash, version: 1, set_at: self.now });
        let mut draft = self.draft(None);
        let linked = EventKind::IdentityLinked { ordinal, provider: key.provider().clone() };
        draft.events.extend([(id, EventKind::AccountCreated), (id, linked)]);
        if let Some(verified) = self.proven.verified() {
            let policy = &engine.policy;
            apply_told(verified, None, &mut account, policy, self.now, &mut draft, true);
        }
        engine.parts.hooks.veto(self.context, &Intent::Create(&account))?;
        if left {
            engine.owner_or_left(key, self.now).await?;
        }
        if let Some(device) = &self.device {
            Box::pin(self.follow(device, &mut account, Some(ordinal), &mut draft)).await?;
        }
        let verified = self.proven.verified();
        let banned = Box::pin(engine.start_banned(&mut account, verified, self.now, &mut draft));
        // A store's epoch is read with an account, and there is none yet. A session of the highest epoch outlives a
        // raise that it did not see; so the epoch is read for the rare case that there was one.
        let (banned, store_epoch) = join(banned, engine.parts.store.epoch()).await;
        banned?;
        let store_epoch = store_epoch?;
        let activity = Activity::default();
        let (activity, session) =
            self.open(activity, &account, store_epoch, Some(ordinal), &mut draft);
        let activity = if account.ban.ban().is_some() {
            // It is made, and not entered.
            draft.events.retain(|(_, event)| !matches!(event, EventKind::LoggedIn { .. }));
            Activity::default()
        } else {
            activity
        };
        let (login_count, previous_login_at) = (activity.login_count, activity.previous_login_at);
        let (inserted, activity) = (Box::new(account.clone()), activity.into());
        draft.writes.push(Write::InsertAccount { account: inserted, activity });
        Ok(Entry { account, session, created: true, login_count, previous_login_at, draft })
    }

    /// For a name without an account: hashes the password of the account to be made, or does the same work for
    /// nothing (security 26).
    async fn new_password(
        &mut self,
        allowed: &Result<(), Refusal>,
    ) -> Result<Option<Box<str>>, Error> {
        let Proven::Password { password, .. } = &self.proven else {
            return Ok(None);
        };
        if !self.tried.charged {
            self.engine.charge_try(throttle_of(None, &self.name()), self.now).await?;
        }
        let Err(refusal) = allowed else {
            check_password(password, self.engine.policy.password_min).map_err(Refusal::from)?;
            if self.hashed.is_none() {
                self.hashed = Some(self.engine.hash(password).await?);
            }
            self.tried.charged = true;
            return Ok(self.hashed.clone());
        };
        self.engine.check_against(None, password).await?;
        // What was expected would tell as well (security 25).
        if self.engine.policy.tells_unknown_accounts {
            Err(refusal.clone().into())
        } else {
            Err(Refusal::WrongPassword.into())
        }
    }
}
