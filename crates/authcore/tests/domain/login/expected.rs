//! The tables of braincloud 4.1 and 4.2, through the engine.

use authcore::{Credential, Login, Policy, Refusal};
use authcore_testkit::Harness;

use super::{
    anonymous, ask, context, delete, device_id, external, external_world, into, load, provider,
    refusal, universal,
};
use crate::domain::block_on;
use authcore::account::IdentityKey;
use authcore::store::Lookup;

const GOOD: &str = "6f9619ff-8b86-4011-b42d-00cf4fc964ff";

async fn world() -> Harness {
    external_world(Policy::braincloud()).await
}

fn ann() -> Credential {
    external("v", "ann", "ok")
}

/// Whether anybody has Ann's identity.
async fn exists(world: &Harness) -> bool {
    let key = IdentityKey::new(provider("v"), "ann");
    load(world, Lookup::Identity(key)).await.is_some()
}

#[test]
fn braincloud_4_1_row_1_no_identity_nobody_expected_no_creation() {
    block_on(async {
        let world = world().await;
        let got = ask(world.engine(), ann(), false, "", "A").await;
        assert_eq!(into(&got), Err(Refusal::AccountNotFound));
        assert!(!exists(&world).await);
    });
}

#[test]
fn braincloud_4_1_row_2_no_identity_nobody_expected_creation() {
    block_on(async {
        let world = world().await;
        assert!(ask(world.engine(), ann(), true, "", "A").await.unwrap().created);
        assert!(exists(&world).await);
    });
}

#[test]
fn braincloud_4_1_row_3_and_row_4_no_identity_an_account_expected_alive_or_not() {
    block_on(async {
        let world = world().await;
        let other = ask(world.engine(), external("v", "bob", "ok"), true, "", "B").await.unwrap();
        for expected in [other.account.id.to_string().as_str(), GOOD, "no id"] {
            for create in [false, true] {
                let got = ask(world.engine(), ann(), create, expected, "A").await;
                assert_eq!(into(&got), Err(Refusal::IdentityUnknown(provider("v"))));
                assert!(!exists(&world).await, "never made, never attached");
            }
        }
    });
}

#[test]
fn braincloud_4_1_row_5_and_row_6_an_identity_and_nobody_or_its_account_expected() {
    block_on(async {
        let world = world().await;
        let ann_is = ask(world.engine(), ann(), true, "", "A").await.unwrap().account.id;
        let upper = ann_is.to_string().to_uppercase();
        for expected in ["", ann_is.to_string().as_str(), upper.as_str()] {
            for create in [false, true] {
                let got = ask(world.engine(), ann(), create, expected, "A").await;
                assert_eq!(into(&got), Ok(ann_is));
                assert!(!got.unwrap().created);
            }
        }
    });
}

#[test]
fn braincloud_4_1_row_7_an_identity_of_another_account_than_the_live_one_expected() {
    block_on(async {
        let world = world().await;
        ask(world.engine(), ann(), true, "", "A").await.unwrap();
        let bob = ask(world.engine(), external("v", "bob", "ok"), true, "", "B").await.unwrap();
        for create in [false, true] {
            let got = ask(world.engine(), ann(), create, &bob.account.id.to_string(), "A").await;
            assert_eq!(into(&got), Err(Refusal::OtherAccount(provider("v"))));
        }
    });
}

#[test]
fn braincloud_4_1_row_8_an_identity_and_a_dead_account_expected() {
    block_on(async {
        let world = world().await;
        ask(world.engine(), ann(), true, "", "A").await.unwrap();
        let bob = ask(world.engine(), external("v", "bob", "ok"), true, "", "B").await.unwrap();
        delete(&world, &bob).await;
        for dead in [bob.account.id.to_string().as_str(), GOOD, "no id"] {
            for create in [false, true] {
                let got = ask(world.engine(), ann(), create, dead, "A").await;
                assert_eq!(into(&got), Err(Refusal::OtherAccount(provider("v"))));
            }
        }
    });
}

#[test]
fn braincloud_4_2_row_a1_no_device_nobody_expected_no_creation() {
    block_on(async {
        let world = world().await;
        let got = ask(world.engine(), anonymous("A"), false, "", "A").await;
        assert_eq!(into(&got), Err(Refusal::AccountNotFound));
    });
}

#[test]
fn braincloud_4_2_row_a2_no_device_nobody_expected_creation() {
    block_on(async {
        let world = world().await;
        assert!(ask(world.engine(), anonymous("A"), true, "", "A").await.unwrap().created);
    });
}

#[test]
fn braincloud_4_2_row_a3_no_device_an_account_expected_alive_or_not() {
    block_on(async {
        let world = world().await;
        let ann_is = ask(world.engine(), ann(), true, "", "A").await.unwrap().account.id;
        for expected in [ann_is.to_string().as_str(), GOOD] {
            for create in [false, true] {
                let got = ask(world.engine(), anonymous("new"), create, expected, "new").await;
                assert_eq!(into(&got), Err(Refusal::IdentityUnknown(provider("device"))));
            }
        }
    });
}

