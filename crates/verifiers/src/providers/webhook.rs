//! A service of one's own that checks credentials, asked by signed requests (providers.md 5.2, braincloud 7). The other
//! side's contract is the page `docs/webhook.md`.

use std::sync::Arc;

use async_trait::async_trait;
use authcore::account::ProviderId;
use authcore::verifier::{VerifiedIdentity, Verifier, VerifyContext, VerifyError};
use authcore::{Random, Secret, SystemRandom};
use authcore_jose::from_strict_json;
use chrono::{DateTime, TimeDelta};
use serde::Deserialize;
use serde_json::{Value, json};

use super::provider_id;
use crate::answer::ExternalAnswer;
use crate::error::{ConfigError, Reason};
use crate::http::{Answer, Call, Cap, Endpoint, HttpFault, Outbound, ProviderClient};
use crate::profile::profile;
use crate::signature::WebhookSecrets;

/// How far the clocks of both sides may be apart, in seconds.
const WINDOW: i64 = 300;
const ID_LENGTH: usize = 26;
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Where the service is, and what it shares with us.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WebhookConfig {
    /// The name of the provider: 1 to 32 of `a-z 0-9 _ -`.
    pub provider: String,
    /// Where requests are posted to.
    pub url: String,
    /// Which game asks, for a service that serves several.
    pub app_id: String,
    /// One secret, or while it is changed two: `whsec_` and the base64 of 24 to 64 random bytes. Each request is signed
    /// with all, and an answer with any of them counts.
    pub secrets: Vec<Secret>,
    /// What the ids of requests are made of.
    pub random: Arc<dyn Random>,
}

impl WebhookConfig {
    /// Ids from the system's randomness.
    #[must_use]
    pub fn new(provider: &str, url: &str, app_id: &str, secrets: Vec<Secret>) -> Self {
        let (provider, url, app_id) = (provider.into(), url.into(), app_id.into());
        Self { provider, url, app_id, secrets, random: Arc::new(SystemRandom::new()) }
    }
}

/// Verifies by asking a service. The credential is any text, or a JSON object, which goes there as it is; where the
/// service answers as brainCloud's external authentication does, the subject is the object's `externalId`.
#[derive(Debug)]
pub struct Webhook {
    provider: ProviderId,
    client: ProviderClient,
    url: Endpoint,
    app_id: String,
    secrets: WebhookSecrets,
    random: Arc<dyn Random>,
}

/// An answer that says in words of this contract who it is.
#[derive(Deserialize)]
struct Told {
    v: u32,
    request_id: String,
    result: Verdict,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    issuer: String,
    profile: Option<ToldProfile>,
    #[serde(default)]
    friends: Vec<String>,
    expires_at: Option<i64>,
    reason: Option<Value>,
    retry_after: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    Invalid,
    Expired,
    Denied,
    Unavailable,
}

#[derive(Deserialize)]
struct ToldProfile {
    name: Option<String>,
    avatar: Option<String>,
}

impl Webhook {
    /// Asks nobody yet.
    ///
    /// ```
    /// use authcore_verifiers::{Outbound, OutboundConfig, Webhook, WebhookConfig};
    ///
    /// let outbound = Outbound::new(&OutboundConfig::default())?;
    /// let secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1u".into();
    /// let config = WebhookConfig::new("hangame", "https://players.example/check", "chess", vec![secret]);
    /// let hangame = Webhook::new(config, &outbound)?;
    /// # Ok::<(), authcore_verifiers::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when there is no `app_id`, no secret, a secret that is too short, or another field cannot be.
    pub fn new(config: WebhookConfig, outbound: &Outbound) -> Result<Self, ConfigError> {
        let provider = provider_id(&config.provider)?;
        ConfigError::unless_given("app_id", &config.app_id)?;
        Ok(Self {
            client: outbound.to(provider.as_str()),
            provider,
            url: Endpoint::new("url", &config.url)?,
            app_id: config.app_id,
            secrets: WebhookSecrets::read("secrets", &config.secrets)?,
            random: config.random,
        })
    }

    /// What both ids of an exchange end with.
    fn fresh_id(&self) -> Result<String, VerifyError> {
        let mut bytes = [0; ID_LENGTH];
        self.random.fill(&mut bytes).map_err(|error| VerifyError::Faulty(error.into()))?;
        let letter = |byte: &u8| ALPHABET.get(usize::from(*byte & 31)).copied().map(char::from);
        Ok(bytes.iter().filter_map(letter).collect())
    }

