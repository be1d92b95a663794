//! How often one caller may ask providers and make accounts (security 22).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use authcore::policy::Rate;
use authcore::{Credential, Link, Login, Merge, Policy, Refusal, RequestContext};
use authcore_testkit::Harness;
use authcore_verifiers::verifier_fn;
use chrono::TimeDelta;

use super::{context, refusal};
use crate::domain::{at, block_on, who};
use crate::store;

const THREE: Option<Rate> = Some(Rate { limit: 3, window: TimeDelta::minutes(1) });

/// A world whose provider `social` counts how often it is asked.
async fn counting(policy: Policy) -> (Harness, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let verifier = verifier_fn("social", move |credential, context| {
        count.fetch_add(1, Ordering::Relaxed);
        async move { Ok(context.identity(credential.reveal())) }
    });
    let verifier = verifier.unwrap();
    (Harness::on(store(), policy, |builder| builder.verifier(verifier)).await, asked)
}

fn from(address: &str) -> RequestContext {
    RequestContext::from_address(address.parse().unwrap())
}

#[test]
fn security_22_calls_of_providers_have_a_throttle_of_their_own_by_caller() {
    block_on(async {
        let policy = Policy { provider_attempts: THREE, ..Policy::recommended() };
        let (world, asked) = counting(policy).await;
        let engine = world.engine();
        let log_in = async |from: &RequestContext, who| {
            engine.login(from, Login::new(at("social", who))).await
        };
        let home = from("192.0.2.1");
        let ann = who(engine, &log_in(&home, "ann").await.unwrap()).await;
        engine.link(&home, &ann, Link::new(at("social", "ann"))).await.unwrap();
        log_in(&home, "bob").await.unwrap();
        let Refusal::TryAgainLater { retry_at: Some(until) } = refusal(log_in(&home, "bob").await)
        else {
            panic!("not throttled")
        };
        let link = engine.link(&home, &ann, Link::new(at("social", "cid"))).await;
        assert_eq!(refusal(link).code(), "try_again_later");
        let merge = engine.merge(&home, &ann, Merge::new(at("social", "bob"))).await;
        assert_eq!(refusal(merge).code(), "try_again_later");
        assert_eq!(asked.load(Ordering::Relaxed), 3);
        // Others may, and this one may with what asks nobody.
        log_in(&from("192.0.2.2"), "bob").await.unwrap();
        engine
            .login(&home, Login::new(Credential::Device("phone".repeat(4).into())))
            .await
            .unwrap();
        // Callers that nothing tells apart have no limit.
        for _ in 0..5 {
            log_in(&context(), "bob").await.unwrap();
        }
        world.clock().set(until);
        log_in(&home, "bob").await.unwrap();
    });
}

#[test]
fn security_22_new_accounts_have_a_throttle_of_their_own_by_caller() {
    block_on(async {
        let policy = Policy { creation_attempts: THREE, ..Policy::recommended() };
        let (world, _) = counting(policy).await;
        let engine = world.engine();
        let home = from("192.0.2.1");
        let log_in = async |who| engine.login(&home, Login::new(at("social", who))).await;
        for new in ["ann", "bob", "cid"] {
            assert!(log_in(new).await.unwrap().created);
        }
        assert_eq!(refusal(log_in("dan").await).code(), "try_again_later");
        // Who has an account logs in.
        assert!(!log_in("ann").await.unwrap().created);
        world.clock().advance(TimeDelta::seconds(20));
        assert!(log_in("dan").await.unwrap().created);
        assert_eq!(refusal(log_in("eve").await).code(), "try_again_later");
    });
}
