//! gamebase 4.4, row by row.

use authcore::account::Ordinal;
use authcore::event::EventKind;
use authcore::mapping::{ForcingTicket, TicketState};
use authcore::store::Lookup;
use authcore::{Clock, Link, Policy, Refusal, Secret, Unlink};
use authcore_testkit::Harness;
use chrono::TimeDelta;

use super::super::{at, block_on, context, log_in, refusal, who, world};
use super::{Player, account, events, key, kinds, link, player, provider, ticket};

/// Bob owns a Facebook account besides another login; Ann holds the same Facebook account.
async fn bob_and_ann(world: &Harness) -> (Player, Player) {
    let bob = player(world.engine(), at("google", "bob")).await;
    link(world.engine(), &bob, at("facebook", "shared")).await;
    (bob, player(world.engine(), at("line", "ann")).await)
}

async fn force(world: &Harness, player: &Player, secret: &Secret) -> Result<(), Refusal> {
    match world.engine().link_forcibly(&context(), &player.who, secret).await {
        Ok(_) => Ok(()),
        failed => Err(refusal(failed)),
    }
}

async fn change(world: &Harness, player: &Player, secret: &Secret) -> Result<(), Refusal> {
    match world.engine().change_login(&context(), &player.who, secret).await {
        Ok(_) => Ok(()),
        failed => Err(refusal(failed)),
    }
}

#[test]
fn gamebase_4_4_none_a_refused_link_gives_a_live_ticket() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (bob, ann) = bob_and_ann(&world).await;
        let offer = ticket(world.engine(), &ann, at("facebook", "shared")).await;
        let expires_at = world.clock().now() + TimeDelta::minutes(10);
        assert_eq!((offer.owner, offer.expires_at), (bob.id(), expires_at));
        let kept = account(&world, ann.id()).await.records.tickets;
        let expected = ForcingTicket {
            key: ForcingTicket::key_of(&offer.secret),
            identity: key("facebook", "shared"),
            ordinal: Some(Ordinal::new(2)),
            owner: bob.id(),
            owner_standing: offer.owner_standing,
            expires_at,
            used_at: None,
        };
        assert_eq!(kept, [expected]);
        let owner = account(&world, bob.id()).await;
        assert_eq!(kept[0].state(Some(&owner), world.clock().now()), TicketState::Live);
        let told = EventKind::TicketIssued { owner: bob.id(), provider: provider("facebook") };
        assert!(events(&world, ann.id()).await.contains(&told));
    });
}

#[test]
fn gamebase_1_10_the_key_is_32_random_bytes_that_are_shown_once() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (_, ann) = bob_and_ann(&world).await;
        let first = ticket(world.engine(), &ann, at("facebook", "shared")).await;
        let second = ticket(world.engine(), &ann, at("facebook", "shared")).await;
        // 43 characters of base64url hold 32 bytes.
        let form = |secret: &str| {
            secret.len() == 43
                && secret.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        assert!(form(first.secret.reveal()) && form(second.secret.reveal()));
        assert_ne!(first.secret.reveal(), second.secret.reveal());
        let kept = format!("{:?}", account(&world, ann.id()).await);
        let told = format!("{:?} {second:?}", events(&world, ann.id()).await);
        assert!(!kept.contains(second.secret.reveal()) && !told.contains(second.secret.reveal()));
    });
}

#[test]
fn gamebase_4_4_live_a_forced_link_uses_it() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (_, ann) = bob_and_ann(&world).await;
        let offer = ticket(world.engine(), &ann, at("facebook", "shared")).await;
        assert_eq!(force(&world, &ann, &offer.secret).await, Ok(()));
        let used_at = account(&world, ann.id()).await.records.tickets[0].used_at;
        assert_eq!(used_at, Some(world.clock().now()));
    });
}

#[test]
fn gamebase_4_4_live_a_change_of_login_uses_it() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (_, ann) = bob_and_ann(&world).await;
        let offer = ticket(world.engine(), &ann, at("facebook", "shared")).await;
        assert_eq!(change(&world, &ann, &offer.secret).await, Ok(()));
        let used_at = account(&world, ann.id()).await.records.tickets[0].used_at;
        assert_eq!(used_at, Some(world.clock().now()));
    });
}

