//! External verifiers by name (braincloud 7), key by key.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use authcore::account::IdentityKey;
use authcore::refusal::Operation;
use authcore::store::Lookup;
use authcore::verifier::VerifyError;
use authcore::{Credential, Policy, Refusal};
use authcore_testkit::Harness;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::{
    activity, ask, delete, external, external_world, into, kept, load, provider, social,
    social_world, withdraw,
};
use crate::domain::{block_on, operator};

async fn world() -> Harness {
    external_world(Policy::braincloud()).await
}

/// The credential of Ann, about whom the check answers this.
fn ann(answer: &str) -> Credential {
    external("v", "ann", answer)
}

fn rejected(extra: Option<&str>) -> Refusal {
    Refusal::CredentialRejected { provider: provider("v"), extra: extra.map(Into::into) }
}

async fn data(world: &Harness) -> Option<Box<str>> {
    let key = IdentityKey::new(provider("v"), "ann");
    let account = load(world, Lookup::Identity(key.clone())).await.unwrap().account;
    account.identity(&key).unwrap().data.clone()
}

#[test]
fn braincloud_7_valid_true_lets_in_and_false_does_not() {
    block_on(async {
        let world = world().await;
        for bad in [r#"{"valid":false}"#, "bad"] {
            let got = ask(world.engine(), ann(bad), true, "", "A").await;
            assert_eq!(into(&got), Err(rejected(None)));
        }
        assert!(ask(world.engine(), ann(r#"{"valid":true}"#), true, "", "A").await.is_ok());
    });
}

#[test]
fn braincloud_7_an_answer_of_no_form_is_a_refusal() {
    block_on(async {
        let world = world().await;
        for bad in ["{}", r#"{"valid":"true"}"#, r#"{"valid":true,"authPayload":1}"#, "{"] {
            let got = ask(world.engine(), ann(bad), true, "", "A").await;
            assert_eq!(into(&got), Err(rejected(None)), "{bad}");
        }
    });
}

#[test]
fn braincloud_7_external_id_override_is_looked_up_and_kept() {
    block_on(async {
        let world = world().await;
        let answer = r#"{"valid":true,"externalIdOverride":"7"}"#;
        let first = ask(world.engine(), ann(answer), true, "", "A").await.unwrap();
        assert_eq!(first.account.identities[0].key.subject(), "7");
        let other = external("v", "renamed", answer);
        let again = ask(world.engine(), other, false, "", "A").await;
        assert_eq!(into(&again), Ok(first.account.id));
        let own = ask(world.engine(), ann("ok"), false, "", "A").await;
        assert_eq!(into(&own), Err(Refusal::AccountNotFound), "the client's id is nobody's");
    });
}

#[test]
fn braincloud_7_the_table_runs_unchanged_after_an_override() {
    block_on(async {
        let world = world().await;
        let bob = ask(world.engine(), external("v", "bob", "ok"), true, "", "B").await.unwrap();
        let bob_is = bob.account.id.to_string();
        let unknown = ann(r#"{"valid":true,"externalIdOverride":"new"}"#);
        let got = ask(world.engine(), unknown, true, &bob_is, "A").await;
        assert_eq!(into(&got), Err(Refusal::IdentityUnknown(provider("v"))));
        let bobs = ann(r#"{"valid":true,"externalIdOverride":"bob"}"#);
        let got = ask(world.engine(), bobs, true, &bob_is, "A").await;
        assert_eq!(into(&got), Ok(bob.account.id));
    });
}

#[test]
fn braincloud_7_use_profile_id_enters_that_account_and_keeps_no_identity() {
    block_on(async {
        let world = world().await;
        let bob = ask(world.engine(), external("v", "bob", "ok"), true, "", "B").await.unwrap();
        let bob_is = bob.account.id.to_string();
        let answer = format!(r#"{{"valid":true,"useProfileId":"{bob_is}"}}"#);
        for expected in ["", bob_is.as_str()] {
            let got = ask(world.engine(), ann(&answer), true, expected, "A").await.unwrap();
            assert_eq!((got.account.id, got.created), (bob.account.id, false));
            assert_eq!(got.session.identity, None);
            assert_eq!(got.provider, Some(provider("v")));
        }
        assert_eq!(activity(&world, bob.account.id).await.login_count, 3);
        let subjects: Vec<_> = kept(&world, bob.account.id)
            .await
            .account
            .identities
            .iter()
            .map(|identity| identity.key.subject().to_owned())
            .collect();
        assert_eq!(subjects, ["bob", "device-of-B", "device-of-A"], "the device as usual");
    });
}

#[test]
fn braincloud_7_use_profile_id_of_another_account_than_the_expected_one() {
    block_on(async {
        let world = world().await;
        let bob = ask(world.engine(), external("v", "bob", "ok"), true, "", "B").await.unwrap();
        let own = ask(world.engine(), ann("ok"), true, "", "A").await.unwrap();
        let answer = format!(r#"{{"valid":true,"useProfileId":"{}"}}"#, bob.account.id);
        let expected = own.account.id.to_string();
        let got = ask(world.engine(), ann(&answer), true, &expected, "A").await;
        assert_eq!(into(&got), Err(Refusal::OtherAccount(provider("v"))));
    });
}

#[test]
fn braincloud_7_use_profile_id_of_a_dead_account_makes_none() {
    block_on(async {
        let world = world().await;
        let bob = ask(world.engine(), external("v", "bob", "ok"), true, "", "B").await.unwrap();
        let cat = ask(world.engine(), external("v", "cat", "ok"), true, "", "C").await.unwrap();
        delete(&world, &bob).await;
        withdraw(&world, cat.account.id).await;
        let (bob, cat) = (bob.account.id.to_string(), cat.account.id.to_string());
        for dead in [bob.as_str(), cat.as_str(), "no id"] {
            let answer = format!(r#"{{"valid":true,"useProfileId":"{dead}"}}"#);
            let got = ask(world.engine(), ann(&answer), true, "", "A").await;
            assert_eq!(into(&got), Err(Refusal::IdentityUnknown(provider("v"))), "{dead}");
        }
        let got = ask(world.engine(), ann("ok"), false, "", "A").await;
        assert_eq!(into(&got), Err(Refusal::AccountNotFound));
    });
}

#[test]
fn braincloud_7_use_profile_id_passes_no_ban() {
    block_on(async {
        let world = world().await;
        let bob = ask(world.engine(), external("v", "bob", "ok"), true, "", "B").await.unwrap();
        let ban = authcore::BanRequest::permanent();
        world.engine().ban(&operator(), bob.account.id, ban).await.unwrap();
        let answer = format!(r#"{{"valid":true,"useProfileId":"{}"}}"#, bob.account.id);
        let got = ask(world.engine(), ann(&answer), true, "", "A").await;
        assert!(matches!(into(&got), Err(Refusal::Banned(_))));
    });
}

#[test]
fn braincloud_7_auth_payload_is_handed_to_the_client() {
    block_on(async {
        let world = world().await;
        let answer = r#"{"valid":true,"authPayload":{"guild":7}}"#;
        for _ in 0..2 {
            let got = ask(world.engine(), ann(answer), true, "", "A").await.unwrap();
            assert_eq!(got.payload.as_deref(), Some(r#"{"guild":7}"#));
        }
        assert_eq!(ask(world.engine(), ann("ok"), true, "", "A").await.unwrap().payload, None);
    });
}

#[test]
fn braincloud_7_extra_error_json_is_handed_to_the_client() {
    block_on(async {
        let world = world().await;
        let answer = r#"{"valid":false,"extraErrorJson":{"why":"not paid"}}"#;
        let got = ask(world.engine(), ann(answer), true, "", "A").await;
        assert_eq!(into(&got), Err(rejected(Some(r#"{"why":"not paid"}"#))));
    });
}

#[test]
fn braincloud_7_identity_data_is_replaced_kept_and_cleared() {
    block_on(async {
        let world = world().await;
        let with = |data: &str| ann(&format!(r#"{{"valid":true,"identityData":{data}}}"#));
        for (credential, expected) in [
            (with(r#"{"a":1}"#), Some(r#"{"a":1}"#)),
            (ann("ok"), Some(r#"{"a":1}"#)),
            (with(r#"{"b":2}"#), Some(r#"{"b":2}"#)),
            (with("{}"), None),
            (ann("ok"), None),
        ] {
            ask(world.engine(), credential, true, "", "A").await.unwrap();
            assert_eq!(data(&world).await.as_deref(), expected);
        }
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(4096));
        let got = ask(world.engine(), with(&long), true, "", "A").await;
        assert_eq!(into(&got), Err(rejected(None)), "more than may be kept");
    });
}

#[test]
fn braincloud_7_a_name_that_is_not_configured_looks_like_a_faulty_verifier() {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        block_on(async {
            for policy in [Policy::braincloud(), Policy::recommended()] {
                let world = external_world(policy).await;
                let unknown = ask(world.engine(), external("x", "ann", "ok"), true, "", "A").await;
                let rejected = Refusal::CredentialRejected { provider: provider("x"), extra: None };
                assert_eq!(into(&unknown), Err(rejected));
                let faulty = ask(world.engine(), ann("fault"), true, "", "A").await;
                let (unknown, faulty) = (into(&unknown).unwrap_err(), into(&faulty).unwrap_err());
                assert_eq!(unknown.code(), faulty.code());
                assert_eq!(
                    unknown.braincloud(Operation::Login),
                    faulty.braincloud(Operation::Login)
                );
            }
        });
    });
    let log = log.0.lock().unwrap();
    let told: Vec<_> = log.iter().filter(|(level, _)| *level == Level::WARN).collect();
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|(_, text)| text.contains("not configured")), "{told:?}");
}

#[test]
fn braincloud_7_a_credential_of_no_form_is_rejected() {
    block_on(async {
        let world = world().await;
        for text in ["text", "{}", r#"{"externalId":""}"#, r#"{"externalId":7}"#, "[]"] {
            let credential = Credential::Provider { provider: provider("v"), payload: text.into() };
            let got = ask(world.engine(), credential, true, "", "A").await;
            assert_eq!(into(&got), Err(rejected(None)), "{text}");
        }
        let no_token = r#"{"externalId":"ann","authenticationToken":null}"#;
        let credential = Credential::Provider { provider: provider("v"), payload: no_token.into() };
        let got = ask(world.engine(), credential, true, "", "A").await;
        assert_eq!(into(&got), Err(rejected(None)), "the check is asked, and says no");
    });
}

/// Keeps the levels and texts of what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(Level, String)>>>);

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut text = String::new();
        event.record(&mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
            write!(text, "{field}={value:?} ").unwrap();
        });
        self.0.lock().unwrap().push((*event.metadata().level(), text));
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn braincloud_7_a_faulty_verifier_is_a_rejection_outside_and_an_error_inside() {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        block_on(async {
            let world = world().await;
            let got = ask(world.engine(), ann("fault"), true, "", "A").await;
            assert_eq!(into(&got), Err(rejected(None)));
            let got = ask(world.engine(), ann("bad"), true, "", "A").await;
            assert_eq!(into(&got), Err(rejected(None)));
        });
    });
    let log = log.0.lock().unwrap();
    let errors: Vec<_> = log.iter().filter(|(level, _)| *level == Level::ERROR).collect();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].1.contains("the script is broken"), "{errors:?}");
}

#[test]
fn braincloud_7_an_extra_that_is_no_json_is_left_out() {
    block_on(async {
        let world = social_world(Policy::braincloud(), |text, _| {
            Err(VerifyError::RejectedWith { why: "a test", extra: text.into() })
        })
        .await;
        for (extra, told) in [("{}", Some("{}")), ("{", None)] {
            let got = ask(world.engine(), social(extra), true, "", "A").await;
            let Err(Refusal::CredentialRejected { extra, .. }) = got else { panic!() };
            assert_eq!(extra.as_deref(), told);
        }
    });
}

#[test]
fn braincloud_7_an_attach_runs_the_same_verifier() {
    block_on(async {
        let world = world().await;
        let engine = world.engine();
        let player = ask(engine, super::anonymous("A"), true, "", "A").await.unwrap();
        let who = super::who(engine, &player).await;
        let link = async |answer: &str| {
            engine.link(&super::context(), &who, authcore::Link::new(ann(answer))).await
        };
        assert_eq!(super::refusal(link("bad").await), rejected(None));
        let elsewhere = format!(r#"{{"valid":true,"useProfileId":"{}"}}"#, player.account.id);
        assert_eq!(super::refusal(link(&elsewhere).await), rejected(None), "not to be kept");
        link(r#"{"valid":true,"identityData":{"a":1}}"#).await.unwrap();
        assert_eq!(data(&world).await.as_deref(), Some(r#"{"a":1}"#));
    });
}

#[test]
fn braincloud_7_use_profile_id_leaves_the_identity_alone_also_where_the_account_has_it() {
    block_on(async {
        let world = world().await;
        let own = ask(world.engine(), ann("ok"), true, "", "A").await.unwrap();
        let id = own.account.id;
        let answer = format!(r#"{{"valid":true,"useProfileId":"{id}","identityData":{{"a":1}}}}"#);
        let got = ask(world.engine(), ann(&answer), true, "", "A").await;
        assert_eq!(into(&got), Ok(id));
        assert_eq!(data(&world).await, None);
    });
}
