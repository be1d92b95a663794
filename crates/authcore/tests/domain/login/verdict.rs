//! What a player is told when a verifier lets nobody in: whether to try again, to get a new credential, or to give up.

use authcore::account::ProviderId;
use authcore::policy::Revalidation;
use authcore::refusal::Operation;
use authcore::verifier::VerifyError;
use authcore::{Link, Merge, Policy, Refusal, Resume, Unlink};
use authcore_testkit::{Builder, Harness};
use authcore_verifiers::verifier_fn;
use chrono::TimeDelta;

use super::{context, provider, refusal};
use crate::domain::{at, block_on, log_in, try_log_in, who, world_with};

/// The answer of `social`: the credential is the subject, unless it begins with `!`.
fn answer(text: &str) -> Result<(), VerifyError> {
    let after = |millis| VerifyError::Unavailable {
        retry_after: Some(TimeDelta::milliseconds(millis)),
        source: "the provider is on fire".into(),
    };
    match text {
        "!down" => Err(VerifyError::unavailable("the provider is on fire")),
        "!down for 2.5" => Err(after(2500)),
        "!down for 0" => Err(after(0)),
        "!down for ever" => Err(after(i64::MAX)),
        "!old" => Err(VerifyError::Expired),
        "!young" => Err(VerifyError::Denied("age")),
        _ => Ok(()),
    }
}

/// What anything that asks a provider answers to a credential of it.
async fn everywhere(credential: &str) -> Vec<Refusal> {
    let mut policy = Policy::gamebase();
    policy.revalidation_of.insert(provider("social"), Revalidation::Always);
    let world = world(policy).await;
    let engine = world.engine();
    let ann = log_in(engine, at("social", "ann")).await;
    let caller = who(engine, &ann).await;
    let context = context();
    let unlink = Unlink::exactly(provider("social"), credential);
    let mut resume = Resume::new(ann.tokens.refresh.clone());
    resume.credential = Some(at("social", credential));
    let presented = || at("social", credential);
    let answers = vec![
        refusal(try_log_in(engine, presented()).await),
        refusal(engine.link(&context, &caller, Link::new(presented())).await),
        refusal(engine.unlink(&context, &caller, unlink).await),
        refusal(engine.merge(&context, &caller, Merge::new(presented())).await),
        refusal(engine.merge_preview(&context, &caller, Merge::new(presented())).await),
        refusal(engine.resume(&context, resume).await),
    ];
    // The session is none the worse for it.
    assert!(engine.verify(ann.tokens.access.reveal()).await.is_ok());
    answers
}

fn social(builder: Builder) -> Builder {
    let verifier = verifier_fn("social", |credential, context| async move {
        answer(credential.reveal()).map(|()| context.identity(credential.reveal()))
    });
    builder.verifier(verifier.unwrap())
}

async fn world(policy: Policy) -> Harness {
    world_with(policy, social).await
}

#[test]
fn security_97_a_provider_that_is_down_is_named_with_when_to_come_again() {
    block_on(async {
        let world = world(Policy::recommended()).await;
        let engine = world.engine();
        for (credential, retry_after) in [
            // Where it does not say, ten seconds.
            ("!down", 10),
            ("!down for 2.5", 3),
            ("!down for 0", 1),
            ("!down for ever", u32::MAX),
        ] {
            let got = refusal(try_log_in(engine, at("social", credential)).await);
            let provider = provider("social");
            assert_eq!(got, Refusal::ProviderUnavailable { provider, retry_after }, "{credential}");
        }
        log_in(engine, at("google", "ann")).await;
        log_in(engine, at("social", "ann")).await;
    });
}

#[test]
fn security_97_nothing_that_asks_a_provider_takes_its_silence_for_a_no() {
    block_on(async {
        let provider = provider("social");
        let expected = Refusal::ProviderUnavailable { provider, retry_after: 10 };
        let answers = everywhere("!down").await;
        assert!(answers.iter().all(|answer| *answer == expected), "{answers:?}");
    });
}

#[test]
fn a_credential_that_is_over_is_told_from_one_that_is_not_good() {
    block_on(async {
        let expected = Refusal::CredentialExpired(provider("social"));
        let answers = everywhere("!old").await;
        assert!(answers.iter().all(|answer| *answer == expected), "{answers:?}");
    });
}

#[test]
fn an_identity_that_a_policy_refuses_is_told_which() {
    block_on(async {
        let expected = Refusal::IdentityDenied { provider: provider("social"), policy: "age" };
        let answers = everywhere("!young").await;
        assert!(answers.iter().all(|answer| *answer == expected), "{answers:?}");
    });
}

#[test]
fn nakama_p2_p3_an_old_credential_has_the_text_of_a_bad_one() {
    let apple = || ProviderId::new("apple").unwrap();
    let old = Refusal::CredentialExpired(apple()).nakama(Operation::Login);
    let bad = Refusal::CredentialRejected { provider: apple(), extra: None };
    assert_eq!(old, bad.nakama(Operation::Login));
    let denied = Refusal::IdentityDenied { provider: apple(), policy: "age" };
    assert_eq!(denied.nakama(Operation::Login).code, 7);
}

#[test]
fn nakama_2_2_a_provider_that_is_down_is_unavailable_and_not_a_wrong_credential() {
    let apple = ProviderId::new("apple").unwrap();
    let down = Refusal::ProviderUnavailable { provider: apple, retry_after: 10 };
    let answer = down.nakama(Operation::Login);
    assert_eq!((answer.code, &*answer.text), (14, "Apple authentication is not available."));
}
