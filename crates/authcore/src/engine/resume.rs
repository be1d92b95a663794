use chrono::{DateTime, Utc};

use super::Engine;
use super::corridor::{Draft, Settled, Tries};
use super::login::{Proven, apply_told};
use super::password::{PasswordTry, throttle_of};
use super::refresh::replace;
use crate::account::{Account, Identity};
use crate::command::{LoggedIn, Resume};
use crate::context::RequestContext;
use crate::credential::{Use, check};
use crate::error::Error;
use crate::event::EventKind;
use crate::hooks::{Done, Intent};
use crate::password::Verdict;
use crate::policy::Revalidation;
use crate::refusal::{Field, Refusal, Rule};
use crate::session::{Reopen, Reopened, Session, SessionEvent, SessionRef, reopen_session};
use crate::store::{Conflict, Lookup, Write};
use crate::verifier::VerifiedIdentity;

/// An own token that is authentic and not over.
struct Presented {
    at: SessionRef,
    /// A refresh token's.
    generation: Option<u32>,
}

/// What a login by an own token keeps from one try to the next.
struct Resumption<'a> {
    engine: &'a Engine,
    context: &'a RequestContext,
    presented: Presented,
    /// The credential that came with the token, proven as far as it can be without the account.
    proof: Option<Proven>,
    tried: PasswordTry,
    now: DateTime<Utc>,
}

impl Engine {
    /// Logs a player in by an own token, without the provider (gamebase 3.1, 3.4).
    ///
    /// It counts as a login. The session is opened anew in its own place: it keeps its name, its identity and the time of
    /// the proof, its life begins anew, and its tokens rotate as at a [`refresh`](Self::refresh). So a lost answer loses
    /// nothing: of any number of calls with one refresh token at once, one opens the session and the others, within the
    /// grace window ([`refresh_grace`](crate::Policy::refresh_grace)), get the same pair; they are one login. A token that
    /// rotated longer ago opens nothing: it ends the session, because somebody else may hold it (security 57). A session
    /// whose tokens are younger than the window is left as it is; that counts as a login all the same. An access token
    /// stands for the session's current generation: who takes one that is not theirs is found out at the owner's next
    /// refresh.
    ///
    /// With a [`credential`](Resume::credential) the provider vouches once more, and the time of the proof is now. The
    /// policy says when it must ([`revalidation_for`](crate::Policy::revalidation_for)).
    ///
    /// ```
    /// # futures_executor::block_on(async {
    /// # use authcore::*;
    /// # let harness = authcore_testkit::Harness::with_policy(Policy::gamebase());
    /// # let engine = harness.engine();
    /// # let context = RequestContext::new();
    /// # let login = Login::new(Credential::Guest("a-guest-key-of-the-client".into()));
    /// # let player = engine.login(&context, login).await?;
    /// let again = engine.resume(&context, Resume::new(player.tokens.refresh.reveal())).await?;
    /// assert_eq!(again.account.id, player.account.id);
    /// assert_eq!(again.login_count, 2);
    /// # Ok::<(), Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Refusal::TokenLoginInvalid`] when the token is not one of ours or is over, or its session has ended or was logged
    /// out; but a player who may not in is told so first ([`Refusal::Banned`], [`Refusal::Withdrawn`],
    /// [`Refusal::Missing`], [`Refusal::AccountNotFound`]). [`Refusal::RevalidationRequired`] when the provider must
    /// vouch, and when the credential is another identity's than the session's. [`Refusal::RefreshTokenReused`]. Or a
    /// fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the login may be committed all the same, and the same token then gets its answer within the grace
    /// window.
    pub async fn resume(
        &self,
        context: &RequestContext,
        resume: Resume,
    ) -> Result<LoggedIn, Error> {
        self.check_open(context, self.now())?;
        let resume = self.parts.hooks.before_resume(context, resume).await?;
        context.check()?;
        if resume.token.is_empty() {
            let rule = Rule::Required;
            return Err(Refusal::Invalid { field: Field::RefreshToken, rule }.into());
        }
        let now = self.now();
        let presented =
            self.presented(resume.token.reveal(), now).ok_or(Refusal::TokenLoginInvalid)?;
        let proof = match &resume.credential {
            Some(credential) => {
                let checked = check(credential, Use::Login, &self.policy, self.parts.folding)?;
                Some(self.prove(context, checked, now).await?)
            }
            None => None,
        };
        let tried = PasswordTry::default();
        let mut resumption = Resumption { engine: self, context, presented, proof, tried, now };
        let logged_in = resumption.run().await?;
        self.parts.hooks.after(context, &Done::Login(&logged_in)).await;
        Ok(logged_in)
    }

