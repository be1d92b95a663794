//! X, by authorization code, by access token of OAuth 2.0, or by token of OAuth 1.0a (providers.md 4.4).

use std::sync::Arc;

use async_trait::async_trait;
use authcore::account::ProviderId;
use authcore::verifier::{VerifiedIdentity, Verifier, VerifyContext, VerifyError};
use authcore::{Random, Secret, SystemRandom};
use authcore_jose::from_strict_json;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::provider_id;
use crate::error::{ConfigError, Reason};
use crate::http::{Answer, Call, Cap, Endpoint, HttpFault, Outbound, ProviderClient};
use crate::oauth::{CodeExchange, OAuthCredential, named, opaque};
use crate::oauth1::OAuth1;
use crate::profile::profile;

/// Which credentials of X count: those of whichever client is configured.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TwitterConfig {
    /// Our OAuth 2.0 client, where codes are taken: its id and secret.
    pub client: Option<(String, Secret)>,
    /// The `redirect_uri` that logins with this client begin with.
    pub redirect_uri: String,
    /// Our OAuth 1.0a consumer, where its tokens are taken: its key and secret.
    pub consumer: Option<(String, Secret)>,
    /// Whether OAuth 2.0 access tokens are taken from clients. X does not say which app one is of: one that another app
    /// got lets that app in as its player.
    pub allow_unbound: bool,
    /// Where codes are exchanged.
    pub token_url: String,
    /// Where an OAuth 2.0 token's player is.
    pub profile_url: String,
    /// Where an OAuth 1.0a token's player is.
    pub credentials_url: String,
    /// What the nonces of OAuth 1.0a are made of.
    pub random: Arc<dyn Random>,
}

impl TwitterConfig {
    /// X's own addresses, for codes of this client.
    #[must_use]
    pub fn new(client_id: &str, client_secret: Secret) -> Self {
        Self { client: Some((client_id.into(), client_secret)), ..Self::empty() }
    }

    /// X's own addresses, for tokens of this consumer of OAuth 1.0a.
    #[must_use]
    pub fn oauth1(consumer_key: &str, consumer_secret: Secret) -> Self {
        Self { consumer: Some((consumer_key.into(), consumer_secret)), ..Self::empty() }
    }

    fn empty() -> Self {
        Self {
            client: None,
            redirect_uri: String::new(),
            consumer: None,
            allow_unbound: false,
            token_url: "https://api.x.com/2/oauth2/token".into(),
            profile_url: "https://api.x.com/2/users/me".into(),
            credentials_url: "https://api.twitter.com/1.1/account/verify_credentials.json".into(),
            random: Arc::new(SystemRandom::new()),
        }
    }
}

/// Verifies X's players; the subject is the number of the user, whichever way. It takes
/// `{"code":"...","code_verifier":"..."}`, `{"oauth_token":"...","oauth_token_secret":"..."}`, and, where the configuration
/// says so, `{"access_token":"..."}`.
#[derive(Debug)]
pub struct Twitter {
    provider: ProviderId,
    client: ProviderClient,
    codes: Option<CodeExchange>,
    consumer: Option<(String, Secret)>,
    allow_unbound: bool,
    profile: Endpoint,
    credentials: Endpoint,
    random: Arc<dyn Random>,
}

#[derive(Deserialize)]
struct OAuth1Credential {
    oauth_token: Secret,
    oauth_token_secret: Secret,
}

#[derive(Deserialize)]
struct Me {
    data: User,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    id: String,
    name: Option<String>,
    profile_image_url: Option<String>,
}

#[derive(Deserialize)]
struct OldUser {
    #[serde(default)]
    id_str: String,
    name: Option<String>,
    profile_image_url_https: Option<String>,
}

#[derive(Deserialize)]
struct Refused {
    errors: Vec<Numbered>,
}

#[derive(Deserialize)]
struct Numbered {
    code: i64,
}

