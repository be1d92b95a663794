//! What providers and webhooks answer, over real HTTP.

use authcore_fake_idp::{FakeDiscord, FakeFacebook, FakeSteam, FakeTwitter, FakeWebhook, Fault};
use authcore_verifiers::{
    Discord, DiscordConfig, Facebook, FacebookApp, FacebookConfig, Steam, SteamConfig, Twitter,
    TwitterConfig, Webhook, WebhookConfig,
};
use chrono::DateTime;
use serde_json::{Value, json};

use crate::Target;
use crate::oracle::{is_single_valued, lax};
use crate::stage::{Entered, Stage};

/// The first moment of 2026, when a stage plays.
const NOW: i64 = 1_767_225_600;

thread_local! {
    static WEBHOOK_STAGE: (Stage, FakeWebhook) = {
        let service = FakeWebhook::new();
        let secret = FakeWebhook::SECRET.into();
        let config = WebhookConfig::new("hangame", FakeWebhook::URL, "chess", vec![secret]);
        (Stage::new(service.hosts(), |outbound| Webhook::new(config, outbound)), service)
    };
}

/// The service signs anything; then the same without a signature, which is never accepted. What is accepted says yes, in one
/// form or the other, and to whom.
pub(crate) const WEBHOOK: Target = Target {
    name: "webhook",
    seeds: || {
        let told = json!({"v": 1, "request_id": "$ID", "result": "ok", "subject": "ann"});
        vec![
            told.to_string().into_bytes(),
            b"true".to_vec(),
            b"false".to_vec(),
            br#"{"valid":true,"externalIdOverride":"7"}"#.to_vec(),
            br#"{"valid":true,"useProfileId":"p","authPayload":{"a":1},"identityData":{}}"#
                .to_vec(),
            br#"{"v":2,"request_id":"$ID","result":"ok","subject":"ann"}"#.to_vec(),
        ]
    },
    run: |data| {
        let Ok(text) = std::str::from_utf8(data) else { return false };
        WEBHOOK_STAGE.with(|(stage, service)| {
            const CREDENTIAL: &str = r#"{"externalId":"bob","authenticationToken":"t"}"#;
            text.clone_into(&mut service.service().answer);
            service.service().signs_with = None;
            assert!(stage.login(CREDENTIAL).is_none(), "nobody signed this");
            service.service().signs_with = Some(FakeWebhook::SECRET.into());
            let Some(Entered { subject: Some(subject) }) = stage.login(CREDENTIAL) else {
                return false;
            };
            let id = stage.fake.journal()[0].header("webhook-id").to_owned();
            let answer = text.replace("$ID", &id);
            let told = lax(answer.as_bytes());
            assert!(is_single_valued(answer.as_bytes(), &told), "a member twice");
            if told.get("result").is_some() {
                assert!(told["v"] == 1 && told["request_id"] == id.as_str());
                assert!(told["result"] == "ok" && told["subject"] == subject.as_str());
            } else {
                assert!(told == true || told["valid"] == true);
                let named = told.get("externalIdOverride").and_then(Value::as_str);
                assert_eq!(named.unwrap_or("bob"), subject);
            }
            true
        })
    },
};

/// A provider whose answer at a path is replaced.
struct Play {
    stage: Stage,
    path: &'static str,
    credential: &'static str,
    /// Whether the answer says that the credential is of our app and of this subject, by a second reading.
    says: fn(&Value, &str) -> bool,
}

fn facebook(path: &'static str, says: fn(&Value, &str) -> bool) -> Play {
    let facebook = FakeFacebook::new();
    let now = DateTime::from_timestamp(NOW, 0).unwrap();
    let _ = facebook.know("EAAtoken", FakeFacebook::inspected(now));
    let app = FacebookApp { id: FakeFacebook::APP.into(), secret: FakeFacebook::SECRET.into() };
    let config = FacebookConfig::new(vec![app]);
    let stage = Stage::new(facebook.hosts(), |outbound| Facebook::new(config, outbound));
    Play { stage, path, credential: "EAAtoken", says }
}

