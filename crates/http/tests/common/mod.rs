//! A server of its own for each test, and a client for it. What its routes are, and what their answers mean, each test binary
//! says for itself.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use authcore::store::Store;
use authcore::{Clock as _, Engine, Policy};
use authcore_store_sqlite::{SqliteConfig, SqliteStore};
use authcore_testkit::{Builder, Harness, ManualClock};
use axum::Router;
use axum::http::HeaderMap;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A server on a port of its own, over a database file of its own.
pub(crate) struct Server {
    // In this order: the runtime holds the engine, which holds the store, which holds the file.
    pub(crate) runtime: Runtime,
    pub(crate) harness: Harness,
    pub(crate) folder: Arc<TempDir>,
    pub(crate) address: SocketAddr,
    pub(crate) starts: u64,
}

impl Server {
    pub(crate) fn open(
        folder: Arc<TempDir>,
        starts: u64,
        policy: Policy,
        build: impl FnOnce(Builder) -> Builder + Send,
        routes: impl FnOnce(Engine) -> Router,
    ) -> Self {
        let file = folder.path().join("players.db");
        let store = Arc::new(SqliteStore::open(SqliteConfig::file(file)).unwrap());
        Self::on(store, folder, starts, policy, build, routes)
    }

    pub(crate) fn on(
        store: Arc<dyn Store>,
        folder: Arc<TempDir>,
        starts: u64,
        policy: Policy,
        build: impl FnOnce(Builder) -> Builder + Send,
        routes: impl FnOnce(Engine) -> Router,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        // Each start has random bytes of its own, as ids must not come twice.
        let harness = runtime.block_on(Harness::seeded(starts, store, policy, build));
        let routes = routes(harness.engine().clone());
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let service = routes.into_make_service_with_connect_info::<SocketAddr>();
        runtime.spawn(async move { axum::serve(listener, service).await });
        Self { runtime, harness, folder, address, starts }
    }

    /// Ends the server with all it holds in memory, and starts another on the same file.
    pub(crate) fn again(
        self,
        policy: Policy,
        build: impl FnOnce(Builder) -> Builder + Send,
        routes: impl FnOnce(Engine) -> Router,
    ) -> Self {
        let now = self.now();
        let Self { runtime, harness, folder, starts, .. } = self;
        runtime.shutdown_timeout(PATIENCE);
        let store = Arc::downgrade(harness.store());
        drop(harness);
        assert_eq!(store.strong_count(), 0, "somebody still holds the store");
        let server = Self::open(folder, starts + 1, policy, build, routes);
        server.clock().set(now);
        server
    }

    pub(crate) fn clock(&self) -> &ManualClock {
        self.harness.clock()
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock().now()
    }

    pub(crate) fn wait(&self, seconds: i64) {
        self.clock().advance(TimeDelta::seconds(seconds));
    }

    /// Sends these bytes as they are, and reads until the server closes.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Answer {
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).unwrap();
        Answer::from_wire(&answer)
    }
}

/// What the server said.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// The body, if it is JSON.
    pub(crate) json: Value,
}

impl Answer {
    pub(crate) fn from_parts(status: u16, headers: HeaderMap, body: Vec<u8>) -> Self {
        let json = serde_json::from_slice(&body).unwrap_or_default();
        Self { status, headers, body, json }
    }

    fn from_wire(wire: &[u8]) -> Self {
        let end = wire.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let (head, body) = wire.split_at(end + 4);
        let head = String::from_utf8(head.to_vec()).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.parse().unwrap(), value.trim().parse().unwrap()));
        Self::from_parts(status, headers.collect(), body.to_vec())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }

    /// A success that has something to say.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.json
    }
}

/// Runs it so many times at once; all begin together.
pub(crate) fn at_once<T: Send>(times: usize, call: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let gate = Barrier::new(times);
    let (gate, call) = (&gate, &call);
    thread::scope(|scope| {
        let all: Vec<_> = (0..times)
            .map(|which| {
                scope.spawn(move || {
                    gate.wait();
                    call(which)
                })
            })
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    })
}
