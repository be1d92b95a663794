//! What a script asks of services (providers.md H1 to H9).

use std::sync::Arc;
use std::time::{Duration, Instant};

use authcore_fake_idp::{Fault, Host, Outcome, World};
use authcore_verifier_script::{Script, ScriptConfig, ScriptService};
use authcore_verifiers::Reason;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use chrono::TimeDelta;
use serde_json::json;

use crate::{accepted, ann, body, credential, refused, rejected, running};

const URL: &str = "https://accounts.studio.example/api";

/// A service that tells what it was asked, but for some paths.
fn accounts() -> Vec<Host> {
    async fn answer(request: Request<Body>) -> Response {
        let (head, body) = request.into_parts();
        match head.uri.path() {
            "/api/text" => "plain".into_response(),
            "/api/broken" => {
                ([(CONTENT_TYPE, "application/json")], "{\"a\":1,\"a\":2}").into_response()
            }
            "/api/huge-number" => ([(CONTENT_TYPE, "application/json")], "1e40").into_response(),
            "/api/bytes" => Bytes::from_static(b"\xff\xfe").into_response(),
            "/api/many" => Json(vec![0; 2000]).into_response(),
            "/api/late" => {
                wait(4450).await;
                "at last".into_response()
            }
            "/api/soon" => {
                wait(600).await;
                "there".into_response()
            }
            path => {
                let path = path.to_owned();
                let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
                let text = String::from_utf8_lossy(&bytes).into_owned();
                Json(json!({"path": path, "query": head.uri.query(), "body": text})).into_response()
            }
        }
    }
    let host = |name: &str| (name.to_owned(), Router::new().fallback(answer));
    vec![host("accounts.studio.example"), host("evil")]
}

fn config(text: &str) -> ScriptConfig {
    let mut config = ScriptConfig::new("portal", &body(text));
    config.secrets.insert("key".into(), "a secret".into());
    let mut service = ScriptService::new(URL);
    service.headers.insert("x-api-key".into(), "the key".into());
    config.services.insert("accounts".into(), service);
    config
}

async fn start(text: &str) -> (authcore_fake_idp::FakeIdp, World) {
    crate::world(accounts(), config(text)).await
}

async fn outcome(text: &str) -> Outcome {
    start(text).await.1.login(&ann()).await
}

#[tokio::test]
async fn braincloud_7_script_helpers_ask_where_the_configuration_says() {
    for (text, method, path, query, sent) in [
        ("get(`accounts`, `/players/7`)", "GET", "/api/players/7", "", ""),
        ("get(`accounts`, ``)", "GET", "/api", "", ""),
        ("get(`accounts`, [`players`, data.externalId, 7])", "GET", "/api/players/ann/7", "", ""),
        (
            "get(`accounts`, `a`, #{ query: #{ id: `a&b=c`, n: 7 } })",
            "GET",
            "/api/a",
            "id=a%26b%3Dc&n=7",
            "",
        ),
        ("post(`accounts`, `a`)", "POST", "/api/a", "", ""),
        (
            "post(`accounts`, `a`, #{ form: #{ key: secret(`key`), t: `é` } })",
            "POST",
            "/api/a",
            "",
            "key=a+secret&t=%C3%A9",
        ),
        (
            "post(`accounts`, `a`, #{ json: [1, #{ key: secret(`key`) }] })",
            "POST",
            "/api/a",
            "",
            r#"[1,{"key":"a secret"}]"#,
        ),
    ] {
        let (fake, world) =
            start(&format!("let a = {text}; a.status == 200 && a.json.path == `{path}`")).await;
        assert_eq!(world.login(&ann()).await, accepted("ann"), "{text}");
        let asked = &fake.journal()[0];
        let found =
            (asked.method.as_str(), asked.path.as_str(), asked.query.as_str(), asked.text());
        assert_eq!(found, (method, path, query, sent.to_owned()), "{text}");
        assert_eq!(
            (asked.host.as_str(), asked.header("x-api-key")),
            ("accounts.studio.example", "the key")
        );
        assert_eq!(asked.header("authorization"), "");
    }
    let (fake, world) =
        start("get(`accounts`, `a`, #{ bearer: data.authenticationToken }).status == 200").await;
    assert_eq!(world.login(&ann()).await, accepted("ann"));
    assert_eq!(fake.journal()[0].header("authorization"), format!("Bearer {}", crate::TOKEN));
}

