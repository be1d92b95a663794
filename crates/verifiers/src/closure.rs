use std::fmt;
use std::future::Future;

use async_trait::async_trait;
use authcore::Secret;
use authcore::account::{InvalidProviderId, ProviderId};
use authcore::verifier::{VerifiedIdentity, Verifier, VerifyContext, VerifyError};

/// A closure that verifies. Made by [`verifier_fn`].
pub struct FnVerifier<F> {
    provider: ProviderId,
    verify: F,
}

/// Makes a verifier of a closure, under a name that credentials then carry.
///
/// ```
/// # futures_executor::block_on(async {
/// use authcore::account::ProviderId;
/// use authcore::verifier::VerifyError;
/// use authcore::{Credential, Login, Policy, RequestContext};
/// use authcore_store_memory::MemoryStore;
/// use authcore_testkit::Harness;
/// use authcore_verifiers::verifier_fn;
///
/// let portal = verifier_fn("portal", |ticket, context| async move {
///     match ticket.reveal().strip_prefix("ticket-of-") {
///         Some(player) => Ok(context.identity(player)),
///         None => Err(VerifyError::Rejected("not a ticket of ours")),
///     }
/// })?;
///
/// let store = std::sync::Arc::new(MemoryStore::new());
/// let world = Harness::on(store, Policy::recommended(), |builder| builder.verifier(portal)).await;
/// let provider = ProviderId::new("portal")?;
/// let credential = Credential::Provider { provider, payload: "ticket-of-ann".into() };
/// let player = world.engine().login(&RequestContext::new(), Login::new(credential)).await.unwrap();
/// assert_eq!(player.account.identities[0].key.subject(), "ann");
/// # Ok::<(), authcore::account::InvalidProviderId>(())
/// # }).unwrap();
/// ```
///
/// # Errors
///
/// [`InvalidProviderId`] when the name is not 1 to 32 of `a-z 0-9 _ -`.
pub fn verifier_fn<F, Fut>(provider: &str, verify: F) -> Result<FnVerifier<F>, InvalidProviderId>
where
    F: Fn(Secret, VerifyContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<VerifiedIdentity, VerifyError>> + Send,
{
    Ok(FnVerifier { provider: ProviderId::new(provider)?, verify })
}

#[async_trait]
impl<F, Fut> Verifier for FnVerifier<F>
where
    F: Fn(Secret, VerifyContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<VerifiedIdentity, VerifyError>> + Send,
{
    fn provider(&self) -> &ProviderId {
        &self.provider
    }

    async fn verify(
        &self,
        credential: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        (self.verify)(credential.clone(), context.clone()).await
    }
}

impl<F> fmt::Debug for FnVerifier<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FnVerifier({})", self.provider)
    }
}
