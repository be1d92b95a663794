use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use authcore::Secret;
use authcore::account::{AccountId, InvalidProviderId, ProviderId};
use authcore::verifier::{IdentityData, VerifiedIdentity, Verifier, VerifyContext, VerifyError};
use serde::Deserialize;

use crate::answer::ExternalAnswer;

/// Why an external check does not work. Its text is logged, so no secret belongs in it.
pub type ExternalFault = Box<dyn StdError + Send + Sync>;

/// What an external check is asked, exactly as the client sent it (braincloud 7). On the wire it is the JSON object
/// `{"externalId":"...","authenticationToken":"..."}`, which
/// [`Credential::external`](authcore::Credential::external) writes; a token that is missing or `null` is an empty one.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExternalRequest {
    /// The player's id in the other system; nothing proves it yet.
    pub external_id: String,
    /// What proves it there.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub authentication_token: Secret,
}

impl ExternalRequest {
    /// Reads a credential.
    ///
    /// # Errors
    ///
    /// [`VerifyError::Rejected`] when it is not this object, or names nobody.
    pub fn read(credential: &Secret) -> Result<Self, VerifyError> {
        let request: Self = serde_json::from_str(credential.reveal())
            .map_err(|_| VerifyError::Rejected("not an external credential"))?;
        if request.external_id.is_empty() {
            return Err(VerifyError::Rejected("no external id"));
        }
        Ok(request)
    }
}

impl fmt::Debug for ExternalRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExternalRequest([redacted])")
    }
}

fn null_is_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A check of the game's own, in another system (braincloud 7): a script, a webhook, a database.
#[async_trait]
pub trait External: Send + Sync + 'static {
    /// Whether the player is who the client says.
    ///
    /// # Errors
    ///
    /// [`ExternalFault`] when it does not work. To the player that is like a no.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    async fn check(&self, request: ExternalRequest) -> Result<ExternalAnswer, ExternalFault>;
}

#[async_trait]
impl<F, Fut, A, E> External for F
where
    F: Fn(ExternalRequest) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<A, E>> + Send,
    A: Into<ExternalAnswer> + 'static,
    E: Into<ExternalFault> + 'static,
{
    async fn check(&self, request: ExternalRequest) -> Result<ExternalAnswer, ExternalFault> {
        self(request).await.map(Into::into).map_err(Into::into)
    }
}

/// Verifies by an [`External`] check. Made by [`external`] and [`external_fn`].
pub struct ExternalVerifier {
    provider: ProviderId,
    external: Arc<dyn External>,
}

/// Makes a verifier of an external check, under the name that the client sends. Each name has identities of its own.
///
/// ```
/// use std::sync::Arc;
///
/// use authcore_verifiers::{External, ExternalAnswer, ExternalFault, ExternalRequest, external};
///
/// struct Portal;
///
/// #[async_trait::async_trait]
/// impl External for Portal {
///     async fn check(&self, request: ExternalRequest) -> Result<ExternalAnswer, ExternalFault> {
///         let account_number = format!("number-of-{}", request.external_id);
///         Ok(ExternalAnswer {
///             valid: request.authentication_token.reveal() == "ok",
///             external_id_override: Some(account_number),
///             ..ExternalAnswer::default()
///         })
///     }
/// }
///
/// let verifier = external("portal", Arc::new(Portal))?;
/// # Ok::<(), authcore::account::InvalidProviderId>(())
/// ```
///
/// # Errors
///
/// [`InvalidProviderId`] when the name is not 1 to 32 of `a-z 0-9 _ -`.
pub fn external(
    provider: &str,
    external: Arc<dyn External>,
) -> Result<ExternalVerifier, InvalidProviderId> {
    Ok(ExternalVerifier { provider: ProviderId::new(provider)?, external })
}

/// Makes a verifier of a closure that answers a `bool` or an [`ExternalAnswer`].
///
/// ```
/// # futures_executor::block_on(async {
/// use authcore::account::ProviderId;
/// use authcore::{Credential, Login, Policy, RequestContext};
/// use authcore_store_memory::MemoryStore;
/// use authcore_testkit::Harness;
/// use authcore_verifiers::external_fn;
///
/// let portal = external_fn("portal", |request| async move {
///     Ok::<_, std::io::Error>(request.authentication_token.reveal() == "ok")
/// })?;
///
/// let store = std::sync::Arc::new(MemoryStore::new());
/// let world = Harness::on(store, Policy::braincloud(), |builder| builder.verifier(portal)).await;
/// let credential = Credential::external(ProviderId::new("portal")?, "ann", "ok");
/// let player = world.engine().login(&RequestContext::new(), Login::new(credential)).await.unwrap();
/// assert_eq!(player.account.identities[0].key.subject(), "ann");
/// # Ok::<(), authcore::account::InvalidProviderId>(())
/// # }).unwrap();
/// ```
///
/// # Errors
///
/// [`InvalidProviderId`] when the name is not 1 to 32 of `a-z 0-9 _ -`.
pub fn external_fn<F, Fut, A, E>(
    provider: &str,
    check: F,
) -> Result<ExternalVerifier, InvalidProviderId>
where
    F: Fn(ExternalRequest) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<A, E>> + Send,
    A: Into<ExternalAnswer> + 'static,
    E: Into<ExternalFault> + 'static,
{
    external(provider, Arc::new(check))
}

#[async_trait]
impl Verifier for ExternalVerifier {
    fn provider(&self) -> &ProviderId {
        &self.provider
    }

    async fn verify(
        &self,
        credential: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let request = ExternalRequest::read(credential)?;
        let id = request.external_id.clone();
        let answer = self.external.check(request).await.map_err(VerifyError::Faulty)?;
        answer.prove(&id, context)
    }
}

impl ExternalAnswer {
    /// What the answer proves of the player who goes by this id, unless it names another.
    ///
    /// # Errors
    ///
    /// [`VerifyError`] when it is a no, or a part of it cannot be.
    pub fn prove(
        self,
        external_id: &str,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        if !self.valid {
            let why = "the external check said no";
            return Err(match self.extra_error {
                Some(extra) => VerifyError::RejectedWith { why, extra: extra.into() },
                None => VerifyError::Rejected(why),
            });
        }
        let subject = self.external_id_override.as_deref().unwrap_or(external_id);
        let mut proof = context.identity(subject);
        if let Some(profile) = self.use_profile_id {
            // What is no id is nobody's: as good as that of an account that is gone.
            let nobody = AccountId::from_bytes([0; 16]);
            proof = proof.entering(profile.parse().unwrap_or(nobody));
        }
        if let Some(payload) = self.auth_payload {
            proof = proof.with_payload(&payload)?;
        }
        match self.identity_data {
            None => Ok(proof),
            Some(data) if is_empty_object(&data) => proof.with_data(IdentityData::Clear),
            Some(data) => proof.with_data(IdentityData::Replace(data.into())),
        }
    }
}

fn is_empty_object(json: &str) -> bool {
    let inside = json.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    inside.is_some_and(|inside| inside.trim().is_empty())
}

impl fmt::Debug for ExternalVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExternalVerifier({})", self.provider)
    }
}
