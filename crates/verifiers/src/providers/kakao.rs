//! Kakao, by ID token or access token (providers.md 4.5).

use async_trait::async_trait;
use authcore::Secret;
use authcore::account::ProviderId;
use authcore::verifier::{VerifiedIdentity, Verifier, VerifyContext, VerifyError};
use chrono::TimeDelta;
use serde::Deserialize;

use super::provider_id;
use crate::credential::TokenCredential;
use crate::error::{ConfigError, Reason};
use crate::http::{Answer, Call, Endpoint, HttpFault, Outbound, ProviderClient};
use crate::jwt::{NoncePolicy, TokenRules, TokenVerifier};
use crate::keys::{KeyLocation, KeySource};
use crate::oauth::{OAuthCredential, ask_as, named};
use crate::profile::profile;

/// Which tokens of Kakao count.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KakaoConfig {
    /// The app's number, which access tokens must be of.
    pub app_id: u64,
    /// The app's keys, native, REST and JavaScript: what began the login is the `aud` of an ID token.
    pub app_keys: Vec<String>,
    /// Whether an ID token must be bound to the login.
    pub nonce: NoncePolicy,
    /// Whether an ID token is good for one login only.
    pub reject_reuse: bool,
    /// The `iss` of ID tokens.
    pub issuer: String,
    /// Where the keys are.
    pub keys_url: String,
    /// Where access tokens are asked about.
    pub token_info_url: String,
    /// Where the profile is.
    pub profile_url: String,
}

impl KakaoConfig {
    /// Kakao's own addresses, for this app.
    #[must_use]
    pub fn new(app_id: u64, app_keys: Vec<String>) -> Self {
        Self {
            app_id,
            app_keys,
            nonce: NoncePolicy::Off,
            reject_reuse: false,
            issuer: "https://kauth.kakao.com".into(),
            keys_url: "https://kauth.kakao.com/.well-known/jwks.json".into(),
            token_info_url: "https://kapi.kakao.com/v1/user/access_token_info".into(),
            profile_url: "https://kapi.kakao.com/v2/user/me".into(),
        }
    }
}

/// Verifies Kakao's tokens; the subject is the user's number. It takes a [`TokenCredential`], or `{"access_token":"..."}`.
#[derive(Debug)]
pub struct Kakao {
    provider: ProviderId,
    client: ProviderClient,
    app_id: u64,
    id_tokens: TokenVerifier,
    token_info: Endpoint,
    profile: Endpoint,
}

#[derive(Deserialize)]
struct Refused {
    code: i64,
}

#[derive(Deserialize)]
struct TokenInfo {
    id: Option<u64>,
    expires_in: i64,
    app_id: u64,
}

#[derive(Deserialize)]
struct Me {
    id: u64,
    #[serde(default)]
    kakao_account: Account,
}

#[derive(Default, Deserialize)]
struct Account {
    #[serde(default)]
    profile: Shown,
}

#[derive(Default, Deserialize)]
struct Shown {
    nickname: Option<String>,
    profile_image_url: Option<String>,
}

impl Kakao {
    /// Asks nobody yet.
    ///
    /// ```
    /// use authcore_verifiers::{Kakao, KakaoConfig, Outbound, OutboundConfig};
    ///
    /// let outbound = Outbound::new(&OutboundConfig::default())?;
    /// let kakao = Kakao::new(KakaoConfig::new(45, vec!["native-key".into()]), &outbound)?;
    /// # Ok::<(), authcore_verifiers::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when there is no app, or another field cannot be.
    pub fn new(config: KakaoConfig, outbound: &Outbound) -> Result<Self, ConfigError> {
        let provider = provider_id("kakao")?;
        let client = outbound.to(provider.as_str());
        if config.app_id == 0 {
            return Err(ConfigError::new("app_id", "it is zero"));
        }
        ConfigError::unless_named("app_keys", &config.app_keys)?;
        ConfigError::unless_given("issuer", &config.issuer)?;
        let keys = KeyLocation::Fixed(Endpoint::new("keys_url", &config.keys_url)?);
        let mut rules = TokenRules::new(vec![config.issuer], config.app_keys)?;
        rules.nonce = config.nonce;
        rules.reject_reuse = config.reject_reuse;
        Ok(Self {
            provider,
            id_tokens: TokenVerifier::new(rules, KeySource::new(client.clone(), keys))?,
            client,
            app_id: config.app_id,
            token_info: Endpoint::new("token_info_url", &config.token_info_url)?,
            profile: Endpoint::new("profile_url", &config.profile_url)?,
        })
    }

    async fn id_token(
        &self,
        credential: &Secret,
        call: &Call,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let credential = TokenCredential::read(credential)?;
        let claims = self.id_tokens.verify(&credential, context, call).await?;
        // The same player as by access token, so it is the number that is kept.
        let subject = claims.subject();
        let is_number = subject.parse().is_ok_and(|id: u64| id.to_string() == subject);
        if !is_number {
            return Err(Reason::SubjectMissing.into());
        }
        let profile = profile(claims.text("nickname"), claims.text("picture"));
        Ok(claims.prove(context.identity(subject)).with_profile(profile))
    }

    async fn access_token(
        &self,
        token: &Secret,
        call: &Call,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let answer = ask_as(&self.client, &self.token_info, token, call).await?;
        unless_refused(&answer)?;
        let info: TokenInfo = answer.json()?;
        if info.app_id != self.app_id {
            return Err(Reason::WrongApp.into());
        }
        let left = TimeDelta::try_seconds(info.expires_in).unwrap_or_default();
        if left <= TimeDelta::zero() {
            return Err(VerifyError::Expired);
        }
        let id = info.id.ok_or(Reason::SubjectMissing)?;
        let answer = ask_as(&self.client, &self.profile, token, call).await?;
        unless_refused(&answer)?;
        let me: Me = answer.json()?;
        if me.id != id {
            return Err(Reason::SubjectMismatch.into());
        }
        let shown = me.kakao_account.profile;
        let profile = profile(shown.nickname.as_deref(), shown.profile_image_url.as_deref());
        let end = call.now().checked_add_signed(left).ok_or(HttpFault::NotUnderstood)?;
        Ok(context.identity(named(&id.to_string())?).with_profile(profile).until(end))
    }
}

/// The class of Kakao's refusals, by their numbers.
fn unless_refused(answer: &Answer) -> Result<(), VerifyError> {
    if answer.is_success() {
        return Ok(());
    }
    let code = answer.json().map(|Refused { code }| code);
    Err(match (code, answer.status()) {
        (Ok(-401 | -101 | -103), _) => Reason::Revoked.into(),
        (Ok(-402), _) => VerifyError::Denied("missing_scope"),
        (Ok(-406), _) => VerifyError::Denied("age"),
        (Ok(-1 | -7 | -10), _) => HttpFault::NotUnderstood.into(),
        (Ok(-2), _) => Reason::Malformed.into(),
        (_, 401) => Reason::Revoked.into(),
        (_, 403) => VerifyError::faulty("Kakao refuses our app"),
        _ => HttpFault::NotUnderstood.into(),
    })
}

#[async_trait]
impl Verifier for Kakao {
    fn provider(&self) -> &ProviderId {
        &self.provider
    }

    async fn verify(
        &self,
        credential: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let call = Call::starting(context.now());
        if !OAuthCredential::is_one(credential) {
            return self.id_token(credential, &call, context).await;
        }
        match OAuthCredential::read(credential)? {
            OAuthCredential::AccessToken(token) => self.access_token(&token, &call, context).await,
            OAuthCredential::Code(_) => Err(Reason::Malformed.into()),
        }
    }
}
