//! braincloud 8.3, rule by rule.

use authcore::account::ProviderId;
use authcore::event::EventKind;
use authcore::mapping::MergedPassword;
use authcore::{Login, Merge, Policy, Refusal};
use chrono::TimeDelta;

use super::super::{at, block_on, context, guest, log_in, refusal, try_log_in, world};
use super::{
    Player, account, alive, custom, device, email, events, key, kinds, link, player, provider,
    snapshot,
};

async fn merge(
    engine: &authcore::Engine,
    player: &Player,
    credential: authcore::Credential,
) -> authcore::Merged {
    engine.merge(&context(), &player.who, Merge::new(credential)).await.unwrap()
}

async fn refused(
    engine: &authcore::Engine,
    player: &Player,
    credential: authcore::Credential,
) -> Refusal {
    let request = Merge::new(credential.clone());
    let preview = refusal(engine.merge_preview(&context(), &player.who, request).await);
    let merge = refusal(engine.merge(&context(), &player.who, Merge::new(credential)).await);
    assert_eq!(preview, merge, "a preview is refused as the merge is");
    merge
}

#[test]
fn braincloud_8_3_the_credential_must_verify_and_the_identity_be_known() {
    block_on(async {
        let world = world(Policy::braincloud()).await;
        let engine = world.engine();
        let ann = player(engine, at("google", "ann")).await;
        let rejected = Refusal::CredentialRejected { provider: provider("facebook"), extra: None };
        assert_eq!(refused(engine, &ann, at("facebook", "bad")).await, rejected);
        let unknown = Refusal::IdentityUnknown(provider("facebook"));
        assert_eq!(refused(engine, &ann, at("facebook", "nobody")).await, unknown);
        // And it makes no account.
        let login = Login::new(at("facebook", "nobody")).without_creating();
        engine.login(&context(), login).await.unwrap_err();
    });
}

#[test]
fn braincloud_8_3_both_hold_an_identity_of_one_type() {
    block_on(async {
        let world = world(Policy::braincloud()).await;
        let engine = world.engine();
        let bob = player(engine, at("facebook", "bob")).await;
        link(engine, &bob, at("google", "bob")).await;
        let ann = player(engine, at("google", "ann")).await;
        let same = Refusal::AlreadyLinked(provider("google"));
        assert_eq!(refused(engine, &ann, at("facebook", "bob")).await, same);
        assert_eq!(kinds(&account(&world, bob.id()).await), ["facebook", "google"]);
    });
}

#[test]
fn braincloud_8_3_all_identities_and_devices_move_and_the_loser_is_deleted() {
    block_on(async {
        let policy = Policy { device_needs_account: false, ..Policy::braincloud() };
        let world = world(policy).await;
        let engine = world.engine();
        let bob = player(engine, at("facebook", "bob")).await;
        link(engine, &bob, device("a-device-of-bob")).await;
        link(engine, &bob, custom("custom-id-of-bob")).await;
        let ann = player(engine, at("google", "ann")).await;
        link(engine, &ann, device("a-device-of-ann")).await;
        // Three logins to Bob's two: Ann's account survives.
        for _ in 0..2 {
            log_in(engine, device("a-device-of-ann")).await;
        }
        let ann = player(engine, at("google", "ann")).await;
        let merged = merge(engine, &ann, at("facebook", "bob")).await;
        let all = ["google", "device", "facebook", "device", "custom"];
        assert_eq!((merged.account.id, kinds(&merged.account)), (ann.id(), all.to_vec()));
        assert_eq!(snapshot(&world, bob.id()).await, None);
        let opens = [at("facebook", "bob"), device("a-device-of-bob"), custom("custom-id-of-bob")];
        for credential in opens {
            assert_eq!(log_in(engine, credential).await.account.id, ann.id());
        }
        let into = EventKind::MergedInto { survivor: ann.id() };
        assert!(events(&world, bob.id()).await.ends_with(&[into]));
        assert!(
            events(&world, ann.id()).await.contains(&EventKind::MergedFrom { merged: bob.id() })
        );
    });
}