#[tokio::test]
async fn an_answer_is_a_status_a_text_and_json_where_it_is_some() {
    let found = [
        "let a = get(`accounts`, `text`); a.status == 200 && a.text == `plain` && a.json == ()",
        "let a = get(`accounts`, `x`); a.json.path == `/api/x` && a.text.contains(`/api/x`)",
    ];
    for text in found {
        assert_eq!(outcome(text).await, accepted("ann"), "{text}");
    }
    for status in [201, 204, 400, 401, 403, 404] {
        let (fake, world) =
            start("let a = get(`accounts`, `a`); a.status == 404 && a.json == ()").await;
        fake.inject("", Fault::Status(status));
        let expected = if status == 404 { accepted("ann") } else { refused() };
        assert_eq!(world.login(&ann()).await, expected, "{status}");
    }
}

#[tokio::test]
async fn h9_a_script_reaches_nothing_else() {
    for path in [
        "`//evil`",
        "`/../admin`",
        "`..`",
        "`a/../../b`",
        "`.`",
        "`a/./b`",
        "`a//b`",
        "`a/`",
        "`a\\\\b`",
        "\"a\\r\\nhost: evil\"",
        "\"a\\tb\"",
        "[`a`, ``]",
        "[`..`]",
        "[`a/b`]",
        "[`//evil`]",
        "[data.externalId]",
    ] {
        let (fake, world) = start(&format!("get(`accounts`, {path}).status == 200")).await;
        let outcome = world.login(&credential("../admin", "t")).await;
        assert_eq!(outcome, rejected(Reason::UrlNotAllowed), "{path}");
        assert_eq!(fake.connections(), 0, "{path}");
    }
    // These lead somewhere below, as one segment.
    for (path, found) in [
        ("`@evil`", "/api/@evil"),
        ("`:8443@evil`", "/api/:8443@evil"),
        ("`a?b=c#d`", "/api/a%3Fb=c%23d"),
        ("`%2e%2e`", "/api/%252e%252e"),
        ("`https:`", "/api/https:"),
    ] {
        let (fake, world) = start(&format!("get(`accounts`, {path}).status == 200")).await;
        assert_eq!(world.login(&ann()).await, accepted("ann"), "{path}");
        let asked = &fake.journal()[0];
        let host = "accounts.studio.example";
        assert_eq!(
            (asked.host.as_str(), asked.path.as_str(), asked.query.as_str()),
            (host, found, "")
        );
    }
    for text in [
        "get(`other`, `a`)",
        "get(`https://evil`, `a`)",
        "get(data.externalId, `a`)",
        "get(`accounts`, 1.5)",
        "get(`accounts`, #{})",
        "get(`accounts`, `a`, #{ headers: #{ host: `evil` } })",
        "get(`accounts`, `a`, #{ form: #{} })",
        "get(`accounts`, `a`, #{ query: `a` })",
        "post(`accounts`, `a`, #{ json: sha256(`a`) })",
        "post(`accounts`, `a`, #{ form: #{ a: [] } })",
    ] {
        let (fake, world) = start(text).await;
        assert_eq!(world.login(&ann()).await, Outcome::Faulty, "{text}");
        assert_eq!(fake.connections(), 0, "{text}");
    }
    let (fake, world) = start("get(`accounts`, `a`, #{ bearer: \"a\\r\\nhost: evil\" })").await;
    assert_eq!(world.login(&ann()).await, rejected(Reason::Malformed));
    assert_eq!(fake.journal().len(), 0);
}

