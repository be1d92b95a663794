//! A server of its own for each test, and a client for it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use authcore::Policy;
use authcore_http::v1::{V1Config, router};
use authcore_store_memory::MemoryStore;
use authcore_testkit::{Builder, Harness};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use ureq::Agent;
use ureq::http::{HeaderMap, Request};

const OPERATOR_KEY: &str = "a key for operators";

pub(crate) struct Server {
    // In this order: the runtime holds the engine.
    _runtime: Runtime,
    pub(crate) world: Harness,
    address: SocketAddr,
    agent: Agent,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// The body, if it is JSON.
    pub(crate) json: Value,
}

impl Answer {
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json
    }

    /// An error in our shape.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) {
        assert_eq!(
            (self.status, &self.json["error"]["code"]),
            (status, &json!(code)),
            "{}",
            self.text
        );
        assert_eq!(self.headers["content-type"], "application/json");
        assert!(self.json["error"]["message"].is_string());
    }
}

impl Server {
    pub(crate) fn start(policy: Policy) -> Self {
        Self::with(policy, |builder| builder)
    }

    pub(crate) fn with(policy: Policy, build: impl FnOnce(Builder) -> Builder + Send) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let world = runtime.block_on(Harness::on(Arc::new(MemoryStore::new()), policy, build));
        let config = V1Config::default().with_operator_key(OPERATOR_KEY);
        let service = router(world.engine().clone(), config)
            .into_make_service_with_connect_info::<SocketAddr>();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, service).await });
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .proxy(None)
            .timeout_global(Some(Duration::from_mins(1)))
            .build()
            .new_agent();
        Self { _runtime: runtime, world, address, agent }
    }

    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<String>,
    ) -> Answer {
        let url = format!("http://{}{path}", self.address);
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.into();
        let sent = if body.is_empty() {
            self.agent.run(request.body(()).unwrap())
        } else {
            self.agent.run(request.body(body).unwrap())
        };
        let (parts, mut body) = sent.unwrap().into_parts();
        let text = body.read_to_string().unwrap();
        let json = serde_json::from_str(&text).unwrap_or_default();
        Answer { status: parts.status.as_u16(), headers: parts.headers, text, json }
    }

    /// Sends this as it is, and reads what there is to read.
    pub(crate) fn raw(&self, text: &str) -> String {
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.write_all(text.as_bytes()).unwrap();
        let mut answer = vec![0; 4096];
        let length = socket.read(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[..length]).into_owned()
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers write the value in place")]
    pub(crate) fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, &[], body.to_string())
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers write the value in place")]
    pub(crate) fn operate(&self, method: &str, path: &str, body: Value) -> Answer {
        let key = format!("Bearer {OPERATOR_KEY}");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, &format!("/v1/operator/{path}"), &[("authorization", &key)], body)
    }

    pub(crate) fn log_in(&self, device: &str) -> Value {
        self.post("/v1/login", login(device)).ok()
    }
}

pub(crate) fn login(device: &str) -> Value {
    json!({ "credential": { "provider": "device", "id": device } })
}

pub(crate) fn bearer(player: &Value) -> String {
    format!("Bearer {}", player["tokens"]["access"].as_str().unwrap())
}