#[test]
fn braincloud_8_3_the_session_goes_on_when_the_current_profile_survives() {
    block_on(async {
        let world = world(Policy::braincloud()).await;
        let engine = world.engine();
        let ann = player(engine, at("google", "ann")).await;
        let bob = log_in(engine, at("facebook", "bob")).await;
        let merged = merge(engine, &ann, at("facebook", "bob")).await;
        assert!(merged.tokens.is_none());
        assert_eq!(merged.session, ann.login.session);
        assert!(alive(engine, &ann.login).await && !alive(engine, &bob).await);
    });
}

#[test]
fn braincloud_8_3_the_session_goes_on_in_the_other_profile_when_that_survives() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        let elsewhere = log_in(engine, at("facebook", "bob")).await;
        let bob = log_in(engine, at("facebook", "bob")).await;
        let ann = player(engine, at("google", "ann")).await;
        let merged = merge(engine, &ann, at("facebook", "bob")).await;
        assert_eq!(merged.account.id, bob.account.id);
        assert_eq!(kinds(&merged.account), ["facebook", "google"]);
        let tokens = merged.tokens.unwrap();
        let who = engine.verify(tokens.access.reveal()).await.unwrap();
        assert_eq!((who.account(), who.session()), (bob.account.id, &merged.session));
        assert_eq!(merged.session.identity, Some(merged.account.identities[0].ordinal));
        assert!(!alive(engine, &ann.login).await);
        assert!(alive(engine, &bob).await && alive(engine, &elsewhere).await);
        assert_eq!(log_in(engine, at("google", "ann")).await.account.id, bob.account.id);
        assert_eq!(snapshot(&world, ann.id()).await, None);
    });
}

#[test]
fn braincloud_8_3_an_identity_of_ones_own_is_done() {
    block_on(async {
        let world = world(Policy::braincloud()).await;
        let engine = world.engine();
        let ann = player(engine, at("google", "ann")).await;
        let before = snapshot(&world, ann.id()).await;
        let merged = merge(engine, &ann, at("google", "ann")).await;
        assert_eq!((merged.account.id, merged.report), (ann.id(), None));
        let own = Merge::new(at("google", "ann"));
        assert_eq!(engine.merge_preview(&context(), &ann.who, own).await.unwrap(), None);
        assert_eq!(snapshot(&world, ann.id()).await, before);
    });
}

#[test]
fn security_71_a_preview_tells_what_the_merge_does_and_does_nothing() {
    block_on(async {
        let world = world(Policy::braincloud()).await;
        let engine = world.engine();
        let bob = player(engine, email("bob@example.com", "a password of Bob")).await;
        link(engine, &bob, device("a-device-of-bob")).await;
        let first = player(engine, at("google", "ann")).await;
        world.clock().advance(TimeDelta::seconds(1));
        let ann = player(engine, at("google", "ann")).await;
        let before = [snapshot(&world, ann.id()).await, snapshot(&world, bob.id()).await];
        let request = || Merge::new(email("bob@example.com", "a password of Bob"));
        let report = engine.merge_preview(&context(), &ann.who, request()).await.unwrap().unwrap();
        assert_eq!((report.survivor, report.merged), (ann.id(), bob.id()));
        assert_eq!(report.identities, [key("email", "bob@example.com")]);
        assert_eq!(report.devices, [key("device", "a-device-of-bob")]);
        assert_eq!(report.sessions, [bob.login.session.id]);
        assert_eq!(report.password, MergedPassword::Moves);
        assert!(report.guests.is_empty() && !report.username_moves);
        assert_eq!([snapshot(&world, ann.id()).await, snapshot(&world, bob.id()).await], before);
        let merged = engine.merge(&context(), &ann.who, request()).await.unwrap();
        assert_eq!(merged.report, Some(report));
        let login = log_in(engine, email("bob@example.com", "a password of Bob")).await;
        assert_eq!(login.account.id, first.id());
    });
}