fn plays() -> [Play; 5] {
    let (client, secret) = FakeTwitter::CLIENT;
    let mut x = TwitterConfig::new(client, secret.into());
    x.redirect_uri = "https://game.example/back".into();
    x.allow_unbound = true;
    let discord = DiscordConfig::new(FakeDiscord::CLIENT.0);
    let steam = SteamConfig::new(FakeSteam::APP, FakeSteam::KEY.into(), FakeSteam::IDENTITY);
    [
        facebook(FakeFacebook::DEBUG, |answer, subject| {
            let data = &answer["data"];
            let end = data["expires_at"].as_i64().unwrap_or(0);
            subject == FakeFacebook::SUBJECT
                && data["user_id"] == subject
                && data["app_id"] == FakeFacebook::APP
                && data["type"] == "USER"
                && data["is_valid"] == true
                && (end == 0 || end > NOW)
        }),
        facebook(FakeFacebook::ME, |answer, subject| {
            subject == FakeFacebook::SUBJECT && answer["id"] == subject
        }),
        Play {
            stage: Stage::new(FakeDiscord::new().hosts(), |out| Discord::new(discord, out)),
            path: FakeDiscord::AUTHORIZATION,
            credential: r#"{"access_token":"good"}"#,
            says: |answer, subject| {
                let scopes = answer["scopes"].as_array().unwrap();
                answer["application"]["id"] == FakeDiscord::CLIENT.0
                    && scopes.iter().any(|scope| scope == "identify")
                    && answer["user"]["id"] == subject
            },
        },
        Play {
            stage: Stage::new(FakeTwitter::new().hosts(), |outbound| Twitter::new(x, outbound)),
            path: FakeTwitter::PROFILE,
            credential: r#"{"access_token":"good"}"#,
            says: |answer, subject| answer["data"]["id"] == subject,
        },
        Play {
            stage: Stage::new(FakeSteam::new().hosts(), |outbound| Steam::new(steam, outbound)),
            path: FakeSteam::AUTHENTICATE,
            credential: FakeSteam::TICKET,
            says: |answer, subject| {
                let params = &answer["response"]["params"];
                params["result"] == "OK" && params["steamid"] == subject
            },
        },
    ]
}

thread_local! {
    static PLAYS: [Play; 5] = plays();
}

/// Which provider, by the first byte, and its answer. What is accepted is what the answer says.
pub(crate) const PROVIDERS: Target = Target {
    name: "provider_answer",
    seeds: || {
        let now = DateTime::from_timestamp(NOW, 0).unwrap();
        let about = json!({"application": {"id": FakeDiscord::CLIENT.0}, "scopes": ["identify"],
            "expires": "2026-01-08T00:00:00+00:00", "user": {"id": "26", "username": "d"}});
        let answers = [
            json!({"data": FakeFacebook::inspected(now)}),
            json!({"id": FakeFacebook::SUBJECT, "name": "Fay"}),
            about,
            json!({"data": {"id": "12", "name": "Xena"}}),
            FakeSteam::params(FakeSteam::SUBJECT),
        ];
        let with = |(index, answer): (usize, &Value)| format!("{index}{answer}").into_bytes();
        answers.iter().enumerate().map(with).collect()
    },
    run: |data| {
        let Some((first, answer)) = data.split_first() else { return false };
        PLAYS.with(|plays| {
            let play = &plays[usize::from(first.wrapping_sub(b'0')) % plays.len()];
            play.stage.fake.heal();
            play.stage.fake.inject(play.path, Fault::Body("application/json", answer.to_vec()));
            // A ticket is good once; what was accepted before is accepted again but for that.
            let Some(Entered { subject }) = play.stage.login(play.credential) else { return false };
            let read = lax(answer);
            assert!(is_single_valued(answer, &read), "a member twice");
            if let Some(subject) = subject {
                assert!((play.says)(&read, &subject), "{subject}: {read}");
            }
            true
        })
    },
};
