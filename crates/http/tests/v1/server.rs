//! What players' clients and operators do with a server.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use authcore::lifecycle::{BanPeriod, ReleaseRule};
use authcore::policy::{BanTemplate, GraceRelease, Lockdown, Rate, RefundTrigger, Support};
use authcore::transfer::{Characters, KeyFormat, LockRule, TransferRules};
use authcore::{Engine, Policy};
use authcore_http::v1::{V1Config, router};
use authcore_testkit::Builder;
use axum::Router;
use chrono::TimeDelta;
use serde_json::{Value, json};

pub(crate) use crate::common::{Answer, Server, at_once};

pub(crate) const KEY: &str = "the key of this game's operators";
pub(crate) const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";

/// Gamebase's answers, with everything switched on that a host may switch on.
pub(crate) fn gamebase() -> Policy {
    let digits = KeyFormat { characters: Characters::Digits, length: 12 };
    let words = [("en", "You are banned."), ("de", "Du bist gesperrt.")];
    let words = words.map(|(tag, text)| (tag.to_owned(), text.to_owned()));
    let [two, three] = [2, 3].map(|number| NonZeroU32::new(number).unwrap());
    Policy {
        transfer: Some(TransferRules {
            id: digits,
            password: Some(digits),
            one_time: true,
            lifetime: Some(TimeDelta::days(7)),
            lock: Some(LockRule { failures: three, period: Some(TimeDelta::hours(1)) }),
            not_before: None,
        }),
        transfer_attempts: Rate { limit: 100, window: TimeDelta::hours(1) },
        ban_templates: vec![BanTemplate {
            code: 1,
            name: "cheating".into(),
            messages: BTreeMap::from(words),
            default_language: "en".into(),
        }],
        support: Support {
            contact: "help@game.example".into(),
            url: "https://game.example".into(),
        },
        lockdown: Some(Lockdown {
            trigger: RefundTrigger::Count(two),
            currency: "KRW".into(),
            ban: BanPeriod::Permanent,
            template: Some(1),
            release: Some(GraceRelease {
                period: TimeDelta::days(3),
                rule: ReleaseRule::Count { count: 2 },
                message: "Buy twice more.".into(),
            }),
        }),
        ..Policy::gamebase()
    }
}

fn routes(engine: Engine) -> Router {
    router(engine, V1Config::default().with_operator_key(KEY))
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::under(gamebase())
    }

    pub(crate) fn under(policy: Policy) -> Self {
        Self::with(policy, |builder| builder)
    }

    pub(crate) fn with(policy: Policy, build: impl FnOnce(Builder) -> Builder + Send) -> Self {
        Self::serving(policy, build, routes)
    }

    pub(crate) fn serving(
        policy: Policy,
        build: impl FnOnce(Builder) -> Builder + Send,
        routes: impl FnOnce(Engine) -> Router,
    ) -> Self {
        Self::open(Arc::new(tempfile::tempdir().unwrap()), 0, policy, build, routes)
    }

    /// Ends the server with all it holds in memory, and starts another on the same file.
    pub(crate) fn restart(self) -> Self {
        self.again(gamebase(), |builder| builder, routes)
    }

    /// A request of nobody in particular.
    pub(crate) fn call(&self, method: &'static str, path: &str) -> Call<'_> {
        Call { server: self, method, path: path.into(), headers: Vec::new() }
    }

    pub(crate) fn post(&self, path: &str) -> Call<'_> {
        self.call("POST", path)
    }

    pub(crate) fn get(&self, path: &str) -> Call<'_> {
        self.call("GET", path)
    }

    /// A request of the operators', `path` without what all of theirs begin with.
    pub(crate) fn operator(&self, method: &'static str, path: &str) -> Call<'_> {
        self.call(method, &format!("/v1/operator/{path}")).bearer(KEY)
    }

    /// What an operator does to an account.
    pub(crate) fn to(&self, player: &Player, what: &str, body: Value) -> Answer {
        self.operator("POST", &format!("accounts/{}/{what}", player.account)).send(body)
    }

    /// The account as operators see it.
    #[track_caller]
    pub(crate) fn seen(&self, player: &Player) -> Value {
        self.operator("GET", &format!("accounts/{}", player.account)).go().ok()
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers write the value in place")]
    pub(crate) fn log_in(&self, credential: Value) -> Answer {
        self.post("/v1/login").send(json!({ "credential": credential }))
    }

    #[track_caller]
    pub(crate) fn player(&self, credential: Value) -> Player {
        self.log_in(credential).player()
    }

    #[track_caller]
    pub(crate) fn is_alive(&self, player: &Player) {
        self.get("/v1/account").by(player).go().ok();
    }

    #[track_caller]
    pub(crate) fn is_dead(&self, player: &Player) {
        self.get("/v1/account").by(player).go().refused(401, "access_token_invalid");
    }
}

/// A request that is being put together.
pub(crate) struct Call<'a> {
    server: &'a Server,
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
}

