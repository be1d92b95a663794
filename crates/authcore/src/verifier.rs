//! The contract between the engine and whatever proves who a player is.

use std::error::Error as StdError;
use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::account::{IdentityKey, ProviderId};
use crate::secret::Secret;
use crate::store::SingleUseKey;

/// Proves who a player is at one provider. A verifier that is not configured cannot be built: no audience, no verifier.
#[async_trait]
pub trait Verifier: fmt::Debug + Send + Sync + 'static {
    /// The name that credentials and identities carry.
    fn provider(&self) -> &ProviderId;

    /// Checks a credential, and says whose it is.
    ///
    /// # Errors
    ///
    /// [`VerifyError`] when the credential is not good, or when it could not be checked.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time; a credential that the provider accepts once may then be used up.
    async fn verify(
        &self,
        credential: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError>;
}

/// What a verifier is told besides the credential. Only the engine makes one, and only through one can a
/// [`VerifiedIdentity`] be made: that is what makes it a proof.
#[derive(Clone, Debug)]
pub struct VerifyContext {
    now: DateTime<Utc>,
    provider: ProviderId,
}

impl VerifyContext {
    pub(crate) const fn new(now: DateTime<Utc>, provider: ProviderId) -> Self {
        Self { now, provider }
    }

    /// The time, by the engine's clock.
    #[must_use]
    pub const fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Says that the credential proves this subject of a provider without tenants and issuers.
    pub fn identity(&self, subject: &str) -> VerifiedIdentity {
        self.scoped_identity("", "", subject)
    }

    /// Says that the credential proves this subject of a tenant and an issuer.
    pub fn scoped_identity(&self, tenant: &str, issuer: &str, subject: &str) -> VerifiedIdentity {
        VerifiedIdentity {
            key: IdentityKey::scoped(self.provider.clone(), tenant, issuer, subject),
            single_use: Vec::new(),
        }
    }
}

/// A proof that the player is this subject. Rules that log in or link take it; nothing but a verifier makes one.
#[derive(Clone, Debug)]
#[must_use]
pub struct VerifiedIdentity {
    key: IdentityKey,
    single_use: Vec<(SingleUseKey, DateTime<Utc>)>,
}

impl VerifiedIdentity {
    /// Adds something that may be used once (a nonce, a ticket); it is used up in the same commit, and may be
    /// forgotten from `forget_at` on.
    pub fn using_up(mut self, key: SingleUseKey, forget_at: DateTime<Utc>) -> Self {
        self.single_use.push((key, forget_at));
        self
    }

    /// What the identity is found by.
    #[must_use]
    pub const fn key(&self) -> &IdentityKey {
        &self.key
    }

    pub(crate) fn single_use(&self) -> &[(SingleUseKey, DateTime<Utc>)] {
        &self.single_use
    }
}

/// Why a credential was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The credential is not good: forged, expired, of another game, or not understood. The text is for operators.
    #[error("credential rejected: {0}")]
    Rejected(&'static str),
    /// The provider could not be asked.
    #[error("the provider could not be asked")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
}
