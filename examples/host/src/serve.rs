//! Opens the store and the engine, and serves until told to stop.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use authcore::account::Folding;
use authcore::password::ThreadedHasher;
use authcore::store::Store;
use authcore::{Algorithm, Engine, OpenError};
use authcore_http::nakama::{self, NakamaConfig};
use authcore_http::v1::{self, V1Config};
use authcore_store_memory::MemoryStore;
use authcore_store_postgres::{PostgresConfig, PostgresStore};
use authcore_store_sqlite::{SqliteConfig, SqliteStore};
use axum::Router;
use chrono::{DateTime, Utc};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;
use crate::connections::{self, Limits};
use crate::settings::{Place, Settings};
use crate::sweep;

/// How long a client may take to send the head of a request.
const HEAD: Duration = Duration::from_secs(10);
/// How long one request may take, its body included. Hashing a password is the longest of what is done.
const REQUEST: Duration = Duration::from_secs(30);
/// How long requests that run get to end when the host is told to stop.
const FAREWELL: Duration = Duration::from_secs(10);

pub(crate) fn run(settings: Settings) -> Result<(), String> {
    start_log(settings.log);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the runtime does not start: {error}"))?;
    runtime.block_on(async {
        let store = open_store(&settings).await?;
        serve(settings, store).await
    })
}

/// Logs go to the error stream: the output has one line, which says that players may come.
fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_env("AUTHCORE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}

async fn open_store(settings: &Settings) -> Result<Arc<dyn Store>, String> {
    match &settings.store {
        Place::Memory => Ok(Arc::new(MemoryStore::new())),
        Place::Sqlite(path) => {
            let config = SqliteConfig::file(path).with_synchronous(settings.synchronous);
            let store = SqliteStore::open(config).map_err(|error| chain(&error))?;
            Ok(Arc::new(store))
        }
        Place::Postgres(config) => {
            let store = PostgresStore::connect(PostgresConfig::clone(config));
            Ok(Arc::new(store.await.map_err(|error| chain(&error))?))
        }
    }
}

async fn serve(mut settings: Settings, store: Arc<dyn Store>) -> Result<(), String> {
    let engine = open_engine(&mut settings, store).await?;
    engine.set_closure(settings.closure.clone());
    let listener = TcpListener::bind(settings.listen)
        .await
        .map_err(|error| format!("cannot listen at {}: {error}", settings.listen))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let mut stop = Stop::install()?;
    let sweeper = tokio::spawn(sweep::run(engine.clone(), now, settings.keep_events));
    let (told, stopping) = tokio::sync::watch::channel(false);
    let limits = Limits {
        connections: settings.connections,
        head: HEAD,
        request: REQUEST,
        farewell: FAREWELL,
    };
    let routes = routes(&settings, engine);
    let server = tokio::spawn(connections::serve(listener, routes, limits, stopping));
    announce(address);
    stop.wait().await;
    tracing::info!("told to stop");
    sweeper.abort();
    // Nobody listens any more when the server has ended by itself.
    let _ = told.send(true);
    server.await.map_err(|error| format!("the server failed: {error}"))
}

#[expect(clippy::disallowed_methods, reason = "the host is where the clock comes from")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

async fn open_engine(settings: &mut Settings, store: Arc<dyn Store>) -> Result<Engine, String> {
    let hasher = ThreadedHasher::start(&settings.hasher).map_err(|error| chain(&error))?;
    let mut builder = Engine::builder_on(&settings.game, store)
        .signing_key(settings.signing_key.clone())
        .clock(now)
        .algorithm(settings.algorithm)
        .hasher(hasher)
        .folding(Folding::Exact)
        .policy(settings.v1_policy.clone());
    builder = settings.providers.add_to(builder);
    for key in &settings.previous_signing_keys {
        // The algorithm may have changed with the key, or alone.
        for algorithm in [Algorithm::Hs256, Algorithm::Ed25519] {
            builder = builder.previous_signing_key(key.clone(), algorithm);
        }
    }
    builder.open().await.map_err(|error| match error {
        OpenError::OtherGame { .. } => format!("{error}: choose another --store or --game"),
        _ => chain(&error),
    })
}

fn routes(settings: &Settings, engine: Engine) -> Router {
    let mut config = NakamaConfig::new(settings.server_key.clone());
    config.proxy_count = settings.proxy_count;
    config.body_limit = settings.body_limit.unwrap_or(config.body_limit);
    config.storage_stub = settings.test_fixtures;
    let mut v1_config = V1Config::default();
    v1_config.operator_key.clone_from(&settings.operator_key);
    v1_config.proxy_count = settings.v1_proxy_count;
    let v1 = v1::router(engine.clone(), v1_config);
    // The policy was checked when the settings were gathered.
    let players = engine.with_policy(settings.policy.clone()).unwrap_or(engine);
    nakama::router(players, config).merge(v1)
}

fn announce(address: SocketAddr) {
    println!("listening on http://{address}");
    // Whoever waits for the line reads a pipe.
    let _ = std::io::stdout().flush();
}

struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    fn install() -> Result<Self, String> {
        let listen = |kind| signal(kind).map_err(|error| format!("no signals: {error}"));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// An error with all its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
