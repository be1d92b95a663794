use authcore::account::ProviderId;
use authcore::lifecycle::Standing;
use authcore::policy::{CredentialChange, Relink};
use authcore::{Policy, Refusal};

use super::super::{at, block_on, guest, log_in, world};
use super::{
    account, alive, ban, custom, device, email, events, grace_ban, kinds, link, player, provider,
    refused_link, request_withdrawal, snapshot, ticket,
};

#[test]
fn gamebase_3_7_check_1_a_guest_key_cannot_be_added() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let ann = player(world.engine(), at("facebook", "ann")).await;
        for key in ["a-guest-key-of-16-bytes", "short"] {
            let refused = refused_link(world.engine(), &ann, guest(key)).await;
            assert_eq!(refused, Refusal::NotLinkable(ProviderId::GUEST));
        }
    });
}

#[test]
fn gamebase_3_7_check_2_a_provider_must_be_configured() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let ann = player(world.engine(), at("facebook", "ann")).await;
        let refused = refused_link(world.engine(), &ann, at("steam", "bad")).await;
        assert_eq!(refused, Refusal::ProviderNotConfigured(provider("steam")));
    });
}

#[test]
fn gamebase_3_7_check_3_the_provider_must_vouch_before_anything_else_is_told() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let ann = player(world.engine(), at("facebook", "ann")).await;
        for kind in ["facebook", "google"] {
            let refused = refused_link(world.engine(), &ann, at(kind, "bad")).await;
            let provider = provider(kind);
            assert_eq!(refused, Refusal::CredentialRejected { provider, extra: None });
        }
    });
}

#[test]
fn gamebase_3_7_check_4_one_identity_of_a_kind_whichever_it_is() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let ann = player(world.engine(), at("facebook", "ann")).await;
        let refused = refused_link(world.engine(), &ann, at("facebook", "another")).await;
        assert_eq!(refused, Refusal::AlreadyLinked(provider("facebook")));
    });
}

#[test]
fn gamebase_x13_having_one_of_the_kind_is_told_before_another_owner() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let ann = player(world.engine(), at("facebook", "ann")).await;
        log_in(world.engine(), at("facebook", "bob")).await;
        let refused = refused_link(world.engine(), &ann, at("facebook", "bob")).await;
        assert_eq!(refused, Refusal::AlreadyLinked(provider("facebook")));
        assert!(account(&world, ann.id()).await.records.tickets.is_empty());
    });
}

#[test]
fn gamebase_x14_an_identity_of_ones_own_is_refused() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let ann = player(world.engine(), at("facebook", "ann")).await;
        link(world.engine(), &ann, device("a-device-of-ann")).await;
        for own in [at("facebook", "ann"), device("a-device-of-ann")] {
            let kind = own.provider().unwrap().clone();
            assert_eq!(refused_link(world.engine(), &ann, own).await, Refusal::AlreadyLinked(kind));
        }
        // Where the policy takes it for done, it is (nakama 9.2).
        let lenient = Policy { relink_own_is_done: true, ..Policy::gamebase() };
        let lenient = world.engine().with_policy(lenient).unwrap();
        assert_eq!(link(&lenient, &ann, at("facebook", "ann")).await.identities.len(), 2);
    });
}

#[test]
fn gamebase_3_7_check_5_another_members_identity_is_refused_with_a_ticket() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let owner = player(world.engine(), at("facebook", "bob")).await;
        let ann = player(world.engine(), at("google", "ann")).await;
        let offer = ticket(world.engine(), &ann, at("facebook", "bob")).await;
        assert_eq!((offer.owner, offer.owner_standing), (owner.id(), Standing::Normal));
        assert_eq!(kinds(&account(&world, ann.id()).await), ["google"]);
        assert_eq!(kinds(&account(&world, owner.id()).await), ["facebook"]);
        assert!(alive(world.engine(), &ann.login).await);
    });
}

