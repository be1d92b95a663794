//! The HTTP dialect that Nakama's clients speak.

mod account;
mod answer;
mod authenticate;
mod link;
mod provider;
mod routes;
mod session;
mod transport;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use authcore::{Authenticated, Engine, RequestContext, Secret};
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Response};

use self::routes::{Call, find};
use self::transport::error::ApiError;
use self::transport::{body, credentials, done, serve};
use crate::address;

/// How the routes behave.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NakamaConfig {
    /// What clients present before they are players. It is in every copy of the game, so it is no secret to rely on.
    pub server_key: Secret,
    /// How many proxies of the host's own stand in front. With 0 the header that they write is not believed.
    pub proxy_count: usize,
    /// The largest body, in bytes as sent.
    pub body_limit: usize,
    /// Mounts `PUT /v2/storage`, which keeps nothing: two tests of the published client call it.
    pub storage_stub: bool,
}

impl NakamaConfig {
    /// Nakama's defaults: 262144 bytes, no proxy, no stub.
    #[must_use]
    pub fn new(server_key: impl Into<Secret>) -> Self {
        Self {
            server_key: server_key.into(),
            proxy_count: 0,
            body_limit: body::BODY_LIMIT,
            storage_stub: false,
        }
    }
}

/// The routes over an engine. They decide nothing: the engine's policy does, which should be
/// [`Policy::nakama`](authcore::Policy::nakama) or close to it.
///
/// Serve it with connect info ([`Router::into_make_service_with_connect_info`] of a [`SocketAddr`]), so that hooks see
/// the client's address.
///
/// ```
/// # async fn serve(engine: authcore::Engine) -> std::io::Result<()> {
/// use authcore_http::nakama::{NakamaConfig, router};
///
/// let routes = router(engine, NakamaConfig::new("the key in every copy of the game"));
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:7350").await?;
/// let service = routes.into_make_service_with_connect_info::<std::net::SocketAddr>();
/// axum::serve(listener, service).await
/// # }
/// ```
pub fn router(engine: Engine, config: NakamaConfig) -> Router {
    let door = Arc::new(Door { engine, config });
    Router::new().fallback(move |request: Request| {
        let door = Arc::clone(&door);
        async move {
            // On the heap: one call's state would be too much for the stack of a small thread.
            Box::pin(serve(request, |method, path, parts, body| {
                answer(door, method, path, parts, body)
            }))
            .await
        }
    })
}

/// What every call goes through.
struct Door {
    engine: Engine,
    config: NakamaConfig,
}

/// A request whose body has been read.
struct Received {
    parts: Parts,
    body: axum::body::Bytes,
    context: RequestContext,
}

impl Received {
    const fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    fn query(&self) -> Option<&str> {
        self.parts.uri.query()
    }
}

async fn answer(
    door: Arc<Door>,
    method: Method,
    path: String,
    parts: Parts,
    body: Body,
) -> Response {
    match call(&door, &method, &path, parts, body).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

async fn call(
    door: &Door,
    method: &Method,
    path: &str,
    parts: Parts,
    body: Body,
) -> Result<Response, ApiError> {
    let call = find(method, path, door.config.storage_stub)?;
    let body = body::read(&parts.headers, body, door.config.body_limit).await?;
    let context = door.context(&parts);
    let received = Received { parts, body, context };
    match call {
        Call::Health => Ok(done()),
        Call::Authenticate(kind) => authenticate::authenticate(door, kind, &received).await,
        Call::Link(kind) => link::link(door, kind, &received).await,
        Call::Unlink(kind) => link::unlink(door, kind, &received).await,
        Call::Refresh => session::refresh(door, &received).await,
        Call::Logout => session::logout(door, &received).await,
        Call::GetAccount => account::get(door, &received).await,
        Call::UpdateAccount => account::update(door, &received).await,
        Call::DeleteAccount => account::delete(door, &received).await,
        Call::Users => account::users(door, &received).await,
        Call::Storage => account::storage(door, &received).await,
    }
}

impl Door {
    fn context(&self, parts: &Parts) -> RequestContext {
        let peer = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip());
        let proxies = self.config.proxy_count;
        let mut context =
            RequestContext::from_address(address::resolve(peer, &parts.headers, proxies));
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        context.user_agent = text(header::USER_AGENT).map(Into::into);
        context.locale = text(header::ACCEPT_LANGUAGE).map(Into::into);
        context
    }

    fn check_server_key(&self, received: &Received) -> Result<(), ApiError> {
        credentials::server_key(received.headers(), self.config.server_key.reveal())
    }

    async fn caller(&self, received: &Received) -> Result<Authenticated, ApiError> {
        let token = credentials::bearer(received.headers())?;
        self.engine.verify(token).await.map_err(|error| {
            answer::to_api_error(error, authcore::refusal::Operation::Account, None)
        })
    }
}
