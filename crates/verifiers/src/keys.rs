//! The public keys of an issuer, fetched when they are needed (providers.md K1 to K6).

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use authcore::verifier::VerifyError;
use authcore_jose::foreign::{PublicKey, PublicKeys};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::error::{ConfigError, Reason};
use crate::http::{Call, Cap, Endpoint, HttpFault, ProviderClient};

const LIFETIME: TimeDelta = TimeDelta::hours(1);
const LIFETIME_MIN: TimeDelta = TimeDelta::minutes(5);
const LIFETIME_MAX: TimeDelta = TimeDelta::hours(24);
/// For how long known keys still count when new ones cannot be had.
const STALE: TimeDelta = TimeDelta::hours(24);
/// How long nobody asks again for a key that is not there, and for keys that could not be had while old ones count.
const COOL_DOWN: TimeDelta = TimeDelta::seconds(60);
/// Old keys are better than a call that runs out of time.
const PATIENCE: Duration = Duration::from_secs(2);

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
    client: ProviderClient,
    location: KeyLocation,
    known: RwLock<Arc<Known>>,
    /// Held by whoever fetches; the others wait for what comes of it, or make do with what there is.
    fetching: Mutex<()>,
}

/// What is known of the keys at a moment.
#[derive(Clone, Default)]
struct Known {
    keys: Arc<PublicKeys>,
    /// Until when they need not be fetched; `None` when they never were.
    fresh_until: Option<DateTime<Utc>>,
    /// Nobody fetches before.
    quiet_until: Option<DateTime<Utc>>,
}

impl Known {
    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        self.fresh_until.is_some_and(|until| now < until)
    }

    /// The key, while it may be used.
    fn key(&self, kid: &str, now: DateTime<Utc>) -> Option<PublicKey> {
        let over = self.fresh_until.is_none_or(|until| now >= until + STALE);
        if over { None } else { self.keys.get(kid).cloned() }
    }

    fn may_fetch(&self, now: DateTime<Utc>) -> bool {
        self.quiet_until.is_none_or(|until| now >= until)
    }
}

impl KeySource {
    /// Nothing is fetched before the first token.
    #[must_use]
    pub fn new(client: ProviderClient, location: KeyLocation) -> Self {
        Self { client, location, known: RwLock::default(), fetching: Mutex::new(()) }
    }

    /// The key of this `kid`. When it is not known, or the keys are old, one caller fetches and the others wait for it.
    ///
    /// # Errors
    ///
    /// [`Reason::UnknownKey`] when the issuer has no such key; [`VerifyError::Unavailable`] when it could not be asked.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time; the next caller fetches then.
    pub async fn key(&self, kid: &str, call: &Call) -> Result<PublicKey, VerifyError> {
        let now = call.now();
        let known = self.known();
        let stale = known.key(kid, now);
        if let Some(key) = stale.clone().filter(|_| known.is_fresh(now) || !known.may_fetch(now)) {
            return Ok(key);
        }
        let turn = match &stale {
            // Somebody fetches already; what is known is good enough.
            Some(key) => match self.fetching.try_lock() {
                Ok(turn) => turn,
                Err(_) => return Ok(key.clone()),
            },
            None => call.limit(self.fetching.lock()).await?,
        };
        // Somebody may have fetched in the meantime.
        let known = self.known();
        match known.key(kid, now) {
            Some(key) if known.is_fresh(now) => return Ok(key),
            None if known.is_fresh(now) && !known.may_fetch(now) => {
                return Err(Reason::UnknownKey.into());
            }
            _ => {}
        }
        let fetched = self.refresh(kid, &known, stale.is_some(), call).await;
        drop(turn);
        match (self.known().key(kid, now), fetched) {
            (Some(key), _) => Ok(key),
            (None, Ok(())) => Err(Reason::UnknownKey.into()),
            (None, Err(fault)) => Err(fault.into()),
        }
    }

    /// Fetches the keys and puts them in place of all that were known (providers.md K4).
    async fn refresh(
        &self,
        kid: &str,
        known: &Known,
        has_stale: bool,
        call: &Call,
    ) -> Result<(), HttpFault> {
        let now = call.now();
        let call = if has_stale { call.within(PATIENCE) } else { *call };
        let fetched = self.fetch(&call).await;
        let next = match &fetched {
            Ok((keys, lifetime)) => Known {
                // Whoever asks for keys that are not there must not make us fetch each time.
                quiet_until: (known.is_fresh(now) || keys.get(kid).is_none())
                    .then(|| now + COOL_DOWN),
                keys: Arc::clone(keys),
                fresh_until: Some(now + *lifetime),
            },
            // Without old keys each caller may try: the circuit breaker sees to it that they are few.
            Err(_) if has_stale => Known { quiet_until: Some(now + COOL_DOWN), ..known.clone() },
            Err(_) => known.clone(),
        };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        fetched.map(drop)
    }

    async fn fetch(&self, call: &Call) -> Result<(Arc<PublicKeys>, TimeDelta), HttpFault> {
        let discovered;
        let endpoint = match &self.location {
            KeyLocation::Fixed(endpoint) => endpoint,
            KeyLocation::Discovered { issuer, document } => {
                discovered = self.discover(issuer, document, call).await?;
                &discovered
            }
        };
        let answer = self.client.get(endpoint).send(call, Cap::Keys).await?;
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

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeySource({:?})", self.location)
    }
}