/// What a player presents and no header can hold is no failure of the service, which others need.
#[tokio::test]
async fn h8_players_do_not_switch_a_service_off() {
    let text = "get(`accounts`, `a`, #{ bearer: data.authenticationToken }); true";
    let (_fake, world) = start(text).await;
    for _ in 0..6 {
        for token in ["a\u{1}", "a b", "\u{e9}"] {
            assert_eq!(world.login(&credential("eve", token)).await, rejected(Reason::Malformed));
        }
    }
    assert_eq!(world.login(&ann()).await, accepted("ann"));
}

#[tokio::test]
async fn a_failure_of_a_service_is_not_for_a_script_to_catch() {
    let caught = "try { get(`accounts`, `a`) } catch { return true; } true";
    let waits = |seconds| Outcome::Unavailable(Some(TimeDelta::seconds(seconds)));
    for (fault, expected) in [
        (Fault::Reset, Outcome::Unavailable(None)),
        (Fault::Status(500), Outcome::Unavailable(None)),
        (Fault::RetryAfter(429, "3"), waits(3)),
        (Fault::RetryAfter(503, "999999"), waits(300)),
        (Fault::Redirect(302, "https://evil/".into()), Outcome::Faulty),
        (Fault::PaddedTo(64 * 1024 + 1), Outcome::Unavailable(None)),
        (Fault::Endless, Outcome::Unavailable(None)),
        (Fault::Packed, Outcome::Unavailable(None)),
        (Fault::Truncated, Outcome::Unavailable(None)),
        (Fault::Body("application/json", b"{".to_vec()), Outcome::Unavailable(None)),
    ] {
        let (fake, world) = start(caught).await;
        fake.inject("", fault.clone());
        assert_eq!(world.login(&ann()).await, expected, "{fault:?}");
        assert!(fake.journal().iter().all(|asked| asked.host != "evil"));
    }
    for path in ["broken", "huge-number", "bytes"] {
        let outcome = outcome(&format!("get(`accounts`, `{path}`).status == 200")).await;
        assert_eq!(outcome, Outcome::Unavailable(None), "{path}");
    }
    let (_fake, world) = start("let a = get(`accounts`, `many`); true").await;
    assert_eq!(world.login(&ann()).await, Outcome::Faulty);
}

#[tokio::test]
async fn h8_a_service_that_fails_is_left_alone_and_no_other() {
    let mut config = config("get(data.externalId, `a`).status == 200");
    config
        .services
        .insert("other".into(), ScriptService::new("https://accounts.studio.example/other"));
    let (fake, world) = crate::world(accounts(), config).await;
    fake.inject("/api", Fault::Status(500));
    for _ in 0..5 {
        let outcome = world.login(&credential("accounts", "t")).await;
        assert!(matches!(outcome, Outcome::Unavailable(_)), "{outcome:?}");
    }
    let asked = fake.journal().len();
    let waits = Outcome::Unavailable(Some(TimeDelta::seconds(10)));
    assert_eq!(world.login(&credential("accounts", "t")).await, waits);
    assert_eq!(fake.journal().len(), asked);
    assert_eq!(world.login(&credential("other", "t")).await, accepted("other"));
}

