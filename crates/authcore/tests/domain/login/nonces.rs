//! Nonces: who may have one, how many, and what each is good for (security 22, 70, 74).

use authcore::policy::Rate;
use authcore::refusal::{Field, Rule};
use authcore::verifier::{NonceIssuer, NonceScope, VerifyError};
use authcore::{Authenticated, Link, Merge, Policy, Refusal, RequestContext, Unlink};
use authcore_testkit::{Builder, Harness};
use authcore_verifiers::verifier_fn;
use chrono::{DateTime, TimeDelta, Utc};

use super::{context, provider, refusal};
use crate::domain::{at, block_on, log_in, try_log_in, who, world, world_with};

/// What a nonce is for, in so many words.
#[derive(Debug)]
struct Plain;

fn plain(scope: &NonceScope<'_>) -> String {
    let NonceScope { provider, session, binding } = scope;
    format!("{provider} {session:?} {binding}")
}

impl NonceIssuer for Plain {
    fn issue(&self, scope: &NonceScope<'_>, _: DateTime<Utc>, _: [u8; 16]) -> String {
        plain(scope)
    }
}

/// A provider whose credential is the nonce that it takes, with the binding `b`; everybody is Ann.
fn bound(builder: Builder) -> Builder {
    ["social", "other"].into_iter().fold(builder.nonces(Plain), |builder, name| {
        let verifier = verifier_fn(name, |credential, context| async move {
            if plain(&context.nonce_scope("b")) == credential.reveal() {
                Ok(context.identity("ann"))
            } else {
                Err(VerifyError::Rejected("nonce_mismatch"))
            }
        });
        builder.verifier(verifier.unwrap())
    })
}

async fn issue(world: &Harness, who: Option<&Authenticated>, binding: &str) -> String {
    let social = provider("social");
    world.engine().issue_nonce(&context(), who, &social, binding).await.unwrap()
}

#[test]
fn security_70_a_nonce_is_good_for_a_login_or_for_one_session_and_not_for_the_other() {
    block_on(async {
        let mut policy = Policy::gamebase();
        policy.unlink_logged_in = true;
        let world = world_with(policy, bound).await;
        let engine = world.engine();
        let bob = log_in(engine, at("google", "bob")).await;
        let carl = log_in(engine, at("google", "carl")).await;
        let (bob, carl) = (who(engine, &bob).await, who(engine, &carl).await);
        let to_log_in = issue(&world, None, "b").await;
        let bob_s = issue(&world, Some(&bob), "b").await;
        let carl_s = issue(&world, Some(&carl), "b").await;

        let rejected = |name| Refusal::CredentialRejected { provider: provider(name), extra: None };
        let link = async |who: &Authenticated, nonce: &str| {
            engine.link(&context(), who, Link::new(at("social", nonce))).await
        };
        let unlink = async |nonce: &str| {
            let unlink = Unlink::exactly(provider("social"), nonce);
            engine.unlink(&context(), &bob, unlink).await
        };
        let merge = async |nonce: &str| {
            engine.merge_preview(&context(), &bob, Merge::new(at("social", nonce))).await
        };
        for foreign in [&to_log_in, &carl_s] {
            assert_eq!(refusal(link(&bob, foreign).await), rejected("social"));
            assert_eq!(refusal(unlink(foreign).await), rejected("social"));
            assert_eq!(refusal(merge(foreign).await), rejected("social"));
        }
        link(&bob, &bob_s).await.unwrap();
        unlink(&bob_s).await.unwrap();
        assert_eq!(refusal(try_log_in(engine, at("social", &bob_s)).await), rejected("social"));
        assert_eq!(refusal(try_log_in(engine, at("other", &to_log_in)).await), rejected("other"));
        let other = issue(&world, None, "another client's").await;
        assert_eq!(refusal(try_log_in(engine, at("social", &other)).await), rejected("social"));
        log_in(engine, at("social", &to_log_in)).await;
    });
}

#[test]
fn security_22_nonces_have_a_throttle_of_their_own_by_caller() {
    block_on(async {
        let nonce_attempts = Rate { limit: 3, window: TimeDelta::minutes(1) };
        let policy = Policy { nonce_attempts, ..Policy::recommended() };
        let world = world_with(policy, bound).await;
        let social = provider("social");
        let from = |address: &str| RequestContext::from_address(address.parse().unwrap());
        let issue = async |address: &str| {
            world.engine().issue_nonce(&from(address), None, &social, "").await
        };
        for _ in 0..3 {
            issue("192.0.2.1").await.unwrap();
        }
        let Refusal::TryAgainLater { retry_at: Some(until) } = refusal(issue("192.0.2.1").await)
        else {
            panic!("not throttled")
        };
        // One network is one caller (security 18), and others are not.
        for last in ["1", "2", "3"] {
            issue(&format!("2001:db8::{last}")).await.unwrap();
        }
        assert_eq!(refusal(issue("2001:db8::4").await).code(), "try_again_later");
        issue("192.0.2.2").await.unwrap();
        log_in(world.engine(), at("google", "ann")).await;
        world.clock().set(until);
        issue("192.0.2.1").await.unwrap();
    });
}

#[test]
fn a_nonce_needs_somebody_who_makes_it_and_a_binding_of_a_size() {
    block_on(async {
        let without = world(Policy::recommended()).await;
        let social = provider("social");
        let issued = without.engine().issue_nonce(&context(), None, &social, "").await;
        assert_eq!(refusal(issued), Refusal::Disabled);
        let world = world_with(Policy::recommended(), bound).await;
        let issue = async |length: usize| {
            let binding = "x".repeat(length);
            world.engine().issue_nonce(&context(), None, &social, &binding).await
        };
        assert!(issue(256).await.is_ok());
        let rule = Rule::Bytes { min: 0, max: 256 };
        let field = Field::ProviderCredential;
        assert_eq!(refusal(issue(257).await), Refusal::Invalid { field, rule });
    });
}
