//! What each verifier is put through besides the cases of its row (providers.md 7.2). What one way to all providers does
//! for all of them at once (X2, X5's dates, X11 to X17) has its tests in `tests/outbound.rs` and `tests/keys.rs`.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use authcore_verifiers::Outbound;

use super::{Case, Expected, Provider};
use crate::fault::Fault;
use crate::log::Log;
use crate::server::FakeIdp;
use crate::tls::Certificate;
use crate::world::{Outcome, World};

const JSON: &str = "application/json";
/// More than any answer may have.
const TOO_LONG: usize = 2 * 1024 * 1024;
/// More than a login ever waits.
const POLLS: usize = 1000;

/// What did not come out as it must.
pub(super) async fn run<P: Provider>(provider: &P, log: &Log) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut note = |name: &str, result: Result<(), String>| {
        wrong.extend(result.err().map(|why| format!("{name}: {why}")));
    };
    note("X19", cancelled(provider).await);
    if !matches!(P::ROW.provider_down, Expected::Unavailable) {
        // Nobody is asked.
        return wrong;
    }
    note("X1", gone(provider, log).await);
    for certificate in [Certificate::Expired, Certificate::WrongName, Certificate::UnknownAuthority]
    {
        note("X3", untrusted(provider, certificate, log).await);
    }
    // One server for all: each verifier is a new one, but to find the system's certificates takes longer than a login.
    let fake = FakeIdp::start(provider.hosts()).await;
    let outbound = fake.outbound();
    for (name, fault) in faults() {
        fake.inject("", fault.clone());
        let result = faulty(provider, &outbound, &fault, log).await;
        note(&format!("{name} {fault:?}"), result);
    }
    wrong
}

fn faults() -> Vec<(&'static str, Fault)> {
    let body = |kind, body: &[u8]| Fault::Body(kind, body.to_vec());
    let utf16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    vec![
        ("X4", Fault::Status(500)),
        ("X4", Fault::Status(502)),
        ("X4", Fault::Status(503)),
        ("X4", Fault::Status(504)),
        ("X5", Fault::RetryAfter(429, "3")),
        ("X5", Fault::RetryAfter(503, "999999")),
        ("X6", Fault::Redirect(302, "https://elsewhere.example/".into())),
        ("X6", Fault::Redirect(307, "https://elsewhere.example/".into())),
        ("X7", body(JSON, b"{")),
        ("X7", body(JSON, b"null")),
        ("X7", body(JSON, b"[]")),
        ("X7", body(JSON, b"7")),
        ("X7", body(JSON, b"{\"error\":NaN}")),
        ("X7", body(JSON, b"{\"a\":1,\"a\":2}")),
        ("X7", body(JSON, deep.as_bytes())),
        ("X8", Fault::PaddedTo(TOO_LONG)),
        ("X8", Fault::Endless),
        ("X8", Fault::Packed),
        ("X8", Fault::Truncated),
        ("X9", body("text/html", b"<html>It works</html>")),
        ("X10", body(JSON, &utf16)),
        ("X10", body(JSON, b"\xef\xbb\xbf{}")),
        ("X10", body(JSON, b"{\"a\":\"\xff\"}")),
    ]
}

/// X4 to X10.
async fn faulty<P: Provider>(
    provider: &P,
    outbound: &Outbound,
    fault: &Fault,
    log: &Log,
) -> Result<(), String> {
    let (world, credential) = world(provider, outbound).await?;
    let found = world.login(&credential).await;
    log.keeps_secret(&credential, &world)?;
    let wait = match fault {
        Fault::RetryAfter(429, _) => Some(3),
        Fault::RetryAfter(..) => Some(300),
        _ => None,
    };
    match &found {
        Outcome::Unavailable(told) => match (wait, told.map(|told| told.num_seconds())) {
            (Some(wait), told) if told != Some(wait) => Err(format!("wait {told:?}, not {wait}")),
            _ => Ok(()),
        },
        // One's own service that redirects is one's own to mend (providers.md H2).
        Outcome::Faulty if matches!(fault, Fault::Redirect(..)) => Ok(()),
        _ => Err(format!("{found:?}")),
    }
}

/// X1: nobody listens any more.
async fn gone<P: Provider>(provider: &P, log: &Log) -> Result<(), String> {
    let fake = FakeIdp::start(provider.hosts()).await;
    let (world, credential) = world(provider, &fake.outbound()).await?;
    drop(fake);
    let found = world.login(&credential).await;
    log.keeps_secret(&credential, &world)?;
    if matches!(found, Outcome::Unavailable(_)) { Ok(()) } else { Err(format!("{found:?}")) }
}

/// X3: whoever cannot prove to be the provider gets nothing.
async fn untrusted<P: Provider>(
    provider: &P,
    certificate: Certificate,
    log: &Log,
) -> Result<(), String> {
    let fake = FakeIdp::presenting(certificate, provider.hosts()).await;
    let (world, credential) = world(provider, &fake.outbound()).await?;
    let found = world.login(&credential).await;
    log.keeps_secret(&credential, &world)?;
    if fake.connections() == 0 || !fake.journal().is_empty() {
        return Err(format!("{certificate:?}: it was asked, or not even tried"));
    }
    if matches!(found, Outcome::Unavailable(_)) { Ok(()) } else { Err(format!("{found:?}")) }
}

/// X19: a login that is dropped wherever it waits leaves nothing behind that keeps the next from being let in, but a
/// credential that was used up.
async fn cancelled<P: Provider>(provider: &P) -> Result<(), String> {
    for polls in 1..POLLS {
        let fake = FakeIdp::start(provider.hosts()).await;
        let (world, credential) = world(provider, &fake.outbound()).await?;
        if ends_within(polls, world.login(&credential)).await {
            return Ok(());
        }
        let found = world.login(&credential).await;
        let used_up = match P::ROW.replayed {
            Expected::Rejected(reason) => Outcome::Rejected(reason.name().into()),
            _ => Outcome::UsedUp,
        };
        if !matches!(found, Outcome::Accepted(_)) && found != used_up {
            return Err(format!("{found:?} after one that was dropped at its wait {polls}"));
        }
    }
    Err("it never ended".into())
}

async fn ends_within<T>(polls: usize, future: impl Future<Output = T>) -> bool {
    let mut future = pin!(future);
    let mut polled = 0;
    poll_fn(|context| {
        polled += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if polled == polls => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

async fn world<P: Provider>(provider: &P, outbound: &Outbound) -> Result<(World, String), String> {
    let verifier = provider.verifier(outbound).map_err(|error| error.to_string())?;
    let world = World::new(verifier).await;
    let credential = provider.credential(Case::Good, world.now());
    Ok((world, credential))
}
