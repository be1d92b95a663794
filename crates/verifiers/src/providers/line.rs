//! LINE, by ID token or access token (providers.md 4.1).

use std::collections::BTreeMap;

use async_trait::async_trait;
use authcore::Secret;
use authcore::account::ProviderId;
use authcore::verifier::{VerifiedIdentity, Verifier, VerifyContext, VerifyError};
use authcore_jose::foreign::SignatureAlgorithm;
use authcore_jose::from_strict_json;
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::provider_id;
use crate::credential::TokenCredential;
use crate::error::{ConfigError, Reason};
use crate::http::{Answer, Call, Cap, Endpoint, HttpFault, Outbound, ProviderClient};
use crate::jwt::{Claims, NoncePolicy, TokenRules, TokenVerifier};
use crate::keys::{KeyLocation, KeySource};
use crate::oauth::{ask_as, named, opaque};
use crate::profile::profile;

/// Which tokens of LINE count.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LineConfig {
    /// The channel id of each service region, by the region's name. Where there are several, a credential names one.
    pub channels: BTreeMap<String, String>,
    /// Whether an ID token is verified here, by LINE's keys, and not by asking LINE. Only for channels whose tokens are
    /// signed with ES256: those of web logins are not, unless the login asks for it.
    pub local: bool,
    /// Whether an ID token must be bound to the login.
    pub nonce: NoncePolicy,
    /// Whether an ID token is good for one login only.
    pub reject_reuse: bool,
    /// The `iss` of ID tokens.
    pub issuer: String,
    /// Where tokens are asked about.
    pub verify_url: String,
    /// Where the profile is.
    pub profile_url: String,
    /// Where the keys are.
    pub keys_url: String,
}

impl LineConfig {
    /// LINE's own addresses, for these channels.
    #[must_use]
    pub fn new(channels: BTreeMap<String, String>) -> Self {
        Self {
            channels,
            local: false,
            nonce: NoncePolicy::Off,
            reject_reuse: false,
            issuer: "https://access.line.me".into(),
            verify_url: "https://api.line.me/oauth2/v2.1/verify".into(),
            profile_url: "https://api.line.me/v2/profile".into(),
            keys_url: "https://api.line.me/oauth2/v2.1/certs".into(),
        }
    }
}

/// Verifies LINE's tokens; the subject is the user id. It takes a [`TokenCredential`], or `{"access_token":"..."}`; in both
/// `region` may name one of the configuration.
#[derive(Debug)]
pub struct Line {
    provider: ProviderId,
    client: ProviderClient,
    channels: BTreeMap<String, String>,
    id_tokens: IdTokens,
    verify: Endpoint,
    profile: Endpoint,
}

#[derive(Debug)]
enum IdTokens {
    Remote(TokenRules),
    Local(Box<TokenVerifier>),
}

#[derive(Default, Deserialize)]
struct Presented {
    region: Option<String>,
    access_token: Option<Secret>,
    token: Option<Secret>,
}

#[derive(Deserialize)]
struct Refused {
    #[serde(default)]
    error_description: String,
}

#[derive(Deserialize)]
struct AccessToken {
    client_id: String,
    expires_in: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    #[serde(default, rename = "userId")]
    id: String,
    display_name: Option<String>,
    picture_url: Option<String>,
}

impl Line {
    /// Asks nobody yet.
    ///
    /// ```
    /// use authcore_verifiers::{Line, LineConfig, Outbound, OutboundConfig};
    ///
    /// let outbound = Outbound::new(&OutboundConfig::default())?;
    /// let channels = [("japan".to_owned(), "1234567890".to_owned())];
    /// let line = Line::new(LineConfig::new(channels.into()), &outbound)?;
    /// # Ok::<(), authcore_verifiers::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when there is no channel, or another field cannot be.
    pub fn new(config: LineConfig, outbound: &Outbound) -> Result<Self, ConfigError> {
        let provider = provider_id("line")?;
        let client = outbound.to(provider.as_str());
        let ids: Vec<_> = config.channels.values().cloned().collect();
        ConfigError::unless_named("channels", &ids)?;
        ConfigError::unless_given("issuer", &config.issuer)?;
        let mut rules = TokenRules::new(vec![config.issuer], ids)?;
        rules.algorithms = vec![SignatureAlgorithm::Es256];
        rules.nonce = config.nonce;
        rules.reject_reuse = config.reject_reuse;
        let keys = KeyLocation::Fixed(Endpoint::new("keys_url", &config.keys_url)?);
        let id_tokens = if config.local {
            let keys = KeySource::new(client.clone(), keys);
            IdTokens::Local(Box::new(TokenVerifier::new(rules, keys)?))
        } else {
            IdTokens::Remote(rules)
        };
        Ok(Self {
            provider,
            client,
            channels: config.channels,
            id_tokens,
            verify: Endpoint::new("verify_url", &config.verify_url)?,
            profile: Endpoint::new("profile_url", &config.profile_url)?,
        })
    }

