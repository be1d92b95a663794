//! NAVER, by authorization code or access token (providers.md 4.2).

use async_trait::async_trait;
use authcore::Secret;
use authcore::account::ProviderId;
use authcore::verifier::{VerifiedIdentity, Verifier, VerifyContext, VerifyError};
use serde::Deserialize;

use super::provider_id;
use crate::error::{ConfigError, Reason};
use crate::http::{Answer, Call, Endpoint, HttpFault, Outbound, ProviderClient};
use crate::oauth::{CodeExchange, OAuthCredential, ask_as, named};
use crate::profile::profile;

/// Which credentials of NAVER count.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NaverConfig {
    /// Our client id.
    pub client_id: String,
    /// Our secret.
    pub client_secret: Secret,
    /// Whether access tokens are taken from clients. NAVER does not say which app one is of: another app's leads to an
    /// account that is nobody's else, but that nobody has asked for.
    pub allow_unbound: bool,
    /// Where codes are exchanged.
    pub token_url: String,
    /// Where the profile is.
    pub profile_url: String,
}

impl NaverConfig {
    /// NAVER's own addresses, and codes only.
    #[must_use]
    pub fn new(client_id: &str, client_secret: Secret) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret,
            allow_unbound: false,
            token_url: "https://nid.naver.com/oauth2.0/token".into(),
            profile_url: "https://openapi.naver.com/v1/nid/me".into(),
        }
    }
}

/// Verifies NAVER's players; the subject is the profile's `id`. It takes `{"code":"...","state":"..."}`, and
/// `{"access_token":"..."}` where the configuration says so.
#[derive(Debug)]
pub struct Naver {
    provider: ProviderId,
    client: ProviderClient,
    codes: CodeExchange,
    allow_unbound: bool,
    profile: Endpoint,
}

#[derive(Deserialize)]
struct Me {
    resultcode: String,
    response: Option<User>,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    id: String,
    nickname: Option<String>,
    profile_image: Option<String>,
}

impl Naver {
    /// Asks nobody yet.
    ///
    /// ```
    /// use authcore_verifiers::{Naver, NaverConfig, Outbound, OutboundConfig};
    ///
    /// let outbound = Outbound::new(&OutboundConfig::default())?;
    /// let naver = Naver::new(NaverConfig::new("client", "secret".into()), &outbound)?;
    /// # Ok::<(), authcore_verifiers::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when there is no client, or another field cannot be.
    pub fn new(config: NaverConfig, outbound: &Outbound) -> Result<Self, ConfigError> {
        let provider = provider_id("naver")?;
        let client = outbound.to(provider.as_str());
        let (id, secret) = (config.client_id, config.client_secret);
        Ok(Self {
            codes: CodeExchange::new(client.clone(), &config.token_url, id, secret)?,
            provider,
            client,
            allow_unbound: config.allow_unbound,
            profile: Endpoint::new("profile_url", &config.profile_url)?,
        })
    }

    /// Whose token it is. A failure may come with status 200.
    async fn owner(&self, token: &Secret, call: &Call) -> Result<User, VerifyError> {
        let answer = ask_as(&self.client, &self.profile, token, call).await?;
        match answer.status() {
            401 => return Err(Reason::Revoked.into()),
            403 => return Err(VerifyError::faulty("NAVER refuses our app")),
            _ => {}
        }
        let me: Me = read(&answer)?;
        match me.resultcode.as_str() {
            "00" if answer.status() == 200 => {}
            "024" | "028" => return Err(Reason::Revoked.into()),
            "403" => return Err(VerifyError::faulty("NAVER refuses our app")),
            _ => return Err(HttpFault::NotUnderstood.into()),
        }
        Ok(me.response.ok_or(Reason::SubjectMissing)?)
    }
}

fn read(answer: &Answer) -> Result<Me, HttpFault> {
    if answer.status() == 404 { Err(HttpFault::NotUnderstood) } else { answer.json() }
}

#[async_trait]
impl Verifier for Naver {
    fn provider(&self) -> &ProviderId {
        &self.provider
    }

    async fn verify(
        &self,
        credential: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let call = Call::starting(context.now());
        let token = match OAuthCredential::read(credential)? {
            OAuthCredential::Code(code) => self.codes.exchange(&code, &call).await?.access_token,
            OAuthCredential::AccessToken(token) if self.allow_unbound => token,
            OAuthCredential::AccessToken(_) => return Err(Reason::WrongType.into()),
        };
        let user = self.owner(&token, &call).await?;
        let profile = profile(user.nickname.as_deref(), user.profile_image.as_deref());
        Ok(context.identity(named(&user.id)?).with_profile(profile))
    }
}