#[tokio::test]
async fn h3_a_slow_service_takes_five_seconds_and_no_more() {
    for fault in [Fault::Stall, Fault::Drip] {
        let (fake, world) = start("get(`accounts`, `a`); true").await;
        fake.inject("", fault);
        let begin = now();
        let outcome = world.login(&ann()).await;
        assert!(matches!(outcome, Outcome::Unavailable(_)), "{outcome:?}");
        assert!((4..7).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
    }
}

#[tokio::test]
async fn h8_a_service_that_does_not_answer_in_time_has_failed() {
    let (fake, world) = start("get(`accounts`, `a`); true").await;
    fake.inject("", Fault::Status(500));
    for _ in 0..4 {
        assert_eq!(world.login(&ann()).await, Outcome::Unavailable(None));
    }
    fake.inject("", Fault::Stall);
    assert_eq!(world.login(&ann()).await, Outcome::Unavailable(None));
    let left_alone = Outcome::Unavailable(Some(TimeDelta::seconds(10)));
    assert_eq!(world.login(&ann()).await, left_alone);
}

#[tokio::test]
async fn a_run_asks_sixteen_times_at_most() {
    let text = |times| format!("for n in 0..{times} {{ get(`accounts`, `a`); }} true");
    let (fake, world) = start(&text(16)).await;
    assert_eq!(world.login(&ann()).await, accepted("ann"));
    assert_eq!(fake.journal().len(), 16);
    let (fake, world) = start(&text(17)).await;
    assert_eq!(world.login(&ann()).await, Outcome::Faulty);
    assert_eq!(fake.journal().len(), 16);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_has_as_many_threads_as_the_configuration_says() {
    let mut config = config("get(`accounts`, `a`); true");
    (config.provider, config.parallel) = ("flood".into(), 3);
    let (fake, world) = crate::world(accounts(), config).await;
    fake.inject("", Fault::Stall);
    let world = Arc::new(world);
    let mut logins = tokio::task::JoinSet::new();
    for number in 0..60 {
        let world = Arc::clone(&world);
        let credential = credential(&format!("player-{number}"), "t");
        logins.spawn(async move { world.login(&credential).await });
    }
    // Three wait for the service. For the others there was no room, and they were never more.
    for _ in 3..60 {
        let outcome = logins.join_next().await.unwrap().unwrap();
        // The world keeps one answer of the verifier: which of two that end together is told when to come again is chance.
        let refused = outcome == Outcome::Refused("provider_unavailable");
        assert!(refused || matches!(outcome, Outcome::Unavailable(_)), "{outcome:?}");
        assert_eq!(running("flood"), 3);
    }
    assert_eq!(fake.journal().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_is_given_up_frees_its_turn() {
    let mut config = config("if data.externalId == `slow` { get(`accounts`, `slow`); } true");
    config.parallel = 1;
    let (fake, world) = crate::world(accounts(), config).await;
    fake.inject("/api/slow", Fault::Stall);
    let slow = credential("slow", "t");
    let given_up = tokio::time::timeout(Duration::from_millis(200), world.login(&slow)).await;
    assert!(given_up.is_err());
    assert_eq!(fake.asked("/api/slow"), 1);
    let begin = now();
    assert_eq!(world.login(&ann()).await, accepted("ann"));
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
}

/// What a login waits for its turn is no fault of the service, and takes nothing of the time that the service has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h3_the_wait_for_a_turn_is_short_and_apart_from_the_check() {
    let mut config = config("get(`accounts`, data.externalId); true");
    config.parallel = 1;
    let (fake, world) = crate::world(accounts(), config).await;
    let world = Arc::new(world);
    let login = |id: &'static str| {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.login(&credential(id, "t")).await })
    };
    let asked = async |path: &str| {
        while fake.asked(path) == 0 {
            wait(5).await;
        }
    };
    let soon = login("soon");
    asked("/api/soon").await;
    let late = login("late");
    assert_eq!(soon.await.unwrap(), accepted("soon"));
    asked("/api/late").await;

    for _ in 0..2 {
        let begin = now();
        let waited = world.login(&credential("text", "t")).await;
        assert_eq!(waited, Outcome::Unavailable(Some(TimeDelta::seconds(1))));
        assert!((1..3).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
    }
    assert_eq!(fake.asked("/api/text"), 0);
    // It waited as well, and the service took nearly all of the 5 seconds that it has.
    assert_eq!(late.await.unwrap(), accepted("late"));
    assert_eq!(login("text").await.unwrap(), accepted("text"));
}

#[tokio::test]
async fn a_host_of_ones_own_network_is_not_asked() {
    for url in ["https://127.0.0.1:1/", "https://[::1]:1/", "https://10.0.0.1/"] {
        let mut config = config("get(`own`, `a`); true");
        config.services.insert("own".into(), ScriptService::new(url));
        let world = World::new(Script::new(config, &crate::nowhere()).unwrap()).await;
        assert_eq!(world.login(&ann()).await, Outcome::Unavailable(None), "{url}");
    }
}

#[expect(clippy::disallowed_methods, reason = "a service takes its time")]
async fn wait(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

#[expect(clippy::disallowed_methods, reason = "a test of how long something takes")]
fn now() -> Instant {
    Instant::now()
}