#[test]
fn gamebase_4_4_live_another_provider_does_not_burn_it() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (_, ann) = bob_and_ann(&world).await;
        let offer = ticket(world.engine(), &ann, at("facebook", "shared")).await;
        let link = Link::new(at("apple", "shared"));
        let engine = world.engine();
        let refused = engine.link_forcibly_with(&context(), &ann.who, &offer.secret, link).await;
        assert_eq!(refusal(refused), Refusal::TicketOtherProvider(provider("apple")));
        assert_eq!(force(&world, &ann, &offer.secret).await, Ok(()));
    });
}

#[test]
fn gamebase_4_4_live_another_identity_does_not_burn_it() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (_, ann) = bob_and_ann(&world).await;
        let offer = ticket(world.engine(), &ann, at("facebook", "shared")).await;
        let engine = world.engine();
        let other = Link::new(at("facebook", "ann"));
        let refused = engine.link_forcibly_with(&context(), &ann.who, &offer.secret, other).await;
        assert_eq!(refusal(refused), Refusal::TicketOtherIdentity(provider("facebook")));
        let same = Link::new(at("facebook", "shared"));
        let account = engine.link_forcibly_with(&context(), &ann.who, &offer.secret, same).await;
        assert_eq!(kinds(&account.unwrap()), ["line", "facebook"]);
    });
}

#[test]
fn gamebase_4_4_live_presented_by_another_member_it_is_unknown_and_stays() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (bob, ann) = bob_and_ann(&world).await;
        let offer = ticket(world.engine(), &ann, at("facebook", "shared")).await;
        let eve = player(world.engine(), at("google", "eve")).await;
        for thief in [&eve, &bob] {
            let refused = Err(Refusal::TicketUnknown);
            assert_eq!(force(&world, thief, &offer.secret).await, refused);
            assert_eq!(change(&world, thief, &offer.secret).await, refused);
        }
        assert_eq!(force(&world, &ann, &offer.secret).await, Ok(()));
    });
}

#[test]
fn gamebase_4_4_live_its_end_expires_it_and_expired_it_stays() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (_, ann) = bob_and_ann(&world).await;
        let offer = ticket(world.engine(), &ann, at("facebook", "shared")).await;
        world.clock().advance(TimeDelta::minutes(10));
        for _ in 0..2 {
            assert_eq!(force(&world, &ann, &offer.secret).await, Err(Refusal::TicketExpired));
            assert_eq!(change(&world, &ann, &offer.secret).await, Err(Refusal::TicketExpired));
        }
    });
}

#[test]
fn gamebase_x31_it_is_good_until_the_last_millisecond() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (_, ann) = bob_and_ann(&world).await;
        let offer = ticket(world.engine(), &ann, at("facebook", "shared")).await;
        world.clock().advance(TimeDelta::minutes(10) - TimeDelta::milliseconds(1));
        assert_eq!(force(&world, &ann, &offer.secret).await, Ok(()));
    });
}

#[test]
fn gamebase_4_4_live_an_owner_that_is_gone_voids_it() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (bob, ann) = bob_and_ann(&world).await;
        let offer = ticket(world.engine(), &ann, at("facebook", "shared")).await;
        world.engine().delete_account(&context(), &bob.who).await.unwrap();
        assert_eq!(force(&world, &ann, &offer.secret).await, Err(Refusal::TicketUnknown));
        assert_eq!(change(&world, &ann, &offer.secret).await, Err(Refusal::TicketUnknown));
    });
}

#[test]
fn gamebase_4_4_live_a_caller_that_is_gone_voids_it() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (_, ann) = bob_and_ann(&world).await;
        let offer = ticket(world.engine(), &ann, at("facebook", "shared")).await;
        world.engine().delete_account(&context(), &ann.who).await.unwrap();
        // The player is back, in a new account.
        let anew = player(world.engine(), at("line", "ann")).await;
        assert_eq!(force(&world, &anew, &offer.secret).await, Err(Refusal::TicketUnknown));
        assert_eq!(force(&world, &ann, &offer.secret).await, Err(Refusal::AccessTokenInvalid));
    });
}

#[test]
fn gamebase_4_4_live_an_identity_that_moved_meanwhile_voids_it() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (bob, ann) = bob_and_ann(&world).await;
        let offer = ticket(world.engine(), &ann, at("facebook", "shared")).await;
        let unlink = Unlink::any(provider("facebook"));
        world.engine().unlink(&context(), &bob.who, unlink).await.unwrap();
        assert_eq!(force(&world, &ann, &offer.secret).await, Err(Refusal::TicketUnknown));
        // It is free now, or somebody else's: no ticket tells of that.
        log_in(world.engine(), at("facebook", "shared")).await;
        assert_eq!(change(&world, &ann, &offer.secret).await, Err(Refusal::TicketUnknown));
    });
}

