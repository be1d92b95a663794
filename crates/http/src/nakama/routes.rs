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
}

impl Kind {
    pub(super) const fn provider(self) -> ProviderId {
        match self {
            Self::Device => ProviderId::DEVICE,
            Self::Custom => ProviderId::CUSTOM,
            Self::Email => ProviderId::EMAIL,
        }
    }
}

/// The call that a verb and a path stand for (nakama 1.8).
pub(super) fn find(method: &Method, path: &str, storage: bool) -> Result<Call, ApiError> {
    let calls: &[(Method, Call)] = match path {
        "/healthcheck" => &[(Method::GET, Call::Health)],
        "/v2/account/authenticate/device" => &[(Method::POST, Call::Authenticate(Kind::Device))],
        "/v2/account/authenticate/custom" => &[(Method::POST, Call::Authenticate(Kind::Custom))],
        "/v2/account/authenticate/email" => &[(Method::POST, Call::Authenticate(Kind::Email))],
        "/v2/account/link/device" => &[(Method::POST, Call::Link(Kind::Device))],
        "/v2/account/link/custom" => &[(Method::POST, Call::Link(Kind::Custom))],
        "/v2/account/link/email" => &[(Method::POST, Call::Link(Kind::Email))],
        "/v2/account/unlink/device" => &[(Method::POST, Call::Unlink(Kind::Device))],
        "/v2/account/unlink/custom" => &[(Method::POST, Call::Unlink(Kind::Custom))],
        "/v2/account/unlink/email" => &[(Method::POST, Call::Unlink(Kind::Email))],
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nakama_1_8_unknown_paths_and_wrong_verbs_differ() {
        assert_eq!(find(&Method::GET, "/v2/account", false).unwrap(), Call::GetAccount);
        let code = |method, path, storage| find(&method, path, storage).unwrap_err().code;
        assert_eq!(code(Method::GET, "/v2/account/", false), 5);
        assert_eq!(code(Method::HEAD, "/v2/account", false), 12);
        assert_eq!(code(Method::PUT, "/v2/storage", false), 5);
        assert_eq!(find(&Method::PUT, "/v2/storage", true).unwrap(), Call::Storage);
    }
}