impl Call<'_> {
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.with("Authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn by(self, player: &Player) -> Self {
        self.bearer(&player.access)
    }

    pub(crate) fn on_device(self, id: &str) -> Self {
        self.with("X-Device-Id", id)
    }

    /// Sends it without a body.
    pub(crate) fn go(&self) -> Answer {
        self.bytes(None)
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers write the value in place")]
    pub(crate) fn send(self, body: Value) -> Answer {
        self.with("Content-Type", "application/json").bytes(Some(body.to_string().as_bytes()))
    }

    /// Sends it in one piece: a server that refuses it unread then has it all, and does not reset the connection.
    pub(crate) fn bytes(&self, body: Option<&[u8]>) -> Answer {
        let Self { server, method, path, headers } = self;
        let headers: String =
            headers.iter().map(|(name, value)| [*name, ": ", value, "\r\n"].concat()).collect();
        let body = body.unwrap_or_default();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\
             Content-Length: {length}\r\n\r\n"
        );
        server.raw(&[head.as_bytes(), body].concat())
    }
}

impl Answer {
    /// A success without anything to say.
    #[track_caller]
    pub(crate) fn done(self) {
        assert_eq!(self.ok(), json!({}));
    }

    /// An error: its code and words, what all three systems call it, and of all else only what belongs to this code.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) -> Value {
        assert_eq!((self.status, &self.json["error"]["code"]), (status, &code.into()), "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert_eq!(keys(&self.json), ["error"]);
        let error = &self.json["error"];
        let belongs: &[&str] = match code {
            "invalid" => &["field", "rule"],
            "identity_taken" => &["ticket"],
            "banned" => &["ban"],
            "not_playable" => &["closed"],
            "transfer_blocked" => &["block"],
            "credential_rejected" => &["extra"],
            "try_again_later" => &["retry_at"],
            "identity_denied" => &["policy"],
            "provider_unavailable" => &["provider", "retry_after"],
            _ => &[],
        };
        let always = ["braincloud", "code", "gamebase", "message", "nakama"];
        let beside: Vec<_> = keys(error).into_iter().filter(|key| !always.contains(key)).collect();
        assert!(beside.iter().all(|key| belongs.contains(key)), "{code}: {beside:?}");
        let text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
        assert!(text(&error["message"]), "{error}");
        let (gamebase, braincloud) = (&error["gamebase"], &error["braincloud"]);
        let nakama = &error["nakama"];
        assert_eq!(keys(gamebase), ["code", "name", "server_code"], "{error}");
        assert!(gamebase["code"].is_u64() && text(&gamebase["name"]), "{gamebase}");
        assert!(gamebase["server_code"].is_null() || gamebase["server_code"].is_i64());
        assert_eq!(keys(braincloud), ["message", "reason_code", "status"], "{error}");
        assert!(braincloud["status"].is_u64() && braincloud["reason_code"].is_u64());
        assert!(text(&braincloud["message"]), "{braincloud}");
        assert_eq!(keys(nakama), ["code", "message"], "{error}");
        assert!(nakama["code"].is_u64() && text(&nakama["message"]), "{nakama}");
        error.clone()
    }

    /// A field that breaks a rule.
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "callers write the value in place")]
    pub(crate) fn invalid(&self, field: &str, rule: Value) {
        let error = self.refused(400, "invalid");
        assert_eq!((&error["field"], &error["rule"]), (&field.into(), &rule));
    }

    /// Another account owns it; the next step's secret.
    #[track_caller]
    pub(crate) fn ticket(&self) -> String {
        let error = self.refused(409, "identity_taken");
        let ticket = &error["ticket"];
        assert_eq!(keys(ticket), ["expires_at", "owner", "owner_standing", "secret"]);
        text(&ticket["secret"])
    }

    #[track_caller]
    pub(crate) fn player(self) -> Player {
        let login = self.ok();
        Player {
            account: text(&login["account"]["id"]),
            access: text(&login["tokens"]["access"]),
            refresh: text(&login["tokens"]["refresh"]),
            login,
        }
    }
}

/// A player who is in.
#[derive(Clone, Debug)]
pub(crate) struct Player {
    pub(crate) account: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
    /// The whole answer.
    pub(crate) login: Value,
}

pub(crate) fn guest(key: &str) -> Value {
    json!({ "provider": "guest", "id": key })
}

pub(crate) fn device(id: &str) -> Value {
    json!({ "provider": "device", "id": id })
}

pub(crate) fn custom(id: &str) -> Value {
    json!({ "provider": "custom", "id": id })
}

/// An identity as operators name it.
pub(crate) fn identity(provider: &str, subject: &str) -> Value {
    json!({ "provider": provider, "tenant": "", "issuer": "", "subject": subject })
}

/// The names of an object's members, sorted.
#[track_caller]
pub(crate) fn keys(value: &Value) -> Vec<&str> {
    let members = value.as_object().unwrap_or_else(|| panic!("not an object: {value}"));
    let mut keys: Vec<_> = members.keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not text: {value}")).to_owned()
}

/// Providers and subjects of an account's identities, or of a list of them.
#[track_caller]
pub(crate) fn identities(value: &Value) -> Vec<(String, String)> {
    let all = value["identities"].as_array().unwrap();
    all.iter().map(|one| (text(&one["provider"]), text(&one["subject"]))).collect()
}
