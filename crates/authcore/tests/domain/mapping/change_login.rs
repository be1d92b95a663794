use authcore::event::{EventKind, SessionEnd};
use authcore::lifecycle::{BanState, Withdrawal, WithdrawalCause};
use authcore::session::Method;
use authcore::{Clock, Policy, Refusal};
use chrono::TimeDelta;

use super::super::{at, block_on, context, log_in, refusal, world};
use super::{account, alive, ban, edit, events, kinds, link, player, snapshot, ticket};

#[test]
fn gamebase_3_9_effect_the_caller_goes_on_as_the_owner() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        let bob = player(engine, at("google", "bob")).await;
        link(engine, &bob, at("facebook", "shared")).await;
        let ann = player(engine, at("line", "ann")).await;
        let before = [account(&world, ann.id()).await, account(&world, bob.id()).await];
        let offer = ticket(engine, &ann, at("facebook", "shared")).await;
        let changed = engine.change_login(&context(), &ann.who, &offer.secret).await.unwrap();
        assert_eq!((changed.account.id, changed.created), (bob.id(), false));
        let opened = &changed.account.identities[1];
        assert_eq!(changed.session.identity, Some(opened.ordinal));
        assert_eq!(changed.session.method, Method::Provider);
        assert!(alive(engine, &changed).await && !alive(engine, &ann.login).await);
        // The mappings of both are what they were.
        let after = [account(&world, ann.id()).await, account(&world, bob.id()).await];
        assert_eq!(before.map(|it| it.identities), after.map(|it| it.identities));
        let login = snapshot(&world, bob.id()).await.unwrap().activity.last_login.unwrap();
        assert_eq!(login.identity, Some(opened.ordinal));
    });
}

#[test]
fn gamebase_4_8_change_login_ends_the_callers_session_and_no_other() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        let owner = log_in(engine, at("facebook", "shared")).await;
        let elsewhere = log_in(engine, at("line", "ann")).await;
        let ann = player(engine, at("line", "ann")).await;
        let offer = ticket(engine, &ann, at("facebook", "shared")).await;
        let changed = engine.change_login(&context(), &ann.who, &offer.secret).await.unwrap();
        for login in [&owner, &elsewhere, &changed] {
            assert!(alive(engine, login).await);
        }
        assert!(!alive(engine, &ann.login).await);
        let session = ann.login.session.id;
        let ended = EventKind::SessionEnded { session, reason: SessionEnd::LoggedOut };
        assert!(events(&world, ann.id()).await.contains(&ended));
        let opened = EventKind::LoggedIn { session: changed.session.id };
        assert!(events(&world, owner.account.id).await.contains(&opened));
    });
}

#[test]
fn gamebase_3_9_errors_7_a_banned_target_keeps_the_old_session() {
    block_on(async {
        // Also under the policy that lets go of a banned member's identities (gamebase X-5).
        let world = world(Policy { ticket_for_banned: true, ..Policy::gamebase() }).await;
        let engine = world.engine();
        let bob = player(engine, at("facebook", "shared")).await;
        let ann = player(engine, at("line", "ann")).await;
        let offer = ticket(engine, &ann, at("facebook", "shared")).await;
        ban(&world, bob.id()).await;
        let refused = refusal(engine.change_login(&context(), &ann.who, &offer.secret).await);
        let Refusal::Banned(info) = refused else { panic!("{refused}") };
        assert_eq!(info.account, bob.id());
        assert!(alive(engine, &ann.login).await);
        // The ticket is not burnt.
        edit(&world, bob.id(), |bob| bob.ban = BanState::None).await;
        engine.change_login(&context(), &ann.who, &offer.secret).await.unwrap();
    });
}

#[test]
fn gamebase_3_9_errors_3003_a_withdrawn_target_keeps_the_old_session() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        let bob = player(engine, at("facebook", "shared")).await;
        let ann = player(engine, at("line", "ann")).await;
        let offer = ticket(engine, &ann, at("facebook", "shared")).await;
        let at = world.clock().now();
        edit(&world, bob.id(), |bob| {
            bob.identities.clear();
            bob.withdrawal = Withdrawal::Done { at, cause: WithdrawalCause::Operator };
        })
        .await;
        let refused = engine.change_login(&context(), &ann.who, &offer.secret).await;
        assert_eq!(refusal(refused), Refusal::Withdrawn);
        assert!(alive(engine, &ann.login).await);
        // To take from it is another matter: there is no such ticket any more (gamebase 4.4).
        let refused = engine.link_forcibly(&context(), &ann.who, &offer.secret).await;
        assert_eq!(refusal(refused), Refusal::TicketUnknown);
    });
}

#[test]
fn gamebase_3_9_on_failure_the_old_session_and_its_account_stay_as_they_were() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        log_in(engine, at("facebook", "shared")).await;
        let ann = player(engine, at("line", "ann")).await;
        let offer = ticket(engine, &ann, at("facebook", "shared")).await;
        let before = snapshot(&world, ann.id()).await;
        world.clock().advance(TimeDelta::minutes(10));
        for secret in [&offer.secret, &"made up".into()] {
            engine.change_login(&context(), &ann.who, secret).await.unwrap_err();
        }
        assert_eq!(snapshot(&world, ann.id()).await, before);
    });
}

#[test]
fn security_39_the_new_session_was_authenticated_when_the_ticket_was_given() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        log_in(engine, at("facebook", "shared")).await;
        let ann = player(engine, at("line", "ann")).await;
        let proven = world.clock().now();
        let offer = ticket(engine, &ann, at("facebook", "shared")).await;
        world.clock().advance(TimeDelta::minutes(9));
        let changed = engine.change_login(&context(), &ann.who, &offer.secret).await.unwrap();
        let who = super::who(engine, &changed).await;
        assert_eq!(who.session().authenticated_at, proven);
        assert_eq!(who.session(), &changed.session);
    });
}

#[test]
fn the_hosts_veto_on_logins_holds_for_a_change_of_login() {
    use authcore::{Hooks, Intent, RequestContext};

    #[derive(Debug)]
    struct NoEntry;

    impl Hooks for NoEntry {
        fn veto(&self, _context: &RequestContext, intent: &Intent<'_>) -> Result<(), Refusal> {
            match intent {
                Intent::LogIn(account) if kinds(account) == ["facebook"] => Err(Refusal::Disabled),
                _ => Ok(()),
            }
        }
    }

    block_on(async {
        let world =
            super::super::world_with(Policy::gamebase(), |builder| builder.hooks(NoEntry)).await;
        let engine = world.engine();
        log_in(engine, at("facebook", "shared")).await;
        let ann = player(engine, at("line", "ann")).await;
        let offer = ticket(engine, &ann, at("facebook", "shared")).await;
        let refused = engine.change_login(&context(), &ann.who, &offer.secret).await;
        assert_eq!(refusal(refused), Refusal::Disabled);
        assert!(alive(engine, &ann.login).await);
    });
}

#[test]
fn security_39_a_change_of_login_needs_a_recent_login() {
    block_on(async {
        let policy = Policy { step_up: Some(TimeDelta::minutes(5)), ..Policy::gamebase() };
        let world = world(policy).await;
        let engine = world.engine();
        log_in(engine, at("facebook", "shared")).await;
        let ann = player(engine, at("line", "ann")).await;
        let offer = ticket(engine, &ann, at("facebook", "shared")).await;
        world.clock().advance(TimeDelta::minutes(5));
        let refused = engine.change_login(&context(), &ann.who, &offer.secret).await;
        assert_eq!(refusal(refused), Refusal::RecentLoginRequired);
        assert!(alive(engine, &ann.login).await);
    });
}
