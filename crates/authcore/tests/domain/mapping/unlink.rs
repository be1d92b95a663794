use authcore::account::ProviderId;
use authcore::event::{EventKind, SessionEnd};
use authcore::policy::CredentialChange;
use authcore::{Login, Policy, Refusal, Unlink};

use super::super::{at, block_on, context, guest, log_in, refusal, world};
use super::{Player, alive, custom, device, email, events, kinds, link, player, provider};

async fn refused(engine: &authcore::Engine, player: &Player, unlink: Unlink) -> Refusal {
    refusal(engine.unlink(&context(), &player.who, unlink).await)
}

#[test]
fn gamebase_3_10_checks_in_order_not_mapped_then_last_then_logged_in() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        let ann = player(engine, at("google", "ann")).await;
        let kind = |name| Unlink::any(provider(name));
        let not_mapped = Refusal::NotLinked(provider("facebook"));
        assert_eq!(refused(engine, &ann, kind("facebook")).await, not_mapped);
        // The only one and the logged-in one: the first of the two is told.
        let last = Refusal::LastIdentity(provider("google"));
        assert_eq!(refused(engine, &ann, kind("google")).await, last);
        link(engine, &ann, at("facebook", "ann")).await;
        let logged_in = Refusal::LoggedInIdentity(provider("google"));
        assert_eq!(refused(engine, &ann, kind("google")).await, logged_in);
        let account = engine.unlink(&context(), &ann.who, kind("facebook")).await.unwrap();
        assert_eq!(kinds(&account), ["google"]);
    });
}

#[test]
fn gamebase_3_10_effect_the_identity_is_free() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        let ann = player(engine, at("google", "ann")).await;
        link(engine, &ann, at("facebook", "ann")).await;
        let unlink = Unlink::any(provider("facebook"));
        engine.unlink(&context(), &ann.who, unlink).await.unwrap();
        let anew = log_in(engine, at("facebook", "ann")).await;
        assert!(anew.created && anew.account.id != ann.id());
    });
}

#[test]
fn gamebase_x24_4_8_remove_mapping_ends_what_the_identity_opened_and_nothing_else() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        let ann = player(engine, at("google", "ann")).await;
        link(engine, &ann, at("facebook", "ann")).await;
        let through_it = log_in(engine, at("facebook", "ann")).await;
        let elsewhere = log_in(engine, at("google", "ann")).await;
        let unlink = Unlink::any(provider("facebook"));
        engine.unlink(&context(), &ann.who, unlink).await.unwrap();
        assert!(!alive(engine, &through_it).await);
        assert!(alive(engine, &ann.login).await && alive(engine, &elsewhere).await);
        let session = through_it.session.id;
        let ended = EventKind::SessionEnded { session, reason: SessionEnd::Unlinked };
        assert!(events(&world, ann.id()).await.contains(&ended));
    });
}

#[test]
fn security_72_an_unlinked_email_address_takes_the_sessions_of_its_password_along() {
    block_on(async {
        let policy = Policy {
            credential_change: CredentialChange::EndsItsSessions,
            ..Policy::recommended()
        };
        let world = world(policy).await;
        let engine = world.engine();
        let address = email("ann@example.com", "a password of Ann");
        let login = Login::new(address.clone()).with_username("ann");
        let by_email = engine.login(&context(), login).await.unwrap();
        let by_name = authcore::Credential::Username {
            username: "ann".into(),
            password: "a password of Ann".into(),
        };
        let by_name = log_in(engine, by_name).await;
        let ann = player(engine, address).await;
        link(engine, &ann, at("google", "ann")).await;
        let acting = player(engine, at("google", "ann")).await;
        let unlink = Unlink::any(ProviderId::EMAIL);
        engine.unlink(&context(), &acting.who, unlink).await.unwrap();
        for login in [&by_email, &by_name, &ann.login] {
            assert!(!alive(engine, login).await);
        }
        assert!(alive(engine, &acting.login).await);
    });
}

#[test]
fn security_63_72_the_acting_session_stays_unless_the_identity_opened_it() {
    block_on(async {
        let world = world(Policy::recommended()).await;
        let engine = world.engine();
        let ann = player(engine, at("google", "ann")).await;
        link(engine, &ann, at("facebook", "ann")).await;
        let elsewhere = log_in(engine, at("google", "ann")).await;
        engine.unlink(&context(), &ann.who, Unlink::any(provider("facebook"))).await.unwrap();
        assert!(alive(engine, &ann.login).await && !alive(engine, &elsewhere).await);
        link(engine, &ann, at("facebook", "ann")).await;
        engine.unlink(&context(), &ann.who, Unlink::any(provider("google"))).await.unwrap();
        assert!(!alive(engine, &ann.login).await);
    });
}

#[test]
fn nakama_10_3_an_unlink_keeps_the_sessions() {
    block_on(async {
        let world = world(Policy::nakama()).await;
        let engine = world.engine();
        let ann = player(engine, at("google", "ann")).await;
        link(engine, &ann, at("facebook", "ann")).await;
        let through_it = log_in(engine, at("facebook", "ann")).await;
        engine.unlink(&context(), &ann.who, Unlink::any(provider("facebook"))).await.unwrap();
        assert!(alive(engine, &ann.login).await && alive(engine, &through_it).await);
    });
}

