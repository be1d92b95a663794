use std::error::Error as StdError;

use chrono::{DateTime, TimeDelta, Utc};

use sha2::{Digest as _, Sha256};

use super::Engine;
use super::transfer::throttle_of_caller;
use crate::account::{ProviderId, SessionId};
use crate::context::RequestContext;
use crate::error::Error;
use crate::policy::Rate;
use crate::refusal::Refusal;
use crate::secret::Secret;
use crate::store::ThrottleKey;
use crate::verifier::{
    ProviderNotice, VerifiedIdentity, Verifier, VerifyContext, VerifyError, is_json,
};

/// How long a player is to wait for a provider that does not say when to come again.
const PAUSE: TimeDelta = TimeDelta::seconds(10);

impl Engine {
    /// Asks a verifier; `session` is that of whoever presents the credential, unless to log in. To the player a faulty one is
    /// like one that says no (braincloud 7); it is told apart in the log.
    pub(super) async fn ask_verifier(
        &self,
        context: &RequestContext,
        provider: &ProviderId,
        payload: &Secret,
        session: Option<SessionId>,
        now: DateTime<Utc>,
    ) -> Result<VerifiedIdentity, Error> {
        let verifier = self.known_verifier(provider)?;
        self.count(context, "provider", self.policy.provider_attempts, now).await?;
        let context = VerifyContext::new(now, provider.clone(), session);
        let answer = verifier.verify(payload, &context).await;
        answer
            .and_then(|proof| proof.check(now).map(|()| proof))
            .map_err(|error| refused(provider, error))
    }

    /// Asks a verifier what a notice tells.
    pub(super) async fn ask_notice(
        &self,
        provider: &ProviderId,
        payload: &Secret,
        now: DateTime<Utc>,
    ) -> Result<Option<ProviderNotice>, Error> {
        let verifier = self.known_verifier(provider)?;
        let context = VerifyContext::new(now, provider.clone(), None);
        let answer = verifier.read_notice(payload, &context).await;
        answer.map_err(|error| refused(provider, error))
    }

    /// Counts something that a caller does, where there is a limit and callers are told apart (security 22).
    pub(super) async fn count(
        &self,
        context: &RequestContext,
        what: &'static str,
        rate: Option<Rate>,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        match rate {
            Some(rate) if context.client_address.is_some() || context.device_id.is_some() => {
                self.consume(throttle(what, context), rate, now).await
            }
            _ => Ok(()),
        }
    }

    fn known_verifier(&self, provider: &ProviderId) -> Result<&dyn Verifier, Error> {
        match self.verifier(provider) {
            Ok(verifier) => Ok(&**verifier),
            Err(unknown) if self.policy.tells_unknown_providers => Err(unknown.into()),
            Err(_) => {
                tracing::warn!(%provider, "credential refused: the provider is not configured");
                Err(rejected(provider, None))
            }
        }
    }
}

/// What counts one thing that one caller does.
pub(super) fn throttle(what: &'static str, context: &RequestContext) -> ThrottleKey {
    let mut digest = Sha256::new();
    digest.update(what);
    digest.update(b"\0");
    digest.update(throttle_of_caller(context, b"").as_bytes());
    ThrottleKey::new(digest.finalize().into())
}

/// What the player is told, and the log.
fn refused(provider: &ProviderId, error: VerifyError) -> Error {
    match error {
        VerifyError::Rejected(why) => {
            tracing::debug!(%provider, why, "credential rejected");
            rejected(provider, None)
        }
        VerifyError::RejectedWith { why, extra } => {
            tracing::debug!(%provider, why, "credential rejected");
            rejected(provider, Some(extra).filter(|extra| is_json(extra)))
        }
        VerifyError::Expired => {
            tracing::debug!(%provider, "credential is over");
            Refusal::CredentialExpired(provider.clone()).into()
        }
        VerifyError::Denied(policy) => {
            tracing::debug!(%provider, policy, "identity denied");
            Refusal::IdentityDenied { provider: provider.clone(), policy }.into()
        }
        VerifyError::Unavailable { retry_after, source } => {
            let error = &*source as &dyn StdError;
            tracing::error!(%provider, error, "a provider could not be asked");
            let retry_after = wait(retry_after);
            Refusal::ProviderUnavailable { provider: provider.clone(), retry_after }.into()
        }
        faulty @ VerifyError::Faulty(_) => {
            tracing::error!(%provider, %faulty, "credential refused by a faulty verifier");
            rejected(provider, None)
        }
    }
}

fn rejected(provider: &ProviderId, extra: Option<Box<str>>) -> Error {
    Refusal::CredentialRejected { provider: provider.clone(), extra }.into()
}

/// How many seconds a player is to wait for a provider, which need not have said how long.
fn wait(retry_after: Option<TimeDelta>) -> u32 {
    let millis = retry_after.unwrap_or(PAUSE).num_milliseconds().max(1);
    u32::try_from(millis.saturating_add(999) / 1000).unwrap_or(u32::MAX)
}