    fn presented(&self, token: &str, now: DateTime<Utc>) -> Option<Presented> {
        let keys = &self.parts.keys;
        if let Some(claims) = keys.refresh(token, &self.policy, now) {
            return Some(Presented { at: claims.at, generation: Some(claims.generation) });
        }
        let claims = keys.access(token, &self.policy, now)?;
        Some(Presented { at: claims.session_ref(), generation: None })
    }
}

impl Resumption<'_> {
    async fn run(&mut self) -> Result<LoggedIn, Error> {
        let (engine, now) = (self.engine, self.now);
        let mut tries = Tries::new();
        loop {
            let (mut settled, session) = self.load().await?;
            let reopen = Reopen {
                session: &session,
                generation: self.presented.generation,
                vouched: self.proof.is_some(),
                context: self.context,
                account_epoch: settled.account.epoch,
                store_epoch: settled.store_epoch,
            };
            let reopened = reopen_session(&settled.activity, &reopen, &engine.policy, now);
            if matches!(reopened, Reopened::Reused) {
                match engine.commit(replace(&settled, &session, None), now).await {
                    Ok(()) => return Err(Refusal::RefreshTokenReused.into()),
                    Err(lost) => tries.again(lost)?,
                };
                continue;
            }
            self.check_proof(&settled.account, &session).await?;
            engine.parts.hooks.veto(self.context, &Intent::LogIn(&settled.account))?;
            let draft = self.draft(&mut settled, &reopened);
            if !draft.writes.is_empty()
                && let Err(lost) = engine.commit(draft, now).await
            {
                let conflict = tries.again(lost)?;
                if let (Conflict::UsedUp(_), Some(verified)) = (conflict, self.verified()) {
                    let provider = verified.key().provider().clone();
                    return Err(Refusal::CredentialRejected { provider, extra: None }.into());
                }
                continue;
            }
            return self.outcome(settled, reopened).await;
        }
    }

    fn verified(&self) -> Option<&VerifiedIdentity> {
        self.proof.as_ref().and_then(Proven::verified)
    }

    /// The account, when its player may in, and the session, when it is alive.
    async fn load(&self) -> Result<(Settled, Session), Error> {
        let at = self.presented.at;
        let settled = self.engine.load(&Lookup::Id(at.account), self.now).await?;
        let settled = settled.ok_or(Refusal::AccountNotFound)?;
        // A ban has ended the session; the player is told of the ban all the same.
        self.engine.check_gate(&settled.account, self.context)?;
        let session = settled
            // After a logout of either kind the provider is asked (gamebase 3.5).
            .session(at.session, SessionEvent::Resumed, self.now)
            .cloned()
            .ok_or(Refusal::TokenLoginInvalid)?;
        Ok((settled, session))
    }

    /// Whether who opened the session has proven it once more, or need not.
    async fn check_proof(&mut self, account: &Account, session: &Session) -> Result<(), Error> {
        let identity = match session.identity {
            Some(ordinal) => {
                let find = |identity: &&Identity| identity.ordinal == ordinal;
                // The account does not have it any more.
                Some(account.identities.iter().find(find).ok_or(Refusal::TokenLoginInvalid)?)
            }
            None => None,
        };
        let provider = identity.map(|identity| identity.key.provider());
        let needed = match provider {
            Some(provider) => Refusal::RevalidationRequired(provider.clone()),
            None => Refusal::TokenLoginInvalid,
        };
        let Some(proof) = &self.proof else {
            let policy = &self.engine.policy;
            let rule = provider.map_or(policy.revalidation, |of| policy.revalidation_for(of));
            return if is_due(rule, session.authenticated_at, self.now) {
                Err(needed.into())
            } else {
                Ok(())
            };
        };
        if !opens(proof, account, identity) {
            return Err(needed.into());
        }
        if let Proven::Password { password, .. } = proof {
            let engine = self.engine;
            match engine.try_password(&mut self.tried, account, password, self.now).await? {
                Verdict::Wrong => return Err(Refusal::WrongPassword.into()),
                Verdict::Right | Verdict::RightButOutdated => {}
            }
        }
        Ok(())
    }

    fn draft(&self, settled: &mut Settled, reopened: &Reopened) -> Draft {
        let policy = &self.engine.policy;
        let mut draft = Draft::using_up(self.verified());
        let mut changed = false;
        if let Some(verified) = self.verified() {
            let account = &mut settled.account;
            changed = apply_told(verified, None, account, policy, self.now, &mut draft, false);
        }
        if self.tried.charged {
            let throttle = throttle_of(Some(settled.account.id), &[]);
            draft.writes.push(Write::ResetThrottle(throttle));
        }
        if let Reopened::Login(activity, session) = reopened {
            draft.writes.push(settled.update_activity(activity.clone()));
            if policy.login_events {
                let event = EventKind::LoggedIn { session: session.id };
                draft.events.push((settled.account.id, event));
            }
        }
        if changed {
            settled.update(&settled.account, &mut draft);
        } else {
            settled.hold(&mut draft);
        }
        draft
    }

    async fn outcome(&self, settled: Settled, reopened: Reopened) -> Result<LoggedIn, Error> {
        let (activity, session, minted) = match reopened {
            Reopened::Login(activity, session) => (activity, session, self.now),
            // Minted as of the rotation, so that it is the very same pair.
            Reopened::Repeat(session) => {
                let minted = session.last_used_at;
                (settled.activity, session, minted)
            }
            // Its session has ended.
            Reopened::Reused => return Err(Refusal::RefreshTokenReused.into()),
        };
        let account = settled.account;
        let engine = self.engine;
        let tokens = engine.parts.keys.mint(&account, &session, minted, &engine.policy)?;
        let counted = (activity.login_count, activity.previous_login_at);
        let mut logged_in = LoggedIn::into_existing(account, session, tokens, counted);
        if let Some(verified) = self.verified() {
            engine.tell(verified, &mut logged_in, self.now).await;
        }
        Ok(logged_in)
    }
}