#[test]
fn gamebase_3_11_the_mapping_list_names_all_logins_guest_keys_included() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        let codes = async |player: &Player| -> Vec<String> {
            let mappings = engine.mappings(&player.who).await.unwrap();
            mappings.iter().map(|identity| identity.key.provider().to_string()).collect()
        };
        let ann = player(engine, guest("a-guest-key-of-16-bytes")).await;
        assert_eq!(codes(&ann).await, ["guest"]);
        link(engine, &ann, at("google", "ann")).await;
        link(engine, &ann, at("facebook", "ann")).await;
        assert_eq!(codes(&ann).await, ["google", "facebook"]);
        engine.logout(&context(), &ann.who, authcore::Logout::ThisSession).await.unwrap();
        assert_eq!(refusal(engine.mappings(&ann.who).await), Refusal::AccessTokenInvalid);
    });
}

#[test]
fn braincloud_8_2_rule_1_and_2_nobodys_identity_is_told_from_another_profiles() {
    block_on(async {
        let world = world(Policy::braincloud()).await;
        let engine = world.engine();
        let ann = player(engine, at("google", "ann")).await;
        link(engine, &ann, device("a-device-of-ann")).await;
        log_in(engine, custom("custom-id-of-bob")).await;
        let unlink = |id| Unlink::exactly(ProviderId::CUSTOM, id);
        let nobodys = refused(engine, &ann, unlink("custom-id-of-nobody")).await;
        assert_eq!(nobodys, Refusal::NotLinked(ProviderId::CUSTOM));
        let foreign = refused(engine, &ann, unlink("custom-id-of-bob")).await;
        assert_eq!(foreign, Refusal::ForeignIdentity(ProviderId::CUSTOM));
        // Other policies do not tell whether somebody has it.
        let silent = engine.with_policy(Policy::gamebase()).unwrap();
        let foreign = refused(&silent, &ann, unlink("custom-id-of-bob")).await;
        assert_eq!(foreign, Refusal::NotLinked(ProviderId::CUSTOM));
    });
}

#[test]
fn braincloud_8_2_rule_3_the_last_non_anonymous_identity_needs_a_confirmation() {
    block_on(async {
        let world = world(Policy::braincloud()).await;
        let engine = world.engine();
        let ann = player(engine, custom("custom-id-of-ann")).await;
        link(engine, &ann, device("a-device-of-ann")).await;
        link(engine, &ann, at("google", "ann")).await;
        let account = engine.unlink(&context(), &ann.who, Unlink::any(provider("google"))).await;
        assert_eq!(kinds(&account.unwrap()), ["custom", "device"]);
        let unlink = Unlink::exactly(ProviderId::CUSTOM, "custom-id-of-ann");
        assert_eq!(refused(engine, &ann, unlink.clone()).await, Refusal::ConfirmAnonymous);
        let account = engine.unlink(&context(), &ann.who, unlink.confirmed()).await.unwrap();
        assert_eq!(kinds(&account), ["device"]);
        assert_eq!(log_in(engine, custom("custom-id-of-ann")).await.account.identities.len(), 1);
    });
}

#[test]
fn braincloud_8_2_rule_3_a_confirmation_does_not_give_up_the_last_login() {
    block_on(async {
        let world = world(Policy::braincloud()).await;
        let engine = world.engine();
        let ann = player(engine, at("google", "ann")).await;
        let unlink = Unlink::any(provider("google"));
        let last = Refusal::LastIdentity(provider("google"));
        // A confirmation would not help, so none is asked for.
        assert_eq!(refused(engine, &ann, unlink.clone()).await, last);
        assert_eq!(refused(engine, &ann, unlink.confirmed()).await, last);
    });
}

#[test]
fn braincloud_8_2_rule_3_a_device_goes_without_a_confirmation() {
    block_on(async {
        let world = world(Policy::braincloud()).await;
        let engine = world.engine();
        let ann = player(engine, custom("custom-id-of-ann")).await;
        for id in ["a-device-of-ann", "another-device"] {
            link(engine, &ann, device(id)).await;
        }
        let unlink = Unlink::exactly(ProviderId::DEVICE, "a-device-of-ann");
        let account = engine.unlink(&context(), &ann.who, unlink).await.unwrap();
        assert_eq!(kinds(&account), ["custom", "device"]);
    });
}

#[test]
fn braincloud_8_2_rule_4_a_detached_id_makes_a_new_profile() {
    block_on(async {
        let world = world(Policy::braincloud()).await;
        let engine = world.engine();
        let ann = player(engine, at("google", "ann")).await;
        link(engine, &ann, at("facebook", "ann")).await;
        engine.unlink(&context(), &ann.who, Unlink::any(provider("facebook"))).await.unwrap();
        let anew = log_in(engine, at("facebook", "ann")).await;
        assert!(anew.created && anew.account.id != ann.id());
    });
}
