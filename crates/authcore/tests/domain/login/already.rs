//! Logging in while logged in (gamebase 3.3, X-1).

use authcore::{BanRequest, Credential, Engine, Link, LoggedIn, Login, Logout, Policy, Refusal};

use super::{activity, context, external, external_world, lives, refusal, universal, who};
use crate::domain::{at, block_on, guest, log_in, operator, world};

/// Logs in as a caller who is logged in.
async fn while_in(
    engine: &Engine,
    player: &LoggedIn,
    credential: Credential,
    ignore: bool,
) -> Result<LoggedIn, authcore::Error> {
    let mut login = Login::new(credential).while_logged_in(who(engine, player).await);
    login.ignore_already_logged_in = ignore;
    engine.login(&context(), login).await
}

#[test]
fn gamebase_x1_the_same_identity_goes_on_with_the_current_session() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let ann = log_in(world.engine(), at("facebook", "ann")).await;
        world.clock().advance(chrono::TimeDelta::minutes(5));
        let again = while_in(world.engine(), &ann, at("facebook", "ann"), false).await.unwrap();
        assert_eq!(again.session, ann.session);
        assert_eq!((again.login_count, again.previous_login_at), (1, None));
        assert_eq!(activity(&world, ann.account.id).await.sessions.len(), 1);
        assert!(again.tokens.access_expires_at > ann.tokens.access_expires_at, "fresh tokens");
        assert!(world.engine().verify(again.tokens.access.reveal()).await.is_ok());
        let refresh = authcore::Refresh::new(again.tokens.refresh.reveal());
        assert!(world.engine().refresh(&context(), refresh).await.is_ok());
    });
}

#[test]
fn gamebase_x1_another_identity_is_refused() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        let ann = log_in(engine, at("facebook", "ann")).await;
        log_in(engine, at("google", "bob")).await;
        let link = Link::new(at("google", "ann"));
        engine.link(&context(), &who(engine, &ann).await, link).await.unwrap();
        for (other, what) in [
            (at("google", "bob"), "another account's"),
            (at("google", "new"), "nobody's yet"),
            (at("google", "ann"), "the account's own other one"),
        ] {
            let got = refusal(while_in(engine, &ann, other, false).await);
            assert_eq!(got, Refusal::AlreadyLoggedIn, "{what}");
        }
        let unknown = Login::new(at("google", "new")).without_creating();
        let got = refusal(engine.login(&context(), unknown).await);
        assert_eq!(got, Refusal::AccountNotFound, "nothing was made");
    });
}

#[test]
fn gamebase_3_3_ignore_already_logged_in_opens_a_session_beside() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        let ann = log_in(engine, at("facebook", "ann")).await;
        let bob = while_in(engine, &ann, at("google", "bob"), true).await.unwrap();
        assert!(bob.created);
        let again = while_in(engine, &ann, at("facebook", "ann"), true).await.unwrap();
        assert_ne!(again.session.id, ann.session.id);
        assert!(lives(engine, &ann).await);
    });
}

#[test]
fn gamebase_x1_a_session_that_has_ended_does_not_count() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        for other in [at("facebook", "ann"), at("google", "bob"), at("google", "new")] {
            let ann = log_in(engine, at("facebook", "ann")).await;
            let current = who(engine, &ann).await;
            engine.logout(&context(), &current, Logout::ThisSession).await.unwrap();
            let login = Login::new(other).while_logged_in(current);
            let player = engine.login(&context(), login).await.unwrap();
            assert_ne!(player.session.id, ann.session.id);
        }
    });
}

#[test]
fn gamebase_3_3_the_credential_and_the_member_come_before_the_conflict() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        let ann = log_in(engine, at("facebook", "ann")).await;
        let bob = log_in(engine, at("google", "bob")).await;
        engine.ban(&operator(), bob.account.id, BanRequest::permanent()).await.unwrap();
        let got = refusal(while_in(engine, &ann, at("google", "bad"), false).await);
        assert!(matches!(got, Refusal::CredentialRejected { .. }));
        let got = refusal(while_in(engine, &ann, at("google", "bob"), false).await);
        assert!(matches!(got, Refusal::Banned(_)));
    });
}

#[test]
fn gamebase_x1_3_7_a_guest_who_became_a_universal_id_goes_on_by_it() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        let ann = log_in(engine, guest("a-guest-key-of-16-bytes")).await;
        let link = Link::new(universal("ann", "password"));
        engine.link(&context(), &who(engine, &ann).await, link).await.unwrap();
        let again = while_in(engine, &ann, universal("ann", "password"), false).await.unwrap();
        assert_eq!(again.session.id, ann.session.id);
    });
}

#[test]
fn gamebase_x1_guests_and_passwords_go_on_too() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        for credential in [guest("a-guest-key-of-16-bytes"), universal("ann", "password")] {
            let player = log_in(world.engine(), credential.clone()).await;
            let again = while_in(world.engine(), &player, credential, false).await.unwrap();
            assert_eq!(again.session, player.session);
        }
        let player = log_in(world.engine(), universal("bob", "password")).await;
        let wrong = while_in(world.engine(), &player, universal("bob", "wrong-one"), false).await;
        assert_eq!(refusal(wrong), Refusal::WrongPassword);
    });
}

#[test]
fn gamebase_x1_a_session_whose_access_tokens_were_logged_out_does_not_count() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        let ann = log_in(engine, at("facebook", "ann")).await;
        let current = who(engine, &ann).await;
        let access = Some(ann.tokens.access.clone());
        let logout = Logout::Tokens { access, refresh: None };
        engine.logout(&context(), &current, logout).await.unwrap();
        let login = Login::new(at("facebook", "ann")).while_logged_in(current);
        let again = engine.login(&context(), login).await.unwrap();
        assert_ne!(again.session.id, ann.session.id);
    });
}

#[test]
fn gamebase_x1_two_ways_in_without_an_identity_are_two() {
    block_on(async {
        let world = external_world(Policy::gamebase()).await;
        let engine = world.engine();
        let login = Login::new(universal("ann", "password")).with_username("ann");
        let ann = engine.login(&context(), login).await.unwrap();
        let by_name = Credential::Username { username: "ann".into(), password: "password".into() };
        let answer = format!(r#"{{"valid":true,"useProfileId":"{}"}}"#, ann.account.id);
        let outside = log_in(engine, external("v", "x", &answer)).await;
        assert_eq!(outside.session.identity, None);
        let got = while_in(engine, &outside, by_name.clone(), false).await;
        assert_eq!(refusal(got), Refusal::AlreadyLoggedIn);
        let named = log_in(engine, by_name.clone()).await;
        let again = while_in(engine, &named, by_name, false).await.unwrap();
        assert_eq!(again.session, named.session);
        assert_eq!(again.provider, None);
    });
}
