//! A login with each provider that has no test of its own beside this.

use std::path::Path;

use authcore_fake_idp::{
    FakeDiscord, FakeEpic, FakeGoogle, FakeIdp, FakeKakao, FakeLine, FakeNaver, FakeNintendo,
    FakeOidc, FakePayco, FakePlayStation, FakeTwitter, FakeWebhook, FakeWeibo, FakeXbox,
};
use serde_json::{Value, json};

use crate::{Host, now};

/// A provider of the table: its name and the tables that switch it on, credentials of one player, the first of which makes
/// the account, and one that is not good.
struct Row {
    name: &'static str,
    table: String,
    good: Vec<String>,
    bad: &'static str,
}

fn row(
    name: &'static str,
    table: &str,
    good: impl IntoIterator<Item = String>,
    bad: &'static str,
) -> Row {
    let table = format!("[providers.{name}]\n{table}\n");
    Row { name, table, good: good.into_iter().collect(), bad }
}

/// Providers whose credential is a code, or a token that the fake knows by its name.
fn opaque() -> Vec<Row> {
    let client =
        |(id, secret): (&str, &str)| format!("client_id = \"{id}\"\nclient_secret = \"{secret}\"");
    let back = "redirect_uri = \"https://game.example/back\"";
    let code = |code: &str| json!({ "code": code }).to_string();
    let (bad_code, bad_token) = (r#"{"code":"bad"}"#, r#"{"access_token":"bad"}"#);
    let token = || json!({"access_token": "good"}).to_string();
    let (key, secret) = FakeTwitter::CONSUMER;
    let twitter = format!(
        "{}\n{back}\nconsumer_key = \"{key}\"\nconsumer_secret = \"{secret}\"",
        client(FakeTwitter::CLIENT)
    );
    let of_oauth_1 =
        json!({"oauth_token": "good", "oauth_token_secret": FakeTwitter::TOKEN_SECRET});
    let (id, secret) = FakeDiscord::CLIENT;
    let discord = format!("application_id = \"{id}\"\nclient_secret = \"{secret}\"\n{back}");
    let (id, google) = (FakeGoogle::CLIENT.0, client(FakeGoogle::CLIENT));
    let playstation = format!(
        "{}\n{back}\ntoken_url = \"{}\"\nenvironment = \"256\"\nissuer = \"{}\"\nkeys_url = \"{}\"",
        client(FakePlayStation::CLIENT),
        FakePlayStation::TOKEN_URL,
        FakePlayStation::ISSUER,
        FakePlayStation::KEYS_URL,
    );
    vec![
        row("payco", &client(FakePayco::CLIENT), [code("good")], bad_code),
        row("naver", &client(FakeNaver::CLIENT), [code("good")], bad_code),
        // Both generations of OAuth lead to one player.
        row("twitter", &twitter, [code("good"), of_oauth_1.to_string()], bad_code),
        row("discord", &discord, [code("good"), token()], bad_token),
        row(
            "google",
            &format!("audiences = [\"{id}\"]\n{google}\n{back}"),
            [code("good")],
            bad_code,
        ),
        row("playstation", &playstation, [code("good")], bad_code),
        row("weibo", &format!("app_keys = [\"{}\"]", FakeWeibo::APP), [token()], bad_token),
    ]
}

/// The table of Xbox, whose key and certificate are files.
fn of_xbox(xbox: &FakeXbox, folder: &Path) -> String {
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let certificate = file("xbox.pem", &xbox.encryption().certificate);
    let private_key = file("xbox.key", &xbox.encryption().private_key);
    format!(
        "relying_parties = [\"{}\"]\n\
         keys = [{{ certificate = \"{certificate}\", private_key = \"{private_key}\" }}]",
        FakeXbox::RELYING_PARTY,
    )
}

/// Hangame has no verifier: a service of the game's own answers for it.
fn hangame() -> Row {
    Row {
        name: "hangame",
        table: format!(
            "[providers.webhook.hangame]\nurl = \"{}\"\napp_id = \"chess\"\nsecrets = [\"{}\"]\n",
            FakeWebhook::URL,
            FakeWebhook::SECRET,
        ),
        good: vec![json!({"externalId": "h1", "authenticationToken": "t"}).to_string()],
        bad: r#"{"authenticationToken":"t"}"#,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn players_of_every_other_provider_log_in() {
    let now = now();
    let (line, kakao, epic) = (FakeLine::new(), FakeKakao::new(), FakeEpic::new());
    let (google, twitter, discord) =
        (FakeGoogle::at(now), FakeTwitter::at(now), FakeDiscord::at(now));
    let (oidc, webhook) = (FakeOidc::new(), FakeWebhook::new());
    let (xbox, nintendo, playstation) =
        (FakeXbox::new(), FakeNintendo::new(), FakePlayStation::new(now));
    let hosts = [
        line.hosts(),
        kakao.hosts(),
        epic.hosts(),
        google.hosts(),
        twitter.hosts(),
        discord.hosts(),
        oidc.hosts(),
        webhook.hosts(),
        xbox.hosts(),
        nintendo.hosts(),
        playstation.hosts(),
        FakePayco::new().hosts(),
        FakeNaver::new().hosts(),
        FakeWeibo::default().hosts(),
    ];
    let fake = FakeIdp::start(hosts.concat()).await;
    let keys = tempfile::tempdir().unwrap();
    let by_token = || json!({"access_token": "good"}).to_string();
    let client = format!("client_ids = [\"{}\"]", FakeEpic::CLIENT);
    let mut rows = opaque();
    rows.extend([
        row(
            "line",
            &format!("channels = {{ japan = \"{}\" }}", FakeLine::JAPAN),
            [FakeLine::token(now).signed(&line.issuer.signer()), by_token()],
            r#"{"access_token":"bad"}"#,
        ),
        row(
            "kakao",
            &format!("app_id = {}\napp_keys = [\"{}\"]", FakeKakao::APP, FakeKakao::NATIVE_KEY),
            [FakeKakao::token(now).signed(&kakao.issuer.signer()), by_token()],
            r#"{"access_token":"bad"}"#,
        ),
        row("epic", &client, [FakeEpic::account_token(now).signed(&epic.accounts.signer())], "bad"),
        row("eos", &client, [FakeEpic::connect_token(now).signed(&epic.connect.signer())], "bad"),
        row(
            "nintendo",
            &format!("application_ids = [\"{}\"]", FakeNintendo::APPLICATION),
            [FakeNintendo::token(now).signed(&nintendo.issuer.signer())],
            "bad",
        ),
        row("xbox", &of_xbox(&xbox, keys.path()), [xbox.presented(&FakeXbox::token(now).signed(&xbox.issuer.signer()))], "bad"),
        Row {
            name: "studio",
            table: format!(
                "[providers.oidc.studio]\nissuer = \"{}\"\naudiences = [\"{}\"]\nalgorithms = [\"ES256\"]\n",
                FakeOidc::ISSUER,
                FakeOidc::AUDIENCE,
            ),
            good: vec![FakeOidc::token(now).signed(&oidc.issuer.signer())],
            bad: "bad",
        },
        hangame(),
    ]);
    let tables: String = rows.iter().map(|row| row.table.as_str()).collect();
    let host = Host::start(&fake, &tables);
    for Row { name, good, bad, .. } in rows {
        let (mut created, mut account) = (true, Value::Null);
        for credential in good {
            let (status, player) = host.login(name, credential).await;
            assert_eq!((status, &player["created"]), (200, &json!(created)), "{name} {player}");
            assert_eq!(player["account"]["identities"][0]["provider"], name);
            if !created {
                assert_eq!(player["account"]["id"], account, "{name}");
            }
            (created, account) = (false, player["account"]["id"].clone());
        }
        let (status, answer) = host.login(name, bad.into()).await;
        let code = &answer["error"]["code"];
        assert_eq!((status, code), (401, &json!("credential_rejected")), "{name} {answer}");
    }
}
