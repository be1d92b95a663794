//! Logins with providers through the host: the real binary, real HTTP, and a server that plays the providers.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use authcore_fake_idp::{
    FakeApple, FakeFacebook, FakeFacebookInstantGame, FakeFacebookLimited, FakeGameCenter,
    FakeGoogle, FakeGooglePlayGames, FakeIdp, FakeOidc, FakeSteam, Fault,
};
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// A host that runs until it is dropped, on a memory store.
struct Host {
    child: Child,
    address: String,
    _folder: tempfile::TempDir,
}

impl Host {
    /// With these tables, and reaching the fake in place of the world.
    fn start(fake: &FakeIdp, tables: &str) -> Self {
        Self::start_with(fake, tables, &[])
    }

    /// As [`start`](Self::start), with these files beside the configuration.
    fn start_with(fake: &FakeIdp, tables: &str, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        std::fs::write(folder.path().join("authority.pem"), fake.authority()).unwrap();
        let mut file = format!(
            "{tables}\n[outbound]\nextra_roots = [\"authority.pem\"]\n[outbound.resolve]\n"
        );
        for (host, address) in fake.outbound_config().resolve {
            writeln!(file, "\"{host}\" = \"{address}\"").unwrap();
        }
        std::fs::write(folder.path().join("host.toml"), file).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_authcore-host"))
            .args(["serve", "--dev", "--store", "memory", "--listen", "127.0.0.1:0"])
            .args(["--config", "host.toml"])
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { child, address, _folder: folder }
    }

    async fn login(&self, provider: &str, payload: String) -> (u16, Value) {
        let credential = json!({"provider": provider, "credential": payload});
        self.post("/v1/login", json!({ "credential": credential })).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.post_as("", path, body).await
    }