impl Twitter {
    /// Asks nobody yet.
    ///
    /// ```
    /// use authcore_verifiers::{Outbound, OutboundConfig, Twitter, TwitterConfig};
    ///
    /// let outbound = Outbound::new(&OutboundConfig::default())?;
    /// let mut config = TwitterConfig::new("client", "secret".into());
    /// config.redirect_uri = "https://game.example/back".into();
    /// let twitter = Twitter::new(config, &outbound)?;
    /// # Ok::<(), authcore_verifiers::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when there is neither client nor consumer, or another field cannot be.
    pub fn new(config: TwitterConfig, outbound: &Outbound) -> Result<Self, ConfigError> {
        let provider = provider_id("twitter")?;
        let client = outbound.to(provider.as_str());
        if config.client.is_none() && config.consumer.is_none() {
            return Err(ConfigError::new("client_id", "there is neither a client nor a consumer"));
        }
        if let Some((key, secret)) = &config.consumer {
            ConfigError::unless_given("consumer_key", key)?;
            ConfigError::unless_given("consumer_secret", secret.reveal())?;
        }
        let codes = match config.client {
            Some((id, secret)) => {
                ConfigError::unless_given("redirect_uri", &config.redirect_uri)?;
                let codes = CodeExchange::new(client.clone(), &config.token_url, id, secret)?;
                Some(codes.by_header().redirecting_to(&config.redirect_uri))
            }
            None => None,
        };
        Ok(Self {
            provider,
            client,
            codes,
            consumer: config.consumer,
            allow_unbound: config.allow_unbound,
            profile: Endpoint::new("profile_url", &config.profile_url)?,
            credentials: Endpoint::new("credentials_url", &config.credentials_url)?,
            random: config.random,
        })
    }

    async fn oauth2(
        &self,
        credential: &Secret,
        call: &Call,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let token = match (OAuthCredential::read(credential)?, &self.codes) {
            (OAuthCredential::Code(code), Some(codes)) => {
                codes.exchange(&code, call).await?.access_token
            }
            (OAuthCredential::AccessToken(token), _) if self.allow_unbound => token,
            _ => return Err(Reason::WrongType.into()),
        };
        let request = self.client.get(&self.profile).bearer(token.reveal());
        let request = request.query(&[("user.fields", "profile_image_url")]);
        let answer = request.send(call, Cap::Profile).await?;
        unless_refused(&answer)?;
        let Me { data: user } = answer.json()?;
        let profile = profile(user.name.as_deref(), user.profile_image_url.as_deref());
        Ok(context.identity(named(&user.id)?).with_profile(profile))
    }

    /// Whoever presents a token of another app's fails, for the request is signed with our secret.
    async fn oauth1(
        &self,
        presented: OAuth1Credential,
        call: &Call,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let (key, secret) = self.consumer.as_ref().ok_or(Reason::WrongType)?;
        let oauth = OAuth1 {
            consumer_key: key,
            consumer_secret: secret,
            token: &opaque(presented.oauth_token)?,
            token_secret: &opaque(presented.oauth_token_secret)?,
        };
        let mut nonce = [0; 16];
        self.random.fill(&mut nonce).map_err(|error| VerifyError::Faulty(error.into()))?;
        let nonce = URL_SAFE_NO_PAD.encode(nonce);
        let timestamp = call.now().timestamp().to_string();
        let query = [("include_entities", "false"), ("skip_status", "true")];
        let url = self.credentials.to_string();
        let signed = oauth.authorization(&url, &query, &timestamp, &nonce);
        let request = self.client.get(&self.credentials).query(&query);
        let answer = request.header("authorization", &signed).send(call, Cap::Profile).await?;
        unless_refused(&answer)?;
        let user: OldUser = answer.json()?;
        let profile = profile(user.name.as_deref(), user.profile_image_url_https.as_deref());
        Ok(context.identity(named(&user.id_str)?).with_profile(profile))
    }
}

/// The class of X's refusals, by their numbers where they have one.
fn unless_refused(answer: &Answer) -> Result<(), VerifyError> {
    if answer.is_success() {
        return Ok(());
    }
    let refused: Option<Refused> = answer.json().ok();
    let code = refused.and_then(|refused| Some(refused.errors.first()?.code));
    Err(match (code, answer.status()) {
        (Some(89), _) | (None, 401) => Reason::Revoked.into(),
        (Some(32 | 215), _) => VerifyError::faulty("X refuses our signature or client"),
        (Some(135), _) => VerifyError::faulty("X says that our clock is wrong"),
        (Some(88), _) => HttpFault::NotUnderstood.into(),
        (_, 403) => VerifyError::faulty("X refuses our app"),
        _ => HttpFault::NotUnderstood.into(),
    })
}

#[async_trait]
impl Verifier for Twitter {
    fn provider(&self) -> &ProviderId {
        &self.provider
    }

    async fn verify(
        &self,
        credential: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let call = Call::starting(context.now());
        match from_strict_json(credential.reveal().as_bytes()) {
            Ok(presented) => self.oauth1(presented, &call, context).await,
            Err(_) => self.oauth2(credential, &call, context).await,
        }
    }
}
