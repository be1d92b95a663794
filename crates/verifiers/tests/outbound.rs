//! How providers are asked when they misbehave (providers.md H1 to H9, X1 to X10, X17, X20).

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::time::{Duration, Instant};

use authcore_fake_idp::{Certificate, FakeGoogle, FakeIdp, Fault, Outcome, World};
use authcore_verifiers::{
    Call, Cap, Endpoint, Google, GoogleConfig, HttpFault, Outbound, OutboundConfig,
};
use chrono::{DateTime, TimeDelta, Utc};

const URL: &str = "https://www.googleapis.com/oauth2/v3/certs";
const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

async fn start() -> FakeIdp {
    FakeIdp::start(FakeGoogle::new().hosts()).await
}

async fn ask(outbound: &Outbound, url: &str) -> Result<usize, HttpFault> {
    let endpoint = Endpoint::parse(url).unwrap();
    let client = outbound.to("test");
    let answer = client.get(&endpoint).send(&Call::starting(NOW), Cap::Keys).await?;
    answer.json::<serde_json::Value>()?;
    Ok(answer.bytes().len())
}

#[tokio::test]
async fn x1_nobody_there_is_no_connection() {
    let fake = start().await;
    let outbound = fake.outbound();
    drop(fake);
    // The port may be somebody else's by now, who is not trusted.
    assert!(matches!(ask(&outbound, URL).await, Err(HttpFault::Connect(_))));
    let lost = ask(&outbound, "https://no-such-host.invalid/").await;
    assert!(matches!(lost, Err(HttpFault::Connect(_) | HttpFault::Timeout)), "{lost:?}");
}

#[tokio::test]
async fn x2_a_provider_that_stalls_or_drips_is_left_at_the_deadline() {
    for fault in [Fault::Stall, Fault::Drip] {
        let fake = start().await;
        fake.inject("", fault.clone());
        #[expect(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
        let began = Instant::now();
        let outcome = ask(&fake.outbound(), URL).await;
        assert!(matches!(outcome, Err(HttpFault::Timeout)), "{fault:?}: {outcome:?}");
        let took = began.elapsed();
        assert!(took >= Call::TIME && took < Call::TIME + Duration::from_secs(2), "{took:?}");
        assert_eq!(fake.journal().len(), 1);
    }
}

#[tokio::test]
async fn x3_a_server_whose_certificate_is_not_good_gets_no_request() {
    for certificate in [Certificate::Expired, Certificate::WrongName, Certificate::UnknownAuthority]
    {
        let fake = FakeIdp::presenting(certificate, FakeGoogle::new().hosts()).await;
        let outcome = ask(&fake.outbound(), URL).await;
        assert!(matches!(outcome, Err(HttpFault::Connect(_))), "{certificate:?}: {outcome:?}");
        assert!(fake.connections() > 0 && fake.journal().is_empty());
    }
}

#[tokio::test]
async fn x4_a_get_is_tried_once_more_after_502_503_504_and_a_post_never_is() {
    for (status, requests) in [(500, 1), (502, 2), (503, 2), (504, 2), (599, 1)] {
        let fake = start().await;
        fake.inject("", Fault::Status(status));
        let outcome = ask(&fake.outbound(), URL).await;
        assert!(matches!(outcome, Err(HttpFault::Status { .. })), "{outcome:?}");
        assert_eq!(fake.journal().len(), requests, "{status}");

        let client = fake.outbound().to("test");
        let endpoint = Endpoint::parse(URL).unwrap();
        let request = client.post(&endpoint).form(&[("code", "once")]);
        assert!(request.send(&Call::starting(NOW), Cap::Profile).await.is_err());
        assert_eq!(fake.journal().len(), requests + 1, "{status}");
        assert_eq!(fake.journal()[requests].text(), "code=once");
    }
}

