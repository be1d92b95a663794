//! The conformance vectors of braincloud 4.4, each on the state that it supposes.

use authcore::account::AccountId;
use authcore::{LoggedIn, Policy, Refusal};
use authcore_testkit::Harness;

use super::{
    activity, anonymous, ask, context, delete, external, external_world, into, provider, universal,
    who,
};
use crate::domain::block_on;

/// Nobody has played yet.
async fn start() -> Harness {
    external_world(Policy::braincloud()).await
}

/// After vector 2: `u1` is P1, on device A.
async fn first() -> (Harness, LoggedIn) {
    let world = start().await;
    let p1 = ask(world.engine(), external("v", "u1", "ok"), true, "", "A").await.unwrap();
    (world, p1)
}

/// After vector 8: `u2` is P2, on device B.
async fn both() -> (Harness, String, String) {
    let (world, p1) = first().await;
    let p2 = ask(world.engine(), external("v", "u2", "ok"), true, "", "B").await.unwrap();
    (world, p1.account.id.to_string(), p2.account.id.to_string())
}

fn id(text: &str) -> AccountId {
    text.parse().unwrap()
}

#[test]
fn braincloud_vector_01_an_unknown_identity_and_no_creation_is_account_not_found() {
    block_on(async {
        let world = start().await;
        let got = ask(world.engine(), external("v", "u1", "ok"), false, "", "A").await;
        assert_eq!(into(&got), Err(Refusal::AccountNotFound));
    });
}

#[test]
fn braincloud_vector_02_an_unknown_identity_with_creation_makes_the_account() {
    block_on(async {
        let (_, p1) = first().await;
        assert!(p1.created);
        assert_eq!((p1.login_count, p1.previous_login_at), (1, None));
    });
}

#[test]
fn braincloud_vector_03_the_same_again_enters_it_and_is_counted() {
    block_on(async {
        let (world, p1) = first().await;
        world.clock().advance(chrono::TimeDelta::seconds(5));
        let again = ask(world.engine(), external("v", "u1", "ok"), true, "", "A").await.unwrap();
        assert_eq!((again.account.id, again.created), (p1.account.id, false));
        let logged_in_at = p1.session.authenticated_at;
        assert_eq!((again.login_count, again.previous_login_at), (2, Some(logged_in_at)));
    });
}

#[test]
fn braincloud_vector_04_a_bad_credential_is_rejected_and_makes_nothing() {
    block_on(async {
        let world = start().await;
        let got = ask(world.engine(), external("v", "u1", "bad"), true, "", "A").await;
        let rejected = Refusal::CredentialRejected { provider: provider("v"), extra: None };
        assert_eq!(into(&got), Err(rejected));
        let got = ask(world.engine(), external("v", "u1", "ok"), false, "", "A").await;
        assert_eq!(into(&got), Err(Refusal::AccountNotFound));
    });
}

#[test]
fn braincloud_vector_05_the_expected_account_is_entered() {
    block_on(async {
        let (world, p1, _) = both().await;
        let got = ask(world.engine(), external("v", "u1", "ok"), false, &p1, "A").await;
        assert_eq!(into(&got), Ok(id(&p1)));
    });
}

#[test]
fn braincloud_vector_06_an_unknown_identity_is_not_made_while_an_account_is_expected() {
    block_on(async {
        let (world, p1) = first().await;
        let p1 = p1.account.id.to_string();
        let got = ask(world.engine(), external("v", "u2", "ok"), true, &p1, "A").await;
        assert_eq!(into(&got), Err(Refusal::IdentityUnknown(provider("v"))));
        let got = ask(world.engine(), external("v", "u2", "ok"), false, "", "A").await;
        assert_eq!(into(&got), Err(Refusal::AccountNotFound), "nothing was made or attached");
    });
}

#[test]
fn braincloud_vector_07_an_unknown_identity_without_creation_while_an_account_is_expected() {
    block_on(async {
        let (world, p1) = first().await;
        let p1 = p1.account.id.to_string();
        let got = ask(world.engine(), external("v", "u2", "ok"), false, &p1, "A").await;
        assert_eq!(into(&got), Err(Refusal::IdentityUnknown(provider("v"))));
    });
}

#[test]
fn braincloud_vector_08_another_identity_is_another_account() {
    block_on(async {
        let (_, p1, p2) = both().await;
        assert_ne!(p1, p2);
    });
}

#[test]
fn braincloud_vector_09_another_account_than_the_expected_one() {
    block_on(async {
        let (world, _, p2) = both().await;
        let got = ask(world.engine(), external("v", "u1", "ok"), true, &p2, "A").await;
        assert_eq!(into(&got), Err(Refusal::OtherAccount(provider("v"))));
    });
}