#[test]
fn gamebase_3_7_effect_the_logged_in_provider_stays_for_who_is_no_guest() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let ann = player(world.engine(), at("google", "ann")).await;
        let linked = link(world.engine(), &ann, at("facebook", "ann")).await;
        assert_eq!(kinds(&linked), ["google", "facebook"]);
        let opened_by = ann.login.session.identity;
        let kept = snapshot(&world, ann.id()).await.unwrap().activity;
        assert_eq!(kept.sessions[0].identity, opened_by);
        assert_eq!(kept.last_login.unwrap().identity, opened_by);
        assert_eq!(log_in(world.engine(), at("facebook", "ann")).await.account.id, ann.id());
    });
}

#[test]
fn gamebase_4_8_add_mapping_keeps_all_sessions() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let other = log_in(world.engine(), at("google", "ann")).await;
        let stranger = log_in(world.engine(), at("google", "bob")).await;
        let ann = player(world.engine(), at("google", "ann")).await;
        link(world.engine(), &ann, at("facebook", "ann")).await;
        for login in [&ann.login, &other, &stranger] {
            assert!(alive(world.engine(), login).await);
        }
    });
}

#[test]
fn gamebase_x15_mapping_goes_on_during_a_pending_withdrawal_and_a_grace_ban() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let leaving = player(world.engine(), at("facebook", "ann")).await;
        request_withdrawal(&world, leaving.id()).await;
        let suspended = player(world.engine(), at("facebook", "bob")).await;
        grace_ban(&world, suspended.id()).await;
        for (player, subject) in [(&leaving, "ann"), (&suspended, "bob")] {
            let linked = link(world.engine(), player, at("google", subject)).await;
            assert_eq!(kinds(&linked), ["facebook", "google"]);
        }
    });
}

#[test]
fn gamebase_x5_a_banned_owners_ban_is_told_and_there_is_no_ticket() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let owner = player(world.engine(), at("facebook", "bob")).await;
        ban(&world, owner.id()).await;
        let ann = player(world.engine(), at("google", "ann")).await;
        let refused = refused_link(world.engine(), &ann, at("facebook", "bob")).await;
        let Refusal::Banned(info) = refused else { panic!("{refused}") };
        assert_eq!((info.account, &*info.message), (owner.id(), "cheating"));
        assert!(account(&world, ann.id()).await.records.tickets.is_empty());
    });
}

#[test]
fn gamebase_x5_the_policy_may_give_a_ticket_for_a_banned_owner() {
    block_on(async {
        let world = world(Policy { ticket_for_banned: true, ..Policy::gamebase() }).await;
        let owner = player(world.engine(), at("facebook", "bob")).await;
        ban(&world, owner.id()).await;
        let ann = player(world.engine(), at("google", "ann")).await;
        let offer = ticket(world.engine(), &ann, at("facebook", "bob")).await;
        assert_eq!(offer.owner_standing, Standing::Banned);
        assert_eq!(offer.owner_standing.gamebase_code(), 'B');
    });
}

#[test]
fn gamebase_x24_a_replaced_identity_takes_its_sessions_along_and_no_others() {
    block_on(async {
        let policy = Policy {
            relink: Relink::Replace,
            credential_change: CredentialChange::EndsItsSessions,
            ..Policy::gamebase()
        };
        let world = world(policy).await;
        let ann = player(world.engine(), at("google", "ann")).await;
        link(world.engine(), &ann, at("facebook", "old")).await;
        let old = log_in(world.engine(), at("facebook", "old")).await;
        link(world.engine(), &ann, at("facebook", "new")).await;
        assert!(alive(world.engine(), &ann.login).await);
        assert!(!alive(world.engine(), &old).await);
    });
}

