use chrono::{DateTime, Utc};

use super::Engine;
use super::corridor::{Draft, Settled, Tries};
use crate::account::{Account, IdentityKey, Ordinal, ProviderId};
use crate::command::{Link, Unlink};
use crate::context::RequestContext;
use crate::credential::{Checked, PasswordOwner, Use, check, check_id, check_provider_payload};
use crate::error::Error;
use crate::event::EventKind;
use crate::hooks::{Done, Intent};
use crate::mapping::{LinkRequest, Which, link, unlink};
use crate::policy::CredentialChange;
use crate::proof::Authenticated;
use crate::refusal::{Field, Refusal, Rule};
use crate::secret::Secret;
use crate::store::Conflict;
use crate::verifier::VerifiedIdentity;

/// A login that was proven to be the player's.
struct ProvenLink {
    key: IdentityKey,
    shown: Option<Box<str>>,
    /// The hash of the password that came with an email address.
    password: Option<Box<str>>,
    verified: Option<VerifiedIdentity>,
}

impl Engine {
    /// Adds a login to the caller's account (nakama 9). Linking what the account already has is no change; for an email
    /// address it sets the password.
    ///
    /// ```
    /// # futures_executor::block_on(async {
    /// # use authcore::*;
    /// # let harness = authcore_testkit::Harness::new(Policy::recommended()).await;
    /// # let engine = harness.engine();
    /// # let context = RequestContext::new();
    /// # let login = Login::new(Credential::Device("a-device-id-of-the-client".into()));
    /// # let player = engine.login(&context, login).await?;
    /// let who = engine.verify(player.tokens.access.reveal()).await?;
    /// let link = Link::new(Credential::Custom("an-id-of-the-host".into()));
    /// let account = engine.link(&context, &who, link).await?;
    /// assert_eq!(account.identities.len(), 2);
    /// # Ok::<(), Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Refusal::IdentityTaken`] when another account owns it, [`Refusal::AlreadyLinked`] when the account has another
    /// of its kind and the policy does not replace it, [`Refusal::RecentLoginRequired`], or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the link may be committed all the same.
    pub async fn link(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        request: Link,
    ) -> Result<Account, Error> {
        let request = self.parts.hooks.before_link(context, who, request).await?;
        let now = self.now();
        self.check_step_up(who, now)?;
        let proven = self.prove_link(request, now).await?;
        let account = self.commit_link(context, who, &proven, now).await?;
        self.parts.hooks.after(context, &Done::Link(&account)).await;
        Ok(account)
    }

    async fn prove_link(&self, request: Link, now: DateTime<Utc>) -> Result<ProvenLink, Error> {
        match check(request.credential, Use::Link, &self.policy, self.parts.folding)? {
            Checked::Id { key, .. } => {
                Ok(ProvenLink { key, shown: None, password: None, verified: None })
            }
            Checked::Password { who: PasswordOwner::Email { key, shown }, password } => {
                let password = Some(self.hash(&password).await?);
                Ok(ProvenLink { key, shown: Some(shown), password, verified: None })
            }
            // A username is not an identity; it is set, not linked.
            Checked::Password { who: PasswordOwner::Username { .. }, .. } => {
                Err(Refusal::Invalid { field: Field::Username, rule: Rule::Forbidden }.into())
            }
            Checked::Provider { provider, payload } => {
                let verified = self.ask_verifier(&provider, &payload, now).await?;
                let key = verified.key().clone();
                Ok(ProvenLink { key, shown: None, password: None, verified: Some(verified) })
            }
        }
    }

    async fn commit_link(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        proven: &ProvenLink,
        now: DateTime<Utc>,
    ) -> Result<Account, Error> {
        let mut tries = Tries::new();
        loop {
            let settled = self.load_caller(who, now).await?;
            let mut account = settled.account.clone();
            let request = LinkRequest {
                key: &proven.key,
                shown: proven.shown.as_deref(),
                password: proven.password.as_deref(),
            };
            let events = link(&mut account, &request, &self.policy, now)?;
            self.parts.hooks.veto(context, &Intent::Link(&account))?;
            let mut draft = Draft::using_up(proven.verified.as_ref());
            if events.is_empty() && draft.writes.is_empty() {
                return Ok(account);
            }
            let gone = events.iter().filter_map(|event| match event {
                EventKind::IdentityUnlinked { ordinal, .. } => Some(*ordinal),
                _ => None,
            });
            let gone: Vec<_> = gone.collect();
            if gone.is_empty() && !events.contains(&EventKind::PasswordChanged) {
                settled.update(&account, &mut draft);
            } else {
                self.end_other_sessions(who, &settled, &mut account, &gone, &mut draft);
            }
            draft.happened(account.id, events);
            match self.commit(draft, now).await {
                Ok(()) => return Ok(account),
                Err(lost) => match tries.again(lost)? {
                    Conflict::IdentityTaken(key) => {
                        let provider = key.provider().clone();
                        return Err(Refusal::IdentityTaken { provider, ticket: None }.into());
                    }
                    Conflict::UsedUp(_) => return Err(used_up(&proven.key).into()),
                    _ => {}
                },
            }
        }
    }