#[test]
fn security_71_the_survivors_password_is_kept_and_the_other_one_dropped() {
    block_on(async {
        let world = world(Policy::braincloud()).await;
        let engine = world.engine();
        log_in(engine, email("bob@example.com", "a password of Bob")).await;
        let named = Login::new(email("ann@example.com", "a password of Ann")).with_username("ann");
        engine.login(&context(), named).await.unwrap();
        let ann = player(engine, email("ann@example.com", "a password of Ann")).await;
        link(engine, &ann, at("google", "ann")).await;
        let ann = player(engine, at("google", "ann")).await;
        // The address goes first, the name and its password stay by import; so both have one, and no kind in common.
        super::edit(&world, ann.id(), |ann| {
            ann.identities.retain(|identity| *identity.key.provider() != ProviderId::EMAIL);
        })
        .await;
        let merged = merge(engine, &ann, email("bob@example.com", "a password of Bob")).await;
        assert_eq!(merged.report.unwrap().password, MergedPassword::Dropped);
        let old = try_log_in(engine, email("bob@example.com", "a password of Bob")).await;
        assert_eq!(refusal(old), Refusal::WrongPassword);
        let login = log_in(engine, email("bob@example.com", "a password of Ann")).await;
        assert_eq!(login.account.id, ann.id());
    });
}

#[test]
fn security_16_71_a_merge_by_password_is_throttled_as_a_login_is() {
    block_on(async {
        let world = world(Policy::recommended()).await;
        let engine = world.engine();
        log_in(engine, email("bob@example.com", "a password of Bob")).await;
        let ann = player(engine, at("google", "ann")).await;
        for address in ["bob@example.com", "nobody@example.com"] {
            let wrong = || Merge::new(email(address, "a password of Eve"));
            for _ in 0..engine.policy().password_attempts.limit {
                let refused = engine.merge(&context(), &ann.who, wrong()).await;
                assert_eq!(refusal(refused), Refusal::WrongPassword);
            }
            let refused = engine.merge(&context(), &ann.who, wrong()).await;
            assert!(matches!(refusal(refused), Refusal::TryAgainLater { .. }));
        }
    });
}

#[test]
fn braincloud_8_3_by_username_and_password() {
    block_on(async {
        let world = world(Policy::braincloud()).await;
        let engine = world.engine();
        let login = Login::new(email("bob@example.com", "a password of Bob")).with_username("bob");
        let bob = engine.login(&context(), login).await.unwrap().account.id;
        let ann = player(engine, at("google", "ann")).await;
        let by_name = |name: &str, password: &str| authcore::Credential::Username {
            username: name.into(),
            password: password.into(),
        };
        let nobody = refused(engine, &ann, by_name("nobody", "a password of Bob")).await;
        assert_eq!(nobody, Refusal::AccountNotFound);
        let wrong = refused(engine, &ann, by_name("bob", "a password of Ann")).await;
        assert_eq!(wrong, Refusal::WrongPassword);
        for _ in 0..2 {
            // Bob's account has the most logins, and survives with its name and password.
            log_in(engine, by_name("bob", "a password of Bob")).await;
        }
        let merged = merge(engine, &ann, by_name("bob", "a password of Bob")).await;
        assert_eq!((merged.account.id, merged.session.identity), (bob, None));
        assert_eq!(kinds(&merged.account), ["email", "google"]);
    });
}

#[test]
fn braincloud_8_3_the_name_moves_to_a_survivor_without_one() {
    block_on(async {
        let world = world(Policy::braincloud()).await;
        let engine = world.engine();
        let ann = player(engine, at("google", "ann")).await;
        let login = Login::new(at("facebook", "bob")).with_username("bob");
        engine.login(&context(), login).await.unwrap();
        let merged = merge(engine, &ann, at("facebook", "bob")).await;
        assert!(merged.report.unwrap().username_moves);
        assert_eq!(&*merged.account.username.unwrap().shown, "bob");
    });
}

#[test]
fn gamebase_1_4_i4_a_merge_leaves_no_guest_key_beside_another_identity() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        let key_of_ann = || guest("a-guest-key-of-ann");
        let refused_key = {
            let bob = player(engine, at("facebook", "bob")).await;
            refused(engine, &bob, key_of_ann()).await
        };
        assert_eq!(refused_key, Refusal::NotLinkable(ProviderId::GUEST));
        let ann = player(engine, key_of_ann()).await;
        log_in(engine, key_of_ann()).await;
        let merged = merge(engine, &ann, at("facebook", "bob")).await;
        assert_eq!((merged.account.id, kinds(&merged.account)), (ann.id(), vec!["facebook"]));
        assert_eq!(merged.report.unwrap().guests, [key("guest", "a-guest-key-of-ann")]);
        assert_eq!(merged.session.identity, Some(merged.account.identities[0].ordinal));
    });
}
