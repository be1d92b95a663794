//! What the `Authorization` header holds.

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::ApiError;
use crate::constant_time;

/// Checks the server key: `Basic base64(key ":" anything)`.
pub(crate) fn server_key(headers: &HeaderMap, expected: &str) -> Result<(), ApiError> {
    let value = authorization(headers, "Server key required", "Server key invalid")?;
    if basic_user(value).is_some_and(|user| constant_time::eq(&user, expected.as_bytes())) {
        Ok(())
    } else {
        Err(ApiError::unauthenticated("Server key invalid"))
    }
}

/// The session token of `Bearer <token>`, not looked into.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    authorization(headers, "Auth token required", "Auth token invalid")?
        .to_str()
        .ok()
        .and_then(|value| value.strip_prefix("Bearer "))
        .filter(|token| !token.is_empty())
        .ok_or_else(|| ApiError::unauthenticated("Auth token invalid"))
}

fn authorization<'a>(
    headers: &'a HeaderMap,
    required: &'static str,
    invalid: &'static str,
) -> Result<&'a HeaderValue, ApiError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or_else(|| ApiError::unauthenticated(required))?;
    // Two headers would leave it to chance which of them a proxy in front has checked.
    if values.next().is_some() {
        return Err(ApiError::unauthenticated(invalid));
    }
    Ok(value)
}

fn basic_user(value: &HeaderValue) -> Option<Vec<u8>> {
    let encoded = value.as_bytes().strip_prefix(b"Basic ")?;
    let mut user = STANDARD.decode(encoded).ok()?;
    let colon = user.iter().position(|byte| *byte == b':')?;
    user.truncate(colon);
    Some(user)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    fn check(value: &str) -> Result<(), ApiError> {
        server_key(&headers(&[value]), "defaultkey")
    }

    #[track_caller]
    fn refused<T: std::fmt::Debug>(result: Result<T, ApiError>, text: &str) {
        assert_eq!(result.unwrap_err(), ApiError::new(16, text.to_owned()));
    }

    #[test]
    fn nakama_a1_a_missing_server_key_is_required() {
        refused(server_key(&headers(&[]), "defaultkey"), "Server key required");
    }

    #[test]
    fn nakama_a1_the_key_with_any_password_passes() {
        for text in ["defaultkey:", "defaultkey:x", "defaultkey::", "defaultkey:\u{ff}"] {
            assert_eq!(check(&basic(text)), Ok(()));
        }
    }

    #[test]
    fn nakama_a1_a_wrong_or_colonless_server_key_is_invalid() {
        for text in
            ["", ":", "defaultke:", "defaultkeyy:", "Defaultkey:", ":defaultkey", "defaultkey"]
        {
            refused(check(&basic(text)), "Server key invalid");
        }
        for value in ["", "Basic", "Basic !!!", "ZGVmYXVsdGtleTo="] {
            refused(check(value), "Server key invalid");
        }
    }

    #[test]
    fn nakama_3_1_the_scheme_words_are_case_sensitive() {
        refused(check(&basic("defaultkey:").replace("Basic", "basic")), "Server key invalid");
        refused(check(&basic("defaultkey:").replace("Basic", "BASIC")), "Server key invalid");
        refused(bearer(&headers(&["bearer abc"])), "Auth token invalid");
    }

    #[test]
    fn nakama_3_1_a_bearer_header_is_an_invalid_server_key() {
        refused(check("Bearer abc"), "Server key invalid");
    }

    #[test]
    fn nakama_3_a_bearer_token_is_handed_on_unread() {
        assert_eq!(bearer(&headers(&["Bearer a.b.c"])), Ok("a.b.c"));
    }

    #[test]
    fn nakama_3_a_missing_bearer_is_required_and_any_other_header_invalid() {
        refused(bearer(&headers(&[])), "Auth token required");
        for value in ["", "Bearer", "Bearer ", "Basic ZGVmYXVsdGtleTo=", "Bearer \u{fc}"] {
            refused(bearer(&headers(&[value])), "Auth token invalid");
        }
    }

    #[test]
    fn two_authorization_headers_are_refused() {
        let both = headers(&[&basic("defaultkey:"), "Bearer abc"]);
        refused(server_key(&both, "defaultkey"), "Server key invalid");
        refused(bearer(&both), "Auth token invalid");
    }

    #[test]
    fn the_comparison_sees_every_byte_and_the_length() {
        assert!(constant_time::eq(b"", b""));
        assert!(constant_time::eq(b"abc", b"abc"));
        for other in [&b"bbc"[..], b"abd", b"ab", b"abcd", b""] {
            assert!(!constant_time::eq(b"abc", other));
        }
    }
}
