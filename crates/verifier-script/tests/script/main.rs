//! Scripts as verifiers, against servers that play what they ask.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod answers;
mod built;
mod hostile;
mod language;
mod services;
mod table;

use authcore_fake_idp::{FakeIdp, Host, Outcome, World};
use authcore_verifier_script::{Script, ScriptConfig};
use authcore_verifiers::{ConfigError, Outbound, OutboundConfig, Reason};
use serde_json::json;

/// A credential of Ann's, with a token that tests look for where it must not be.
fn ann() -> String {
    credential("ann", TOKEN)
}

const TOKEN: &str = "the-token-of-ann";

fn credential(id: &str, token: &str) -> String {
    json!({"externalId": id, "authenticationToken": token}).to_string()
}

/// The function `verify` with this body.
fn body(text: &str) -> String {
    format!("fn verify(data) {{ {text} }}")
}

fn nowhere() -> Outbound {
    Outbound::new(&OutboundConfig::default()).unwrap()
}

fn built(script: &str) -> Result<Script, ConfigError> {
    Script::new(ScriptConfig::new("portal", script), &nowhere())
}

/// What a body answers to Ann, who can reach nothing.
async fn answered(text: &str) -> Outcome {
    World::new(built(&body(text)).unwrap()).await.login(&ann()).await
}

async fn world(hosts: Vec<Host>, config: ScriptConfig) -> (FakeIdp, World) {
    let fake = FakeIdp::start(hosts).await;
    let world = World::new(Script::new(config, &fake.outbound()).unwrap()).await;
    (fake, world)
}

fn accepted(subject: &str) -> Outcome {
    Outcome::Accepted(subject.into())
}

fn refused() -> Outcome {
    Outcome::Rejected("the external check said no".into())
}

fn rejected(reason: Reason) -> Outcome {
    Outcome::Rejected(reason.name().into())
}

/// How many threads of the scripts of this provider there are; its name has at most 8 bytes, for a thread's has 15.
fn running(provider: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    // One may end while they are counted.
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| *name == format!("script {provider}\n")).count()
}
