use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use authcore::account::ProviderId;
use authcore::event::EventKind;
use authcore::lifecycle::{Standing, standing};
use authcore::refusal::{Field, Rule};
use authcore::transfer::{Renewal, TransferRules, TransferState};
use authcore::{Done, Hooks, Intent, Link, Policy, Refresh, Refusal, RequestContext, Transfer};
use authcore_testkit::Harness;

use super::{
    Issued, NEW, OLD, carry, history, issued_to, kept, on_device, policy, request, rules, text,
    with_password,
};
use crate::domain::{at, block_on, context, guest, log_in, refusal, try_log_in, who, world};
use crate::store;

const THIRD: &str = "guest-key-of-a-third-device";

#[test]
fn gamebase_3_14_4_1_y_4_7_4_8_transfer_moves_the_guest_and_kicks_the_old_device_out() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let engine = issued.engine();
        let other_session = log_in(engine, guest(OLD)).await;
        let carried = issued.right().await.unwrap();

        // The member is the same, and the new device is logged in.
        assert_eq!(carried.account.id, issued.id());
        assert!(!carried.created);
        let caller = who(engine, &carried).await;
        assert_eq!(caller.account(), issued.id());
        assert_eq!(log_in(engine, guest(NEW)).await.account.id, issued.id());

        // The old device is out, all its sessions, both kinds of tokens.
        for old in [&issued.player, &other_session] {
            assert!(engine.verify(old.tokens.access.reveal()).await.is_err());
            let refresh = Refresh::new(old.tokens.refresh.reveal());
            let refused = refusal(engine.refresh(&context(), refresh).await);
            assert_eq!(refused, Refusal::RefreshTokenInvalid);
        }

        // Its next guest login makes a new member.
        let old_device = log_in(engine, guest(OLD)).await;
        assert!(old_device.created);
        assert_ne!(old_device.account.id, issued.id());

        let events = history(&issued.world, issued.id()).await;
        let kicked = events.iter().filter(|event| **event == EventKind::Transferred).count();
        assert_eq!(kicked, 1);
        assert!(events.contains(&EventKind::LoggedIn { session: carried.session.id }));
    });
}

#[test]
fn gamebase_4_3_one_time_transfer_uses_it_up() {
    block_on(async {
        let issued = Issued::under(TransferRules { one_time: true, ..rules() }).await;
        issued.right().await.unwrap();
        assert_eq!(issued.state().await, TransferState::Used);
    });
}

#[test]
fn gamebase_4_3_unlimited_transfer_stays_good_and_failures_are_in_a_row() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        assert_eq!(issued.wrong().await, Refusal::TransferWrongPassword);
        assert_eq!(issued.wrong().await, Refusal::TransferWrongPassword);
        issued.right().await.unwrap();
        assert_eq!(issued.state().await, TransferState::Issued { failures: 0 });
        let third = carry(issued.engine(), THIRD, &issued.info).await.unwrap();
        assert_eq!(third.account.id, issued.id());
        let back = carry(issued.engine(), OLD, &issued.info).await.unwrap();
        assert_eq!(back.account.id, issued.id());
    });
}

#[test]
fn gamebase_4_3_8_transfer_by_the_issuers_device_is_refused_and_counts_nothing() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let before = issued.kept().await;
        let own_key = carry(issued.engine(), OLD, &issued.info).await;
        assert_eq!(refusal(own_key), Refusal::TransferSameDevice);
        // Another guest key, but the device says that it is the same.
        let own_device =
            issued.engine().transfer(&on_device(OLD), None, request(NEW, &issued.info)).await;
        assert_eq!(refusal(own_device), Refusal::TransferSameDevice);
        // Logged in to the very account, from a client that says nothing of its device.
        let own = who(issued.engine(), &issued.player).await;
        let own_session =
            issued.engine().transfer(&context(), Some(&own), request(OLD, &issued.info)).await;
        assert_eq!(refusal(own_session), Refusal::TransferSameDevice);
        assert_eq!(issued.kept().await, before);
        assert!(issued.engine().verify(issued.player.tokens.access.reveal()).await.is_ok());
    });
}

#[test]
fn gamebase_4_3_8_the_same_device_again_and_again_never_runs_into_a_limit() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        for _ in 0..20 {
            let refused = refusal(carry(issued.engine(), OLD, &issued.info).await);
            assert_eq!(refused, Refusal::TransferSameDevice);
        }
    });
}