#[tokio::test]
async fn x5_a_provider_that_has_too_much_to_do_is_left_alone_for_as_long_as_it_says() {
    for (said, seconds) in
        [("3", 3), ("Thu, 01 Jan 1970 00:00:42 GMT", 42), ("999999", 300), ("soon", 10)]
    {
        let fake = start().await;
        fake.inject("", Fault::RetryAfter(429, said));
        let client = fake.outbound().to("test");
        let endpoint = Endpoint::parse(URL).unwrap();
        let ask = async |at: i64| {
            let call = Call::starting(NOW + TimeDelta::seconds(at));
            let result = client.get(&endpoint).send(&call, Cap::Keys).await;
            result.map(drop).map_err(|fault| fault.retry_after())
        };
        let after = |seconds| Err(Some(TimeDelta::seconds(seconds)));
        assert_eq!(ask(0).await, after(seconds), "{said}");
        fake.heal();
        assert_eq!(ask(seconds - 1).await, after(1), "{said}");
        assert_eq!(fake.journal().len(), 1);
        assert_eq!(ask(seconds).await, Ok(()), "{said}");
    }
}

#[tokio::test]
async fn security_97_one_provider_s_failure_is_no_other_s() {
    let fake = start().await;
    let outbound = fake.outbound();
    fake.inject("", Fault::RetryAfter(503, "60"));
    let (one, other) = (outbound.to("one"), outbound.to("other"));
    let endpoint = Endpoint::parse(URL).unwrap();
    let call = Call::starting(NOW);
    assert!(one.get(&endpoint).send(&call, Cap::Keys).await.is_err());
    assert_eq!(fake.journal().len(), 1);
    fake.heal();
    assert!(other.get(&endpoint).send(&call, Cap::Keys).await.is_ok());
    let left_alone = one.get(&endpoint).send(&call, Cap::Keys).await;
    assert!(matches!(left_alone, Err(HttpFault::LeftAlone { .. })));
}

