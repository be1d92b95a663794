use authcore::event::{EventKind, SessionEnd};
use authcore::lifecycle::{Standing, standing};
use authcore::policy::CredentialChange;
use authcore::{Policy, Refusal, RequestContext};
use chrono::TimeDelta;

use super::super::{at, block_on, context, log_in, refusal, world};
use super::{
    account, alive, ban, edit, events, kinds, link, player, provider, request_withdrawal, ticket,
};

#[test]
fn gamebase_3_8_effect_the_identity_leaves_its_owner_and_joins_the_caller() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let bob = player(world.engine(), at("google", "bob")).await;
        link(world.engine(), &bob, at("facebook", "shared")).await;
        edit(&world, bob.id(), |bob| bob.identities[1].data = Some("{}".into())).await;
        let ann = player(world.engine(), at("line", "ann")).await;
        let offer = ticket(world.engine(), &ann, at("facebook", "shared")).await;
        let engine = world.engine();
        let taken = engine.link_forcibly(&context(), &ann.who, &offer.secret).await.unwrap();
        assert_eq!(kinds(&taken), ["line", "facebook"]);
        assert_eq!(taken.identities[1].data.as_deref(), Some("{}"));
        assert_eq!(kinds(&account(&world, bob.id()).await), ["google"]);
        assert_eq!(log_in(engine, at("facebook", "shared")).await.account.id, ann.id());
        let moved = events(&world, bob.id())
            .await
            .into_iter()
            .any(|event| matches!(event, EventKind::IdentityMoved { to, .. } if to == ann.id()));
        assert!(moved);
    });
}

#[test]
fn gamebase_4_8_forced_mapping_ends_what_the_identity_opened_and_nothing_else() {
    block_on(async {
        for ends in [CredentialChange::EndsItsSessions, CredentialChange::KeepsSessions] {
            let policy = Policy { credential_change: ends, ..Policy::gamebase() };
            let world = world(policy).await;
            let engine = world.engine();
            let bob = player(engine, at("google", "bob")).await;
            link(engine, &bob, at("facebook", "shared")).await;
            let through_it = log_in(engine, at("facebook", "shared")).await;
            let ann = player(engine, at("line", "ann")).await;
            let elsewhere = log_in(engine, at("line", "ann")).await;
            let offer = ticket(engine, &ann, at("facebook", "shared")).await;
            engine.link_forcibly(&context(), &ann.who, &offer.secret).await.unwrap();
            assert!(!alive(engine, &through_it).await);
            for login in [&bob.login, &ann.login, &elsewhere] {
                assert!(alive(engine, login).await);
            }
            let session = through_it.session.id;
            let ended = EventKind::SessionEnded { session, reason: SessionEnd::Unlinked };
            assert!(events(&world, bob.id()).await.contains(&ended));
        }
    });
}

#[test]
fn security_63_a_forced_link_ends_all_of_the_former_owners_sessions_under_the_safe_policy() {
    block_on(async {
        let world = world(Policy::recommended()).await;
        let engine = world.engine();
        let bob = player(engine, at("google", "bob")).await;
        link(engine, &bob, at("facebook", "shared")).await;
        let ann = player(engine, at("line", "ann")).await;
        let elsewhere = log_in(engine, at("line", "ann")).await;
        let offer = ticket(engine, &ann, at("facebook", "shared")).await;
        engine.link_forcibly(&context(), &ann.who, &offer.secret).await.unwrap();
        assert!(!alive(engine, &bob.login).await);
        assert!(alive(engine, &ann.login).await && alive(engine, &elsewhere).await);
    });
}

#[test]
fn gamebase_x6_4_2_y_the_last_identity_taken_leaves_a_missing_account() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        let bob = player(engine, at("facebook", "shared")).await;
        let ann = player(engine, at("line", "ann")).await;
        let offer = ticket(engine, &ann, at("facebook", "shared")).await;
        engine.link_forcibly(&context(), &ann.who, &offer.secret).await.unwrap();
        let lost = account(&world, bob.id()).await;
        assert_eq!((standing(&lost), lost.identities.len()), (Standing::Missing, 0));
        assert!(!alive(engine, &bob.login).await);
        let told = events(&world, bob.id()).await;
        assert!(told.ends_with(&[EventKind::Lost]), "{told:?}");
    });
}

