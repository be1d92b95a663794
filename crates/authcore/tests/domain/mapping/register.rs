use authcore::account::{AccountId, IdentityKey, ProviderId};
use authcore::lifecycle::{Standing, standing};
use authcore::refusal::{Field, Rule};
use authcore::{Policy, Refusal};

use super::super::{at, block_on, context, guest, log_in, operator, refusal, world};
use super::{account, alive, key, kinds, player, provider, snapshot, ticket};

#[test]
fn braincloud_7_an_identity_may_be_registered_ahead_of_its_first_login() {
    block_on(async {
        let world = world(Policy::braincloud()).await;
        let engine = world.engine();
        let ann = player(engine, at("google", "ann")).await;
        for _ in 0..2 {
            // Asking twice is no fault.
            let registered =
                engine.register_identity(&operator(), ann.id(), key("facebook", "ann")).await;
            assert_eq!(kinds(&registered.unwrap()), ["google", "facebook"]);
        }
        assert!(alive(engine, &ann.login).await);
        let login = log_in(engine, at("facebook", "ann")).await;
        assert_eq!((login.account.id, login.created), (ann.id(), false));
    });
}

#[test]
fn braincloud_7_what_another_profile_has_is_not_registered() {
    block_on(async {
        let world = world(Policy::recommended()).await;
        let engine = world.engine();
        log_in(engine, at("facebook", "bob")).await;
        let ann = player(engine, at("google", "ann")).await;
        let before = snapshot(&world, ann.id()).await;
        let refused = engine.register_identity(&operator(), ann.id(), key("facebook", "bob")).await;
        let taken = Refusal::IdentityTaken { provider: provider("facebook"), ticket: None };
        assert_eq!(refusal(refused), taken);
        assert_eq!(snapshot(&world, ann.id()).await, before);
    });
}

#[test]
fn braincloud_7_nothing_is_replaced_in_silence() {
    block_on(async {
        let world = world(Policy::nakama()).await;
        let engine = world.engine();
        let ann = player(engine, at("google", "ann")).await;
        let refused = engine.register_identity(&operator(), ann.id(), key("google", "new")).await;
        assert_eq!(refusal(refused), Refusal::AlreadyLinked(provider("google")));
    });
}

#[test]
fn braincloud_7_bad_input_is_told_before_anything_is_written() {
    block_on(async {
        let world = world(Policy::braincloud()).await;
        let engine = world.engine();
        let ann = player(engine, at("google", "ann")).await;
        let register = async |key: IdentityKey| {
            refusal(engine.register_identity(&operator(), ann.id(), key).await)
        };
        let bytes = Rule::Bytes { min: 1, max: 255 };
        let invalid = Refusal::Invalid { field: Field::Identity, rule: bytes };
        assert_eq!(register(key("facebook", "")).await, invalid);
        let email = Refusal::Invalid { field: Field::Identity, rule: Rule::Forbidden };
        assert_eq!(register(key("email", "ann@example.com")).await, email);
        let guest = Refusal::NotLinkable(ProviderId::GUEST);
        assert_eq!(register(key("guest", "a-guest-key-of-16-bytes")).await, guest);
        let unknown = Refusal::ProviderNotConfigured(provider("steam"));
        assert_eq!(register(key("steam", "ann")).await, unknown);
        let nobody = AccountId::from_bytes([9; 16]);
        let refused = engine.register_identity(&operator(), nobody, key("facebook", "ann")).await;
        assert_eq!(refusal(refused), Refusal::AccountNotFound);
    });
}

#[test]
fn gamebase_4_2_m_a_registered_identity_brings_a_lost_account_back() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        let bob = player(engine, at("facebook", "shared")).await;
        let ann = player(engine, guest("a-guest-key-of-16-bytes")).await;
        let offer = ticket(engine, &ann, at("facebook", "shared")).await;
        engine.link_forcibly(&context(), &ann.who, &offer.secret).await.unwrap();
        assert_eq!(standing(&account(&world, bob.id()).await), Standing::Missing);
        engine.register_identity(&operator(), bob.id(), key("google", "bob")).await.unwrap();
        assert_eq!(standing(&account(&world, bob.id()).await), Standing::Normal);
        assert_eq!(log_in(engine, at("google", "bob")).await.account.id, bob.id());
        assert!(!alive(engine, &bob.login).await, "old tokens stay dead");
    });
}

#[test]
fn gamebase_1_4_a_registered_identity_that_opens_nothing_takes_no_guest_key_away() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        let ann = player(engine, guest("a-guest-key-of-16-bytes")).await;
        let before = snapshot(&world, ann.id()).await;
        // Without a password nobody logs in by it.
        let refused =
            engine.register_identity(&operator(), ann.id(), key("universal", "ann")).await;
        assert_eq!(refusal(refused), Refusal::NotLinkable(ProviderId::UNIVERSAL));
        assert_eq!(snapshot(&world, ann.id()).await, before);
    });
}
