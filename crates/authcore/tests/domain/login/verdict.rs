//! What a player is told when a verifier lets nobody in: whether to try again, to get a new credential, or to give up.

use authcore::account::ProviderId;
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
        _ => Ok(()),
    }
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
        let mut policy = Policy::gamebase();
        let always = authcore::policy::Revalidation::Always;
        policy.revalidation_of.insert(provider("social"), always);
        let world = world(policy).await;
        let engine = world.engine();
        let ann = log_in(engine, at("social", "ann")).await;
        let caller = who(engine, &ann).await;
        let (context, down) = (context(), || at("social", "!down"));
        let mut unlink = Unlink::any(provider("social"));
        unlink.exactly = Some("!down".into());
        let mut resume = Resume::new(ann.tokens.refresh.clone());
        resume.credential = Some(down());
        let answers = [
            refusal(engine.link(&context, &caller, Link::new(down())).await),
            refusal(engine.unlink(&context, &caller, unlink).await),
            refusal(engine.merge(&context, &caller, Merge::new(down())).await),
            refusal(engine.merge_preview(&context, &caller, Merge::new(down())).await),
            refusal(engine.resume(&context, resume).await),
        ];
        let provider = provider("social");
        let expected = Refusal::ProviderUnavailable { provider, retry_after: 10 };
        assert!(answers.iter().all(|answer| *answer == expected), "{answers:?}");
        // The session is none the worse for it.
        assert!(engine.verify(ann.tokens.access.reveal()).await.is_ok());
    });
}

#[test]
fn nakama_2_2_a_provider_that_is_down_is_unavailable_and_not_a_wrong_credential() {
    let apple = ProviderId::new("apple").unwrap();
    let down = Refusal::ProviderUnavailable { provider: apple, retry_after: 10 };
    let answer = down.nakama(Operation::Login);
    assert_eq!((answer.code, &*answer.text), (14, "Apple authentication is not available."));
}
