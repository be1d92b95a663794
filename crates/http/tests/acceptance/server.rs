//! What clients of Nakama do with a server.

use std::sync::{Arc, LazyLock};

use authcore::account::{AccountId, Folding};
use authcore::{BanRequest, Engine, Operator, Policy, UnbanRequest};
use authcore_http::nakama::{NakamaConfig, router};
use authcore_testkit::Builder;
use axum::Router;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use ureq::http::{Request, Response};
use ureq::{Agent, Body};

use crate::common::PATIENCE;
pub(crate) use crate::common::{Answer, Server, at_once};

const SERVER_KEY: &str = "defaultkey";

static AGENT: LazyLock<Agent> = LazyLock::new(|| {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_global(Some(PATIENCE))
        .build()
        .new_agent()
});

/// No `Authorization` header.
pub(crate) const NOBODY: &str = "";

/// The header of a client that knows the server key.
pub(crate) fn server_key() -> String {
    basic("defaultkey:")
}

pub(crate) fn basic(text: &str) -> String {
    format!("Basic {}", STANDARD.encode(text))
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(Policy::nakama(), |builder| builder)
    }

    pub(crate) fn with(policy: Policy, build: impl FnOnce(Builder) -> Builder + Send) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self::open(folder, 0, policy, |builder| build(exact(builder)), routes)
    }

    /// Ends the server with all it holds in memory, and starts another on the same file.
    pub(crate) fn restart(self) -> Self {
        self.again(Policy::nakama(), exact, routes)
    }

    /// Another engine with a server of its own, over the same store.
    pub(crate) fn second(&self) -> Self {
        let store = Arc::clone(self.harness.store());
        let folder = Arc::clone(&self.folder);
        let starts = self.starts + 1;
        let server = Self::on(store, folder, starts, Policy::nakama(), exact, routes);
        server.clock().set(self.now());
        server
    }

    pub(crate) fn sweep(&self) {
        self.runtime.block_on(self.harness.engine().sweep(1000)).unwrap();
    }

    pub(crate) fn ban(&self, who: &str) {
        let (operator, id) = (Operator::vouched_for("test"), account_id(who));
        let request = BanRequest::permanent().with_message("for a test");
        self.runtime.block_on(self.harness.engine().ban(&operator, id, request)).unwrap();
    }

    pub(crate) fn unban(&self, who: &str) {
        let (operator, id) = (Operator::vouched_for("test"), account_id(who));
        self.runtime
            .block_on(self.harness.engine().unban(&operator, id, UnbanRequest::new()))
            .unwrap();
    }

    /// Sends a request; without a body when there is none.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Answer {
        let mut request =
            Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::new(match body {
            Some(body) => AGENT.run(request.body(body).unwrap()).unwrap(),
            None => AGENT.run(request.body(()).unwrap()).unwrap(),
        })
    }

    fn with_auth(&self, method: &str, path: &str, auth: &str, body: Option<&Value>) -> Answer {
        let mut headers = Vec::new();
        if !auth.is_empty() {
            headers.push(("Authorization", auth));
        }
        let body = body.map(|body| body.to_string().into_bytes());
        if body.is_some() {
            headers.push(("Content-Type", "application/json"));
        }
        self.send(method, path, &headers, body.as_deref())
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers write the value in place")]
    pub(crate) fn post(&self, path: &str, auth: &str, body: Value) -> Answer {
        self.with_auth("POST", path, auth, Some(&body))
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers write the value in place")]
    pub(crate) fn put(&self, path: &str, auth: &str, body: Value) -> Answer {
        self.with_auth("PUT", path, auth, Some(&body))
    }

    pub(crate) fn get(&self, path: &str, auth: &str) -> Answer {
        self.with_auth("GET", path, auth, None)
    }

    pub(crate) fn delete(&self, path: &str, auth: &str) -> Answer {
        self.with_auth("DELETE", path, auth, None)
    }

    /// Logs in; `how` is a kind, perhaps with a query.
    pub(crate) fn authenticate(&self, how: &str, body: Value) -> Answer {
        self.post(&format!("/v2/account/authenticate/{how}"), &server_key(), body)
    }

    pub(crate) fn authenticate_device(&self, id: &str) -> Answer {
        self.authenticate("device", json!({ "id": id }))
    }

    pub(crate) fn authenticate_custom(&self, id: &str) -> Answer {
        self.authenticate("custom", json!({ "id": id }))
    }

    pub(crate) fn authenticate_email(&self, email: &str, password: &str) -> Answer {
        self.authenticate("email", json!({ "email": email, "password": password }))
    }

    #[track_caller]
    pub(crate) fn device(&self, id: &str) -> Player {
        self.authenticate_device(id).player()
    }

    #[track_caller]
    pub(crate) fn custom(&self, id: &str) -> Player {
        self.authenticate_custom(id).player()
    }

    #[track_caller]
    pub(crate) fn email(&self, email: &str, password: &str) -> Player {
        self.authenticate_email(email, password).player()
    }

    pub(crate) fn link(&self, player: &Player, kind: &str, body: Value) -> Answer {
        self.post(&format!("/v2/account/link/{kind}"), &player.bearer(), body)
    }

    pub(crate) fn unlink(&self, player: &Player, kind: &str, body: Value) -> Answer {
        self.post(&format!("/v2/account/unlink/{kind}"), &player.bearer(), body)
    }

    pub(crate) fn refresh(&self, token: &str) -> Answer {
        self.post("/v2/account/session/refresh", &server_key(), json!({ "token": token }))
    }

    pub(crate) fn logout(&self, player: &Player, body: Value) -> Answer {
        self.post("/v2/session/logout", &player.bearer(), body)
    }

    pub(crate) fn account(&self, player: &Player) -> Answer {
        self.get("/v2/account", &player.bearer())
    }

    #[track_caller]
    pub(crate) fn is_alive(&self, player: &Player) {
        assert_eq!(self.account(player).status, 200);
    }

    #[track_caller]
    pub(crate) fn is_dead(&self, player: &Player) {
        self.account(player).refused(401, 16, "Auth token invalid");
    }

    #[track_caller]
    pub(crate) fn refresh_is_dead(&self, token: &str) {
        self.refresh(token).refused(401, 16, "Refresh token invalid or expired.");
    }

    /// A request by hand: what clients and their libraries would not send.
    pub(crate) fn raw_request(&self, method: &str, target: &str, headers: &str) -> Answer {
        let head = format!("{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
        self.raw(format!("{head}{headers}\r\n").as_bytes())
    }

    pub(crate) fn raw_post(&self, target: &str, headers: &str, body: &[u8]) -> Answer {
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n",
            body.len()
        );
        self.raw(&[format!("{head}{headers}\r\n").as_bytes(), body].concat())
    }
}

fn routes(engine: Engine) -> Router {
    router(engine, NakamaConfig::new(SERVER_KEY))
}

fn exact(builder: Builder) -> Builder {
    builder.folding(Folding::Exact)
}

fn account_id(text: &str) -> AccountId {
    text.parse().unwrap_or_else(|_| panic!("not an account's id: {text}"))
}

impl Answer {
    fn new(response: Response<Body>) -> Self {
        let (parts, mut body) = response.into_parts();
        let body = body.read_to_vec().unwrap();
        Self::from_parts(parts.status.as_u16(), parts.headers, body)
    }

    /// A success without anything to say.
    #[track_caller]
    pub(crate) fn done(&self) {
        assert_eq!((self.status, self.text()), (200, "{}"));
    }

    /// An error in the words of the notes, and nothing beside them.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: i32, message: &str) {
        assert_eq!((self.status, &self.json), (status, &json!({"code": code, "message": message})));
        assert_eq!(self.header("www-authenticate"), (code == 16).then_some(message));
    }

    /// An error of which only the number is promised.
    #[track_caller]
    pub(crate) fn refused_somehow(&self, status: u16, code: i32) {
        assert_eq!(
            (self.status, self.json["code"].as_i64()),
            (status, Some(code.into())),
            "{self:?}"
        );
        assert!(self.json["message"].as_str().is_some_and(|text| !text.is_empty()), "{self:?}");
        assert_eq!(self.json.as_object().map(serde_json::Map::len), Some(2), "{self:?}");
    }

    #[track_caller]
    pub(crate) fn player(self) -> Player {
        let json = self.ok();
        let text = |name: &str| json[name].as_str().unwrap().to_owned();
        Player {
            token: text("token"),
            refresh_token: text("refresh_token"),
            created: json.get("created").is_some_and(|created| created == true),
        }
    }
}

/// A player who is in.
#[derive(Clone, Debug)]
pub(crate) struct Player {
    pub(crate) token: String,
    pub(crate) refresh_token: String,
    pub(crate) created: bool,
}

impl Player {
    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    /// What the access token says.
    pub(crate) fn claims(&self) -> Value {
        claims(&self.token)
    }

    pub(crate) fn id(&self) -> String {
        self.claims()["uid"].as_str().unwrap().to_owned()
    }

    pub(crate) fn username(&self) -> String {
        self.claims()["usn"].as_str().unwrap().to_owned()
    }
}

/// The second part of a token, as clients read it.
pub(crate) fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
