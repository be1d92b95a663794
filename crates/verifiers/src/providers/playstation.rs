//! The `PlayStation` Network, by authorization code (providers.md 3.10).

use async_trait::async_trait;
use authcore::Secret;
use authcore::account::ProviderId;
use authcore::verifier::{VerifiedIdentity, Verifier, VerifyContext, VerifyError};
use authcore_jose::foreign::SignatureAlgorithm;
use chrono::DateTime;
use serde::Deserialize;

use super::provider_id;
use crate::credential::TokenCredential;
use crate::error::{ConfigError, Reason};
use crate::http::{Call, Cap, Endpoint, Outbound, ProviderClient};
use crate::jwt::{TokenRules, TokenVerifier};
use crate::keys::{KeyLocation, KeySource};
use crate::oauth::{CodeExchange, OAuthCredential, named, refusal};

/// Which codes of the `PlayStation` Network count. Its documents are for licensed developers only: no address has a default.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PlayStationConfig {
    /// Our client id, which the tokens that a code is exchanged for must be of.
    pub client_id: String,
    /// Our secret.
    pub client_secret: Secret,
    /// What the login began with.
    pub redirect_uri: String,
    /// Where codes are exchanged.
    pub token_url: String,
    /// The environment that all of this is of. Others have account ids of their own, so it is part of who a player is.
    pub environment: String,
    /// How the player is told from an ID token, where the network gives one.
    pub id_token: Option<PlayStationIdToken>,
    /// Where an access token is asked about (RFC 7662), where there is no ID token.
    pub introspection_url: Option<String>,
}

/// How ID tokens of the `PlayStation` Network look.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PlayStationIdToken {
    /// The `iss` that counts.
    pub issuer: String,
    /// Where the keys are.
    pub keys_url: String,
    /// How they are signed.
    pub algorithm: SignatureAlgorithm,
}

impl PlayStationIdToken {
    /// Signed with RS256.
    #[must_use]
    pub fn new(issuer: &str, keys_url: &str) -> Self {
        let algorithm = SignatureAlgorithm::Rs256;
        Self { issuer: issuer.into(), keys_url: keys_url.into(), algorithm }
    }
}

impl PlayStationConfig {
    /// What the network gave us: one of [`id_token`](Self::id_token) and
    /// [`introspection_url`](Self::introspection_url) is to be set besides.
    #[must_use]
    pub fn new(
        client_id: &str,
        client_secret: Secret,
        redirect_uri: &str,
        token_url: &str,
        environment: &str,
    ) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret,
            redirect_uri: redirect_uri.into(),
            token_url: token_url.into(),
            environment: environment.into(),
            id_token: None,
            introspection_url: None,
        }
    }
}

/// Verifies codes of the `PlayStation` Network; who a player is, is the account id and the environment. It takes
/// `{"code":"..."}`. An access token is refused: any client could have it.
#[derive(Debug)]
pub struct PlayStation {
    provider: ProviderId,
    client: ProviderClient,
    codes: CodeExchange,
    client_id: String,
    client_secret: Secret,
    environment: String,
    tokens: Option<TokenVerifier>,
    introspection: Option<Endpoint>,
}

/// What is known of an access token.
#[derive(Deserialize)]
struct Known {
    active: bool,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    sub: String,
    exp: Option<i64>,
}

impl PlayStation {
    /// Asks nobody yet.
    ///
    /// ```
    /// use authcore_verifiers::{Outbound, OutboundConfig, PlayStation, PlayStationConfig};
    ///
    /// let outbound = Outbound::new(&OutboundConfig::default())?;
    /// let back = "https://game.example/back";
    /// let token_url = "https://network.example/token";
    /// let mut config = PlayStationConfig::new("client", "secret".into(), back, token_url, "256");
    /// config.introspection_url = Some("https://network.example/introspect".into());
    /// let network = PlayStation::new(config, &outbound)?;
    /// # Ok::<(), authcore_verifiers::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when a field cannot be, and when nothing tells whose a code is.
    pub fn new(config: PlayStationConfig, outbound: &Outbound) -> Result<Self, ConfigError> {
        let provider = provider_id("playstation")?;
        let client = outbound.to(provider.as_str());
        ConfigError::unless_given("redirect_uri", &config.redirect_uri)?;
        ConfigError::unless_given("environment", &config.environment)?;
        let codes = CodeExchange::new(
            client.clone(),
            &config.token_url,
            config.client_id.clone(),
            config.client_secret.clone(),
        )?;
        let tokens = match config.id_token {
            None => None,
            Some(token) => {
                let keys = KeyLocation::Fixed(Endpoint::new("keys_url", &token.keys_url)?);
                ConfigError::unless_given("issuer", &token.issuer)?;
                let audiences = vec![config.client_id.clone()];
                let mut rules = TokenRules::new(vec![token.issuer], audiences)?;
                rules.algorithms = vec![token.algorithm];
                Some(TokenVerifier::new(rules, KeySource::new(client.clone(), keys))?)
            }
        };
        let introspection = config.introspection_url.as_deref();
        let introspection =
            introspection.map(|url| Endpoint::new("introspection_url", url)).transpose()?;
        if tokens.is_none() && introspection.is_none() {
            return Err(ConfigError::new("keys_url", "it, or introspection_url, must be given"));
        }
        Ok(Self {
            provider,
            client,
            codes: codes.redirecting_to(&config.redirect_uri).by_header(),
            client_id: config.client_id,
            client_secret: config.client_secret,
            environment: config.environment,
            tokens,
            introspection,
        })
    }

    /// Whose access token it is, where it is one of ours.
    async fn ask(
        &self,
        endpoint: &Endpoint,
        token: &Secret,
        call: &Call,
    ) -> Result<String, VerifyError> {
        let request =
            self.client.post(endpoint).basic(&self.client_id, self.client_secret.reveal());
        let form = [("token", token.reveal()), ("token_type_hint", "access_token")];
        let answer = request.form(&form).send(call, Cap::Profile).await?;
        match answer.status() {
            200 => {}
            401 | 403 => return Err(VerifyError::faulty("the network refuses our client")),
            _ => return Err(refusal(&answer)),
        }
        let known: Known = answer.json()?;
        if !known.active {
            return Err(Reason::Revoked.into());
        }
        if known.client_id != self.client_id {
            return Err(Reason::WrongApp.into());
        }
        let over = |exp| DateTime::from_timestamp(exp, 0).is_none_or(|exp| call.now() >= exp);
        if known.exp.is_some_and(over) {
            return Err(VerifyError::Expired);
        }
        Ok(named(&known.sub)?.to_owned())
    }
}

#[async_trait]
impl Verifier for PlayStation {
    fn provider(&self) -> &ProviderId {
        &self.provider
    }

    async fn verify(
        &self,
        credential: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let call = Call::starting(context.now());
        let OAuthCredential::Code(code) = OAuthCredential::read(credential)? else {
            return Err(Reason::WrongType.into());
        };
        let found = self.codes.exchange(&code, &call).await?;
        let of = |subject: &str| context.scoped_identity(&self.environment, "", subject);
        match (found.id_token, &self.tokens, &self.introspection) {
            (Some(token), Some(tokens), _) => {
                let token = TokenCredential::of_token(credential, token)?;
                let claims = tokens.verify(&token, context, &call).await?;
                Ok(claims.prove(of(claims.subject())))
            }
            (_, _, Some(introspection)) if !found.access_token.is_empty() => {
                Ok(of(&self.ask(introspection, &found.access_token, &call).await?))
            }
            // The login did not ask for the scope that an ID token needs.
            _ => Err(VerifyError::Denied("missing_scope")),
        }
    }
}