#[test]
fn gamebase_8_after_a_transfer_the_new_device_is_the_issuers() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        issued.right().await.unwrap();
        let again = issued.right().await;
        assert_eq!(refusal(again), Refusal::TransferSameDevice);
        let request = request(THIRD, &issued.info);
        let device = issued.engine().transfer(&on_device(NEW), None, request).await;
        assert_eq!(refusal(device), Refusal::TransferSameDevice);
    });
}

#[test]
fn gamebase_3_14_x17_4_2_4_8_the_guest_on_the_new_device_is_lost() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let engine = issued.engine();
        let (loser, its_own) = issued_to(engine, NEW).await;
        let caller = who(engine, &loser).await;
        let request = request(NEW, &issued.info);
        let carried = engine.transfer(&on_device(NEW), Some(&caller), request).await.unwrap();
        assert_eq!(carried.account.id, issued.id());

        let lost = kept(&issued.world, loser.account.id).await;
        assert_eq!(standing(&lost), Standing::Missing);
        assert!(engine.verify(loser.tokens.access.reveal()).await.is_err(), "its sessions end");
        let refresh = Refresh::new(loser.tokens.refresh.reveal());
        assert!(engine.refresh(&context(), refresh).await.is_err());
        let refused = refusal(carry(engine, THIRD, &its_own).await);
        assert_eq!(refused, Refusal::TransferMissing, "with its transfer account");
        assert_eq!(log_in(engine, guest(NEW)).await.account.id, issued.id());

        let events = history(&issued.world, loser.account.id).await;
        let ordinal = loser.account.identities[0].ordinal;
        let unlinked = EventKind::IdentityUnlinked { ordinal, provider: ProviderId::GUEST };
        assert_eq!(events[events.len() - 2..], [unlinked, EventKind::Lost]);
    });
}

#[test]
fn gamebase_x17_the_guest_key_alone_shows_which_guest_is_lost() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let loser = log_in(issued.engine(), guest(NEW)).await;
        issued.right().await.unwrap();
        let lost = kept(&issued.world, loser.account.id).await;
        assert_eq!(standing(&lost), Standing::Missing);
    });
}

#[test]
fn gamebase_3_14_9_a_caller_who_is_more_than_a_guest_is_refused() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let engine = issued.engine();
        let other = log_in(engine, at("facebook", "ann")).await;
        let caller = who(engine, &other).await;
        let asked = engine.transfer(&context(), Some(&caller), request(NEW, &issued.info)).await;
        assert_eq!(refusal(asked), Refusal::NotGuestOnly);
        assert!(engine.verify(other.tokens.access.reveal()).await.is_ok());
    });
}

#[test]
fn gamebase_3_14_9_a_guest_key_of_an_account_with_other_logins_is_not_taken() {
    block_on(async {
        let world = world(Policy { guest_leaves: false, ..policy(rules()) }).await;
        let engine = world.engine();
        let (_, info) = issued_to(engine, OLD).await;
        let other = log_in(engine, guest(NEW)).await;
        let caller = who(engine, &other).await;
        engine.link(&context(), &caller, Link::new(at("facebook", "ann"))).await.unwrap();
        assert_eq!(refusal(carry(engine, NEW, &info).await), Refusal::NotGuestOnly);
        assert_eq!(kept(&world, other.account.id).await.identities.len(), 2);
    });
}

#[test]
fn a_caller_presents_its_own_guest_key_or_a_new_one() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let engine = issued.engine();
        let caller = log_in(engine, guest(NEW)).await;
        let victim = log_in(engine, guest(THIRD)).await;
        let caller = who(engine, &caller).await;
        let stolen = engine.transfer(&context(), Some(&caller), request(THIRD, &issued.info)).await;
        let not_yours = Refusal::Invalid { field: Field::GuestKey, rule: Rule::NotYours };
        assert_eq!(refusal(stolen), not_yours);
        assert_eq!(log_in(engine, guest(THIRD)).await.account.id, victim.account.id);

        let fresh = "guest-key-that-nobody-has";
        let carried =
            engine.transfer(&context(), Some(&caller), request(fresh, &issued.info)).await.unwrap();
        assert_eq!(carried.account.id, issued.id());
        let lost = kept(&issued.world, caller.account()).await;
        assert_eq!(standing(&lost), Standing::Missing);
    });
}