/// Whether the provider must vouch once more.
fn is_due(rule: Revalidation, authenticated_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    match rule {
        Revalidation::Never => false,
        Revalidation::Always => true,
        Revalidation::After(span) => {
            authenticated_at.checked_add_signed(span).is_some_and(|due| now >= due)
        }
    }
}

/// Whether a proof is that of what opened the session: the same identity, or without one the same way into the account.
fn opens(proof: &Proven, account: &Account, identity: Option<&Identity>) -> bool {
    match (proof.lookup(), identity) {
        (Lookup::Identity(key), Some(identity)) => identity.key == key,
        (Lookup::Id(id), None) => account.id == id,
        (Lookup::Username(key), None) => {
            account.username.as_ref().is_some_and(|name| name.key == key)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn gamebase_3_1_revalidation_is_due_by_its_rule() {
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        assert!(!is_due(Revalidation::Never, at(0), at(i64::from(u32::MAX))));
        assert!(is_due(Revalidation::Always, at(0), at(0)));
        let rule = Revalidation::After(TimeDelta::seconds(10));
        assert!(!is_due(rule, at(0), at(9)));
        assert!(is_due(rule, at(0), at(10)));
        assert!(!is_due(Revalidation::After(TimeDelta::MAX), at(0), at(10)));
    }
}