    /// As whoever has this access token.
    async fn post_as(&self, token: &str, path: &str, body: Value) -> (u16, Value) {
        let (url, bearer) = (format!("{}{path}", self.address), format!("Bearer {token}"));
        tokio::task::spawn_blocking(move || {
            let agent: ureq::Agent =
                ureq::Agent::config_builder().http_status_as_error(false).build().into();
            let asked = agent.post(url).content_type("application/json");
            let mut answer = asked.header("Authorization", bearer).send(body.to_string()).unwrap();
            let text = answer.body_mut().read_to_string().unwrap();
            (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or_default())
        })
        .await
        .unwrap()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "the host under test goes by the real clock")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn players_of_google_and_of_an_openid_provider_log_in() {
    let (google, oidc) = (FakeGoogle::new(), FakeOidc::new());
    let fake = FakeIdp::start([google.hosts(), oidc.hosts()].concat()).await;
    let tables = format!(
        "[providers.google]\naudiences = [\"{}\"]\n\
         [providers.oidc.studio]\nissuer = \"{}\"\naudiences = [\"{}\"]\nalgorithms = [\"ES256\"]\n",
        FakeGoogle::AUDIENCE,
        FakeOidc::ISSUER,
        FakeOidc::AUDIENCE,
    );
    let host = Host::start(&fake, &tables);
    let by_google = FakeGoogle::token(now()).signed(&google.issuer.signer());
    let (status, answer) = host.login("google", by_google.clone()).await;
    assert_eq!((status, &answer["created"]), (200, &json!(true)), "{answer}");
    let (status, answer) = host.login("google", by_google.clone()).await;
    assert_eq!((status, &answer["created"]), (200, &json!(false)), "{answer}");

    let by_studio = FakeOidc::token(now()).signed(&oidc.issuer.signer());
    let (status, answer) = host.login("studio", by_studio.clone()).await;
    assert_eq!((status, &answer["created"]), (200, &json!(true)), "{answer}");

    // A token of one provider is nothing to the other.
    for (provider, token) in [("google", by_studio), ("studio", by_google)] {
        let (status, answer) = host.login(provider, token).await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (401, &json!("credential_rejected")),
            "{answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn security_97_a_provider_that_is_down_fails_its_own_logins_only() {
    let (google, oidc) = (FakeGoogle::new(), FakeOidc::new());
    let fake = FakeIdp::start([google.hosts(), oidc.hosts()].concat()).await;
    fake.inject(FakeGoogle::KEYS, Fault::Status(500));
    let tables = format!(
        "[providers.google]\naudiences = [\"{}\"]\n\
         [providers.oidc.studio]\nissuer = \"{}\"\naudiences = [\"{}\"]\nalgorithms = [\"ES256\"]\n",
        FakeGoogle::AUDIENCE,
        FakeOidc::ISSUER,
        FakeOidc::AUDIENCE,
    );
    let host = Host::start(&fake, &tables);
    let by_google = FakeGoogle::token(now()).signed(&google.issuer.signer());
    let (status, answer) = host.login("google", by_google).await;
    assert_eq!(status, 503, "{answer}");
    let error = &answer["error"];
    assert_eq!(
        (&error["code"], &error["provider"]),
        (&json!("provider_unavailable"), &json!("google"))
    );
    assert_eq!(error["retry_after"], 10);
    let by_studio = FakeOidc::token(now()).signed(&oidc.issuer.signer());
    let (status, answer) = host.login("studio", by_studio).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gamebase_3_19_apple_s_notices_come_by_a_route_and_count_once() {
    let apple = FakeApple::new();
    let fake = FakeIdp::start(apple.hosts()).await;
    let host = Host::start(
        &fake,
        &format!("[providers.apple]\naudiences = [\"{}\"]\n", FakeApple::AUDIENCE),
    );
    let signer = apple.issuer.signer();
    let now = now();
    let log_in = async || {
        let (status, player) = host.login("apple", FakeApple::token(now).signed(&signer)).await;
        assert_eq!(status, 200, "{player}");
        player
    };
    let tell = async |payload: String| {
        host.post("/v1/notices/apple", json!({"payload": payload, "of_tomorrow": 1})).await
    };
    let notice = |event: &str, id: &str| FakeApple::notice(event, now).claim("jti", id);
    let alive = async |player: &Value| {
        let token = json!({"token": player["tokens"]["refresh"]});
        host.post("/v1/refresh", token).await.0 == 200
    };
    // Nobody but Apple tells, and nobody tells of another app.
    let ann = log_in().await;
    for forged in [
        notice("account-delete", "1").signed(&signer.stranger()),
        notice("account-delete", "1").claim("aud", "com.other.game").signed(&signer),
        notice("account-delete", "1").unsigned(&signer)[1].clone(),
        FakeApple::token(now).signed(&signer),
        "x".into(),
    ] {
        let (status, answer) = tell(forged).await;
        assert_eq!(status, 401, "{answer}");
    }
    for nothing in ["email-enabled", "email-disabled"] {
        assert_eq!(tell(notice(nothing, "2").signed(&signer)).await, (200, json!({})));
    }
    let (status, _) = host.post("/v1/notices/apple", json!({})).await;
    assert_eq!(status, 400);
    assert!(alive(&ann).await);

    // Consent: sessions end, once.
    let ann = log_in().await;
    let revoked = notice("consent-revoked", "3").signed(&signer);
    assert_eq!(tell(revoked.clone()).await, (200, json!({})));
    assert!(!alive(&ann).await);
    let back = log_in().await;
    assert_eq!((&back["created"], &back["account"]["id"]), (&json!(false), &ann["account"]["id"]));
    assert_eq!(tell(revoked).await, (200, json!({})));
    assert!(alive(&back).await);

    // The account: it is gone, once.
    let deleted = notice("account-delete", "4").signed(&signer);
    assert_eq!(tell(deleted.clone()).await, (200, json!({})));
    let anew = log_in().await;
    assert_eq!(anew["created"], true);
    assert_eq!(tell(deleted).await, (200, json!({})));
    assert!(alive(&anew).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_is_to_be_sent_again_when_it_could_not_be_checked() {
    let apple = FakeApple::new();
    let fake = FakeIdp::start(apple.hosts()).await;
    fake.inject(FakeApple::KEYS, Fault::Status(500));
    let host = Host::start(
        &fake,
        &format!("[providers.apple]\naudiences = [\"{}\"]\n", FakeApple::AUDIENCE),
    );
    let notice = FakeApple::notice("consent-revoked", now()).signed(&apple.issuer.signer());
    let (status, answer) = host.post("/v1/notices/apple", json!({ "payload": notice })).await;
    assert_eq!((status, &answer["error"]["code"]), (503, &json!("provider_unavailable")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn j12_a_nonce_of_the_host_is_good_for_one_login() {
    let google = FakeGoogle::new();
    let fake = FakeIdp::start(google.hosts()).await;
    let tables = format!(
        "[providers.google]\naudiences = [\"{}\"]\nnonce = \"required\"\n",
        FakeGoogle::AUDIENCE
    );
    let host = Host::start(&fake, &tables);
    let (status, answer) =
        host.post("/v1/nonces", json!({"provider": "google", "binding": "secret"})).await;
    assert_eq!(status, 200, "{answer}");
    let token = |nonce: &Value| {
        let token = FakeGoogle::token(now()).claim("nonce", nonce.clone());
        json!({"token": token.signed(&google.issuer.signer()), "binding": "secret"}).to_string()
    };
    let (status, refused) = host.login("google", token(&json!("my own"))).await;
    assert_eq!(status, 401, "{refused}");
    let (status, player) = host.login("google", token(&answer["nonce"])).await;
    assert_eq!(status, 200, "{player}");
    let (status, again) = host.login("google", token(&answer["nonce"])).await;
    assert_eq!((status, &again["error"]["code"]), (401, &json!("credential_rejected")), "{again}");
    let (status, _) = host.post("/v1/nonces", json!({"provider": "No Name"})).await;
    assert_eq!(status, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn security_70_a_nonce_of_one_purpose_or_session_is_not_good_for_another() {
    let google = FakeGoogle::new();
    let fake = FakeIdp::start(google.hosts()).await;
    let tables = format!(
        "[providers.google]\naudiences = [\"{}\"]\nnonce = \"required\"\n",
        FakeGoogle::AUDIENCE
    );
    let host = Host::start(&fake, &tables);
    let log_in = async |id: &str| {
        let body = json!({"credential": {"provider": "custom", "id": id}});
        let (status, player) = host.post("/v1/login", body).await;
        assert_eq!(status, 200, "{player}");
        player["tokens"]["access"].as_str().unwrap().to_owned()
    };
    let (ann, bob) = (log_in("ann-at-work").await, log_in("bob-at-work").await);
    let nonce = async |purpose: &str, token: &str| {
        let body = json!({"provider": "google", "purpose": purpose});
        host.post_as(token, "/v1/nonces", body).await
    };
    let carrying = |nonce: &Value| {
        FakeGoogle::token(now()).claim("nonce", nonce.clone()).signed(&google.issuer.signer())
    };
    let link = async |token: &str, nonce: &Value| {
        let credential = json!({"provider": "google", "credential": carrying(nonce)});
        host.post_as(token, "/v1/links", json!({ "credential": credential })).await
    };
    let (status, to_log_in) = nonce("login", &ann).await;
    assert_eq!(status, 200, "{to_log_in}");
    let (_, ann_s) = nonce("link", &ann).await;
    let (_, bob_s) = nonce("link", &bob).await;
    let (status, nobody_s) = nonce("link", "").await;
    assert_eq!(status, 401, "{nobody_s}");
    let (status, _) = nonce("anything", &ann).await;
    assert_eq!(status, 400);

    for foreign in [&to_log_in, &bob_s] {
        let (status, answer) = link(&ann, &foreign["nonce"]).await;
        assert_eq!((status, &answer["error"]["code"]), (401, &json!("credential_rejected")));
    }
    let (status, answer) = host.login("google", carrying(&ann_s["nonce"])).await;
    assert_eq!(status, 401, "{answer}");
    let (status, answer) = link(&ann, &ann_s["nonce"]).await;
    assert_eq!(status, 200, "{answer}");
    let (status, answer) = link(&ann, &ann_s["nonce"]).await;
    assert_eq!(status, 401, "twice: {answer}");
    let (status, answer) = host.login("google", carrying(&to_log_in["nonce"])).await;
    assert_eq!((status, &answer["created"]), (200, &json!(false)), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn security_22_nonces_are_throttled() {
    let google = FakeGoogle::new();
    let fake = FakeIdp::start(google.hosts()).await;
    let host = Host::start(&fake, "");
    let mut throttled = None;
    for _ in 0..200 {
        let (status, answer) = host.post("/v1/nonces", json!({"provider": "google"})).await;
        if status != 200 {
            throttled = Some((status, answer));
            break;
        }
    }
    let (status, answer) = throttled.unwrap();
    assert_eq!((status, &answer["error"]["code"]), (429, &json!("try_again_later")), "{answer}");
    assert!(answer["error"]["retry_at"].is_string(), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn players_of_each_provider_of_nakamas_log_in() {
    let (apple, facebook, steam) = (FakeApple::new(), FakeFacebook::new(), FakeSteam::new());
    let (limited, center) = (FakeFacebookLimited::new(), FakeGameCenter::new());
    let games = FakeGooglePlayGames::new();
    let hosts = [
        apple.hosts(),
        facebook.hosts(),
        steam.hosts(),
        limited.hosts(),
        center.hosts(),
        games.hosts(),
    ];
    let fake = FakeIdp::start(hosts.concat()).await;
    let tables = format!(
        "[providers.apple]\naudiences = [\"{}\"]\n\
         [providers.facebook]\napps = [{{ id = \"{}\", secret = \"{}\" }}]\n\
         [providers.steam]\napp_id = {}\npublisher_key = \"{}\"\nidentity = \"{}\"\n\
         [providers.facebook_limited]\napp_ids = [\"{}\"]\nnonce = \"off\"\n\
         [providers.facebookinstantgame]\napp_secret = \"{}\"\n\
         [providers.gamecenter]\nbundle_ids = [\"{}\"]\nissuers = ['''{}''']\n\
         [providers.google_play_games]\nclient_id = \"{}\"\nclient_secret = \"{}\"\n\
         application_id = \"{}\"\n",
        FakeApple::AUDIENCE,
        FakeFacebook::APP,
        FakeFacebook::SECRET,
        FakeSteam::APP,
        FakeSteam::KEY,
        FakeSteam::IDENTITY,
        FakeFacebookLimited::APP,
        FakeFacebookInstantGame::SECRET,
        FakeGameCenter::BUNDLE,
        center.issuer(),
        FakeGooglePlayGames::CLIENT,
        FakeGooglePlayGames::SECRET,
        FakeGooglePlayGames::APPLICATION,
    );
    let host = Host::start(&fake, &tables);
    let now = now();
    let (info, secret) = (FakeFacebookInstantGame::info(now), FakeFacebookInstantGame::SECRET);
    let signed = center.player(FakeGameCenter::PLAYER, FakeGameCenter::BUNDLE, now);
    let code = FakeGooglePlayGames::player(FakeGooglePlayGames::PLAYER, None);
    for (provider, credential) in [
        ("apple", FakeApple::token(now).signed(&apple.issuer.signer())),
        ("facebook", facebook.know("EAAtoken", FakeFacebook::inspected(now))),
        ("steam", FakeSteam::TICKET.into()),
        ("facebook_limited", FakeFacebookLimited::token(now).signed(&limited.issuer.signer())),
        ("facebookinstantgame", FakeFacebookInstantGame::signed(&info, secret)),
        ("gamecenter", signed.to_string()),
        ("google_play_games", games.code("4/1", FakeGooglePlayGames::APPLICATION, code)),
    ] {
        let (status, answer) = host.login(provider, credential.clone()).await;
        assert_eq!((status, &answer["created"]), (200, &json!(true)), "{provider} {answer}");
        let (status, answer) = host.login(provider, format!("{credential}x")).await;
        assert_eq!(status, 401, "{provider} {answer}");
    }
}

/// The script of the page, and its table.
fn script_of_the_page() -> (&'static str, &'static str) {
    let page = include_str!("../../../docs/providers.md");
    let (_, section) = page.split_once("## A script of your own\n").unwrap();
    let block = |language: &str| {
        section.split_once(&format!("```{language}\n")).unwrap().1.split_once("```").unwrap().0
    };
    assert_eq!(block("rhai"), include_str!("../portal.rhai"), "the page has another script");
    (block("toml"), block("rhai"))
}

/// The portal of the page: Ann owns the game, and Bob does not. It looks at the key and the proof of each request.
fn portal() -> Vec<authcore_fake_idp::Host> {
    async fn player(
        Path(id): Path<String>,
        Query(query): Query<HashMap<String, String>>,
        headers: HeaderMap,
    ) -> Response {
        if headers.get("x-api-key").is_none_or(|key| key != "the API key") {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        // HMAC-SHA256 of "ann" and of "bob", made by another program.
        let (proof, answer) = match id.as_str() {
            "ann" => (
                "54f2a04633fdc5c6be63664d81ba0d6c84ebc8ebb08d1b320b9f27819799a330",
                json!({"owns_game": true, "number": 7001, "name": "Ann"}),
            ),
            "bob" => (
                "1963505732189bf3d31cc4f7f35e4b7799e9e202a66f495e1329b5b5c68b9a6d",
                json!({"owns_game": false, "number": 7002, "name": "Bob"}),
            ),
            _ => return StatusCode::NOT_FOUND.into_response(),
        };
        if query.get("proof").is_none_or(|found| found != proof) {
            return StatusCode::FORBIDDEN.into_response();
        }
        Json(answer).into_response()
    }
    let routes = Router::new().route("/api/players/{id}", get(player));
    vec![("accounts.studio.example".into(), routes)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn braincloud_7_players_log_in_by_the_script_of_the_page() {
    let oidc = FakeOidc::new();
    let fake = FakeIdp::start([oidc.hosts(), portal()].concat()).await;
    let (table, script) = script_of_the_page();
    let host = Host::start_with(&fake, table, &[("portal.rhai", script)]);
    let login = async |id: &str, subject: &str| {
        let token = FakeOidc::token(now()).claim("sub", subject).signed(&oidc.issuer.signer());
        let credential = json!({"provider": "portal", "external_id": id, "token": token});
        host.post("/v1/login", json!({ "credential": credential })).await
    };
    let (status, ann) = login("ann", "ann").await;
    assert_eq!((status, &ann["created"]), (200, &json!(true)), "{ann}");
    assert_eq!(ann["payload"], json!({"name": "Ann"}), "{ann}");
    let (status, again) = login("ann", "ann").await;
    assert_eq!((status, &again["created"]), (200, &json!(false)), "{again}");
    let (status, bob) = login("bob", "bob").await;
    assert_eq!((status, &bob["error"]["code"]), (401, &json!("credential_rejected")), "{bob}");
    assert_eq!(bob["error"]["extra"]["buy_at"], "https://portal.studio.example/chess", "{bob}");
    for (id, subject) in [("ann", "bob"), ("carol", "carol"), ("ann", "../ann")] {
        let (status, answer) = login(id, subject).await;
        assert_eq!(status, 401, "{answer}");
    }
    // The whole credential as text, as any provider's may be given.
    let token = FakeOidc::token(now()).claim("sub", "ann").signed(&oidc.issuer.signer());
    let text = json!({"externalId": "ann", "authenticationToken": token}).to_string();
    assert_eq!(host.login("portal", text).await.0, 200);
    fake.inject("/api", Fault::Status(503));
    let (status, down) = login("ann", "ann").await;
    assert_eq!((status, &down["error"]["code"]), (503, &json!("provider_unavailable")), "{down}");
}

#[test]
fn a_script_is_looked_at_before_the_host_serves() {
    let (table, script) = script_of_the_page();
    let folder = tempfile::tempdir().unwrap();
    let check = |table: &str, script: Option<&str>| {
        let path = folder.path().join("portal.rhai");
        match script {
            Some(script) => std::fs::write(path, script).unwrap(),
            None => drop(std::fs::remove_file(path)),
        }
        std::fs::write(folder.path().join("host.toml"), table).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_authcore-host"))
            .args(["check-config", "--dev", "--store", "memory", "--config", "host.toml"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (fine, told) = check(table, Some(script));
    assert!(fine, "{told}");
    let at = "line 1: providers.script.portal.";
    for (table, script, expected) in [
        (table.to_owned(), None, format!("{at}file: portal.rhai: No such file")),
        (table.to_owned(), Some("fn verify(data) {\n  tru\n}"), format!("{at}file: portal.rhai: ")),
        (table.to_owned(), Some("fn verify(data) {\n  tru\n}"), "(line 2, position 3)".into()),
        (table.to_owned(), Some("fn check(data) { true }"), "no function verify(data)".into()),
        (
            table.replace("[\"the-game\"]", "[]"),
            Some(script),
            format!("{at}tokens: studio.audiences: it must name at least one"),
        ),
        (
            table.replace("https://accounts.", "http://accounts."),
            Some(script),
            format!("{at}services: accounts: it is not an https URL"),
        ),
        (table.replace("parallel = 16", "parallel = 0"), Some(script), format!("{at}parallel: ")),
        (
            table.replace("parallel = 16", "paralel = 16"),
            Some(script),
            "unknown field `paralel`".into(),
        ),
        (
            table.replace("x-api-key", "X-Api-Key"),
            Some(script),
            format!("{at}services: accounts: "),
        ),
    ] {
        let (fine, told) = check(&table, script);
        assert!(!fine && told.contains(&expected), "{told}");
        assert!(!told.contains("the API key") && !told.contains("the key that"), "{told}");
    }
}
