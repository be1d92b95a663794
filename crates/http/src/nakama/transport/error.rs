//! The one error shape of the player API.

use std::borrow::Cow;

use authcore::refusal::nakama_status;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

pub(crate) const INVALID_ARGUMENT: i32 = 3;
pub(crate) const NOT_FOUND: i32 = 5;
pub(crate) const UNIMPLEMENTED: i32 = 12;
pub(crate) const INTERNAL: i32 = 13;
pub(crate) const UNAUTHENTICATED: i32 = 16;

/// An answer that is not a success: a gRPC code and a text for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ApiError {
    pub(crate) code: i32,
    pub(crate) message: Cow<'static, str>,
    /// Goes into a header, in seconds.
    #[serde(skip)]
    pub(crate) retry_after: Option<u32>,
}

impl ApiError {
    pub(crate) fn new(code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), retry_after: None }
    }

    /// A request that cannot be understood.
    pub(crate) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(INVALID_ARGUMENT, message)
    }

    /// Missing or wrong credentials.
    pub(crate) fn unauthenticated(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(UNAUTHENTICATED, message)
    }

    /// A fault of ours. The caller learns nothing about it.
    pub(crate) fn internal() -> Self {
        Self::new(INTERNAL, "Internal server error.")
    }

    /// No route has this path.
    pub(crate) fn not_found() -> Self {
        Self::new(NOT_FOUND, "Not Found")
    }

    /// A route has this path but not this verb.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(UNIMPLEMENTED, "Method Not Allowed")
    }

    /// The HTTP status of the code. Code 0 says "no error", so as an error it is our fault.
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(nakama_status(self.code)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        // Two plain fields always serialize; an empty body is the answer to the impossible.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status();
        if self.code == UNAUTHENTICATED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, header_text(&self.message));
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// A message may hold what a host wrote, so line breaks and the like must not reach a header.
fn header_text(message: &str) -> HeaderValue {
    let legal: Cow<'_, str> = if message.bytes().all(is_header_text) {
        Cow::Borrowed(message)
    } else {
        Cow::Owned(message.chars().filter(|c| u8::try_from(*c).is_ok_and(is_header_text)).collect())
    };
    HeaderValue::from_str(&legal).unwrap_or(HeaderValue::from_static(""))
}

const fn is_header_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nakama_2_1_the_body_holds_code_and_message_and_nothing_else() {
        let text = serde_json::to_string(&ApiError::not_found()).unwrap();
        assert_eq!(text, r#"{"code":5,"message":"Not Found"}"#);
    }

    #[test]
    fn nakama_2_2_each_grpc_code_has_its_http_status() {
        let table = [
            (1, 499),
            (2, 500),
            (3, 400),
            (4, 504),
            (5, 404),
            (6, 409),
            (7, 403),
            (8, 429),
            (9, 400),
            (10, 409),
            (11, 400),
            (12, 501),
            (13, 500),
            (14, 503),
            (15, 500),
            (16, 401),
        ];
        for (code, status) in table {
            assert_eq!(ApiError::new(code, "x").status().as_u16(), status, "code {code}");
        }
    }

    #[test]
    fn nakama_2_3_a_code_out_of_range_passes_through_with_500() {
        for code in [-1, 17, 4711, i32::MIN, i32::MAX] {
            let error = ApiError::new(code, "x");
            assert_eq!(error.status().as_u16(), 500);
            assert!(serde_json::to_string(&error).unwrap().contains(&code.to_string()));
        }
    }

    #[test]
    fn an_error_is_never_reported_as_success() {
        assert_eq!(ApiError::new(0, "x").status().as_u16(), 500);
    }

    #[test]
    fn nakama_1_5_code_16_repeats_its_message_in_www_authenticate() {
        let response = ApiError::unauthenticated("Server key required").into_response();
        assert_eq!(response.status().as_u16(), 401);
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Server key required");
        let other = ApiError::invalid("x").into_response();
        assert!(!other.headers().contains_key(header::WWW_AUTHENTICATE));
    }

    #[test]
    fn what_is_not_legal_in_a_header_is_stripped() {
        let response = ApiError::unauthenticated("no\r\nSet-Cookie: ü\0x").into_response();
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "noSet-Cookie: x");
    }
}
