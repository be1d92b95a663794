//! Discord, by authorization code or access token (providers.md 4.8).

use async_trait::async_trait;
use authcore::Secret;
use authcore::account::ProviderId;
use authcore::verifier::{VerifiedIdentity, Verifier, VerifyContext, VerifyError};
use chrono::DateTime;
use serde::Deserialize;

use super::provider_id;
use crate::error::{ConfigError, Reason};
use crate::http::{Call, Endpoint, HttpFault, Outbound, ProviderClient};
use crate::oauth::{CodeExchange, OAuthCredential, ask_as, named};
use crate::profile::profile;

/// Which credentials of Discord count.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DiscordConfig {
    /// The application that tokens must be of; its client id.
    pub application_id: String,
    /// Its secret, where codes are taken as well.
    pub client_secret: Option<Secret>,
    /// The `redirect_uri` that logins begin with, for codes.
    pub redirect_uri: String,
    /// Where codes are exchanged.
    pub token_url: String,
    /// Where tokens are asked about.
    pub authorization_url: String,
    /// What the URLs of avatars begin with.
    pub avatars_url: String,
}

impl DiscordConfig {
    /// Discord's own addresses, for access tokens of this application.
    #[must_use]
    pub fn new(application_id: &str) -> Self {
        Self {
            application_id: application_id.into(),
            client_secret: None,
            redirect_uri: String::new(),
            token_url: "https://discord.com/api/oauth2/token".into(),
            authorization_url: "https://discord.com/api/v10/oauth2/@me".into(),
            avatars_url: "https://cdn.discordapp.com/avatars".into(),
        }
    }
}

/// Verifies Discord's players; the subject is the number of the user. It takes `{"access_token":"..."}`, and
/// `{"code":"..."}` where there is a secret.
#[derive(Debug)]
pub struct Discord {
    provider: ProviderId,
    client: ProviderClient,
    application_id: String,
    codes: Option<CodeExchange>,
    authorization: Endpoint,
    avatars_url: String,
}

#[derive(Deserialize)]
struct Authorization {
    application: Application,
    scopes: Vec<String>,
    expires: String,
    user: Option<User>,
}

#[derive(Deserialize)]
struct Application {
    id: String,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    id: String,
    username: Option<String>,
    global_name: Option<String>,
    avatar: Option<String>,
}

impl Discord {
    /// Asks nobody yet.
    ///
    /// ```
    /// use authcore_verifiers::{Discord, DiscordConfig, Outbound, OutboundConfig};
    ///
    /// let outbound = Outbound::new(&OutboundConfig::default())?;
    /// let discord = Discord::new(DiscordConfig::new("1597"), &outbound)?;
    /// # Ok::<(), authcore_verifiers::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when there is no application, or another field cannot be.
    pub fn new(config: DiscordConfig, outbound: &Outbound) -> Result<Self, ConfigError> {
        let provider = provider_id("discord")?;
        let client = outbound.to(provider.as_str());
        ConfigError::unless_given("application_id", &config.application_id)?;
        let id = config.application_id.clone();
        let codes = match config.client_secret {
            Some(secret) => {
                ConfigError::unless_given("redirect_uri", &config.redirect_uri)?;
                let codes = CodeExchange::new(client.clone(), &config.token_url, id, secret)?;
                Some(codes.redirecting_to(&config.redirect_uri))
            }
            None => None,
        };
        Ok(Self {
            provider,
            client,
            codes,
            authorization: Endpoint::new("authorization_url", &config.authorization_url)?,
            application_id: config.application_id,
            avatars_url: config.avatars_url,
        })
    }

    /// What Discord says of a token; it is of our application, with the scope that names the user.
    async fn about(&self, token: &Secret, call: &Call) -> Result<Authorization, VerifyError> {
        let answer = ask_as(&self.client, &self.authorization, token, call).await?;
        match answer.status() {
            200 => {}
            401 => return Err(Reason::Revoked.into()),
            403 => return Err(VerifyError::faulty("Discord refuses our application")),
            _ => return Err(HttpFault::NotUnderstood.into()),
        }
        let about: Authorization = answer.json()?;
        if about.application.id != self.application_id {
            return Err(Reason::WrongApp.into());
        }
        if !about.scopes.iter().any(|scope| scope == "identify") {
            return Err(VerifyError::Denied("missing_scope"));
        }
        Ok(about)
    }

    fn avatar(&self, user: &User) -> Option<String> {
        let hash = user.avatar.as_deref()?;
        let is_hash = hash.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let kind = if hash.starts_with("a_") { "gif" } else { "png" };
        is_hash.then(|| format!("{}/{}/{hash}.{kind}", self.avatars_url, user.id))
    }
}

#[async_trait]
impl Verifier for Discord {
    fn provider(&self) -> &ProviderId {
        &self.provider
    }

    async fn verify(
        &self,
        credential: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let call = Call::starting(context.now());
        let token = match (OAuthCredential::read(credential)?, &self.codes) {
            (OAuthCredential::AccessToken(token), _) => token,
            (OAuthCredential::Code(code), Some(codes)) => {
                codes.exchange(&code, &call).await?.access_token
            }
            (OAuthCredential::Code(_), None) => return Err(Reason::WrongType.into()),
        };
        let about = self.about(&token, &call).await?;
        let end = DateTime::parse_from_rfc3339(&about.expires);
        let end = end.map_err(|_| HttpFault::NotUnderstood)?.to_utc();
        if end <= call.now() {
            return Err(VerifyError::Expired);
        }
        let user = about.user.ok_or(Reason::SubjectMissing)?;
        let identity = context.identity(named(&user.id)?).until(end);
        let name = user.global_name.as_deref().or(user.username.as_deref());
        Ok(identity.with_profile(profile(name, self.avatar(&user).as_deref())))
    }
}
