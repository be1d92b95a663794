//! What goes back: accounts as JSON, refusals and faults as errors.

use std::collections::BTreeMap;
use std::error::Error as StdError;

use authcore::account::{Account, ProviderId};
use authcore::refusal::{NakamaAnswer, Operation, Refusal, nakama_fault};
use authcore::{Error, TokenPair};
use axum::body::Body;
use axum::response::Response;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::transport::error::ApiError;

/// A refusal in Nakama's words; of a fault, the log gets the causes and the player learns nothing.
pub(super) fn to_api_error(
    error: Error,
    operation: Operation,
    provider: Option<&ProviderId>,
) -> ApiError {
    let mut wait = None;
    let NakamaAnswer { code, text, .. } = match error {
        Error::Refused(refusal) => {
            if let Refusal::ProviderUnavailable { retry_after, .. } = &refusal {
                wait = Some(*retry_after);
            }
            refusal.nakama(operation)
        }
        fault => {
            tracing::error!(?operation, error = &fault as &dyn StdError, "a request failed");
            nakama_fault(operation, provider)
        }
    };
    ApiError { retry_after: wait, ..ApiError::new(code, text) }
}

/// The answer to a login or a refresh (nakama 5, 1.6). Tokens are base64url, in which nothing needs an escape: to look for
/// what does would take as long as to read the request.
pub(super) fn session(created: bool, tokens: &TokenPair) -> Response {
    let created = if created { r#""created":true,"# } else { "" };
    let (access, refresh) = (tokens.access.reveal(), tokens.refresh.reveal());
    let json = ["{", created, r#""token":""#, access, r#"","refresh_token":""#, refresh, r#""}"#];
    Response::new(Body::from(json.concat()))
}

/// The caller's own account (nakama 12.1).
#[derive(Serialize)]
pub(super) struct AccountAnswer<'a> {
    user: OwnUser<'a>,
    /// Clients parse it; an auth engine has none to tell of.
    wallet: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    email: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    devices: Vec<Device<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    custom_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    verify_time: Option<String>,
}

/// What a player sees of themselves: what others see, and their ids at providers.
#[derive(Serialize)]
struct OwnUser<'a> {
    #[serde(flatten)]
    user: User<'a>,
    #[serde(flatten)]
    provider_ids: BTreeMap<&'static str, &'a str>,
}

#[derive(Serialize)]
struct Device<'a> {
    id: &'a str,
}

impl<'a> AccountAnswer<'a> {
    pub(super) fn new(account: &'a Account) -> Self {
        let of = |provider| {
            let mut identities = account.identities.iter();
            identities.find(|identity| *identity.key.provider() == provider)
        };
        let email = of(ProviderId::EMAIL);
        let provider_ids = account.identities.iter().filter_map(|identity| {
            provider_field(identity.key.provider()).map(|field| (field, identity.key.subject()))
        });
        let devices = account.identities.iter().filter_map(|identity| {
            let device = *identity.key.provider() == ProviderId::DEVICE;
            device.then(|| Device { id: identity.key.subject() })
        });
        Self {
            user: OwnUser { user: User::new(account), provider_ids: provider_ids.collect() },
            wallet: "{}",
            // Nakama tells the folded form, which is what it stores.
            email: email.map_or("", |identity| identity.key.subject()),
            devices: devices.collect(),
            custom_id: of(ProviderId::CUSTOM).map_or("", |identity| identity.key.subject()),
            verify_time: email.and_then(|identity| identity.verified_at).map(time),
        }
    }
}

/// The field that Nakama has for a provider; others have none.
fn provider_field(provider: &ProviderId) -> Option<&'static str> {
    match provider.as_str() {
        "apple" => Some("apple_id"),
        "facebook" => Some("facebook_id"),
        "facebookinstantgame" => Some("facebook_instant_game_id"),
        "gamecenter" => Some("gamecenter_id"),
        "google" => Some("google_id"),
        "steam" => Some("steam_id"),
        _ => None,
    }
}

#[derive(Serialize)]
pub(super) struct UsersAnswer<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    users: Vec<User<'a>>,
}

impl<'a> UsersAnswer<'a> {
    pub(super) fn new(accounts: &'a [Account]) -> Self {
        Self { users: accounts.iter().map(User::new).collect() }
    }
}

/// What any player may see of another: no ids of theirs at providers (nakama W10). Empty fields are left out (nakama
/// 1.6).
#[derive(Serialize)]
struct User<'a> {
    id: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    username: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    display_name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    avatar_url: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    lang_tag: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    location: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    timezone: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    metadata: &'a str,
    create_time: String,
    update_time: String,
}

impl<'a> User<'a> {
    fn new(account: &'a Account) -> Self {
        let profile = &account.profile;
        Self {
            id: account.id.to_string(),
            username: account.username.as_ref().map_or("", |name| &name.shown),
            display_name: &profile.display_name,
            avatar_url: &profile.avatar_url,
            lang_tag: &profile.lang_tag,
            location: &profile.location,
            timezone: &profile.timezone,
            metadata: &profile.metadata,
            create_time: time(account.created_at),
            update_time: time(account.updated_at),
        }
    }
}

/// Whole seconds (nakama 1.6).
fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
