use std::pin::pin;

use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use crate::panics::caught;

const HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, X-Device-Id, X-Device-Name, X-Request-Id",
);
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");

/// What all answers have in common: no cache keeps one, for there are tokens in them, and a panic is one as well. Players'
/// routes are open to pages of every origin: credentials travel in headers that a page must set itself, never in cookies.
/// Operators do not work from foreign pages.
pub(super) async fn serve(request: Request, next: Next) -> Response {
    let to_pages = !request.uri().path().starts_with("/v1/operator/");
    let asks_first = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if to_pages && asks_first {
        let headers = [
            (header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
            (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        ];
        (StatusCode::NO_CONTENT, headers).into_response()
    } else {
        caught(pin!(next.run(request)), || Problem::fault().into_response()).await
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if to_pages {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
    response
}
