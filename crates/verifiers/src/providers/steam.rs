//! Steam, by session ticket (providers.md 3.8).

use async_trait::async_trait;
use authcore::Secret;
use authcore::account::ProviderId;
use authcore::verifier::{ProviderProfile, VerifiedIdentity, Verifier, VerifyContext, VerifyError};
use authcore_jose::from_strict_json;
use chrono::TimeDelta;
use serde::Deserialize;

use super::provider_id;
use crate::error::{ConfigError, Reason};
use crate::friends::{FriendPage, read_friends};
use crate::http::{Call, Cap, Endpoint, HttpFault, Outbound, ProviderClient, Request};
use crate::nonce::single_use;
use crate::profile::profile;

/// How long a ticket is known to be used.
const REMEMBERED: TimeDelta = TimeDelta::hours(24);
/// How long a ticket may be, in characters.
const TICKET: usize = 8192;

/// Which tickets of Steam count.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct SteamConfig {
    /// The app that a ticket must be for.
    pub app_id: u32,
    /// The key of the publisher's Web API.
    pub publisher_key: Secret,
    /// The `identity` that the client asks for a ticket with: one made for another service is refused.
    pub identity: String,
    /// Whether players must own the app themselves, and not borrow it from their family.
    pub require_owner: bool,
    /// Whether players with a VAC or publisher ban for the app are refused.
    pub refuse_banned: bool,
    /// Whether the name and the avatar are asked for.
    pub profile: bool,
    /// Whether the friends are asked for.
    pub friends: bool,
    /// Where the Web API is.
    pub url: String,
}

impl SteamConfig {
    /// The publisher's Web API, for this app; players may borrow the app and be banned.
    #[must_use]
    pub fn new(app_id: u32, publisher_key: Secret, identity: &str) -> Self {
        Self {
            app_id,
            publisher_key,
            identity: identity.into(),
            require_owner: false,
            refuse_banned: false,
            profile: false,
            friends: false,
            url: "https://partner.steam-api.com".into(),
        }
    }
}

/// Verifies tickets of `GetAuthTicketForWebApi`; the subject is the player's Steam id. It takes the ticket in hexadecimal
/// digits, or the JSON object `{"token":"…","steam_id":"…"}`, whose id is compared and proves nothing.
#[derive(Debug)]
pub struct Steam {
    provider: ProviderId,
    config: SteamConfig,
    app_id: String,
    client: ProviderClient,
    tickets: Endpoint,
    summaries: Endpoint,
    friends: Endpoint,
}

impl Steam {
    /// Asks nobody yet.
    ///
    /// ```
    /// use authcore_verifiers::{Outbound, OutboundConfig, Steam, SteamConfig};
    ///
    /// let outbound = Outbound::new(&OutboundConfig::default())?;
    /// let steam = Steam::new(SteamConfig::new(480, "publisher key".into(), "chess"), &outbound)?;
    ///
    /// let any_app = Steam::new(SteamConfig::new(0, "publisher key".into(), "chess"), &outbound);
    /// assert_eq!(any_app.err().map(|error| error.field()), Some("app_id"));
    /// # Ok::<(), authcore_verifiers::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] without an app, a key or an identity, and when the URL is none.
    pub fn new(config: SteamConfig, outbound: &Outbound) -> Result<Self, ConfigError> {
        let provider = provider_id("steam")?;
        if config.app_id == 0 {
            return Err(ConfigError::new("app_id", "it is 0"));
        }
        ConfigError::unless_given("publisher_key", config.publisher_key.reveal())?;
        ConfigError::unless_given("identity", &config.identity)?;
        let base = config.url.trim_end_matches('/');
        let endpoint = |path| Endpoint::new("url", &format!("{base}/{path}/"));
        Ok(Self {
            client: outbound.to(provider.as_str()),
            app_id: config.app_id.to_string(),
            tickets: endpoint("ISteamUserAuth/AuthenticateUserTicket/v1")?,
            summaries: endpoint("ISteamUser/GetPlayerSummaries/v2")?,
            friends: endpoint("ISteamUser/GetFriendList/v1")?,
            provider,
            config,
        })
    }

