//! What goes back: accounts as JSON, refusals and faults as errors.

use std::error::Error as StdError;

use authcore::account::{Account, ProviderId};
use authcore::refusal::{NakamaAnswer, Operation, nakama_fault};
use authcore::{Error, TokenPair};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

use super::transport::error::ApiError;

/// A refusal in Nakama's words; of a fault, the log gets the causes and the player learns nothing.
pub(super) fn to_api_error(
    error: Error,
    operation: Operation,
    provider: Option<&ProviderId>,
) -> ApiError {
    let NakamaAnswer { code, text, .. } = match error {
        Error::Refused(refusal) => refusal.nakama(operation),
        fault => {
            tracing::error!(?operation, error = &fault as &dyn StdError, "a request failed");
            nakama_fault(operation, provider)
        }
    };
    ApiError::new(code, text)
}

/// The answer to a login or a refresh (nakama 5, 1.6).
#[derive(Serialize)]
pub(super) struct SessionAnswer<'a> {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) created: bool,
    pub(super) token: &'a str,
    pub(super) refresh_token: &'a str,
}

impl<'a> SessionAnswer<'a> {
    pub(super) fn new(created: bool, tokens: &'a TokenPair) -> Self {
        Self { created, token: tokens.access.reveal(), refresh_token: tokens.refresh.reveal() }
    }
}

/// The caller's own account (nakama 12.1).
#[derive(Serialize)]
pub(super) struct AccountAnswer<'a> {
    user: Map<String, Value>,
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

#[derive(Serialize)]
struct Device<'a> {
    id: &'a str,
}

impl<'a> AccountAnswer<'a> {
    pub(super) fn new(account: &'a Account) -> Self {
        let first = |provider: ProviderId| {
            account.identities.iter().find(|identity| *identity.key.provider() == provider)
        };
        let email = first(ProviderId::EMAIL);
        let mut user = user(account);
        for identity in &account.identities {
            if let Some(field) = provider_field(identity.key.provider()) {
                put(&mut user, field, identity.key.subject());
            }
        }
        Self {
            user,
            wallet: "{}",
            // Nakama tells the folded form, which is what it stores.
            email: email.map_or("", |identity| identity.key.subject()),
            devices: account
                .identities
                .iter()
                .filter(|identity| *identity.key.provider() == ProviderId::DEVICE)
                .map(|identity| Device { id: identity.key.subject() })
                .collect(),
            custom_id: first(ProviderId::CUSTOM).map_or("", |identity| identity.key.subject()),
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
pub(super) struct UsersAnswer {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    users: Vec<Map<String, Value>>,
}

impl UsersAnswer {
    pub(super) fn new(accounts: &[Account]) -> Self {
        Self { users: accounts.iter().map(user).collect() }
    }
}

/// What any player may see of another: no ids of theirs at providers (nakama W10).
fn user(account: &Account) -> Map<String, Value> {
    let profile = &account.profile;
    let mut user = Map::new();
    put(&mut user, "id", account.id.to_string());
    put(&mut user, "username", account.username.as_ref().map_or("", |name| &*name.shown));
    put(&mut user, "display_name", &*profile.display_name);
    put(&mut user, "avatar_url", &*profile.avatar_url);
    put(&mut user, "lang_tag", &*profile.lang_tag);
    put(&mut user, "location", &*profile.location);
    put(&mut user, "timezone", &*profile.timezone);
    put(&mut user, "metadata", &*profile.metadata);
    put(&mut user, "create_time", time(account.created_at));
    put(&mut user, "update_time", time(account.updated_at));
    user
}

/// Adds a field, unless it is empty (nakama 1.6).
fn put(object: &mut Map<String, Value>, name: &str, value: impl Into<String>) {
    let value = value.into();
    if !value.is_empty() {
        object.insert(name.into(), Value::String(value));
    }
}

/// Whole seconds (nakama 1.6).
fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
