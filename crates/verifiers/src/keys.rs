//! The public keys of an issuer, fetched when they are needed (providers.md K1 to K6).

use std::fmt;
use std::sync::Arc;

use authcore::verifier::VerifyError;
use authcore_jose::foreign::{PublicKey, PublicKeys};
use chrono::TimeDelta;
use serde::Deserialize;

use crate::error::{ConfigError, Reason};
use crate::http::{Call, Cap, Endpoint, HttpFault, ProviderClient};
use crate::kept::Kept;

const LIFETIME: TimeDelta = TimeDelta::hours(1);
const LIFETIME_MIN: TimeDelta = TimeDelta::minutes(5);
const LIFETIME_MAX: TimeDelta = TimeDelta::hours(24);

/// Where the keys are.
#[derive(Clone, Debug)]
pub enum KeyLocation {
    /// At this URL.
    Fixed(Endpoint),
    /// Where the issuer's discovery document says, at the issuer's own host.
    Discovered {
        /// The issuer, byte for byte as in the document.
        issuer: Box<str>,
        /// Where the document is.
        document: Endpoint,
    },
}

impl KeyLocation {
    /// By the discovery document of an issuer (providers.md 5.1).
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the issuer is no `https` URL, has a query, or is a template for many.
    pub fn of_issuer(field: &'static str, issuer: &str) -> Result<Self, ConfigError> {
        if issuer.contains(['{', '}', '?']) {
            return Err(ConfigError::new(field, "an issuer is one URL without a query"));
        }
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        let document = Endpoint::new(field, &format!("{base}/.well-known/openid-configuration"))?;
        Ok(Self::Discovered { issuer: issuer.into(), document })
    }
}

/// The keys of one issuer, for all who verify its tokens.
pub struct KeySource {
    place: Arc<Place>,
    kept: Arc<Kept<Arc<PublicKeys>>>,
}

struct Place {
    client: ProviderClient,
    location: KeyLocation,
}

impl KeySource {
    /// Nothing is fetched before the first token.
    #[must_use]
    pub fn new(client: ProviderClient, location: KeyLocation) -> Self {
        Self { place: Arc::new(Place { client, location }), kept: Arc::default() }
    }

    /// The key of this `kid`. When it is not known, or the keys are old, one fetch serves all who ask.
    ///
    /// # Errors
    ///
    /// [`Reason::UnknownKey`] when the issuer has no such key; [`VerifyError::Unavailable`] when it could not be asked.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time; a fetch goes on, in a task of its own.
    pub async fn key(&self, kid: &str, call: &Call) -> Result<PublicKey, VerifyError> {
        let pick = |keys: &Arc<PublicKeys>| keys.get(kid).cloned();
        let fetch = |call| Arc::clone(&self.place).fetch(call);
        let found = self.kept.get(pick, fetch, call).await?;
        found.ok_or_else(|| Reason::UnknownKey.into())
    }
}

impl Place {
    /// Fetches the keys, which take the place of all that were known (providers.md K4).
    async fn fetch(self: Arc<Self>, call: Call) -> Result<(Arc<PublicKeys>, TimeDelta), HttpFault> {
        let discovered;
        let endpoint = match &self.location {
            KeyLocation::Fixed(endpoint) => endpoint,
            KeyLocation::Discovered { issuer, document } => {
                discovered = self.discover(issuer, document, &call).await?;
                &discovered
            }
        };
        let answer = self.client.get(endpoint).send(&call, Cap::Keys).await?;
        if !answer.is_success() || !answer.is_json() {
            return Err(HttpFault::NotUnderstood);
        }
        let keys = PublicKeys::parse(answer.bytes()).map_err(|error| {
            tracing::warn!(%error, at = %endpoint, "a key set was refused");
            HttpFault::NotUnderstood
        })?;
        if keys.is_empty() {
            return Err(HttpFault::NotUnderstood);
        }
        let lifetime = answer.max_age().unwrap_or(LIFETIME).clamp(LIFETIME_MIN, LIFETIME_MAX);
        Ok((Arc::new(keys), lifetime))
    }

    async fn discover(
        &self,
        issuer: &str,
        document: &Endpoint,
        call: &Call,
    ) -> Result<Endpoint, HttpFault> {
        #[derive(Deserialize)]
        struct Document {
            issuer: String,
            jwks_uri: String,
        }
        let answer = self.client.get(document).send(call, Cap::Profile).await?;
        if !answer.is_success() {
            return Err(HttpFault::NotUnderstood);
        }
        let found: Document = answer.json()?;
        let keys = Endpoint::parse(&found.jwks_uri).map_err(|_| HttpFault::NotUnderstood)?;
        if found.issuer != issuer || !keys.same_place(document) {
            tracing::warn!(at = %document, "a discovery document speaks of another issuer or host");
            return Err(HttpFault::NotUnderstood);
        }
        Ok(keys)
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeySource({:?})", self.place.location)
    }
}
