//! Friends at the provider (nakama 8).

use authcore::verifier::{VerifiedIdentity, VerifyContext, VerifyError};
use authcore::{BanRequest, Clock, Policy};
use authcore_testkit::Harness;
use chrono::TimeDelta;

use super::{provider, social, social_world, withdraw};
use crate::domain::{block_on, log_in, operator};

/// The subject, `:`, and its friends with `,` between.
#[expect(clippy::unnecessary_wraps, reason = "a verifier")]
fn verify(text: &str, context: &VerifyContext) -> Result<VerifiedIdentity, VerifyError> {
    let (subject, friends) = text.split_once(':').unwrap_or((text, ""));
    let friends = friends.split(',').filter(|friend| !friend.is_empty());
    Ok(context.identity(subject).with_friends(friends))
}

async fn world() -> Harness {
    social_world(Policy::recommended(), verify).await
}

#[test]
fn nakama_8_4_friends_are_the_accounts_of_the_same_provider() {
    block_on(async {
        let world = world().await;
        let bob = log_in(world.engine(), social("bob")).await;
        let cat = log_in(world.engine(), social("cat")).await;
        log_in(world.engine(), super::anonymous("cat")).await;
        let ann = log_in(world.engine(), social("ann:bob,nobody,cat,bob,ann")).await;
        let friends: Vec<_> =
            ann.friends.iter().map(|friend| (friend.account, &*friend.subject)).collect();
        assert_eq!(friends, [(bob.account.id, "bob"), (cat.account.id, "cat")]);
        assert_eq!(ann.provider, Some(provider("social")));
        let again = log_in(world.engine(), social("ann:cat")).await;
        assert_eq!(again.friends.len(), 1);
        assert!(log_in(world.engine(), social("ann")).await.friends.is_empty());
    });
}

#[test]
fn nakama_8_4_banned_and_withdrawn_friends_are_left_out() {
    block_on(async {
        let world = world().await;
        let engine = world.engine();
        let bob = log_in(engine, social("bob")).await;
        let cat = log_in(engine, social("cat")).await;
        let dan = log_in(engine, social("dan")).await;
        engine.ban(&operator(), bob.account.id, BanRequest::permanent()).await.unwrap();
        withdraw(&world, cat.account.id).await;
        let end = world.clock().now() + TimeDelta::days(5);
        engine.ban(&operator(), dan.account.id, BanRequest::until(end)).await.unwrap();
        assert!(log_in(engine, social("ann:bob,cat,dan")).await.friends.is_empty());
        world.clock().set(end);
        let friends = log_in(engine, social("ann:bob,cat,dan")).await.friends;
        assert_eq!(friends.len(), 1, "a ban that is over is none");
        assert_eq!(friends[0].account, dan.account.id);
    });
}

#[test]
fn nakama_8_4_more_friends_than_are_looked_up_at_once() {
    block_on(async {
        let world = world().await;
        for number in 0..250 {
            log_in(world.engine(), social(&format!("friend-{number}"))).await;
        }
        let names: Vec<_> = (0..250).map(|number| format!("friend-{number}")).collect();
        let ann = log_in(world.engine(), social(&format!("ann:{}", names.join(",")))).await;
        let found: Vec<_> = ann.friends.iter().map(|friend| friend.subject.to_string()).collect();
        assert_eq!(found, names);
        assert!(!format!("{:?}", ann.friends).contains("friend-1"), "subjects are personal");
    });
}
