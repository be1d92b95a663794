use super::Engine;
use super::ask::throttle;
use crate::account::ProviderId;
use crate::context::RequestContext;
use crate::error::Error;
use crate::proof::Authenticated;
use crate::refusal::{Field, Refusal, Rule};
use crate::verifier::NonceScope;

/// What a client makes for one nonce is not longer than this, in bytes.
const BINDING_MAX: usize = 256;

impl Engine {
    /// Makes a nonce for a token of this provider: it ties the token to one login, or, for a player who is logged in, to
    /// what this session does with it: link, merge, unlink (security 70, 74). `binding` is what must be presented with the
    /// token, a secret that the client made for it, or nothing.
    ///
    /// A caller may have so many at once ([`nonce_attempts`](crate::Policy::nonce_attempts)).
    ///
    /// # Errors
    ///
    /// [`Refusal::Disabled`] where the host makes none; [`Refusal::Invalid`] for a `binding` of more than 256 bytes;
    /// [`Refusal::TryAgainLater`]. Or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time; it may have been counted.
    pub async fn issue_nonce(
        &self,
        context: &RequestContext,
        who: Option<&Authenticated>,
        provider: &ProviderId,
        binding: &str,
    ) -> Result<String, Error> {
        let nonces = self.parts.nonces.as_ref().ok_or(Refusal::Disabled)?;
        context.check()?;
        if binding.len() > BINDING_MAX {
            let rule = Rule::Bytes { min: 0, max: BINDING_MAX };
            return Err(Refusal::Invalid { field: Field::ProviderCredential, rule }.into());
        }
        let now = self.now();
        self.consume(throttle("nonce", context), self.policy.nonce_attempts, now).await?;
        let session = who.map(|who| who.session().id);
        Ok(nonces.issue(&NonceScope { provider, session, binding }, now, self.random()?))
    }
}