#[test]
fn a_caller_whose_session_has_ended_transfers_nothing() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let engine = issued.engine();
        let loser = log_in(engine, guest(NEW)).await;
        let caller = who(engine, &loser).await;
        engine.logout(&context(), &caller, authcore::Logout::ThisSession).await.unwrap();
        let asked = engine.transfer(&context(), Some(&caller), request(NEW, &issued.info)).await;
        assert_eq!(refusal(asked), Refusal::AccessTokenInvalid);
        assert_eq!(log_in(engine, guest(NEW)).await.account.id, loser.account.id);
    });
}

#[test]
fn gamebase_3_14_3043_3044_what_is_wrong_changes_no_device() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let unknown = super::with_id(&issued.info, "999999999999");
        let refused = refusal(carry(issued.engine(), NEW, &unknown).await);
        assert_eq!(refused, Refusal::TransferUnknown);
        let wrong = with_password(&issued.info, "000000000000");
        let refused = refusal(carry(issued.engine(), NEW, &wrong).await);
        assert_eq!(refused, Refusal::TransferWrongPassword);
        assert!(issued.engine().verify(issued.player.tokens.access.reveal()).await.is_ok());
        assert!(log_in(issued.engine(), guest(NEW)).await.created);
    });
}

#[test]
fn the_new_device_renews_and_the_transfer_account_is_then_on_it() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let carried = issued.right().await.unwrap();
        let caller = who(issued.engine(), &carried).await;
        let renewed = issued
            .engine()
            .renew_transfer_account(&on_device(NEW), &caller, &Renewal::AutoPassword)
            .await
            .unwrap();
        assert_eq!(text(renewed.id.as_ref()), text(issued.info.id.as_ref()));
        let refused = refusal(carry(issued.engine(), NEW, &renewed).await);
        assert_eq!(refused, Refusal::TransferSameDevice);
        assert!(carry(issued.engine(), OLD, &renewed).await.is_ok());
    });
}

#[test]
fn gamebase_3_2_the_old_key_logs_in_to_a_new_account_and_back_by_transfer_loses_it() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        issued.right().await.unwrap();
        let meanwhile = try_log_in(issued.engine(), guest(OLD)).await.unwrap();
        assert!(meanwhile.created);
        let request = Transfer::new(OLD, issued.info.id.clone().unwrap())
            .with_password(issued.info.password.clone().unwrap());
        let caller = who(issued.engine(), &meanwhile).await;
        let back = issued.engine().transfer(&on_device(OLD), Some(&caller), request).await.unwrap();
        assert_eq!(back.account.id, issued.id());
        let lost = kept(&issued.world, meanwhile.account.id).await;
        assert_eq!(standing(&lost), Standing::Missing);
    });
}

/// Lets nobody log in while it is closed, and counts the logins that are done.
#[derive(Clone, Debug, Default)]
struct Doorman {
    closed: Arc<AtomicBool>,
    logins: Arc<AtomicUsize>,
}

#[async_trait::async_trait]
impl Hooks for Doorman {
    fn veto(&self, _: &RequestContext, intent: &Intent<'_>) -> Result<(), Refusal> {
        let closed = self.closed.load(Ordering::SeqCst) && matches!(intent, Intent::LogIn(_));
        if closed { Err(Refusal::Disabled) } else { Ok(()) }
    }

    async fn after(&self, _: &RequestContext, done: &Done<'_>) {
        if matches!(done, Done::Login(_)) {
            self.logins.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[test]
fn a_transfer_is_a_login_to_the_hooks() {
    block_on(async {
        let doorman = Doorman::default();
        let hooks = doorman.clone();
        let world = Harness::on(store(), policy(rules()), |builder| builder.hooks(hooks)).await;
        let (player, info) = issued_to(world.engine(), OLD).await;
        let before = kept(&world, player.account.id).await;
        doorman.closed.store(true, Ordering::SeqCst);
        assert_eq!(refusal(carry(world.engine(), NEW, &info).await), Refusal::Disabled);
        assert_eq!(kept(&world, player.account.id).await, before);
        doorman.closed.store(false, Ordering::SeqCst);
        carry(world.engine(), NEW, &info).await.unwrap();
        assert_eq!(doorman.logins.load(Ordering::SeqCst), 2);
    });
}
