use chrono::{DateTime, Utc};

use super::Engine;
use crate::account::Account;
use crate::error::Error;
use crate::proof::Authenticated;
use crate::refusal::Refusal;
use crate::session::{AccessClaims, Session, SessionEvent, SessionRef};
use crate::store::Lookup;

impl Engine {
    /// Checks an access token, and that its session still counts: the store is read, so a revocation that was
    /// acknowledged before this call is seen, on every node.
    ///
    /// ```
    /// # futures_executor::block_on(async {
    /// # use authcore::*;
    /// # let harness = authcore_testkit::Harness::with_policy(Policy::recommended());
    /// # let engine = harness.engine();
    /// # let login = Login::new(Credential::Device("a-device-id-of-the-client".into()));
    /// # let player = engine.login(&RequestContext::new(), login).await?;
    /// let who = engine.verify(player.tokens.access.reveal()).await?;
    /// assert_eq!(who.account(), player.account.id);
    /// # Ok::<(), Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Refusal::AccessTokenInvalid`], or a fault of the store.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    pub async fn verify(&self, access_token: &str) -> Result<Authenticated, Error> {
        let claims = self.verify_stateless(access_token)?;
        let now = self.now();
        match self.alive(claims.session_ref(), now).await? {
            Some(session) => Ok(Authenticated::new(claims, session)),
            None => Err(Refusal::AccessTokenInvalid.into()),
        }
    }

    /// The session, when it is alive and its access tokens count.
    async fn alive(&self, at: SessionRef, now: DateTime<Utc>) -> Result<Option<Session>, Error> {
        let Some(found) = self.parts.store.session(at).await? else { return Ok(None) };
        let used = SessionEvent::AccessTokenUsed;
        if found.account_due_at.is_some_and(|due| now >= due) {
            // Time may have withdrawn or banned the account since it was written.
            let settled = self.load(&Lookup::Id(at.account), now).await?;
            let session = settled.as_ref().and_then(|it| it.session(at.session, used, now));
            return Ok(session.cloned());
        }
        let session = found.session;
        let takes = session.takes(used, found.account_epoch, found.store_epoch, now);
        Ok(takes.then_some(session))
    }

    /// Whether a proof is still one.
    pub(super) async fn check_alive(&self, who: &Authenticated) -> Result<(), Error> {
        match self.alive(who.session_ref(), self.now()).await? {
            Some(_) => Ok(()),
            None => Err(Refusal::AccessTokenInvalid.into()),
        }
    }

    /// Checks an access token as [`verify`](Self::verify) does, and reads the account in the same single read.
    ///
    /// # Errors
    ///
    /// [`Refusal::AccessTokenInvalid`], or a fault of the store.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    pub async fn verify_with_account(
        &self,
        access_token: &str,
    ) -> Result<(Authenticated, Account), Error> {
        let claims = self.verify_stateless(access_token)?;
        let now = self.now();
        let Some(settled) = self.load(&Lookup::Id(claims.account), now).await? else {
            return Err(Refusal::AccessTokenInvalid.into());
        };
        match settled.session(claims.session, SessionEvent::AccessTokenUsed, now).cloned() {
            Some(session) => Ok((Authenticated::new(claims, session), settled.account)),
            None => Err(Refusal::AccessTokenInvalid.into()),
        }
    }

    /// Checks an access token without the store: signature, game, kind and time. A session that has ended since is
    /// not noticed before the token ends, so this is bounded by
    /// [`access_lifetime`](crate::Policy::access_lifetime). It proves nothing that an operation takes.
    ///
    /// # Errors
    ///
    /// [`Refusal::AccessTokenInvalid`].
    pub fn verify_stateless(&self, access_token: &str) -> Result<AccessClaims, Refusal> {
        self.parts
            .keys
            .access(access_token, &self.policy, self.now())
            .ok_or(Refusal::AccessTokenInvalid)
    }
}