#[test]
fn security_67_one_address_at_two_providers_is_two_accounts_and_stays_so() {
    block_on(async {
        let world = world(Policy::recommended()).await;
        let address = "ann@example.com";
        let by_email = log_in(world.engine(), email(address, "a password of Ann")).await;
        let by_google = player(world.engine(), at("google", address)).await;
        assert!(by_google.login.created && by_google.id() != by_email.account.id);
        link(world.engine(), &by_google, at("facebook", address)).await;
        assert_eq!(kinds(&account(&world, by_email.account.id).await), ["email"]);
        assert_eq!(kinds(&account(&world, by_google.id()).await), ["google", "facebook"]);
    });
}

#[test]
fn security_71_an_email_address_of_another_account_brings_no_ticket() {
    block_on(async {
        let world = world(Policy::recommended()).await;
        let owner = log_in(world.engine(), email("bob@example.com", "a password of Bob")).await;
        ban(&world, owner.account.id).await;
        let ann = player(world.engine(), at("google", "ann")).await;
        // The password is whatever the caller likes, so nothing is proven and nothing told.
        let made_up = email("bob@example.com", "a password of Ann");
        let refused = refused_link(world.engine(), &ann, made_up).await;
        assert_eq!(refused, Refusal::IdentityTaken { provider: ProviderId::EMAIL, ticket: None });
    });
}

#[test]
fn nakama_9_2_another_owner_is_told_without_a_ticket_also_when_banned() {
    block_on(async {
        let world = world(Policy::nakama()).await;
        let owner = log_in(world.engine(), custom("custom-id-of-bob")).await;
        ban(&world, owner.account.id).await;
        let ann = player(world.engine(), at("google", "ann")).await;
        let refused = refused_link(world.engine(), &ann, custom("custom-id-of-bob")).await;
        assert_eq!(refused, Refusal::IdentityTaken { provider: ProviderId::CUSTOM, ticket: None });
        let kept = account(&world, ann.id()).await;
        assert!(kept.records.tickets.is_empty());
        assert!(!events(&world, ann.id()).await.is_empty());
    });
}

#[test]
fn braincloud_8_1_rule_1_the_credential_must_verify() {
    block_on(async {
        let world = world(Policy::braincloud()).await;
        let ann = player(world.engine(), at("google", "ann")).await;
        let refused = refused_link(world.engine(), &ann, at("google", "bad")).await;
        let rejected = Refusal::CredentialRejected { provider: provider("google"), extra: None };
        assert_eq!(refused, rejected);
    });
}

#[test]
fn braincloud_8_1_rule_2_one_identity_of_a_type_whatever_its_id() {
    block_on(async {
        let world = world(Policy::braincloud()).await;
        let ann = player(world.engine(), at("google", "ann")).await;
        log_in(world.engine(), at("google", "bob")).await;
        for subject in ["ann", "free", "bob"] {
            let refused = refused_link(world.engine(), &ann, at("google", subject)).await;
            assert_eq!(refused, Refusal::AlreadyLinked(provider("google")), "{subject}");
        }
    });
}

#[test]
fn braincloud_8_1_rule_3_another_profiles_identity_is_refused() {
    block_on(async {
        let world = world(Policy::braincloud()).await;
        let ann = player(world.engine(), at("google", "ann")).await;
        log_in(world.engine(), at("facebook", "bob")).await;
        let refused = refused_link(world.engine(), &ann, at("facebook", "bob")).await;
        let taken = Refusal::IdentityTaken { provider: provider("facebook"), ticket: None };
        assert_eq!(refused, taken);
    });
}

#[test]
fn braincloud_8_1_rule_4_otherwise_it_is_bound_and_the_device_stays() {
    block_on(async {
        let world = world(Policy::braincloud()).await;
        let ann = player(world.engine(), custom("custom-id-of-ann")).await;
        link(world.engine(), &ann, device("a-device-of-ann")).await;
        let linked = link(world.engine(), &ann, at("google", "ann")).await;
        assert_eq!(kinds(&linked), ["custom", "device", "google"]);
    });
}
