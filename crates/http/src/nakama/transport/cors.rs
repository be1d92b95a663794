//! Calls from pages of other origins. Credentials travel in headers a page must set itself,
//! never in cookies, so every origin may call.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;

/// Headers that need leave. The others a page may always send.
const GRANTED: [&str; 3] = ["Authorization", "Content-Type", "User-Agent"];
const ALWAYS: [&str; 4] = ["Accept", "Accept-Language", "Content-Language", "Origin"];

/// Whether the request comes from a page that says where it is from.
pub(crate) fn has_origin(headers: &HeaderMap) -> bool {
    headers.get(header::ORIGIN).is_some_and(|origin| !origin.is_empty())
}

/// Opens an answer to every origin.
pub(crate) fn allow_origin(response: &mut Response) {
    response
        .headers_mut()
        .insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
}

/// The answer to `OPTIONS`, whatever the path.
pub(crate) fn options(headers: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    if !has_origin(headers) {
        return response;
    }
    match preflight(headers) {
        Ok(grant) => {
            allow_origin(&mut response);
            if let Some(method) = grant.method {
                response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_METHODS, method);
            }
            if let Some(names) = grant.headers {
                response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names);
            }
        }
        Err(status) => *response.status_mut() = status,
    }
    response
}

struct Grant {
    method: Option<HeaderValue>,
    headers: Option<HeaderValue>,
}

fn preflight(headers: &HeaderMap) -> Result<Grant, StatusCode> {
    let method =
        headers.get(header::ACCESS_CONTROL_REQUEST_METHOD).ok_or(StatusCode::BAD_REQUEST)?;
    let asked =
        Method::from_bytes(method.as_bytes()).map_err(|_| StatusCode::METHOD_NOT_ALLOWED)?;
    let method = match asked {
        Method::GET | Method::HEAD | Method::POST => None,
        Method::PUT | Method::DELETE => Some(method.clone()),
        _ => return Err(StatusCode::METHOD_NOT_ALLOWED),
    };

    let mut granted = String::new();
    let asked = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
    for name in asked.map_or(&b""[..], HeaderValue::as_bytes).split(|byte| *byte == b',') {
        let name = name.trim_ascii();
        let is = |known: &&&str| known.as_bytes().eq_ignore_ascii_case(name);
        if let Some(known) = GRANTED.iter().find(is) {
            if !granted.is_empty() {
                granted.push(',');
            }
            granted.push_str(known);
        } else if !name.is_empty() && !ALWAYS.iter().any(|known| is(&known)) {
            return Err(StatusCode::FORBIDDEN);
        }
    }
    let headers = if granted.is_empty() { None } else { HeaderValue::try_from(granted).ok() };
    Ok(Grant { method, headers })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(pairs: &[(&'static str, &'static str)]) -> Response {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        options(&headers)
    }

    fn preflight_for(method: &'static str, names: &'static str) -> Response {
        ask(&[
            ("origin", "https://game.example"),
            ("access-control-request-method", method),
            ("access-control-request-headers", names),
        ])
    }

    #[test]
    fn nakama_1_7_options_without_origin_is_200_empty() {
        for pairs in [&[][..], &[("origin", "")], &[("access-control-request-method", "PATCH")]] {
            let response = ask(pairs);
            assert_eq!(response.status(), 200);
            assert!(response.headers().is_empty());
        }
    }

    #[test]
    fn nakama_1_7_a_preflight_for_a_known_method_is_200() {
        for method in ["GET", "HEAD", "POST"] {
            let response = preflight_for(method, "");
            assert_eq!(response.status(), 200);
            assert_eq!(response.headers()["access-control-allow-origin"], "*");
            assert!(!response.headers().contains_key("access-control-allow-methods"));
            assert!(!response.headers().contains_key("access-control-allow-headers"));
        }
    }

    #[test]
    fn nakama_1_7_allow_methods_is_sent_only_for_put_and_delete() {
        for method in ["PUT", "DELETE"] {
            let response = preflight_for(method, "");
            assert_eq!(response.status(), 200);
            assert_eq!(response.headers()["access-control-allow-methods"], method);
        }
    }

    #[test]
    fn nakama_1_7_allow_headers_repeats_those_that_need_leave() {
        let response = preflight_for("POST", "accept, content-type ,AUTHORIZATION,,origin");
        assert_eq!(response.status(), 200);
        let granted = &response.headers()["access-control-allow-headers"];
        assert_eq!(granted, "Content-Type,Authorization");
        let response = preflight_for("POST", "Accept,Accept-Language,Content-Language,Origin");
        assert_eq!(response.status(), 200);
        assert!(!response.headers().contains_key("access-control-allow-headers"));
    }

    #[test]
    fn nakama_1_7_another_header_is_403() {
        let response = preflight_for("POST", "content-type,x-custom");
        assert_eq!(response.status(), 403);
        assert!(response.headers().is_empty());
    }

    #[test]
    fn nakama_1_7_another_method_is_405_and_case_counts() {
        for method in ["PATCH", "OPTIONS", "post", "Delete", "", "P OST"] {
            assert_eq!(preflight_for(method, "").status(), 405, "{method}");
        }
    }

    #[test]
    fn nakama_1_7_no_asked_method_is_400() {
        assert_eq!(ask(&[("origin", "https://game.example")]).status(), 400);
    }

    #[test]
    fn nakama_1_7_an_answer_to_an_origin_is_open_to_all() {
        let mut response = Response::new(Body::empty());
        allow_origin(&mut response);
        assert_eq!(response.headers()["access-control-allow-origin"], "*");
    }
}