    fn get(&self, endpoint: &Endpoint) -> Request<'_> {
        // The Web API takes its key nowhere but in the query (providers.md H6).
        self.client.get(endpoint).query(&[("key", self.config.publisher_key.reveal())])
    }

    async fn authenticate(&self, ticket: &str, call: &Call) -> Result<Params, VerifyError> {
        let query =
            [("appid", &*self.app_id), ("ticket", ticket), ("identity", &self.config.identity)];
        let answer = self.get(&self.tickets).query(&query).send(call, Cap::Profile).await?;
        if matches!(answer.status(), 401 | 403) {
            return Err(VerifyError::faulty("Steam refuses the publisher key"));
        }
        match answer.json::<Reply<Authenticated>>()?.response {
            Authenticated { error: Some(error), .. } => Err(refusal(&error)),
            Authenticated { params: Some(params), .. } if answer.is_success() => Ok(params),
            Authenticated { .. } => Err(HttpFault::NotUnderstood.into()),
        }
    }

    fn check(&self, params: &Params, claimed: Option<&str>) -> Result<(), VerifyError> {
        if params.result != "OK" {
            return Err(Reason::BadSignature.into());
        }
        if !is_steam_id(&params.steamid) {
            return Err(HttpFault::NotUnderstood.into());
        }
        if claimed.is_some_and(|claimed| claimed != params.steamid) {
            return Err(Reason::SubjectMismatch.into());
        }
        if self.config.require_owner && params.ownersteamid.as_ref() != Some(&params.steamid) {
            return Err(VerifyError::Denied("not_owner"));
        }
        if self.config.refuse_banned && params.vacbanned {
            return Err(VerifyError::Denied("vac_banned"));
        }
        if self.config.refuse_banned && params.publisherbanned {
            return Err(VerifyError::Denied("publisher_banned"));
        }
        Ok(())
    }

    async fn profile(&self, steam_id: &str, call: &Call) -> Option<ProviderProfile> {
        let request = self.get(&self.summaries).query(&[("steamids", steam_id)]);
        let answer = request.send(call, Cap::Profile).await.ok()?;
        let players = answer.json::<Reply<Summaries>>().ok()?.response.players;
        let player = players.iter().find(|player| player.steamid == steam_id)?;
        Some(profile(player.personaname.as_deref(), player.avatarfull.as_deref()))
    }

    async fn friends(&self, steam_id: &str, call: &Call) -> Option<Vec<String>> {
        let query = [("steamid", steam_id), ("relationship", "friend")];
        read_friends(|_| async move {
            let answer = self.get(&self.friends).query(&query).send(call, Cap::Friends).await?;
            if answer.status() == 401 {
                // The player keeps them private.
                return Ok(FriendPage::default());
            }
            let list = answer.json::<FriendList>()?.friendslist.friends;
            let subjects = list.into_iter().map(|friend| friend.steamid);
            Ok(FriendPage { subjects: subjects.filter(|id| is_steam_id(id)).collect(), next: None })
        })
        .await
    }
}

#[async_trait]
impl Verifier for Steam {
    fn provider(&self) -> &ProviderId {
        &self.provider
    }

    async fn verify(
        &self,
        credential: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let credential = Ticket::read(credential)?;
        let call = Call::starting(context.now());
        let ticket = credential.token.reveal().to_ascii_lowercase();
        let params = self.authenticate(&ticket, &call).await?;
        self.check(&params, credential.steam_id.as_deref())?;
        let mut identity = params
            .flagged(context.identity(&params.steamid))
            .using_up(single_use("steam ticket", &ticket), call.now() + REMEMBERED);
        if self.config.profile
            && let Some(profile) = self.profile(&params.steamid, &call).await
        {
            identity = identity.with_profile(profile);
        }
        if self.config.friends
            && let Some(friends) = self.friends(&params.steamid, &call).await
        {
            identity = identity.with_friends(friends);
        }
        Ok(identity)
    }
}

#[derive(Deserialize)]
struct Ticket {
    token: Secret,
    steam_id: Option<String>,
}

impl Ticket {
    fn read(credential: &Secret) -> Result<Self, Reason> {
        let text = credential.reveal();
        let read = if text.starts_with('{') {
            from_strict_json(text.as_bytes()).map_err(|_| Reason::Malformed)?
        } else {
            Self { token: credential.clone(), steam_id: None }
        };
        let ticket = read.token.reveal().as_bytes();
        if ticket.len() > TICKET {
            return Err(Reason::TooLarge);
        }
        let is_hex = ticket.len().is_multiple_of(2) && ticket.iter().all(u8::is_ascii_hexdigit);
        if is_hex && !ticket.is_empty() { Ok(read) } else { Err(Reason::Malformed) }
    }
}

/// Only 101 is documented.
fn refusal(error: &SteamError) -> VerifyError {
    match error.errorcode {
        3 | 100 => Reason::Malformed.into(),
        102 => Reason::WrongApp.into(),
        _ => Reason::BadSignature.into(),
    }
}

/// An id of a person: 17 digits, as text, for it is more than a double holds.
fn is_steam_id(text: &str) -> bool {
    text.len() == 17 && text.starts_with("7656") && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[derive(Deserialize)]
struct Reply<T> {
    response: T,
}

#[derive(Deserialize)]
struct Authenticated {
    params: Option<Params>,
    error: Option<SteamError>,
}

#[derive(Deserialize)]
struct Params {
    result: String,
    steamid: String,
    ownersteamid: Option<String>,
    vacbanned: bool,
    publisherbanned: bool,
}

impl Params {
    /// With what else Steam says of the player: bans for this app, and whose it is.
    fn flagged(&self, identity: VerifiedIdentity) -> VerifiedIdentity {
        let all = [(self.vacbanned, "vac_banned"), (self.publisherbanned, "publisher_banned")];
        let flags: Vec<_> = all.into_iter().filter(|(holds, _)| *holds).map(|it| it.1).collect();
        let identity = if flags.is_empty() { identity } else { identity.with_flags(flags) };
        match self.ownersteamid.as_deref().filter(|owner| *owner != self.steamid) {
            Some(owner) if is_steam_id(owner) => identity.borrowed_from(owner),
            _ => identity,
        }
    }
}

#[derive(Deserialize)]
struct SteamError {
    errorcode: i64,
}

#[derive(Deserialize)]
struct Summaries {
    players: Vec<Player>,
}

#[derive(Deserialize)]
struct Player {
    steamid: String,
    personaname: Option<String>,
    avatarfull: Option<String>,
}

#[derive(Deserialize)]
struct FriendList {
    friendslist: Friends,
}

#[derive(Deserialize)]
struct Friends {
    friends: Vec<Friend>,
}

#[derive(Deserialize)]
struct Friend {
    steamid: String,
}
