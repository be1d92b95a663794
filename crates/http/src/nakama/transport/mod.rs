//! What every call of the dialect has in common, apart from its meaning.

pub(crate) mod body;
mod compression;
mod cors;
pub(crate) mod credentials;
pub(crate) mod error;
pub(crate) mod json;
mod path;
pub(crate) mod query;

use std::future::Future;
use std::pin::pin;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::panics::caught;
use error::ApiError;
use path::Resolved;

/// Answers one request. `handler` gets the verb, the decoded path, the head and the body of
/// what is a call of the dialect; it answers [`ApiError::not_found`] for a path no route has
/// and [`ApiError::method_not_allowed`] for a verb the route does not have.
pub(crate) async fn serve<H, F>(request: Request, handler: H) -> Response
where
    H: FnOnce(Method, String, Parts, Body) -> F + Send,
    F: Future<Output = Response> + Send,
{
    let (parts, body) = request.into_parts();
    if parts.method == Method::OPTIONS {
        return cors::options(&parts.headers);
    }
    let from_a_page = cors::has_origin(&parts.headers);
    let mut response = match path::resolve(parts.uri.path()) {
        Resolved::Redirect(clean) => redirect(&clean, parts.uri.query()),
        Resolved::Route(path) if path == "/" && parts.method == Method::GET => {
            Response::new(Body::empty())
        }
        resolved => {
            let encoding = compression::choose(&parts.headers);
            let answer = match resolved {
                Resolved::Route(path) if path != "/" => {
                    let call = async { handler(parts.method.clone(), path, parts, body).await };
                    caught(pin!(call), || ApiError::internal().into_response()).await
                }
                Resolved::Malformed => {
                    ApiError::invalid("invalid URL escape in path").into_response()
                }
                _ => ApiError::not_found().into_response(),
            };
            compression::compress(with_common_headers(answer), encoding).await
        }
    };
    if from_a_page {
        cors::allow_origin(&mut response);
    }
    response
}

/// A success with `body` as its JSON.
pub(crate) fn ok<T: Serialize>(body: &T) -> Response {
    // Room for an account, so that the commonest answer does not grow step by step.
    let mut json = Vec::with_capacity(512);
    match serde_json::to_writer(&mut json, body) {
        Ok(()) => Response::new(Body::from(json)),
        Err(_) => ApiError::internal().into_response(),
    }
}

/// The success that has nothing to say: `{}`, for clients parse every answer.
pub(crate) fn done() -> Response {
    Response::new(Body::from(Bytes::from_static(b"{}")))
}

