use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER,
};
use axum::http::{HeaderValue, Request, Response, StatusCode};
use axum::response::IntoResponse as _;
use hyper::body::Frame;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tokio::time::Interval;

/// How the server misbehaves (X1 to X18). Where nothing else is said, the answer has status 200.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The connection is closed without an answer.
    Reset,
    /// The request is never answered.
    Stall,
    /// The head comes at once, then a byte each second.
    Drip,
    /// This status and an empty body.
    Status(u16),
    /// This status with this JSON text.
    StatusBody(u16, String),
    /// This status with this `Retry-After`.
    RetryAfter(u16, &'static str),
    /// This status to this location.
    Redirect(u16, String),
    /// This content type and body in place of the true one.
    Body(&'static str, Vec<u8>),
    /// The true body under another content type.
    ContentType(&'static str),
    /// The true body under another `Cache-Control`, or without one.
    CacheControl(Option<&'static str>),
    /// The true body, filled up with spaces to this many bytes.
    PaddedTo(usize),
    /// A body without end.
    Endless,
    /// The true body, said to be packed.
    Packed,
    /// The first half of the true body, and then the connection is closed.
    Truncated,
}

pub(crate) async fn misbehave(
    fault: Fault,
    routes: Router,
    request: Request<Body>,
) -> io::Result<Response<Body>> {
    let answer = match fault {
        Fault::Reset => return Err(io::Error::other("reset")),
        Fault::Stall => std::future::pending().await,
        Fault::Drip => json(Body::new(Drip(tokio::time::interval(Duration::from_secs(1))))),
        Fault::Endless => json(Body::new(Endless)),
        Fault::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Fault::StatusBody(status, body) => {
            let mut answer = json(Body::from(body));
            *answer.status_mut() = StatusCode::from_u16(status).unwrap();
            answer
        }
        Fault::RetryAfter(status, when) => {
            (StatusCode::from_u16(status).unwrap(), [(RETRY_AFTER, when)]).into_response()
        }
        Fault::Redirect(status, to) => {
            (StatusCode::from_u16(status).unwrap(), [(LOCATION, to)]).into_response()
        }
        Fault::Body(content_type, body) => ([(CONTENT_TYPE, content_type)], body).into_response(),
        Fault::ContentType(content_type) => {
            let mut answer = truth(routes, request).await;
            answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            answer
        }
        Fault::CacheControl(said) => {
            let mut answer = truth(routes, request).await;
            answer.headers_mut().remove(CACHE_CONTROL);
            if let Some(said) = said {
                answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(said));
            }
            answer
        }
        Fault::PaddedTo(length) => {
            let (mut parts, body) = truth(routes, request).await.into_parts();
            let mut body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
            body.resize(length, b' ');
            parts.headers.remove(CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(body))
        }
        Fault::Packed => {
            let mut answer = truth(routes, request).await;
            answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            answer
        }
        Fault::Truncated => {
            let (parts, body) = truth(routes, request).await.into_parts();
            let body = to_bytes(body, usize::MAX).await.unwrap();
            let half = body.slice(..body.len() / 2);
            Response::from_parts(
                parts,
                Body::new(Cut(Some(half), tokio::time::interval(Duration::from_millis(50)))),
            )
        }
    };
    Ok(answer)
}

/// What the routes answer.
pub(crate) async fn truth(routes: Router, request: Request<Body>) -> Response<Body> {
    match TowerToHyperService::new(routes).call(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}

fn json(body: Body) -> Response<Body> {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

struct Drip(Interval);

impl HttpBody for Drip {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.poll_tick(cx).map(|_| Some(Ok(Frame::data(Bytes::from_static(b" ")))))
    }
}

struct Endless;

impl HttpBody for Endless {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b' '; 16 * 1024])))))
    }
}

/// Breaks off only after the first half has gone out.
struct Cut(Option<Bytes>, Interval);

impl HttpBody for Cut {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.1.poll_tick(cx).map(|_| {
            Some(match self.0.take() {
                Some(half) => Ok(Frame::data(half)),
                None => Err(io::Error::other("cut")),
            })
        })
    }
}
