//! PAYCO, by authorization code or access token (providers.md 4.3).

use async_trait::async_trait;
use authcore::Secret;
use authcore::account::ProviderId;
use authcore::verifier::{VerifiedIdentity, Verifier, VerifyContext, VerifyError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::provider_id;
use crate::error::{ConfigError, Reason};
use crate::http::{Answer, Call, Cap, Endpoint, HttpFault, Outbound, ProviderClient};
use crate::oauth::{CodeExchange, OAuthCredential, named};
use crate::profile::profile;

/// Which credentials of PAYCO count.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PaycoConfig {
    /// Our client id. It goes with each question about a token; nothing else binds a token to our app.
    pub client_id: String,
    /// Our secret.
    pub client_secret: Secret,
    /// Whether access tokens are taken from clients. That PAYCO refuses one of another app is not documented.
    pub allow_unbound: bool,
    /// Where codes are exchanged.
    pub token_url: String,
    /// Where tokens are asked about.
    pub id_url: String,
    /// Where the profile is.
    pub member_url: String,
}

impl PaycoConfig {
    /// PAYCO's own addresses, and codes only.
    #[must_use]
    pub fn new(client_id: &str, client_secret: Secret) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret,
            allow_unbound: false,
            token_url: "https://id.payco.com/oauth2.0/token".into(),
            id_url: "https://apis3.krp.toastoven.net/payco/friends/getIdNoByFriendsToken.json"
                .into(),
            member_url: "https://apis-payco.krp.toastoven.net/payco/friends/find_member_v2.json"
                .into(),
        }
    }
}

/// Verifies PAYCO's players; the subject is `idNo`. It takes `{"code":"...","state":"..."}`, and
/// `{"access_token":"..."}` where the configuration says so.
#[derive(Debug)]
pub struct Payco {
    provider: ProviderId,
    client: ProviderClient,
    client_id: String,
    codes: CodeExchange,
    allow_unbound: bool,
    id: Endpoint,
    member: Endpoint,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Id {
    header: IdHeader,
    #[serde(default)]
    id_no: String,
}

/// What success is called differs between the two; it is a boolean in both.
#[derive(Deserialize)]
struct IdHeader {
    successful: bool,
}

#[derive(Deserialize)]
struct Found {
    header: FoundHeader,
    data: Option<Data>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FoundHeader {
    is_successful: bool,
}

#[derive(Deserialize)]
struct Data {
    member: Member,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    #[serde(default)]
    id_no: String,
    name: Option<String>,
}

impl Payco {
    /// Asks nobody yet.
    ///
    /// ```
    /// use authcore_verifiers::{Outbound, OutboundConfig, Payco, PaycoConfig};
    ///
    /// let outbound = Outbound::new(&OutboundConfig::default())?;
    /// let payco = Payco::new(PaycoConfig::new("client", "secret".into()), &outbound)?;
    /// # Ok::<(), authcore_verifiers::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when there is no client, or another field cannot be.
    pub fn new(config: PaycoConfig, outbound: &Outbound) -> Result<Self, ConfigError> {
        let provider = provider_id("payco")?;
        let client = outbound.to(provider.as_str());
        let (id, secret) = (config.client_id.clone(), config.client_secret);
        Ok(Self {
            codes: CodeExchange::new(client.clone(), &config.token_url, id, secret)?,
            provider,
            client,
            client_id: config.client_id,
            allow_unbound: config.allow_unbound,
            id: Endpoint::new("id_url", &config.id_url)?,
            member: Endpoint::new("member_url", &config.member_url)?,
        })
    }

    async fn ask(
        &self,
        endpoint: &Endpoint,
        token: &Secret,
        more: Value,
        call: &Call,
    ) -> Result<Answer, VerifyError> {
        let mut body = json!({"client_id": self.client_id, "access_token": token.reveal()});
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        let request = self.client.post(endpoint).body("application/json", body.to_string().into());
        let request = request.header("client_id", &self.client_id).bearer(token.reveal());
        let answer =
            request.header("access_token", token.reveal()).send(call, Cap::Profile).await?;
        match answer.status() {
            200 => Ok(answer),
            401 | 403 => Err(VerifyError::faulty("PAYCO refuses our client")),
            _ => Err(HttpFault::NotUnderstood.into()),
        }
    }
}

#[async_trait]
impl Verifier for Payco {
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
        let id: Id = self.ask(&self.id, &token, json!({}), &call).await?.json()?;
        if !id.header.successful {
            return Err(Reason::Revoked.into());
        }
        let subject = named(&id.id_no)?;
        let fields = json!({"MemberProfile": ["idNo", "name"]});
        let found: Found = self.ask(&self.member, &token, fields, &call).await?.json()?;
        let member = found.data.filter(|_| found.header.is_successful).ok_or(Reason::Revoked)?;
        if member.member.id_no != subject {
            return Err(Reason::SubjectMismatch.into());
        }
        let profile = profile(member.member.name.as_deref(), None);
        Ok(context.identity(subject).with_profile(profile))
    }
}