#[test]
fn gamebase_4_4_void_it_stays_void_when_the_owner_has_the_identity_again() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (bob, ann) = bob_and_ann(&world).await;
        let offer = ticket(world.engine(), &ann, at("facebook", "shared")).await;
        let unlink = Unlink::any(provider("facebook"));
        world.engine().unlink(&context(), &bob.who, unlink).await.unwrap();
        link(world.engine(), &bob, at("facebook", "shared")).await;
        assert_eq!(force(&world, &ann, &offer.secret).await, Err(Refusal::TicketUnknown));
        assert_eq!(change(&world, &ann, &offer.secret).await, Err(Refusal::TicketUnknown));
        let anew = ticket(world.engine(), &ann, at("facebook", "shared")).await;
        assert_eq!(force(&world, &ann, &anew.secret).await, Ok(()));
    });
}

#[test]
fn gamebase_4_4_used_it_stays_used_also_when_its_time_is_over() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (_, ann) = bob_and_ann(&world).await;
        let offer = ticket(world.engine(), &ann, at("facebook", "shared")).await;
        assert_eq!(force(&world, &ann, &offer.secret).await, Ok(()));
        for _ in 0..2 {
            assert_eq!(force(&world, &ann, &offer.secret).await, Err(Refusal::TicketUsed));
            assert_eq!(change(&world, &ann, &offer.secret).await, Err(Refusal::TicketUsed));
            world.clock().advance(TimeDelta::minutes(5));
        }
    });
}

#[test]
fn gamebase_4_4_precedence_the_ticket_is_judged_before_the_login_that_comes_with_it() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (_, ann) = bob_and_ann(&world).await;
        let offer = ticket(world.engine(), &ann, at("facebook", "shared")).await;
        let with = async |secret: &Secret| {
            let link = Link::new(at("apple", "shared"));
            let engine = world.engine();
            refusal(engine.link_forcibly_with(&context(), &ann.who, secret, link).await)
        };
        assert_eq!(with(&"made up".into()).await, Refusal::TicketUnknown);
        // One of the kind is there already: a conflict is told last.
        link(world.engine(), &ann, at("facebook", "ann")).await;
        let other = Refusal::TicketOtherProvider(provider("apple"));
        assert_eq!(with(&offer.secret).await, other);
        world.clock().advance(TimeDelta::minutes(10));
        assert_eq!(with(&offer.secret).await, Refusal::TicketExpired);
    });
}

#[test]
fn gamebase_4_4_a_failed_operation_leaves_it_live() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (_, ann) = bob_and_ann(&world).await;
        let offer = ticket(world.engine(), &ann, at("facebook", "shared")).await;
        link(world.engine(), &ann, at("facebook", "ann")).await;
        let conflict = Err(Refusal::AlreadyLinked(provider("facebook")));
        assert_eq!(force(&world, &ann, &offer.secret).await, conflict);
        let unlink = Unlink::any(provider("facebook"));
        world.engine().unlink(&context(), &ann.who, unlink).await.unwrap();
        assert_eq!(force(&world, &ann, &offer.secret).await, Ok(()));
    });
}

#[test]
fn gamebase_x32_a_new_ticket_for_the_identity_voids_the_earlier_one() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (bob, ann) = bob_and_ann(&world).await;
        link(world.engine(), &bob, at("apple", "shared")).await;
        let first = ticket(world.engine(), &ann, at("facebook", "shared")).await;
        let apple = ticket(world.engine(), &ann, at("apple", "shared")).await;
        let second = ticket(world.engine(), &ann, at("facebook", "shared")).await;
        assert_eq!(force(&world, &ann, &first.secret).await, Err(Refusal::TicketUnknown));
        assert_eq!(force(&world, &ann, &second.secret).await, Ok(()));
        assert_eq!(force(&world, &ann, &apple.secret).await, Ok(()));
    });
}

#[test]
fn gamebase_4_4_a_ticket_outlives_the_session_that_it_was_given_in() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (_, ann) = bob_and_ann(&world).await;
        let offer = ticket(world.engine(), &ann, at("facebook", "shared")).await;
        let later = log_in(world.engine(), at("line", "ann")).await;
        let who = who(world.engine(), &later).await;
        world.engine().link_forcibly(&context(), &who, &offer.secret).await.unwrap();
        let lookup = Lookup::Identity(key("facebook", "shared"));
        let owner = world.store().load(&lookup).await.unwrap().unwrap();
        assert_eq!(owner.account.id, ann.id());
    });
}
