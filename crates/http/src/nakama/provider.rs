//! What a provider's verifier is given of a request (nakama 5.2, 5.3, 9.4, 10.1).

use authcore::refusal::{Operation, Refusal};
use authcore::{Credential, Error, Secret};
use serde::Deserialize;
use serde_json::json;

use super::Door;
use super::answer::to_api_error;
use super::authenticate::Presented;
use super::routes::Kind;
use super::transport::error::ApiError;

/// The code that Nakama has for signed player info that is not good (nakama 5.3).
const DATA_LOSS: i32 = 15;

/// A number of 64 bits: clients send it as text or as a number.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Long {
    Number(i64),
    Text(String),
}

impl Long {
    fn value(&self) -> i64 {
        match self {
            Self::Number(number) => *number,
            // What is no number is as good as none.
            Self::Text(text) => text.parse().unwrap_or_default(),
        }
    }
}

/// Where `steam` has its token on link (nakama 9.1).
#[derive(Deserialize)]
pub(super) struct Wrapped {
    token: Option<Secret>,
}

/// The credential for a login or a link, or which field is missing.
pub(super) fn credential(
    door: &Door,
    kind: Kind,
    operation: Operation,
    presented: &Presented,
) -> Result<Credential, ApiError> {
    let provider = kind.provider();
    // Two kinds say that they are not configured before they say that a field is missing; on link it is one.
    let first = kind == Kind::Apple || (kind == Kind::Steam && operation == Operation::Login);
    let tells = door.engine.policy().tells_unknown_providers;
    if first && tells && !door.engine.has_verifier(&provider) {
        let refusal = Refusal::ProviderNotConfigured(provider);
        return Err(to_api_error(refusal.into(), operation, None));
    }
    let payload = payload(kind, operation, presented).map_err(ApiError::invalid)?;
    Ok(Credential::Provider { provider, payload })
}

/// What the verifier gets, or which field is missing.
fn payload(
    kind: Kind,
    operation: Operation,
    presented: &Presented,
) -> Result<Secret, &'static str> {
    let token = presented.token.as_ref();
    let (given, missing) = match kind {
        Kind::Apple => (token, "Apple ID token is required."),
        Kind::Facebook => (token, "Facebook access token is required."),
        Kind::Google => (token, "Google access token is required."),
        Kind::Steam if operation == Operation::Link => {
            let account = presented.account.as_ref();
            let token = account.and_then(|account| account.token.as_ref());
            (token, "Steam access token is required.")
        }
        Kind::Steam => (token, "Steam access token is required."),
        Kind::FacebookInstantGame => (
            presented.signed_player_info.as_ref(),
            "Signed Player Info for a Facebook Instant Game is required.",
        ),
        Kind::GameCenter => return signed_player(presented),
        Kind::Device | Kind::Custom | Kind::Email => return Err("Invalid argument."),
    };
    given.filter(|given| !given.is_empty()).cloned().ok_or(missing)
}

/// Game Center's six fields, as its verifier reads them. The time is in milliseconds, whatever its name says.
fn signed_player(presented: &Presented) -> Result<Secret, &'static str> {
    let text = |field: &Option<String>, missing| match field.as_deref() {
        None | Some("") => Err(missing),
        Some(text) => Ok(text.to_owned()),
    };
    let bundle_id = text(&presented.bundle_id, "GameCenter bundle ID is required.")?;
    let player_id = text(&presented.player_id, "GameCenter player ID is required.")?;
    let url = text(&presented.public_key_url, "GameCenter public key URL is required.")?;
    let salt = text(&presented.salt, "GameCenter salt is required.")?;
    let signature = text(&presented.signature, "GameCenter signature is required.")?;
    let timestamp = presented.timestamp_seconds.as_ref().map_or(0, Long::value);
    if timestamp == 0 {
        return Err("GameCenter timestamp is required.");
    }
    let signed = json!({
        "player_id": player_id, "bundle_id": bundle_id, "public_key_url": url,
        "salt": salt, "signature": signature, "timestamp": timestamp,
    });
    Ok(signed.to_string().into())
}

/// The credential that an unlink names, where it names one: with a field missing it names none (nakama 10.1).
pub(super) fn named(kind: Kind, presented: &Presented) -> Option<Secret> {
    payload(kind, Operation::Unlink, presented).ok()
}

/// The answer to a login or an unlink that failed: two differ from those of other kinds.
pub(super) fn to_error(error: Error, operation: Operation, kind: Kind) -> ApiError {
    let provider = kind.provider();
    match error.refusal() {
        Some(Refusal::CredentialRejected { .. } | Refusal::CredentialExpired(_))
            if kind == Kind::FacebookInstantGame && operation == Operation::Login =>
        {
            let text =
                "Error extracting the Facebook Instant Game player ID or validating the signature";
            ApiError::new(DATA_LOSS, text)
        }
        Some(Refusal::ProviderNotConfigured(_)) if operation == Operation::Unlink => {
            let refusal = Refusal::CredentialRejected { provider, extra: None };
            to_api_error(refusal.into(), operation, None)
        }
        _ => to_api_error(error, operation, Some(&provider)),
    }
}
