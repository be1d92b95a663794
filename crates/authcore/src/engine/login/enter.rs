use super::Attempt;
use super::told::apply_told;
use crate::account::{Account, Ordinal};
use crate::engine::corridor::{Draft, Settled};
use crate::error::Error;
use crate::hooks::Intent;
use crate::password::Verdict;
use crate::proof::Authenticated;
use crate::refusal::Refusal;
use crate::session::{Session, SessionEvent};

use super::{Entry, Proven};

impl Attempt<'_> {
    /// Judges a login into an account that exists, and does to the account what comes with it. Gives the commit as far
    /// as it is then known, and the caller's session when the login goes on with it.
    ///
    /// It waits for nothing but what few logins have, and that is boxed: every login carries the rest.
    pub(super) async fn admit(
        &mut self,
        settled: &mut Settled,
    ) -> Result<(Draft, Option<Session>), Error> {
        let engine = self.engine;
        if engine.policy.tells_bans_first {
            engine.check_gate(&settled.account, self.context)?;
        }
        let rehashed = match &self.proven {
            Proven::Password { .. } => Box::pin(self.check_password(&settled.account)).await?,
            Proven::Identity { .. } => None,
        };
        self.allowed(Some(settled.account.id))?;
        engine.check_gate(&settled.account, self.context)?;
        engine.parts.hooks.veto(self.context, &Intent::LogIn(&settled.account))?;
        let mut draft = self.draft(Some(settled.account.id));
        let mut changed = false;
        if let (Some(hash), Some(password)) = (rehashed, settled.account.password.as_mut()) {
            // The same password under stronger parameters: its version stays.
            password.hash = hash;
            changed = true;
        }
        if let Some(verified) = self.proven.verified() {
            let former = self.former.as_deref();
            let policy = &engine.policy;
            let account = &mut settled.account;
            changed |= apply_told(verified, former, account, policy, self.now, &mut draft, false);
        }
        let identity = self.ordinal(&settled.account);
        let current = match &self.login.current {
            Some(who) if !self.login.ignore_already_logged_in => {
                Box::pin(self.going_on(who, Some((settled, identity)))).await?
            }
            _ => None,
        };
        settled.asks = current.is_some();
        if let Some(device) = &self.device
            && settled.account.identity(device).is_none()
        {
            let account = &mut settled.account;
            changed |= Box::pin(self.follow(device, account, identity, &mut draft)).await?;
        }
        if changed {
            settled.update(&settled.account, &mut draft);
        } else {
            settled.hold(&mut draft);
        }
        Ok((draft, current))
    }

    /// Logs into the account that the login was admitted to.
    pub(super) fn enter(
        &self,
        mut settled: Settled,
        mut draft: Draft,
        current: Option<Session>,
    ) -> Entry {
        let activity = std::mem::take(&mut settled.activity);
        let (mut login_count, mut previous_login_at) =
            (activity.login_count, activity.previous_login_at);
        let session = if let Some(session) = current {
            session
        } else {
            let (account, epoch) = (&settled.account, settled.store_epoch);
            let identity = self.ordinal(account);
            let (activity, session) = self.open(activity, account, epoch, identity, &mut draft);
            (login_count, previous_login_at) = (activity.login_count, activity.previous_login_at);
            draft.writes.push(settled.update_activity(activity));
            session
        };
        let account = settled.account;
        Entry { account, session, created: false, login_count, previous_login_at, draft }
    }

    /// The identity that the login is by; none for a username, and where a verifier named the account.
    fn ordinal(&self, account: &Account) -> Option<Ordinal> {
        if self.proven.told().is_some_and(|told| told.account.is_some()) {
            return None;
        }
        let (key, _) = self.proven.identity()?;
        account.identity(key).map(|identity| identity.ordinal)
    }

    /// The caller's session, when the login goes on with it; none when it has ended (gamebase X-1).
    pub(super) async fn going_on(
        &self,
        who: &Authenticated,
        found: Option<(&Settled, Option<Ordinal>)>,
    ) -> Result<Option<Session>, Error> {
        if let Some((settled, identity)) = found
            && settled.account.id == who.account()
        {
            let used = SessionEvent::AccessTokenUsed;
            let Some(session) = settled.session(who.session().id, used, self.now) else {
                return Ok(None);
            };
            let same = session.identity == identity && session.method == self.proven.method();
            return if same {
                Ok(Some(session.clone()))
            } else {
                Err(Refusal::AlreadyLoggedIn.into())
            };
        }
        match self.engine.check_alive(who).await {
            Ok(()) => Err(Refusal::AlreadyLoggedIn.into()),
            Err(Error::Refused(Refusal::AccessTokenInvalid)) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Checks the password, where the login has one; says the new hash when the old one is outdated.
    async fn check_password(&mut self, account: &Account) -> Result<Option<Box<str>>, Error> {
        let Proven::Password { password, .. } = &self.proven else {
            return Ok(None);
        };
        match self.engine.try_password(&mut self.tried, account, password, self.now).await? {
            Verdict::Wrong => Err(Refusal::WrongPassword.into()),
            Verdict::Right => Ok(None),
            Verdict::RightButOutdated => {
                if self.hashed.is_none() {
                    // When there is too much to do, the next login makes the new hash.
                    self.hashed = self.engine.hash(password).await.ok();
                }
                Ok(self.hashed.clone())
            }
        }
    }
}
