//! The engine's own HTTP dialect: plain JSON under `/v1/`. `docs/http.md` shows every route with an example.
//!
//! Players' routes take the player's access token as bearer, operators' routes the operator key. Errors carry the engine's
//! stable code, and what Gamebase, brainCloud and Nakama call the same.

mod credential;
mod edge;
mod operator;
mod player;
mod problem;
mod request;
mod view;

use std::sync::Arc;

use authcore::{Engine, Secret};
use axum::routing::any;
use axum::{Router, middleware};

use self::problem::Problem;

/// How the routes behave.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct V1Config {
    /// What operators present; none leaves their routes out. Whoever has it may do anything to anybody.
    pub operator_key: Option<Secret>,
    /// How many proxies of the host's own stand in front. With 0 the header that they write is not believed.
    pub proxy_count: usize,
    /// The largest body of a player's, in bytes.
    pub body_limit: usize,
    /// The largest body of an operator's, in bytes; 10,000 accounts to ban are about 400,000.
    pub operator_body_limit: usize,
}

impl Default for V1Config {
    /// No operators, no proxy, 262144 bytes, for operators 1048576.
    fn default() -> Self {
        Self {
            operator_key: None,
            proxy_count: 0,
            body_limit: 262_144,
            operator_body_limit: 1_048_576,
        }
    }
}

impl V1Config {
    /// With a key for operators.
    #[must_use]
    pub fn with_operator_key(mut self, key: impl Into<Secret>) -> Self {
        self.operator_key = Some(key.into());
        self
    }
}

/// The routes over an engine. They decide nothing: the engine's policy does.
///
/// Serve it with connect info ([`Router::into_make_service_with_connect_info`] of a
/// [`SocketAddr`](std::net::SocketAddr)), so that throttles see the client's address.
///
/// ```
/// # async fn serve(engine: authcore::Engine) -> std::io::Result<()> {
/// use authcore_http::v1::{V1Config, router};
///
/// let config = V1Config::default().with_operator_key("a long random key");
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:7350").await?;
/// let service = router(engine, config).into_make_service_with_connect_info::<std::net::SocketAddr>();
/// axum::serve(listener, service).await
/// # }
/// ```
pub fn router(engine: Engine, config: V1Config) -> Router {
    let with_operators = config.operator_key.is_some();
    let door = Arc::new(Door { engine, config });
    let mut routes = player::routes();
    if with_operators {
        routes = routes.merge(operator::routes());
    }
    routes
        .route("/v1", any(async || Problem::not_found()))
        .route("/v1/", any(async || Problem::not_found()))
        .route("/v1/{*rest}", any(async || Problem::not_found()))
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        // After that, so that it holds for these answers too.
        .route_layer(middleware::from_fn(edge::serve))
        .with_state(door)
}

/// What every call goes through.
struct Door {
    engine: Engine,
    config: V1Config,
}