#[test]
fn gamebase_4_2_t_the_last_identity_taken_leaves_a_missing_account_whose_clock_runs_on() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        let bob = player(engine, at("facebook", "shared")).await;
        request_withdrawal(&world, bob.id()).await;
        let ann = player(engine, at("line", "ann")).await;
        let offer = ticket(engine, &ann, at("facebook", "shared")).await;
        assert_eq!(offer.owner_standing, Standing::WithdrawalPending);
        let before = account(&world, bob.id()).await.withdrawal;
        engine.link_forcibly(&context(), &ann.who, &offer.secret).await.unwrap();
        let lost = account(&world, bob.id()).await;
        assert_eq!((standing(&lost), lost.withdrawal), (Standing::Missing, before));
    });
}

#[test]
fn gamebase_x6_the_policy_may_forbid_to_take_the_last_identity() {
    block_on(async {
        let world = world(Policy { forbid_orphaning: true, ..Policy::gamebase() }).await;
        let engine = world.engine();
        let bob = player(engine, at("facebook", "shared")).await;
        let ann = player(engine, at("line", "ann")).await;
        let offer = ticket(engine, &ann, at("facebook", "shared")).await;
        let refused = engine.link_forcibly(&context(), &ann.who, &offer.secret).await;
        assert_eq!(refusal(refused), Refusal::WouldOrphan);
        assert!(alive(engine, &bob.login).await);
        // The ticket is still good, once there is another login.
        link(engine, &bob, at("google", "bob")).await;
        engine.link_forcibly(&context(), &ann.who, &offer.secret).await.unwrap();
        assert!(alive(engine, &log_in(engine, at("google", "bob")).await).await);
    });
}

#[test]
fn gamebase_x5_nothing_is_taken_from_an_owner_who_was_banned_since() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        let bob = player(engine, at("facebook", "shared")).await;
        let ann = player(engine, at("line", "ann")).await;
        let offer = ticket(engine, &ann, at("facebook", "shared")).await;
        ban(&world, bob.id()).await;
        let refused = refusal(engine.link_forcibly(&context(), &ann.who, &offer.secret).await);
        let Refusal::Banned(info) = refused else { panic!("{refused}") };
        assert_eq!(info.account, bob.id());
        assert_eq!(kinds(&account(&world, bob.id()).await), ["facebook"]);
        let lenient = Policy { ticket_for_banned: true, ..Policy::gamebase() };
        let lenient = engine.with_policy(lenient).unwrap();
        let taken = lenient.link_forcibly(&context(), &ann.who, &offer.secret).await.unwrap();
        assert_eq!(kinds(&taken), ["line", "facebook"]);
    });
}

#[test]
fn gamebase_3_8_errors_conflicts_come_after_the_ticket_and_in_order() {
    block_on(async {
        let world = world(Policy { forbid_orphaning: true, ..Policy::gamebase() }).await;
        let engine = world.engine();
        let bob = player(engine, at("facebook", "shared")).await;
        let ann = player(engine, at("line", "ann")).await;
        let offer = ticket(engine, &ann, at("facebook", "shared")).await;
        ban(&world, bob.id()).await;
        link(engine, &ann, at("facebook", "ann")).await;
        let forced = async || {
            refusal(engine.link_forcibly(&RequestContext::new(), &ann.who, &offer.secret).await)
        };
        assert_eq!(forced().await, Refusal::AlreadyLinked(provider("facebook")));
        let unlink = authcore::Unlink::any(provider("facebook"));
        engine.unlink(&context(), &ann.who, unlink).await.unwrap();
        assert_eq!(forced().await, Refusal::WouldOrphan);
        engine
            .register_identity(&super::operator(), bob.id(), super::key("google", "bob"))
            .await
            .unwrap();
        assert!(matches!(forced().await, Refusal::Banned(_)));
    });
}

#[test]
fn security_39_a_forced_link_needs_a_recent_login() {
    block_on(async {
        let policy = Policy { step_up: Some(TimeDelta::minutes(5)), ..Policy::gamebase() };
        let world = world(policy).await;
        let engine = world.engine();
        log_in(engine, at("facebook", "shared")).await;
        let ann = player(engine, at("line", "ann")).await;
        let offer = ticket(engine, &ann, at("facebook", "shared")).await;
        world.clock().advance(TimeDelta::minutes(5));
        let refused = engine.link_forcibly(&context(), &ann.who, &offer.secret).await;
        assert_eq!(refusal(refused), Refusal::RecentLoginRequired);
    });
}