    /// Takes a login away from the caller's account (nakama 10). An account keeps at least one login that opens it,
    /// whatever runs beside.
    ///
    /// # Errors
    ///
    /// [`Refusal::LastIdentity`], [`Refusal::NotLinked`], [`Refusal::RecentLoginRequired`], or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the unlink may be committed all the same.
    pub async fn unlink(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        request: Unlink,
    ) -> Result<Account, Error> {
        let request = self.parts.hooks.before_unlink(context, who, request).await?;
        let now = self.now();
        self.check_step_up(who, now)?;
        let mut verified = None;
        let exactly = match &request.exactly {
            Some(which) if !request.provider.is_built_in() => {
                check_provider_payload(which)?;
                let proof = self.ask_verifier(&request.provider, which, now).await?;
                Some(verified.insert(proof).key().clone())
            }
            Some(which) => Some(self.built_in_key(&request.provider, which)?),
            None if request.provider == ProviderId::DEVICE => {
                return Err(
                    Refusal::Invalid { field: Field::DeviceId, rule: Rule::Required }.into()
                );
            }
            None => None,
        };
        let which = match &exactly {
            Some(key) => Which::Exactly(key),
            None => Which::Any(&request.provider),
        };
        let account = self.commit_unlink(context, who, &which, verified.as_ref(), now).await?;
        self.parts.hooks.after(context, &Done::Unlink(&account)).await;
        Ok(account)
    }

    /// The key of exactly one identity of a built-in kind.
    fn built_in_key(&self, provider: &ProviderId, which: &Secret) -> Result<IdentityKey, Refusal> {
        if *provider == ProviderId::DEVICE && which.is_empty() {
            check_id(Field::DeviceId, "")?;
        }
        let subject = if *provider == ProviderId::EMAIL {
            self.parts.folding.email(which.reveal())
        } else {
            which.reveal().into()
        };
        Ok(IdentityKey::new(provider.clone(), &subject))
    }

    async fn commit_unlink(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        which: &Which<'_>,
        verified: Option<&VerifiedIdentity>,
        now: DateTime<Utc>,
    ) -> Result<Account, Error> {
        let mut tries = Tries::new();
        loop {
            let settled = self.load_caller(who, now).await?;
            let mut account = settled.account.clone();
            let (gone, events) = unlink(&mut account, which, &self.policy, now)?;
            if events.is_empty() {
                return Ok(account);
            }
            self.parts.hooks.veto(context, &Intent::Unlink(&account))?;
            let mut draft = Draft::using_up(verified);
            self.end_other_sessions(who, &settled, &mut account, &gone, &mut draft);
            draft.happened(account.id, events);
            match self.commit(draft, now).await {
                Ok(()) => return Ok(account),
                Err(lost) => {
                    if let (Conflict::UsedUp(_), Some(verified)) = (tries.again(lost)?, verified) {
                        return Err(used_up(verified.key()).into());
                    }
                }
            }
        }
    }

    /// Writes the account and, where the policy says so, ends its sessions, all but the caller's; that one too when it
    /// was opened by an identity that is gone (security 63, 72).
    fn end_other_sessions(
        &self,
        who: &Authenticated,
        settled: &Settled,
        account: &mut Account,
        gone: &[Ordinal],
        draft: &mut Draft,
    ) {
        if self.policy.credential_change == CredentialChange::EndsOtherSessions {
            account.epoch = account.epoch.next();
            let mut activity = settled.activity.clone();
            activity.sessions.retain(|session| {
                session.id == who.session().id
                    && session.identity.is_none_or(|ordinal| !gone.contains(&ordinal))
            });
            for session in &mut activity.sessions {
                session.epoch = account.epoch;
            }
            draft.writes.push(settled.update_activity(activity));
        }
        settled.update(account, draft);
    }
}

/// What may be used once was used before.
fn used_up(key: &IdentityKey) -> Refusal {
    Refusal::CredentialRejected { provider: key.provider().clone(), extra: None }
}
