//! Logins with providers through the host: the real binary, real HTTP, and a server that plays the providers.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[path = "providers/every.rs"]
mod every;

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use authcore_fake_idp::{
    FakeApple, FakeFacebook, FakeFacebookInstantGame, FakeFacebookLimited, FakeGameCenter,
    FakeGoogle, FakeGooglePlayGames, FakeIdp, FakeOidc, FakeSteam, Fault,
};
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
        let folder = tempfile::tempdir().unwrap();
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
