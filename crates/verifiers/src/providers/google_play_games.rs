//! Google Play Games Services v2, by server authorization code (providers.md 3.4).

use async_trait::async_trait;
use authcore::Secret;
use authcore::account::ProviderId;
use authcore::verifier::{VerifiedIdentity, Verifier, VerifyContext, VerifyError};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::provider_id;
use crate::error::{ConfigError, Reason};
use crate::http::{Call, Cap, Endpoint, HttpFault, Outbound, ProviderClient};
use crate::oauth;
use crate::profile::profile;

/// How long a code may be, in bytes.
const CODE: usize = 2048;

/// Which authorization codes of Play Games count.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GooglePlayGamesConfig {
    /// The OAuth client of the game server.
    pub client_id: String,
    /// That client's secret.
    pub client_secret: Secret,
    /// The game's application id at Play Games.
    pub application_id: String,
    /// What the client is said to be redirected to; empty for codes of the app.
    pub redirect_uri: String,
    /// The name of the provider.
    pub provider: String,
    /// Where codes are exchanged.
    pub token_url: String,
    /// Where the games API is.
    pub games_url: String,
}

impl GooglePlayGamesConfig {
    /// Google's own endpoints, for this client and game.
    #[must_use]
    pub fn new(client_id: &str, client_secret: Secret, application_id: &str) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret,
            application_id: application_id.into(),
            redirect_uri: String::new(),
            provider: "google_play_games".into(),
            token_url: "https://oauth2.googleapis.com/token".into(),
            games_url: "https://games.googleapis.com/games/v1".into(),
        }
    }
}

/// Verifies authorization codes of Play Games by exchanging them; the subject is the player id, and the former subject the
/// original player id, where Google names one. It takes the bare code. An access token is another kind of credential: any
/// client of Google's could have got it, so none is taken.
#[derive(Debug)]
pub struct GooglePlayGames {
    provider: ProviderId,
    config: GooglePlayGamesConfig,
    client: ProviderClient,
    token: Endpoint,
    application: Endpoint,
    me: Endpoint,
}

impl GooglePlayGames {
    /// Asks nobody yet.
    ///
    /// ```
    /// use authcore_verifiers::{GooglePlayGames, GooglePlayGamesConfig, Outbound, OutboundConfig};
    ///
    /// let outbound = Outbound::new(&OutboundConfig::default())?;
    /// let config = GooglePlayGamesConfig::new("1-web.apps.googleusercontent.com", "secret".into(), "42");
    /// let games = GooglePlayGames::new(config, &outbound)?;
    /// # Ok::<(), authcore_verifiers::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] without a client, its secret, or an application, and when a URL is none.
    pub fn new(config: GooglePlayGamesConfig, outbound: &Outbound) -> Result<Self, ConfigError> {
        let provider = provider_id(&config.provider)?;
        ConfigError::unless_given("client_id", &config.client_id)?;
        ConfigError::unless_given("client_secret", config.client_secret.reveal())?;
        let application = &config.application_id;
        if application.is_empty() || !application.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ConfigError::new("application_id", "it is a number"));
        }
        let base = config.games_url.trim_end_matches('/');
        let games = |path: &str| Endpoint::new("games_url", &format!("{base}/{path}"));
        Ok(Self {
            client: outbound.to(provider.as_str()),
            token: Endpoint::new("token_url", &config.token_url)?,
            application: games(&format!("applications/{application}/verify"))?,
            me: games("players/me")?,
            provider,
            config,
        })
    }

    /// The access token for a code. It is asked for once: a code is good once, and who knows whether it was used when the
    /// answer did not arrive.
    async fn exchange(&self, code: &str, call: &Call) -> Result<Secret, VerifyError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("client_id", &self.config.client_id),
            ("client_secret", self.config.client_secret.reveal()),
            ("redirect_uri", &self.config.redirect_uri),
        ];
        let answer = self.client.post(&self.token).form(&form).send(call, Cap::Profile).await?;
        if !answer.is_success() {
            return Err(oauth::refusal(&answer));
        }
        Ok(answer.json::<Tokens>()?.access_token)
    }

    async fn get<T: DeserializeOwned>(
        &self,
        endpoint: &Endpoint,
        token: &Secret,
        call: &Call,
    ) -> Result<T, VerifyError> {
        let answer =
            self.client.get(endpoint).bearer(token.reveal()).send(call, Cap::Profile).await?;
        match answer.status() {
            200 => Ok(answer.json()?),
            401 => Err(Reason::WrongApp.into()),
            403 => Err(VerifyError::faulty("Play Games does not let our project in")),
            404 => Err(VerifyError::faulty("Play Games does not know the application")),
            _ => Err(HttpFault::NotUnderstood.into()),
        }
    }
}

#[async_trait]
impl Verifier for GooglePlayGames {
    fn provider(&self) -> &ProviderId {
        &self.provider
    }

    async fn verify(
        &self,
        credential: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let code = credential.reveal();
        check_form(code)?;
        let call = Call::starting(context.now());
        let token = self.exchange(code, &call).await?;
        // Only this ties the token to our game.
        let verified: Verified = self.get(&self.application, &token, &call).await?;
        let me: Me = self.get(&self.me, &token, &call).await?;
        if !(1..=255).contains(&me.player_id.len()) || me.player_id.chars().any(char::is_control) {
            return Err(Reason::SubjectMissing.into());
        }
        if me.player_id != verified.player_id {
            return Err(Reason::SubjectMismatch.into());
        }
        let profile = profile(me.display_name.as_deref(), me.avatar_image_url.as_deref());
        let identity = context.identity(&me.player_id).with_profile(profile);
        let original = me.original_player_id;
        let original = original.filter(|id| (1..=255).contains(&id.len()) && *id != me.player_id);
        Ok(identity.formerly(original))
    }
}

/// A code is one word of printable characters; one with two dots is a signed token.
fn check_form(code: &str) -> Result<(), Reason> {
    if code.len() > CODE {
        return Err(Reason::TooLarge);
    }
    if code.is_empty() || !code.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Reason::Malformed);
    }
    // An access token begins like this, an ID token like that.
    if code.starts_with("ya29.") || code.starts_with("eyJ") {
        return Err(Reason::WrongType);
    }
    Ok(())
}

#[derive(Deserialize)]
struct Tokens {
    access_token: Secret,
}

#[derive(Deserialize)]
struct Verified {
    player_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Me {
    player_id: String,
    display_name: Option<String>,
    avatar_image_url: Option<String>,
    original_player_id: Option<String>,
}