    /// Posts the request, and once more with the same id where no connection came about.
    async fn ask(&self, id: &str, body: &[u8], call: &Call) -> Result<Answer, VerifyError> {
        let timestamp = call.now().timestamp().to_string();
        let signature = self.secrets.sign(id, &timestamp, body);
        let send = || {
            let request = self.client.post(&self.url).body("application/json", body.to_vec());
            let request = request.header("webhook-id", id).header("webhook-timestamp", &timestamp);
            request.header("webhook-signature", &signature).send(call, Cap::Friends)
        };
        let answer = match send().await {
            Err(HttpFault::Connect(error)) if error.is_connect() => send().await,
            answer => answer,
        };
        let answer = match answer {
            Err(HttpFault::Redirect) => {
                return Err(VerifyError::faulty("the webhook redirects"));
            }
            answer => answer?,
        };
        match answer.status() {
            200 => Ok(answer),
            401 | 403 | 404 => Err(VerifyError::faulty("the webhook refuses us, or is not there")),
            _ => Err(HttpFault::NotUnderstood.into()),
        }
    }

    /// Whether the answer is by the service, of now, and to this request.
    fn check(&self, answer: &Answer, id: &str, call: &Call) -> Result<(), VerifyError> {
        let header = |name| answer.header(name).ok_or(HttpFault::NotUnderstood);
        let timestamp = header("webhook-timestamp")?;
        let (answer_id, signature) = (header("webhook-id")?, header("webhook-signature")?);
        if !self.secrets.verify(signature, answer_id, timestamp, answer.bytes()) {
            return Err(VerifyError::faulty("the webhook's answer is signed by somebody else"));
        }
        let seconds: i64 = timestamp.parse().map_err(|_| HttpFault::NotUnderstood)?;
        if seconds.abs_diff(call.now().timestamp()) > WINDOW.unsigned_abs() {
            return Err(VerifyError::faulty("the webhook's clock or its answer is too old or new"));
        }
        // The prefix keeps our own request from being an answer to itself.
        if answer_id.strip_prefix("res_") != id.strip_prefix("req_") {
            return Err(VerifyError::faulty("the webhook's answer is to another request"));
        }
        Ok(())
    }
}

#[async_trait]
impl Verifier for Webhook {
    fn provider(&self) -> &ProviderId {
        &self.provider
    }

    async fn verify(
        &self,
        credential: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let text = credential.reveal();
        let credential = if text.starts_with('{') {
            from_strict_json(text.as_bytes()).map_err(|_| Reason::Malformed)?
        } else {
            Value::from(text)
        };
        let call = Call::starting(context.now());
        let id = format!("req_{}", self.fresh_id()?);
        let body = json!({
            "v": 1,
            "type": "credential.verify",
            "request_id": id,
            "app_id": self.app_id,
            "provider": self.provider.as_str(),
            "credential": credential,
        });
        let answer = self.ask(&id, body.to_string().as_bytes(), &call).await?;
        self.check(&answer, &id, &call)?;
        let body: Value = answer.json()?;
        if body.get("result").is_some() {
            let told: Told = answer.json()?;
            return told.proof(&id, context);
        }
        let external = ExternalAnswer::from_json(&body.to_string())
            .map_err(|error| VerifyError::Faulty(error.into()))?;
        let subject = credential.get("externalId").and_then(Value::as_str).unwrap_or_default();
        if external.valid && subject.is_empty() && external.external_id_override.is_none() {
            return Err(VerifyError::faulty("the webhook says yes and names nobody"));
        }
        external.prove(subject, context)
    }
}

impl Told {
    fn proof(self, id: &str, context: &VerifyContext) -> Result<VerifiedIdentity, VerifyError> {
        if self.v != 1 || self.request_id != id {
            return Err(HttpFault::NotUnderstood.into());
        }
        match self.result {
            Verdict::Ok => self.identity(context),
            Verdict::Invalid => {
                let reason = self.reason.and_then(|reason| serde_json::from_value(reason).ok());
                Err(reason.unwrap_or(Reason::Revoked).into())
            }
            Verdict::Expired => Err(VerifyError::Expired),
            Verdict::Denied => Err(VerifyError::Denied("webhook")),
            Verdict::Unavailable => Err(VerifyError::Unavailable {
                retry_after: self.retry_after.map(|seconds| TimeDelta::seconds(seconds.into())),
                source: "the webhook says that it cannot tell".into(),
            }),
        }
    }

    fn identity(self, context: &VerifyContext) -> Result<VerifiedIdentity, VerifyError> {
        if self.subject.is_empty() || self.subject.chars().any(char::is_control) {
            return Err(HttpFault::NotUnderstood.into());
        }
        let mut identity = context.scoped_identity("", &self.issuer, &self.subject);
        if let Some(told) = self.profile {
            let profile = profile(told.name.as_deref(), told.avatar.as_deref());
            identity = identity.with_profile(profile);
        }
        if let Some(seconds) = self.expires_at {
            let end = DateTime::from_timestamp(seconds, 0).ok_or(HttpFault::NotUnderstood)?;
            identity = identity.until(end);
        }
        Ok(identity.with_friends(self.friends))
    }
}
