//! Weibo, by access token (providers.md 4.6).

use async_trait::async_trait;
use authcore::Secret;
use authcore::account::ProviderId;
use authcore::verifier::{VerifiedIdentity, Verifier, VerifyContext, VerifyError};
use chrono::TimeDelta;
use serde::Deserialize;

use super::provider_id;
use crate::error::{ConfigError, Reason};
use crate::http::{Answer, Call, Cap, Endpoint, HttpFault, Outbound, ProviderClient};
use crate::oauth::OAuthCredential;
use crate::profile::profile;

/// Which tokens of Weibo count.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WeiboConfig {
    /// The keys of our apps, one of which a token must be of.
    pub app_keys: Vec<String>,
    /// Where tokens are asked about.
    pub token_info_url: String,
    /// Where the profile is; none is read where there is none.
    pub profile_url: Option<String>,
}

impl WeiboConfig {
    /// Weibo's own addresses, for these apps.
    #[must_use]
    pub fn new(app_keys: Vec<String>) -> Self {
        Self {
            app_keys,
            token_info_url: "https://api.weibo.com/oauth2/get_token_info".into(),
            profile_url: Some("https://api.weibo.com/2/users/show.json".into()),
        }
    }
}

/// Verifies Weibo's players; the subject is the number of the user. It takes `{"access_token":"..."}`.
#[derive(Debug)]
pub struct Weibo {
    provider: ProviderId,
    client: ProviderClient,
    app_keys: Vec<String>,
    token_info: Endpoint,
    profile: Option<Endpoint>,
}

#[derive(Deserialize)]
struct TokenInfo {
    uid: Option<u64>,
    appkey: Option<String>,
    expire_in: i64,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    idstr: String,
    screen_name: Option<String>,
    avatar_large: Option<String>,
}

#[derive(Deserialize)]
struct Refused {
    error_code: i64,
}

impl Weibo {
    /// Asks nobody yet.
    ///
    /// ```
    /// use authcore_verifiers::{Outbound, OutboundConfig, Weibo, WeiboConfig};
    ///
    /// let outbound = Outbound::new(&OutboundConfig::default())?;
    /// let weibo = Weibo::new(WeiboConfig::new(vec!["1352".into()]), &outbound)?;
    /// # Ok::<(), authcore_verifiers::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when there is no app, or another field cannot be.
    pub fn new(config: WeiboConfig, outbound: &Outbound) -> Result<Self, ConfigError> {
        let provider = provider_id("weibo")?;
        ConfigError::unless_named("app_keys", &config.app_keys)?;
        let profile = config.profile_url.map(|url| Endpoint::new("profile_url", &url));
        Ok(Self {
            client: outbound.to(provider.as_str()),
            provider,
            app_keys: config.app_keys,
            token_info: Endpoint::new("token_info_url", &config.token_info_url)?,
            profile: profile.transpose()?,
        })
    }

    /// The number of the user whose token it is, and for how long.
    async fn owner(&self, token: &Secret, call: &Call) -> Result<(u64, TimeDelta), VerifyError> {
        let form = [("access_token", token.reveal())];
        let answer =
            self.client.post(&self.token_info).form(&form).send(call, Cap::Profile).await?;
        unless_refused(&answer)?;
        let info: TokenInfo = answer.json()?;
        let is_ours = |key: &String| info.appkey.as_ref() == Some(key);
        if !self.app_keys.iter().any(is_ours) {
            return Err(Reason::WrongApp.into());
        }
        let left = TimeDelta::try_seconds(info.expire_in).unwrap_or_default();
        if left <= TimeDelta::zero() {
            return Err(VerifyError::Expired);
        }
        Ok((info.uid.ok_or(Reason::SubjectMissing)?, left))
    }
}

/// The class of Weibo's refusals, by their numbers, which come with any status.
fn unless_refused(answer: &Answer) -> Result<(), VerifyError> {
    let code = answer.json().map(|Refused { error_code }| error_code);
    match (code, answer.status()) {
        (Ok(21327), _) => Err(VerifyError::Expired),
        (Ok(21314..=21317 | 21332), _) | (Err(_), 401) => Err(Reason::Revoked.into()),
        (Ok(21321 | 21324), _) => Err(VerifyError::faulty("Weibo refuses our app")),
        (Err(_), 200) => Ok(()),
        _ => Err(HttpFault::NotUnderstood.into()),
    }
}

#[async_trait]
impl Verifier for Weibo {
    fn provider(&self) -> &ProviderId {
        &self.provider
    }

    async fn verify(
        &self,
        credential: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let OAuthCredential::AccessToken(token) = OAuthCredential::read(credential)? else {
            return Err(Reason::WrongType.into());
        };
        let call = Call::starting(context.now());
        let (uid, left) = self.owner(&token, &call).await?;
        let uid = uid.to_string();
        let end = call.now().checked_add_signed(left).ok_or(HttpFault::NotUnderstood)?;
        let identity = context.identity(&uid).until(end);
        let Some(endpoint) = &self.profile else { return Ok(identity) };
        let request = self.client.get(endpoint).query(&[("uid", &uid)]);
        let request = request.header("authorization", &format!("OAuth2 {}", token.reveal()));
        let answer = request.send(&call, Cap::Profile).await?;
        unless_refused(&answer)?;
        let user: User = answer.json()?;
        if user.idstr != uid {
            return Err(Reason::SubjectMismatch.into());
        }
        let profile = profile(user.screen_name.as_deref(), user.avatar_large.as_deref());
        Ok(identity.with_profile(profile))
    }
}