#[test]
fn braincloud_vector_10_an_expected_account_that_nobody_knows() {
    block_on(async {
        let (world, _, _) = both().await;
        for unknown in ["6f9619ff-8b86-4011-b42d-00cf4fc964ff", "no id at all"] {
            let got = ask(world.engine(), external("v", "u1", "ok"), true, unknown, "A").await;
            assert_eq!(into(&got), Err(Refusal::OtherAccount(provider("v"))));
        }
    });
}

#[test]
fn braincloud_vector_11_the_device_was_linked_by_the_external_login() {
    block_on(async {
        let (world, p1, _) = both().await;
        let got = ask(world.engine(), anonymous("A"), false, &p1, "A").await;
        assert_eq!(into(&got), Ok(id(&p1)));
    });
}

#[test]
fn braincloud_vector_12_a_device_must_name_its_account() {
    block_on(async {
        let (world, _, _) = both().await;
        let got = ask(world.engine(), anonymous("A"), false, "", "A").await;
        assert_eq!(into(&got), Err(Refusal::AccountRequired));
    });
}

#[test]
fn braincloud_vector_13_a_device_of_another_account_than_the_expected_one() {
    block_on(async {
        let (world, _, p2) = both().await;
        let got = ask(world.engine(), anonymous("A"), true, &p2, "A").await;
        assert_eq!(into(&got), Err(Refusal::OtherAccount(provider("device"))));
    });
}

#[test]
fn braincloud_vector_14_the_device_follows_the_latest_login() {
    block_on(async {
        let (world, p1, p2) = both().await;
        let got = ask(world.engine(), external("v", "u2", "ok"), true, "", "A").await;
        assert_eq!(into(&got), Ok(id(&p2)));
        let got = ask(world.engine(), anonymous("A"), false, &p2, "A").await;
        assert_eq!(into(&got), Ok(id(&p2)));
        let got = ask(world.engine(), anonymous("A"), false, &p1, "A").await;
        assert_eq!(into(&got), Err(Refusal::OtherAccount(provider("device"))));
    });
}

#[test]
fn braincloud_vector_15_an_unknown_device_and_no_creation() {
    block_on(async {
        let world = start().await;
        let got = ask(world.engine(), anonymous("new"), false, "", "new").await;
        assert_eq!(into(&got), Err(Refusal::AccountNotFound));
    });
}

#[test]
fn braincloud_vector_16_an_unknown_device_while_an_account_is_expected() {
    block_on(async {
        let (world, p1, _) = both().await;
        let got = ask(world.engine(), anonymous("new"), true, &p1, "new").await;
        assert_eq!(into(&got), Err(Refusal::IdentityUnknown(provider("device"))));
    });
}

#[test]
fn braincloud_vector_17_the_same_id_under_another_verifier_is_another_identity() {
    block_on(async {
        let (world, p1, _) = both().await;
        let other = ask(world.engine(), external("w", "u1", "ok"), true, "", "C").await.unwrap();
        assert!(other.created);
        assert_ne!(other.account.id, id(&p1));
    });
}

#[test]
fn braincloud_vector_18_a_deleted_account_is_forgotten_and_made_anew() {
    block_on(async {
        let (world, p1) = first().await;
        delete(&world, &p1).await;
        let gone = p1.account.id.to_string();
        let got = ask(world.engine(), external("v", "u1", "ok"), true, &gone, "A").await;
        assert_eq!(into(&got), Err(Refusal::IdentityUnknown(provider("v"))));
        let new = ask(world.engine(), external("v", "u1", "ok"), true, "", "A").await.unwrap();
        assert_ne!(new.account.id, p1.account.id);
        assert_eq!((new.created, new.login_count), (true, 1));
    });
}

#[test]
fn braincloud_vector_19_a_universal_id_is_one_in_any_case() {
    block_on(async {
        let world = start().await;
        let bob = ask(world.engine(), universal("Bob", "password"), true, "", "A").await.unwrap();
        let again = ask(world.engine(), universal("BOB", "password"), true, "", "A").await;
        assert!(bob.created);
        assert_eq!(into(&again), Ok(bob.account.id));
        assert_eq!(activity(&world, bob.account.id).await.login_count, 2);
    });
}

#[test]
fn braincloud_vector_20_an_attached_universal_id_enters_the_anonymous_account() {
    block_on(async {
        let world = start().await;
        let engine = world.engine();
        let p = ask(engine, anonymous("A"), true, "", "A").await.unwrap();
        let who = who(engine, &p).await;
        let link = authcore::Link::new(universal("bob", "password"));
        engine.link(&context(), &who, link).await.unwrap();
        engine.logout(&context(), &who, authcore::Logout::ThisSession).await.unwrap();
        let expected = p.account.id.to_string();
        let got = ask(engine, universal("bob", "password"), true, &expected, "A").await;
        assert_eq!(into(&got), Ok(p.account.id));
    });
}
