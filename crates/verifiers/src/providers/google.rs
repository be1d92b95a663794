//! Google Sign-In, by ID token or authorization code (providers.md 3.3).

use async_trait::async_trait;
use authcore::Secret;
use authcore::account::ProviderId;
use authcore::verifier::{VerifiedIdentity, Verifier, VerifyContext, VerifyError};

use super::provider_id;
use crate::credential::TokenCredential;
use crate::error::{ConfigError, Reason};
use crate::http::{Call, Endpoint, Outbound};
use crate::jwt::{NoncePolicy, TokenRules, TokenVerifier};
use crate::keys::{KeyLocation, KeySource};
use crate::oauth::{CodeExchange, OAuthCredential};
use crate::profile::profile;

/// Which tokens of Google count.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GoogleConfig {
    /// The OAuth client ids that `aud` may name; on Android the one of the web client.
    pub audiences: Vec<String>,
    /// Client ids that `azp` may name besides: those of the apps.
    pub authorized_parties: Vec<String>,
    /// The Workspace domains that players must belong to; any player, also one without, where none is named.
    pub hosted_domains: Vec<String>,
    /// Whether a token must be bound to the login.
    pub nonce: NoncePolicy,
    /// Whether a token is good for one login only.
    pub reject_reuse: bool,
    /// The `iss` that count.
    pub issuers: Vec<String>,
    /// Where Google's keys are.
    pub keys_url: String,
    /// Our OAuth client, where authorization codes are taken as well.
    pub client: Option<GoogleClient>,
}

/// An OAuth client whose authorization codes are exchanged for ID tokens.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GoogleClient {
    /// Its id, which must be one of the audiences.
    pub id: String,
    /// Its secret.
    pub secret: Secret,
    /// The `redirect_uri` that logins begin with; none is sent where it is empty.
    pub redirect_uri: String,
    /// Where codes are exchanged.
    pub token_url: String,
}

impl GoogleClient {
    /// With Google's own address.
    #[must_use]
    pub fn new(id: &str, secret: Secret, redirect_uri: &str) -> Self {
        let token_url = "https://oauth2.googleapis.com/token".into();
        Self { id: id.into(), secret, redirect_uri: redirect_uri.into(), token_url }
    }
}

impl GoogleConfig {
    /// Google's own issuers and keys, for these client ids.
    #[must_use]
    pub fn new(audiences: Vec<String>) -> Self {
        Self {
            audiences,
            authorized_parties: Vec::new(),
            hosted_domains: Vec::new(),
            nonce: NoncePolicy::Off,
            reject_reuse: false,
            issuers: vec!["https://accounts.google.com".into(), "accounts.google.com".into()],
            keys_url: "https://www.googleapis.com/oauth2/v3/certs".into(),
            client: None,
        }
    }
}

/// Verifies Google's ID tokens; the subject is `sub`. It takes a [`TokenCredential`], and, where there is a client,
/// `{"code":"..."}`, which is exchanged for one. An access token is refused: any app could have it.
#[derive(Debug)]
pub struct Google {
    provider: ProviderId,
    tokens: TokenVerifier,
    codes: Option<CodeExchange>,
    hosted_domains: Vec<String>,
}

impl Google {
    /// Asks nobody yet.
    ///
    /// ```
    /// use authcore_verifiers::{Google, GoogleConfig, Outbound, OutboundConfig};
    ///
    /// let outbound = Outbound::new(&OutboundConfig::default())?;
    /// let config = GoogleConfig::new(vec!["1-web.apps.googleusercontent.com".into()]);
    /// let google = Google::new(config, &outbound)?;
    ///
    /// let nobody = Google::new(GoogleConfig::new(Vec::new()), &outbound);
    /// assert_eq!(nobody.err().map(|error| error.field()), Some("audiences"));
    /// # Ok::<(), authcore_verifiers::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when there is no audience, or another field cannot be.
    pub fn new(config: GoogleConfig, outbound: &Outbound) -> Result<Self, ConfigError> {
        let provider = provider_id("google")?;
        let keys = KeyLocation::Fixed(Endpoint::new("keys_url", &config.keys_url)?);
        let codes = match config.client {
            Some(client) => {
                if !config.audiences.contains(&client.id) {
                    return Err(ConfigError::new("client_id", "it is none of the audiences"));
                }
                let way = outbound.to(provider.as_str());
                let codes = CodeExchange::new(way, &client.token_url, client.id, client.secret)?;
                Some(codes.redirecting_to(&client.redirect_uri))
            }
            None => None,
        };
        let keys = KeySource::new(outbound.to(provider.as_str()), keys);
        let mut rules = TokenRules::new(config.issuers, config.audiences)?;
        rules.authorized_parties = config.authorized_parties;
        rules.nonce = config.nonce;
        rules.reject_reuse = config.reject_reuse;
        let tokens = TokenVerifier::new(rules, keys)?;
        Ok(Self { provider, tokens, codes, hosted_domains: config.hosted_domains })
    }

    /// The ID token of a credential.
    async fn id_token(
        &self,
        credential: &Secret,
        call: &Call,
    ) -> Result<TokenCredential, VerifyError> {
        if !OAuthCredential::is_one(credential) {
            return TokenCredential::read(credential);
        }
        match (OAuthCredential::read(credential)?, &self.codes) {
            (OAuthCredential::Code(code), Some(codes)) => {
                let tokens = codes.exchange(&code, call).await?;
                // There is none where the login did not ask for the scope `openid`.
                let token = tokens.id_token.ok_or(VerifyError::Denied("missing_scope"))?;
                TokenCredential::of_token(credential, token)
            }
            _ => Err(Reason::WrongType.into()),
        }
    }
}

#[async_trait]
impl Verifier for Google {
    fn provider(&self) -> &ProviderId {
        &self.provider
    }

    async fn verify(
        &self,
        credential: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let call = Call::starting(context.now());
        let credential = self.id_token(credential, &call).await?;
        let claims = self.tokens.verify(&credential, context, &call).await?;
        let domain = claims.text("hd");
        let domains = &self.hosted_domains;
        if !domains.is_empty() && !domains.iter().any(|allowed| domain == Some(allowed)) {
            return Err(VerifyError::Denied("hosted_domain"));
        }
        let profile = profile(claims.text("name"), claims.text("picture"));
        Ok(claims.prove(context.identity(claims.subject())).with_profile(profile))
    }
}
