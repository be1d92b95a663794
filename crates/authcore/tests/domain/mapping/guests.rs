use authcore::lifecycle::Expiry;
use authcore::session::Method;
use authcore::store::TransferKey;
use authcore::transfer::{IssuedBy, TransferAccount, TransferState};
use authcore::{Clock, Policy, Refusal, Unlink};

use super::super::{at, block_on, context, guest, log_in, refusal, world};
use super::{
    account, alive, custom, edit, events, kinds, link, player, provider, snapshot, ticket,
};

const GUEST: &str = "a-guest-key-of-16-bytes";

#[test]
fn gamebase_3_7_effect_a_guest_becomes_what_it_maps() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let ann = player(world.engine(), guest(GUEST)).await;
        let second = log_in(world.engine(), guest(GUEST)).await;
        let linked = link(world.engine(), &ann, at("facebook", "ann")).await;
        assert_eq!((linked.id, kinds(&linked)), (ann.id(), vec!["facebook"]));
        let heir = Some(linked.identities[0].ordinal);
        let kept = snapshot(&world, ann.id()).await.unwrap().activity;
        assert_eq!(kept.sessions.len(), 2);
        for session in &kept.sessions {
            assert_eq!((session.identity, session.method), (heir, Method::Provider));
        }
        assert_eq!(kept.last_login.unwrap().identity, heir);
        for login in [&ann.login, &second] {
            assert!(alive(world.engine(), login).await);
        }
        // The key opens a new account from now on.
        let anew = log_in(world.engine(), guest(GUEST)).await;
        assert!(anew.created && anew.account.id != ann.id());
    });
}

#[test]
fn gamebase_3_7_effect_the_mapped_provider_is_the_logged_in_one_for_an_unlink() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let ann = player(world.engine(), guest(GUEST)).await;
        link(world.engine(), &ann, at("facebook", "ann")).await;
        link(world.engine(), &ann, at("google", "ann")).await;
        let context = context();
        let unlink = |kind| world.engine().unlink(&context, &ann.who, Unlink::any(provider(kind)));
        let refused = refusal(unlink("facebook").await);
        assert_eq!(refused, Refusal::LoggedInIdentity(provider("facebook")));
        assert_eq!(kinds(&unlink("google").await.unwrap()), ["facebook"]);
    });
}

#[test]
fn gamebase_1_4_i4_no_member_holds_a_guest_key_beside_another_identity() {
    block_on(async {
        let world = world(Policy { identities_per_account: 1, ..Policy::gamebase() }).await;
        let ann = player(world.engine(), guest(GUEST)).await;
        // The key makes the room that the identity needs.
        assert_eq!(kinds(&link(world.engine(), &ann, custom("id-of-ann")).await), ["custom"]);
    });
}

#[test]
fn a_policy_may_leave_the_guest_key() {
    block_on(async {
        let world = world(Policy { guest_leaves: false, ..Policy::gamebase() }).await;
        let ann = player(world.engine(), guest(GUEST)).await;
        let linked = link(world.engine(), &ann, at("facebook", "ann")).await;
        assert_eq!(kinds(&linked), ["guest", "facebook"]);
        let opened_by = snapshot(&world, ann.id()).await.unwrap().activity.sessions[0].identity;
        assert_eq!(opened_by, ann.login.session.identity);
    });
}

#[test]
fn gamebase_3_8_a_guest_who_takes_an_identity_becomes_it() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        log_in(world.engine(), at("facebook", "bob")).await;
        let ann = player(world.engine(), guest(GUEST)).await;
        let offer = ticket(world.engine(), &ann, at("facebook", "bob")).await;
        let taken =
            world.engine().link_forcibly(&context(), &ann.who, &offer.secret).await.unwrap();
        assert_eq!(kinds(&taken), ["facebook"]);
        let session = &snapshot(&world, ann.id()).await.unwrap().activity.sessions[0];
        assert_eq!(session.identity, Some(taken.identities[0].ordinal));
        assert!(alive(world.engine(), &ann.login).await);
    });
}

#[test]
fn gamebase_x33_a_guest_who_changes_the_login_stays_what_it_is() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let owner = log_in(world.engine(), at("facebook", "bob")).await;
        let ann = player(world.engine(), guest(GUEST)).await;
        let offer = ticket(world.engine(), &ann, at("facebook", "bob")).await;
        let changed =
            world.engine().change_login(&context(), &ann.who, &offer.secret).await.unwrap();
        assert_eq!(changed.account.id, owner.account.id);
        assert_eq!(kinds(&account(&world, ann.id()).await), ["guest"]);
        let again = log_in(world.engine(), guest(GUEST)).await;
        assert_eq!((again.account.id, again.created), (ann.id(), false));
    });
}

fn transfer_account(now: chrono::DateTime<chrono::Utc>) -> TransferAccount {
    TransferAccount {
        key: TransferKey::new([7; 32]),
        id: None,
        password_hash: None,
        issued_by: IssuedBy::Auto,
        device: None,
        issued_at: now,
        expiry: Expiry::Never,
        state: TransferState::Issued { failures: 0 },
    }
}

#[test]
fn gamebase_4_3_any_a_member_who_maps_an_identity_loses_the_transfer_account() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let ann = player(world.engine(), guest(GUEST)).await;
        let issued = transfer_account(world.clock().now());
        edit(&world, ann.id(), |account| account.records.transfer = Some(issued.into())).await;
        let linked = link(world.engine(), &ann, at("facebook", "ann")).await;
        assert_eq!(linked.records.transfer.unwrap().state, TransferState::Deleted);
    });
}

#[test]
fn gamebase_4_3_any_a_member_who_is_lost_loses_the_transfer_account() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let owner = player(world.engine(), at("facebook", "bob")).await;
        let issued = transfer_account(world.clock().now());
        edit(&world, owner.id(), |account| account.records.transfer = Some(issued.into())).await;
        let ann = player(world.engine(), guest(GUEST)).await;
        let offer = ticket(world.engine(), &ann, at("facebook", "bob")).await;
        world.engine().link_forcibly(&context(), &ann.who, &offer.secret).await.unwrap();
        let lost = account(&world, owner.id()).await;
        assert_eq!(lost.records.transfer.unwrap().state, TransferState::Deleted);
        assert!(events(&world, owner.id()).await.contains(&authcore::event::EventKind::Lost));
    });
}