    /// The channel that a credential must be for.
    fn channel(&self, region: Option<&str>) -> Result<&str, Reason> {
        match region {
            Some(region) => self.channels.get(region).map(String::as_str).ok_or(Reason::Malformed),
            None if self.channels.len() > 1 => Err(Reason::Malformed),
            None => self.channels.values().next().map(String::as_str).ok_or(Reason::Malformed),
        }
    }

    async fn id_token(
        &self,
        credential: &TokenCredential,
        channel: &str,
        context: &VerifyContext,
        call: &Call,
    ) -> Result<Claims, VerifyError> {
        let claims = match &self.id_tokens {
            IdTokens::Local(tokens) => tokens.verify(credential, context, call).await?,
            IdTokens::Remote(rules) => {
                let members = self.ask_about(credential.token(), channel, call).await?;
                rules.check_claims(members, credential, context)?
            }
        };
        // The audience of another region is ours, and still not this one's.
        if claims.get("aud").and_then(Value::as_str) != Some(channel) {
            return Err(Reason::WrongAudience.into());
        }
        Ok(claims)
    }

    /// Lets LINE look at the signature.
    async fn ask_about(
        &self,
        token: &str,
        channel: &str,
        call: &Call,
    ) -> Result<Map<String, Value>, VerifyError> {
        let is_part = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        if token.split('.').count() != 3 || !token.split('.').all(is_part) {
            return Err(Reason::Malformed.into());
        }
        let form = [("id_token", token), ("client_id", channel)];
        let answer = self.client.post(&self.verify).form(&form).send(call, Cap::Profile).await?;
        unless_refused(&answer)?;
        Ok(answer.json()?)
    }

    async fn access_token(
        &self,
        token: &Secret,
        channel: &str,
        call: &Call,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let query = [("access_token", token.reveal())];
        let answer = self.client.get(&self.verify).query(&query).send(call, Cap::Profile).await?;
        unless_refused(&answer)?;
        let known: AccessToken = answer.json()?;
        if known.client_id != channel {
            return Err(Reason::WrongApp.into());
        }
        let left = TimeDelta::try_seconds(known.expires_in).unwrap_or_default();
        if left <= TimeDelta::zero() {
            return Err(VerifyError::Expired);
        }
        let answer = ask_as(&self.client, &self.profile, token, call).await?;
        unless_refused(&answer)?;
        let user: User = answer.json()?;
        let identity = context.identity(named(&user.id)?);
        let profile = profile(user.display_name.as_deref(), user.picture_url.as_deref());
        let end = call.now().checked_add_signed(left).ok_or(HttpFault::NotUnderstood)?;
        Ok(identity.with_profile(profile).until(end))
    }
}

/// The class of LINE's refusals, by their exact texts.
fn unless_refused(answer: &Answer) -> Result<(), VerifyError> {
    match answer.status() {
        200 => return Ok(()),
        401 => return Err(Reason::Revoked.into()),
        403 => return Err(VerifyError::faulty("LINE refuses our channel")),
        400 => {}
        _ => return Err(HttpFault::NotUnderstood.into()),
    }
    let refused: Refused = answer.json()?;
    Err(match refused.error_description.as_str() {
        "IdToken expired." | "access token expired" => VerifyError::Expired,
        "Invalid IdToken Audience." => Reason::WrongAudience.into(),
        "Invalid IdToken Issuer." => Reason::WrongIssuer.into(),
        "Invalid IdToken Nonce." => Reason::NonceMismatch.into(),
        "Invalid IdToken Subject Identifier." => Reason::SubjectMismatch.into(),
        "Invalid IdToken." | "JWS verification failed" => Reason::BadSignature.into(),
        _ => Reason::Malformed.into(),
    })
}

#[async_trait]
impl Verifier for Line {
    fn provider(&self) -> &ProviderId {
        &self.provider
    }

    async fn verify(
        &self,
        credential: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let text = credential.reveal();
        let presented = if text.starts_with('{') {
            from_strict_json(text.as_bytes()).map_err(|_| Reason::Malformed)?
        } else {
            Presented::default()
        };
        let channel = self.channel(presented.region.as_deref())?;
        let call = Call::starting(context.now());
        match (presented.access_token, presented.token) {
            (Some(token), None) => {
                self.access_token(&opaque(token)?, channel, &call, context).await
            }
            (Some(_), Some(_)) => Err(Reason::Malformed.into()),
            (None, _) => {
                let credential = TokenCredential::read(credential)?;
                let claims = self.id_token(&credential, channel, context, &call).await?;
                let profile = profile(claims.text("name"), claims.text("picture"));
                let identity = context.identity(claims.subject());
                Ok(claims.prove(identity).with_profile(profile))
            }
        }
    }
}
