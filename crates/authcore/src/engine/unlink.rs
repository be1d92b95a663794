use chrono::{DateTime, Utc};

use super::Engine;
use super::corridor::{Draft, Tries};
use super::link::used_up;
use crate::account::{Account, Identity, IdentityKey, ProviderId};
use crate::command::Unlink;
use crate::context::RequestContext;
use crate::credential::{check_id, check_provider_payload};
use crate::error::Error;
use crate::hooks::{Done, Intent};
use crate::mapping::{UnlinkRequest, Which, unlink};
use crate::proof::Authenticated;
use crate::refusal::{Field, Refusal, Rule};
use crate::secret::Secret;
use crate::session::SessionEvent;
use crate::store::Conflict;
use crate::verifier::VerifiedIdentity;

impl Engine {
    /// The logins of the caller's account, in the order in which they were linked (gamebase 3.11).
    ///
    /// # Errors
    ///
    /// [`Refusal::AccessTokenInvalid`] when the caller's session has ended since it was verified, or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    pub async fn mappings(&self, who: &Authenticated) -> Result<Vec<Identity>, Error> {
        Ok(self.load_caller(who, self.now()).await?.account.identities)
    }

    /// Takes a login away from the caller's account (nakama 10, gamebase 3.10, braincloud 8.2). An account keeps at least one login that opens it,
    /// whatever runs beside.
    ///
    /// # Errors
    ///
    /// In this order: [`Refusal::RecentLoginRequired`]; [`Refusal::NotLinked`] (gamebase 3401), or where the policy tells
    /// them apart [`Refusal::ForeignIdentity`]; [`Refusal::LastIdentity`] (3402); [`Refusal::ConfirmAnonymous`];
    /// [`Refusal::LoggedInIdentity`] (3403). Or a fault.
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
        self.check_open(context, self.now())?;
        let request = self.parts.hooks.before_unlink(context, who, request).await?;
        let now = self.now();
        self.check_step_up(who, now)?;
        let mut verified = None;
        let exactly = match &request.exactly {
            Some(which) if !request.provider.is_built_in() => {
                check_provider_payload(which)?;
                let proof = self
                    .ask_verifier(context, &request.provider, which, Some(who.session().id), now)
                    .await?;
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
        let asked = (which, request.confirmed);
        let account = self.commit_unlink(context, who, asked, verified.as_ref(), now).await?;
        self.parts.hooks.after(context, &Done::Unlink(&account)).await;
        Ok(account)
    }

    /// The key of exactly one identity of a built-in kind.
    fn built_in_key(&self, provider: &ProviderId, which: &Secret) -> Result<IdentityKey, Refusal> {
        if *provider == ProviderId::DEVICE && which.is_empty() {
            check_id(Field::DeviceId, "")?;
        }
        let subject = if provider.needs_password() {
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
        (which, confirmed): (Which<'_>, bool),
        verified: Option<&VerifiedIdentity>,
        now: DateTime<Utc>,
    ) -> Result<Account, Error> {
        let mut tries = Tries::new();
        loop {
            let settled = self.load_caller(who, now).await?;
            let mut account = settled.account.clone();
            let acting = Some(who.session().id);
            let used = SessionEvent::AccessTokenUsed;
            let session = settled.session(who.session().id, used, now);
            let opened_by = session.and_then(|session| session.identity);
            // What the account has under a former subject is the same (decision 17).
            let own = |key: &IdentityKey| account.identity(key).is_some();
            let former = verified
                .filter(|verified| !own(verified.key()))
                .and_then(|verified| verified.former_keys().find(own));
            let which = former.as_ref().map_or(which, Which::Exactly);
            let request = UnlinkRequest { which, opened_by, confirmed };
            let change = match unlink(&mut account, &request, &self.policy, now) {
                Ok(change) if change.events.is_empty() => return Ok(account),
                Ok(change) => change,
                Err(refusal) => return Err(self.foreign(which, refusal, now).await?.into()),
            };
            self.parts.hooks.veto(context, &Intent::Unlink(&account))?;
            let mut draft = Draft::using_up(verified);
            self.write_change(&settled, &mut account, change, acting, &mut draft);
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

    /// Tells an identity of another account from one that nobody has, where the policy does (braincloud 8.2).
    async fn foreign(
        &self,
        which: Which<'_>,
        refusal: Refusal,
        now: DateTime<Utc>,
    ) -> Result<Refusal, Error> {
        let (Which::Exactly(key), Refusal::NotLinked(provider)) = (which, &refusal) else {
            return Ok(refusal);
        };
        if !self.policy.tells_foreign_identities {
            return Ok(refusal);
        }
        let foreign = self.owner(key, now).await?.is_some();
        Ok(if foreign { Refusal::ForeignIdentity(provider.clone()) } else { refusal })
    }
}
