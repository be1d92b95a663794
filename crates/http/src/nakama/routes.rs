//! Which path is which call.

use authcore::account::ProviderId;
use axum::http::Method;

use super::transport::error::ApiError;

/// One call of the dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Health,
    Authenticate(Kind),
    Link(Kind),
    Unlink(Kind),
    Refresh,
    Logout,
    GetAccount,
    UpdateAccount,
    DeleteAccount,
    Users,
    Storage,
}

/// The kinds of login that have routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Device,
    Custom,
    Email,
    Apple,
    Facebook,
    FacebookInstantGame,
    GameCenter,
    Google,
    Steam,
}

impl Kind {
    pub(super) const fn provider(self) -> ProviderId {
        match self {
            Self::Device => ProviderId::DEVICE,
            Self::Custom => ProviderId::CUSTOM,
            Self::Email => ProviderId::EMAIL,
            Self::Apple => ProviderId::APPLE,
            Self::Facebook => ProviderId::FACEBOOK,
            Self::FacebookInstantGame => ProviderId::FACEBOOK_INSTANT_GAME,
            Self::GameCenter => ProviderId::GAME_CENTER,
            Self::Google => ProviderId::GOOGLE,
            Self::Steam => ProviderId::STEAM,
        }
    }

    /// By its name in a path.
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "device" => Self::Device,
            "custom" => Self::Custom,
            "email" => Self::Email,
            "apple" => Self::Apple,
            "facebook" => Self::Facebook,
            "facebookinstantgame" => Self::FacebookInstantGame,
            "gamecenter" => Self::GameCenter,
            "google" => Self::Google,
            "steam" => Self::Steam,
            _ => return None,
        })
    }
}

/// The call that a verb and a path stand for (nakama 1.8).
pub(super) fn find(method: &Method, path: &str, storage: bool) -> Result<Call, ApiError> {
    if let Some(call) = of_a_kind(path) {
        return if method == Method::POST { Ok(call) } else { Err(ApiError::method_not_allowed()) };
    }
    let calls: &[(Method, Call)] = match path {
        "/healthcheck" => &[(Method::GET, Call::Health)],
        "/v2/account/session/refresh" => &[(Method::POST, Call::Refresh)],
        "/v2/session/logout" => &[(Method::POST, Call::Logout)],
        "/v2/account" => &[
            (Method::GET, Call::GetAccount),
            (Method::PUT, Call::UpdateAccount),
            (Method::DELETE, Call::DeleteAccount),
        ],
        "/v2/user" => &[(Method::GET, Call::Users)],
        "/v2/storage" if storage => &[(Method::PUT, Call::Storage)],
        _ => return Err(ApiError::not_found()),
    };
    calls
        .iter()
        .find(|(verb, _)| verb == method)
        .map(|(_, call)| *call)
        .ok_or_else(ApiError::method_not_allowed)
}

/// The calls that there are for each kind of login.
fn of_a_kind(path: &str) -> Option<Call> {
    let (call, kind) = path.strip_prefix("/v2/account/")?.split_once('/')?;
    let kind = Kind::from_name(kind)?;
    match call {
        "authenticate" => Some(Call::Authenticate(kind)),
        "link" => Some(Call::Link(kind)),
        "unlink" => Some(Call::Unlink(kind)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nakama_1_8_unknown_paths_and_wrong_verbs_differ() {
        assert_eq!(find(&Method::GET, "/v2/account", false).unwrap(), Call::GetAccount);
        let code = |method, path, storage| find(&method, path, storage).unwrap_err().code;
        assert_eq!(code(Method::GET, "/v2/account/", false), 5);
        assert_eq!(code(Method::GET, "/v2/account/link/steam", false), 12);
        assert_eq!(code(Method::POST, "/v2/account/link/xbox", false), 5);
        assert_eq!(code(Method::HEAD, "/v2/account", false), 12);
        assert_eq!(code(Method::PUT, "/v2/storage", false), 5);
        assert_eq!(find(&Method::PUT, "/v2/storage", true).unwrap(), Call::Storage);
    }
}
