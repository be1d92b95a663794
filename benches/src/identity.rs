//! Google's ID tokens, whose keys are there already.

use std::hint::black_box;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use authcore::account::ProviderId;
use authcore::verifier::{VerifiedIdentity, Verifier, VerifyContext, VerifyError};
use authcore::{Credential, Engine, Login, MasterKey, RequestContext, Secret};
use authcore_fake_idp::{FakeGoogle, FakeIdp};
use authcore_store_memory::MemoryStore;
use authcore_verifiers::{Call, Endpoint, Google, GoogleConfig, KeyLocation, KeySource};
use serde_json::Value;

use crate::Outcome;
use crate::engine::{KEY, now};
use crate::measure::instant;

/// What the key is called.
pub const KEY_NAME: &str = "g1";

/// The verifier, a token for it, and keys that were fetched once.
#[derive(Debug)]
pub struct GoogleTokens {
    fake: FakeIdp,
    google: FakeGoogle,
    verifier: Arc<Google>,
    keys: Arc<KeySource>,
    context: VerifyContext,
    token: String,
    credential: Secret,
}

/// Keeps what the engine tells a verifier, so that the verifier can be called without it.
#[derive(Debug)]
struct Listener(ProviderId, Arc<OnceLock<VerifyContext>>);

#[async_trait]
impl Verifier for Listener {
    fn provider(&self) -> &ProviderId {
        &self.0
    }

    async fn verify(
        &self,
        _: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let _ = self.1.set(context.clone());
        Ok(context.identity("1"))
    }
}

impl GoogleTokens {
    /// Ready, with keys of 2048 bits, as Google's are.
    ///
    /// # Errors
    ///
    /// When the first token is not accepted.
    pub async fn warm() -> Outcome<Self> {
        let google = FakeGoogle::new();
        let fake = FakeIdp::start(google.hosts()).await;
        let outbound = fake.outbound();
        let config = GoogleConfig::new(vec![FakeGoogle::AUDIENCE.into()]);
        let keys = KeyLocation::Fixed(Endpoint::new("keys_url", &config.keys_url)?);
        let keys = Arc::new(KeySource::new(outbound.to("google"), keys));
        let verifier = Arc::new(Google::new(config, &outbound)?);
        let context = context().await?;
        let token = FakeGoogle::token(context.now()).signed(&google.issuer.signer());
        let credential = Secret::from(token.clone());
        let this = Self { fake, google, verifier, keys, context, token, credential };
        this.verify().await?;
        this.keys.key(KEY_NAME, &Call::starting(this.context.now())).await?;
        Ok(this)
    }

    /// The token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The key that signed it, as it is published.
    #[must_use]
    pub fn jwk(&self) -> Value {
        self.google.issuer.signer().jwk()
    }

    /// How often keys were fetched.
    #[must_use]
    pub fn fetches(&self) -> usize {
        self.fake.asked(FakeGoogle::KEYS)
    }

    /// The whole check of a token: form, signature, claims, profile.
    ///
    /// # Errors
    ///
    /// When it is not accepted.
    pub async fn verify(&self) -> Outcome<()> {
        let _ = black_box(self.verifier.verify(&self.credential, &self.context).await?);
        Ok(())
    }

    /// A key found so often, by so many tasks together.
    ///
    /// # Errors
    ///
    /// When it is not there.
    pub async fn look_up(&self, tasks: u64, count: u64) -> Outcome<Duration> {
        let started = instant();
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..tasks {
            let (keys, now) = (Arc::clone(&self.keys), self.context.now());
            running.spawn(async move {
                let call = Call::starting(now);
                for _ in 0..count / tasks {
                    black_box(keys.key(KEY_NAME, &call).await?);
                }
                Ok::<_, VerifyError>(())
            });
        }
        while let Some(ended) = running.join_next().await {
            ended??;
        }
        Ok(started.elapsed())
    }
}

/// What the engine tells a verifier: nobody else can say it.
async fn context() -> Outcome<VerifyContext> {
    let told = Arc::<OnceLock<VerifyContext>>::default();
    let provider = ProviderId::new("google")?;
    let engine = Engine::builder_on("bench", Arc::new(MemoryStore::new()))
        .signing_key(MasterKey::new(KEY)?)
        .clock(now)
        .verifier(Listener(provider.clone(), Arc::clone(&told)))
        .open()
        .await?;
    let credential = Credential::Provider { provider, payload: "any".into() };
    engine.login(&RequestContext::new(), Login::new(credential)).await?;
    Ok(told.get().cloned().ok_or("the engine did not ask")?)
}