#[tokio::test]
async fn x6_redirects_are_not_followed() {
    let other = start().await;
    for status in [301, 302, 303, 307, 308] {
        let fake = start().await;
        for to in [URL.to_owned(), format!("https://{}/", other.address())] {
            fake.inject("", Fault::Redirect(status, to));
            let before = fake.journal().len();
            assert!(matches!(ask(&fake.outbound(), URL).await, Err(HttpFault::Redirect)));
            assert_eq!(fake.journal().len(), before + 1);
        }
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn x7_x9_x10_what_is_not_one_json_text_is_not_understood() {
    const JSON: &str = "application/json";
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let utf16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let fake = start().await;
    for (content_type, body) in [
        (JSON, b"".to_vec()),
        (JSON, b"{".to_vec()),
        (JSON, b"{\"keys\":[}".to_vec()),
        (JSON, b"{} {}".to_vec()),
        (JSON, b"{\"a\":NaN}".to_vec()),
        (JSON, b"{\"a\":1,\"a\":2}".to_vec()),
        (JSON, deep.into_bytes()),
        ("application/json; charset=utf-16", utf16),
        (JSON, b"\xef\xbb\xbf{}".to_vec()),
        (JSON, b"{\"a\":\"\xff\"}".to_vec()),
        ("text/html", b"<html>It works</html>".to_vec()),
        ("text/html", b"{}".to_vec()),
        ("", b"{}".to_vec()),
    ] {
        fake.inject("", Fault::Body(content_type, body.clone()));
        let outcome = ask(&fake.outbound(), URL).await;
        assert!(matches!(outcome, Err(HttpFault::NotUnderstood)), "{body:?}: {outcome:?}");
    }
    fake.inject("", Fault::ContentType("application/jwk-set+json"));
    assert!(ask(&fake.outbound(), URL).await.is_ok());
}

#[tokio::test]
async fn x8_an_answer_is_read_up_to_its_cap_and_no_further() {
    let fake = start().await;
    let cap = Cap::Keys.bytes();
    fake.inject("", Fault::PaddedTo(cap));
    assert!(matches!(ask(&fake.outbound(), URL).await, Ok(length) if length == cap));
    for fault in [Fault::PaddedTo(cap + 1), Fault::Endless] {
        fake.inject("", fault.clone());
        let outcome = ask(&fake.outbound(), URL).await;
        assert!(matches!(outcome, Err(HttpFault::TooLarge)), "{fault:?}: {outcome:?}");
    }
    for fault in [Fault::Packed, Fault::Truncated] {
        fake.inject("", fault.clone());
        let outcome = ask(&fake.outbound(), URL).await;
        assert!(matches!(outcome, Err(HttpFault::Body)), "{fault:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn x17_a_connection_that_is_closed_is_a_failure_and_the_next_request_opens_another() {
    let fake = start().await;
    let outbound = fake.outbound();
    assert!(ask(&outbound, URL).await.is_ok());
    fake.inject("", Fault::Reset);
    let outcome = ask(&outbound, URL).await;
    assert!(matches!(outcome, Err(HttpFault::Connect(_))), "{outcome:?}");
    fake.heal();
    assert!(ask(&outbound, URL).await.is_ok());
}

#[tokio::test]
async fn h9_hosts_on_ones_own_network_are_not_asked() {
    let fake = start().await;
    let mut config = fake.outbound_config();
    config.resolve.clear();
    let port = fake.address().port();
    for url in [format!("https://127.0.0.1:{port}/"), format!("https://localhost:{port}/")] {
        let outcome = ask(&Outbound::new(&config).unwrap(), &url).await;
        assert!(outcome.is_err(), "{url}");
        assert_eq!(fake.connections(), 0, "{url}");
    }
    config.allow_private_networks = true;
    let outbound = Outbound::new(&config).unwrap();
    assert!(ask(&outbound, &format!("https://localhost:{port}/")).await.is_err());
    assert!(fake.connections() > 0);
}

#[tokio::test]
async fn x20_nothing_of_a_request_is_in_a_fault() {
    let fake = start().await;
    fake.inject("", Fault::Reset);
    let endpoint = Endpoint::parse(&format!("{URL}?key=sentinel-1")).unwrap();
    let client = fake.outbound().to("test");
    let request = client.get(&endpoint).query(&[("token", "sentinel-2")]).bearer("sentinel-3");
    let fault = request.send(&Call::starting(NOW), Cap::Keys).await.unwrap_err();
    let mut told = format!("{fault} {fault:?}");
    let mut cause = std::error::Error::source(&fault);
    while let Some(error) = cause {
        told = format!("{told} {error} {error:?}");
        cause = error.source();
    }
    assert!(!told.contains("sentinel"), "{told}");
    let sent = &fake.journal()[0];
    assert_eq!(sent.query, "key=sentinel-1&token=sentinel-2");
    assert_eq!(sent.header("authorization"), "Bearer sentinel-3");
}

#[tokio::test]
async fn a_provider_that_is_down_is_left_alone_and_says_until_when() {
    let google = FakeGoogle::new();
    let fake = FakeIdp::start(google.hosts()).await;
    let config = GoogleConfig::new(vec![FakeGoogle::AUDIENCE.into()]);
    let world = World::new(Google::new(config, &fake.outbound()).unwrap()).await;
    let token = FakeGoogle::token(world.now()).signed(&google.issuer.signer());
    fake.inject("", Fault::Status(500));
    let wait = || world.clock().advance(TimeDelta::seconds(5));
    for _ in 0..5 {
        wait();
        assert_eq!(world.login(&token).await, Outcome::Unavailable(None));
    }
    let asked = fake.journal().len();
    // Nobody asks for the keys so soon, and then for nothing of this provider.
    for _ in 0..2 {
        let pause = Outcome::Unavailable(Some(TimeDelta::seconds(5)));
        assert_eq!(world.login(&token).await, pause);
        wait();
    }
    assert_eq!(fake.journal().len(), asked);
    fake.heal();
    assert_eq!(world.login(&token).await, Outcome::Accepted("1080".into()));
}

#[test]
fn what_is_no_certificate_is_refused() {
    for bad in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let mut config = OutboundConfig::default();
        config.extra_roots = vec![bad.into()];
        assert_eq!(Outbound::new(&config).err().map(|error| error.field()), Some("extra_roots"));
    }
}