#[test]
fn braincloud_4_2_row_a4_a_device_must_name_its_account() {
    block_on(async {
        let world = world().await;
        ask(world.engine(), anonymous("A"), true, "", "A").await.unwrap();
        for create in [false, true] {
            let got = ask(world.engine(), anonymous("A"), create, "", "A").await;
            assert_eq!(into(&got), Err(Refusal::AccountRequired));
        }
    });
}

#[test]
fn braincloud_4_2_row_a4_holds_where_the_policy_says_so() {
    block_on(async {
        let world = external_world(Policy::recommended()).await;
        let login = || Login::new(anonymous("A"));
        let first = world.engine().login(&context(), login()).await.unwrap();
        let again = world.engine().login(&context(), login()).await.unwrap();
        assert_eq!(first.account.id, again.account.id);
    });
}

#[test]
fn braincloud_4_2_row_a5_a_device_of_the_expected_account() {
    block_on(async {
        let world = world().await;
        let ann_is = ask(world.engine(), anonymous("A"), true, "", "A").await.unwrap().account.id;
        for create in [false, true] {
            let expected = ann_is.to_string();
            let got = ask(world.engine(), anonymous("A"), create, &expected, "A").await;
            assert_eq!(into(&got), Ok(ann_is));
            assert!(!got.unwrap().created);
        }
    });
}

#[test]
fn braincloud_4_2_row_a6_a_device_of_another_account_than_the_expected_one() {
    block_on(async {
        let world = world().await;
        ask(world.engine(), anonymous("A"), true, "", "A").await.unwrap();
        for create in [false, true] {
            let got = ask(world.engine(), anonymous("A"), create, GOOD, "A").await;
            assert_eq!(into(&got), Err(Refusal::OtherAccount(provider("device"))));
        }
    });
}

#[test]
fn braincloud_4_2_row_a7_a_device_without_an_id() {
    block_on(async {
        use authcore::refusal::{Field, Rule};

        let world = world().await;
        for expected in ["", GOOD] {
            let got = ask(world.engine(), Credential::Device("".into()), true, expected, "A").await;
            let required = Refusal::Invalid { field: Field::DeviceId, rule: Rule::Required };
            assert_eq!(into(&got), Err(required));
        }
    });
}

#[test]
fn braincloud_4_step_5_a_wrong_credential_wins_over_what_is_expected() {
    block_on(async {
        let world = world().await;
        ask(world.engine(), ann(), true, "", "A").await.unwrap();
        ask(world.engine(), universal("ann", "password"), true, "", "B").await.unwrap();
        for (create, expected) in [(false, ""), (true, ""), (false, GOOD), (true, GOOD)] {
            let got = ask(world.engine(), external("v", "ann", "bad"), create, expected, "A").await;
            let rejected = Refusal::CredentialRejected { provider: provider("v"), extra: None };
            assert_eq!(into(&got), Err(rejected.clone()));
            let got = ask(world.engine(), external("v", "new", "bad"), create, expected, "A").await;
            assert_eq!(into(&got), Err(rejected), "also where there is no identity");
            let got =
                ask(world.engine(), universal("ann", "wrong-password"), create, expected, "A")
                    .await;
            assert_eq!(into(&got), Err(Refusal::WrongPassword));
        }
    });
}

#[test]
fn security_25_an_expected_account_does_not_tell_whether_a_password_login_exists() {
    block_on(async {
        let world = external_world(Policy::recommended()).await;
        let password = "a long enough password";
        let login = |id: &str| Login::new(universal(id, password)).expecting(GOOD);
        world.engine().login(&context(), Login::new(universal("ann", password))).await.unwrap();
        let wrong = Login::new(universal("ann", "another long password")).expecting(GOOD);
        assert_eq!(refusal(world.engine().login(&context(), wrong).await), Refusal::WrongPassword);
        let unknown = world.engine().login(&context(), login("bob")).await;
        assert_eq!(refusal(unknown), Refusal::WrongPassword);
    });
}

#[test]
fn an_expected_account_holds_for_every_kind_of_login() {
    block_on(async {
        let world = external_world(Policy::nakama()).await;
        let named = Login::new(Credential::Email {
            email: "ann@example.com".into(),
            password: "password".into(),
        });
        let named = named.with_username("ann");
        world.engine().login(&context(), named).await.unwrap();
        let custom = Credential::Custom(device_id("custom").into());
        world.engine().login(&context(), Login::new(custom.clone())).await.unwrap();
        let by_name = |name: &str| Credential::Username {
            username: name.into(),
            password: "password".into(),
        };
        for credential in [custom, by_name("ann")] {
            let login = Login::new(credential).expecting(GOOD);
            let got = refusal(world.engine().login(&context(), login).await);
            assert!(matches!(got, Refusal::OtherAccount(_)), "{got}");
        }
        let login = Login::new(by_name("nobody")).expecting(GOOD);
        let got = refusal(world.engine().login(&context(), login).await);
        assert!(matches!(got, Refusal::IdentityUnknown(_)), "{got}");
    });
}