fn redirect(clean: &str, query: Option<&str>) -> Response {
    let location = match query {
        Some(query) => HeaderValue::try_from(format!("{clean}?{query}")),
        None => HeaderValue::from_str(clean),
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
    if let Ok(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn with_common_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-store, no-cache, must-revalidate"),
    );
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn route(method: Method, path: String, _: Parts, _: Body) -> Response {
        match (path.as_str(), method) {
            ("/v2/account", Method::GET) => ok(&serde_json::json!({"path": "account"})),
            ("/v2/account", Method::DELETE) | ("/v2/a/b", _) => done(),
            ("/v2/account", _) => ApiError::method_not_allowed().into_response(),
            ("/panic", _) => panic!("secret"),
            _ => ApiError::not_found().into_response(),
        }
    }

    async fn send(method: &str, uri: &str, headers: &[(&str, &str)]) -> (Response, String) {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = serve(request.body(Body::empty()).unwrap(), route).await;
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8_lossy(&body).into_owned();
        (Response::from_parts(parts, Body::empty()), text)
    }

    async fn answer(method: &str, uri: &str) -> (u16, String) {
        let (response, text) = send(method, uri, &[]).await;
        (response.status().as_u16(), text)
    }

    fn expect(status: u16, text: &str) -> (u16, String) {
        (status, text.to_owned())
    }

    const NOT_FOUND: &str = r#"{"code":5,"message":"Not Found"}"#;
    const WRONG_VERB: &str = r#"{"code":12,"message":"Method Not Allowed"}"#;

    #[tokio::test]
    async fn nakama_x1_an_unknown_path_and_a_trailing_slash_are_404() {
        assert_eq!(answer("GET", "/v2/nothing").await, expect(404, NOT_FOUND));
        assert_eq!(answer("GET", "/v2/account/").await, expect(404, NOT_FOUND));
        assert_eq!(answer("GET", "/v2/%ff").await, expect(404, NOT_FOUND));
    }

    #[tokio::test]
    async fn nakama_x1_a_wrong_verb_is_501_head_too() {
        assert_eq!(answer("PATCH", "/v2/account").await, expect(501, WRONG_VERB));
        assert_eq!(answer("HEAD", "/v2/account").await, expect(501, WRONG_VERB));
    }

    #[tokio::test]
    async fn nakama_1_8_an_override_header_does_not_change_the_verb() {
        let headers = [
            ("x-http-method-override", "DELETE"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let (response, text) = send("POST", "/v2/account", &headers).await;
        assert_eq!((response.status().as_u16(), text), expect(501, WRONG_VERB));
    }

    #[tokio::test]
    async fn nakama_1_8_the_root_is_200_empty_for_get_and_404_for_other_verbs() {
        let (response, text) = send("GET", "/?", &[("accept-encoding", "gzip")]).await;
        assert_eq!((response.status().as_u16(), text), expect(200, ""));
        assert!(response.headers().is_empty());
        for verb in ["POST", "HEAD", "DELETE"] {
            assert_eq!(answer(verb, "/").await, expect(404, NOT_FOUND));
        }
    }

    #[tokio::test]
    async fn nakama_1_8_an_unclean_path_is_redirected_with_its_query() {
        for uri in ["/v2//account?a=b%20c&", "/v2/x/%2e%2e/account?a=b%20c&"] {
            let (response, text) = send("POST", uri, &[]).await;
            assert_eq!((response.status().as_u16(), text), expect(301, ""));
            assert_eq!(response.headers()["location"], "/v2/account?a=b%20c&");
            assert_eq!(response.headers().len(), 1);
        }
        let (response, _) = send("GET", "/v2/./account", &[]).await;
        assert_eq!(response.headers()["location"], "/v2/account");
    }

    #[tokio::test]
    async fn nakama_1_8_escapes_are_decoded_before_matching() {
        assert_eq!(answer("GET", "/v2/a%2Fb").await, expect(200, "{}"));
        assert_eq!(answer("GET", "/v2/%zz").await.0, 400);
    }

    #[tokio::test]
    async fn nakama_1_5_every_answer_of_a_call_has_the_common_headers() {
        for (verb, uri) in [("GET", "/v2/account"), ("GET", "/v2/x"), ("POST", "/"), ("GET", "/%")]
        {
            let (response, _) = send(verb, uri, &[]).await;
            assert_eq!(response.headers()["content-type"], "application/json");
            assert_eq!(response.headers()["cache-control"], "no-store, no-cache, must-revalidate");
            assert_eq!(response.headers()["vary"], "Accept-Encoding");
            assert_eq!(response.headers().len(), 3);
        }
    }

    #[tokio::test]
    async fn nakama_1_5_an_answer_is_compressed_when_asked() {
        let (response, _) = send("GET", "/v2/account", &[("accept-encoding", "gzip")]).await;
        assert_eq!(response.headers()["content-encoding"], "gzip");
    }

    #[tokio::test]
    async fn nakama_1_5_a_success_without_content_is_an_empty_object() {
        assert_eq!(answer("DELETE", "/v2/account").await, expect(200, "{}"));
    }

    #[tokio::test]
    async fn nakama_1_7_every_answer_to_an_origin_is_open_to_all() {
        for uri in ["/", "/v2/account", "/v2/nothing", "/v2//account", "/panic"] {
            let (response, _) = send("GET", uri, &[("origin", "https://game.example")]).await;
            assert_eq!(response.headers()["access-control-allow-origin"], "*", "{uri}");
            let (response, _) = send("GET", uri, &[]).await;
            assert!(!response.headers().contains_key("access-control-allow-origin"), "{uri}");
        }
    }

    #[tokio::test]
    async fn nakama_1_7_a_preflight_for_any_path_is_200_and_has_no_common_headers() {
        let headers =
            [("origin", "https://game.example"), ("access-control-request-method", "GET")];
        for uri in ["/v2/account", "/v2/nothing", "/v2//account", "/"] {
            let (response, text) = send("OPTIONS", uri, &headers).await;
            assert_eq!((response.status().as_u16(), text), expect(200, ""));
            assert_eq!(response.headers().len(), 1);
        }
    }

    #[tokio::test]
    async fn nakama_1_7_options_without_origin_is_200_empty() {
        assert_eq!(answer("OPTIONS", "/v2/nothing").await, expect(200, ""));
    }

    #[tokio::test]
    async fn a_panic_in_a_call_is_500_and_tells_nothing() {
        let (status, text) = answer("GET", "/panic").await;
        assert_eq!(status, 500);
        assert!(text.starts_with(r#"{"code":13,"#) && !text.contains("secret"));
    }
}
