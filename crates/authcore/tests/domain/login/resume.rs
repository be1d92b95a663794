//! Login by an own token (gamebase 3.1, 3.4, 4.1, X-25).

use authcore::account::ProviderId;
use authcore::event::{EventCursor, EventKind, SessionEnd};
use authcore::policy::Revalidation;
use authcore::refusal::{Field, Rule};
use authcore::{
    BanRequest, Clock, Credential, Engine, Error, Hooks, Intent, LoggedIn, Logout, Policy, Refresh,
    Refusal, RequestContext, Resume, Unlink,
};
use authcore_testkit::Harness;
use chrono::TimeDelta;

use super::{
    activity, context, external, external_world, lives, provider, refusal, rewrite, universal, who,
    withdraw,
};
use crate::domain::{at, block_on, guest, log_in, operator, world};
use crate::store;

fn refresh(player: &LoggedIn) -> Resume {
    Resume::new(player.tokens.refresh.reveal())
}

fn access(player: &LoggedIn) -> Resume {
    Resume::new(player.tokens.access.reveal())
}

async fn resume(engine: &Engine, resume: Resume) -> Result<LoggedIn, Error> {
    engine.resume(&context(), resume).await
}

/// A minute passes: the tokens are older than the grace window, and not over.
fn a_minute(world: &Harness) {
    world.clock().advance(TimeDelta::minutes(1));
}

#[test]
fn gamebase_3_1_and_3_4_an_own_token_logs_in_and_is_counted() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let start = world.clock().now();
        let ann = log_in(world.engine(), at("facebook", "ann")).await;
        for (token, count) in [(refresh as fn(&LoggedIn) -> Resume, 2), (access, 3)] {
            let latest = log_in_by(&world, &ann, token).await;
            assert_eq!(latest.account, ann.account);
            assert_eq!(latest.login_count, count);
            assert_eq!(latest.provider, Some(provider("facebook")), "the stored provider");
            assert_eq!(latest.session.identity, ann.session.identity);
            assert_eq!(latest.session.method, ann.session.method);
            assert_eq!(latest.session.authenticated_at, start, "nobody has vouched since");
            assert!(!latest.created && latest.provider_profile.is_none());
            assert!(lives(world.engine(), &latest).await);
        }
        let kept = activity(&world, ann.account.id).await;
        assert_eq!(kept.sessions.len(), 1, "in place of the old one");
        assert_eq!(kept.last_login.unwrap().at, world.clock().now());
    });
}

/// Logs in by the newest token that there is: `ann`'s own at first, then one that a refresh gives.
async fn log_in_by(world: &Harness, ann: &LoggedIn, token: fn(&LoggedIn) -> Resume) -> LoggedIn {
    a_minute(world);
    resume(world.engine(), token(ann)).await.unwrap()
}

#[test]
fn gamebase_x25_and_4_7_a_token_login_renews_the_tokens_life_until_it_is_over() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let mut player = log_in(world.engine(), guest("a-guest-key-of-16-bytes")).await;
        for _ in 0..20 {
            world.clock().advance(TimeDelta::days(29));
            player = resume(world.engine(), refresh(&player)).await.unwrap();
            let renewed = world.clock().now() + Policy::gamebase().session_idle;
            assert_eq!(player.tokens.refresh_expires_at, renewed);
        }
        world.clock().advance(TimeDelta::days(30));
        let over = refusal(resume(world.engine(), refresh(&player)).await);
        assert_eq!(over, Refusal::TokenLoginInvalid, "over when `now >= date`");
    });
}

#[test]
fn gamebase_3_1_a_token_that_is_not_ours_or_over_is_refused() {
    block_on(async {
        let (ours, theirs) = (world(Policy::gamebase()).await, world(Policy::gamebase()).await);
        let ann = log_in(ours.engine(), at("facebook", "ann")).await;
        let mut forged = ann.tokens.refresh.reveal().to_owned();
        forged.truncate(forged.len() - 4);
        for bad in ["x", forged.as_str()] {
            let got = refusal(resume(ours.engine(), Resume::new(bad)).await);
            assert_eq!(got, Refusal::TokenLoginInvalid);
        }
        let empty = refusal(resume(ours.engine(), Resume::new("")).await);
        let rule = Rule::Required;
        assert_eq!(empty, Refusal::Invalid { field: Field::RefreshToken, rule });
        let unknown = refusal(resume(theirs.engine(), refresh(&ann)).await);
        assert_eq!(unknown, Refusal::AccountNotFound, "the same key, and no such member");
        ours.clock().advance(Policy::gamebase().access_lifetime);
        let got = refusal(resume(ours.engine(), access(&ann)).await);
        assert_eq!(got, Refusal::TokenLoginInvalid);
    });
}

#[test]
fn gamebase_4_1_b_token_login_is_refused_with_ban_info_though_the_session_has_ended() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        let ann = log_in(engine, at("facebook", "ann")).await;
        let end = world.clock().now() + TimeDelta::minutes(5);
        let ban = BanRequest::until(end).with_message("cheating");
        engine.ban(&operator(), ann.account.id, ban).await.unwrap();
        for token in [refresh(&ann), access(&ann)] {
            let Refusal::Banned(info) = refusal(resume(engine, token).await) else { panic!() };
            assert_eq!((info.account, &*info.message), (ann.account.id, "cheating"));
        }
        world.clock().set(end);
        let got = refusal(resume(engine, refresh(&ann)).await);
        assert_eq!(got, Refusal::TokenLoginInvalid, "a ban's end revives no token");
    });
}

#[test]
fn gamebase_4_1_d_and_m_and_4_7_a_withdrawn_or_lost_members_token_is_told_so() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let ann = log_in(world.engine(), at("facebook", "ann")).await;
        let bob = log_in(world.engine(), at("facebook", "bob")).await;
        withdraw(&world, ann.account.id).await;
        rewrite(&world, bob.account.id, |account| account.identities.clear()).await;
        let got = refusal(resume(world.engine(), refresh(&ann)).await);
        assert_eq!(got, Refusal::Withdrawn);
        let got = refusal(resume(world.engine(), access(&bob)).await);
        assert_eq!(got, Refusal::Missing);
    });
}

#[test]
fn gamebase_3_5_after_a_logout_of_either_kind_the_token_is_no_good() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        for kind in [
            |_: &LoggedIn| Logout::ThisSession,
            |player: &LoggedIn| Logout::Tokens {
                access: Some(player.tokens.access.clone()),
                refresh: None,
            },
            |player: &LoggedIn| Logout::Tokens {
                access: None,
                refresh: Some(player.tokens.refresh.clone()),
            },
        ] {
            let ann = log_in(engine, at("facebook", "ann")).await;
            let current = who(engine, &ann).await;
            engine.logout(&context(), &current, kind(&ann)).await.unwrap();
            for token in [refresh(&ann), access(&ann)] {
                let got = refusal(resume(engine, token).await);
                assert_eq!(got, Refusal::TokenLoginInvalid);
            }
        }
    });
}

#[test]
fn an_identity_that_the_account_has_no_more_logs_nobody_in() {
    block_on(async {
        let policy = Policy { unlink_logged_in: true, ..Policy::nakama() };
        let world = world(policy).await;
        let engine = world.engine();
        let ann = log_in(engine, at("facebook", "ann")).await;
        let current = who(engine, &ann).await;
        let link = authcore::Link::new(at("google", "ann"));
        engine.link(&context(), &current, link).await.unwrap();
        engine.unlink(&context(), &current, Unlink::any(provider("facebook"))).await.unwrap();
        let got = refusal(resume(engine, refresh(&ann)).await);
        assert_eq!(got, Refusal::TokenLoginInvalid);
    });
}

#[test]
fn gamebase_3_1_on_failure_the_same_call_again_gets_the_same_answer() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let ann = log_in(world.engine(), at("facebook", "ann")).await;
        a_minute(&world);
        let first = resume(world.engine(), refresh(&ann)).await.unwrap();
        world.clock().advance(TimeDelta::seconds(9));
        let again = resume(world.engine(), refresh(&ann)).await.unwrap();
        assert_eq!(again.tokens.refresh.reveal(), first.tokens.refresh.reveal());
        assert_eq!(again.tokens.access.reveal(), first.tokens.access.reveal());
        assert_eq!((again.session, again.login_count), (first.session, 2), "one login");
    });
}

#[test]
fn security_57_a_refresh_token_that_was_used_before_ends_the_session() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        let ann = log_in(engine, at("facebook", "ann")).await;
        a_minute(&world);
        let thief = resume(engine, refresh(&ann)).await.unwrap();
        world.clock().advance(TimeDelta::seconds(10));
        let got = refusal(resume(engine, refresh(&ann)).await);
        assert_eq!(got, Refusal::RefreshTokenReused);
        assert_eq!(refusal(resume(engine, refresh(&thief)).await), Refusal::TokenLoginInvalid);
        let next = Refresh::new(thief.tokens.refresh.reveal());
        let got = refusal(engine.refresh(&context(), next).await);
        assert_eq!(got, Refusal::RefreshTokenInvalid);
        let events = engine.events(&operator(), EventCursor::START, 1000).await.unwrap();
        let ended =
            EventKind::SessionEnded { session: ann.session.id, reason: SessionEnd::RefreshReused };
        assert!(events.iter().any(|stored| stored.event.kind == ended));
    });
}

#[test]
fn security_57_the_owners_refresh_token_gives_a_stolen_access_token_away() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        let ann = log_in(engine, at("facebook", "ann")).await;
        a_minute(&world);
        let thief = resume(engine, access(&ann)).await.unwrap();
        a_minute(&world);
        let own = Refresh::new(ann.tokens.refresh.reveal());
        let got = refusal(engine.refresh(&context(), own).await);
        assert_eq!(got, Refusal::RefreshTokenReused);
        assert!(!lives(engine, &thief).await);
    });
}

#[test]
fn security_58_of_many_token_logins_at_once_all_go_on_with_one_session() {
    let policy = Policy::gamebase();
    let world = block_on(world(policy));
    let ann = block_on(log_in(world.engine(), at("facebook", "ann")));
    a_minute(&world);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| block_on(resume(world.engine(), refresh(&ann)))))
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    let mut pairs: Vec<_> = answers
        .into_iter()
        .filter_map(|answer| match answer {
            Ok(player) => Some(player.tokens.refresh.reveal().to_owned()),
            Err(Error::Refused(Refusal::TryAgainLater { .. })) => None,
            Err(other) => panic!("{other}"),
        })
        .collect();
    pairs.dedup();
    assert_eq!(pairs.len(), 1, "one successor");
    let kept = block_on(activity(&world, ann.account.id));
    assert_eq!((kept.sessions.len(), kept.login_count), (1, 2));
}

#[test]
fn security_59_another_device_gets_no_second_successor() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let on = |device: &str| {
            let mut context = RequestContext::new();
            context.device_id = Some(device.to_owned());
            context
        };
        let engine = world.engine();
        let ann = log_in(engine, at("facebook", "ann")).await;
        a_minute(&world);
        let first = engine.resume(&on("phone"), refresh(&ann)).await.unwrap();
        assert_eq!(first.session.device_id.as_deref(), Some("phone"));
        assert!(engine.resume(&on("phone"), refresh(&ann)).await.is_ok());
        let got = refusal(engine.resume(&on("other"), refresh(&ann)).await);
        assert_eq!(got, Refusal::RefreshTokenReused);
    });
}

/// A world in which Facebook must vouch once more by this rule.
async fn revalidating(rule: Revalidation) -> Harness {
    let mut policy = Policy::gamebase();
    policy.revalidation_of.insert(provider("facebook"), rule);
    world(policy).await
}

#[test]
fn gamebase_3_1_always_revalidated_needs_the_credential_each_time() {
    block_on(async {
        let world = revalidating(Revalidation::Always).await;
        let engine = world.engine();
        let ann = log_in(engine, at("facebook", "ann")).await;
        let bob = log_in(engine, at("google", "bob")).await;
        a_minute(&world);
        let needed = Refusal::RevalidationRequired(provider("facebook"));
        assert_eq!(refusal(resume(engine, refresh(&ann)).await), needed);
        let with = |credential: Credential| refresh(&ann).with_credential(credential);
        for other in [at("facebook", "other"), at("google", "ann")] {
            assert_eq!(refusal(resume(engine, with(other)).await), needed);
        }
        let bad = refusal(resume(engine, with(at("facebook", "bad"))).await);
        assert!(matches!(bad, Refusal::CredentialRejected { .. }));
        let player = resume(engine, with(at("facebook", "ann"))).await.unwrap();
        assert_eq!(player.session.authenticated_at, world.clock().now());
        assert_eq!(player.login_count, 2);
        assert!(resume(engine, refresh(&bob)).await.is_ok(), "another provider need not");
    });
}

#[test]
fn gamebase_3_1_an_interval_counts_from_when_the_provider_vouched() {
    block_on(async {
        let world = revalidating(Revalidation::After(TimeDelta::days(10))).await;
        let engine = world.engine();
        let mut player = log_in(engine, at("facebook", "ann")).await;
        world.clock().advance(TimeDelta::days(6));
        player = resume(engine, refresh(&player)).await.unwrap();
        world.clock().advance(TimeDelta::days(4));
        let needed = Refusal::RevalidationRequired(provider("facebook"));
        assert_eq!(refusal(resume(engine, refresh(&player)).await), needed);
        let vouched = refresh(&player).with_credential(at("facebook", "ann"));
        player = resume(engine, vouched).await.unwrap();
        world.clock().advance(TimeDelta::days(9));
        assert!(resume(engine, refresh(&player)).await.is_ok());
    });
}

#[test]
fn gamebase_3_1_a_reused_token_is_caught_before_anything_else_is_asked() {
    block_on(async {
        let world = revalidating(Revalidation::Always).await;
        let engine = world.engine();
        let ann = log_in(engine, at("facebook", "ann")).await;
        a_minute(&world);
        let vouched = || refresh(&ann).with_credential(at("facebook", "ann"));
        resume(engine, vouched()).await.unwrap();
        a_minute(&world);
        let got = refusal(resume(engine, refresh(&ann)).await);
        assert_eq!(got, Refusal::RefreshTokenReused);
    });
}

#[test]
fn gamebase_3_1_a_password_and_a_guest_key_vouch_as_well() {
    block_on(async {
        let world =
            world(Policy { revalidation: Revalidation::Always, ..Policy::gamebase() }).await;
        let engine = world.engine();
        for (credential, wrong, refused) in [
            (universal("ann", "password"), universal("ann", "wrong-one"), Refusal::WrongPassword),
            (
                guest("a-guest-key-of-16-bytes"),
                guest("another-key-of-16-bytes"),
                Refusal::RevalidationRequired(ProviderId::GUEST),
            ),
        ] {
            let player = log_in(engine, credential.clone()).await;
            a_minute(&world);
            let got = refusal(resume(engine, refresh(&player).with_credential(wrong)).await);
            assert_eq!(got, refused);
            let player = resume(engine, refresh(&player).with_credential(credential)).await;
            assert_eq!(player.unwrap().login_count, 2);
        }
    });
}

#[test]
fn a_session_without_an_identity_is_opened_by_its_own_way_in_only() {
    block_on(async {
        let policy = Policy { revalidation: Revalidation::Always, ..Policy::gamebase() };
        let world = external_world(policy).await;
        let engine = world.engine();
        let bob = log_in(engine, external("v", "bob", "ok")).await;
        let answer = format!(r#"{{"valid":true,"useProfileId":"{}"}}"#, bob.account.id);
        let ann = log_in(engine, external("v", "ann", &answer)).await;
        a_minute(&world);
        let invalid = Refusal::TokenLoginInvalid;
        assert_eq!(refusal(resume(engine, refresh(&ann)).await), invalid);
        let other = refresh(&ann).with_credential(external("v", "bob", "ok"));
        assert_eq!(refusal(resume(engine, other).await), invalid);
        let same = refresh(&ann).with_credential(external("v", "ann", &answer));
        assert_eq!(resume(engine, same).await.unwrap().account.id, bob.account.id);
    });
}

/// Refuses what it is told to.
#[derive(Debug)]
struct Says(bool);

#[async_trait::async_trait]
impl Hooks for Says {
    async fn before_resume(&self, _: &RequestContext, resume: Resume) -> Result<Resume, Refusal> {
        if self.0 { Err(Refusal::Disabled) } else { Ok(resume) }
    }

    fn veto(&self, _: &RequestContext, intent: &Intent<'_>) -> Result<(), Refusal> {
        match intent {
            Intent::LogIn(_) => Err(Refusal::Host { code: None, text: "not today".to_owned() }),
            _ => Ok(()),
        }
    }
}

#[test]
fn a_host_has_its_say_in_a_token_login() {
    for (disabled, code) in [(true, "disabled"), (false, "host")] {
        block_on(async {
            let policy = Policy::gamebase();
            let world = Harness::on(store(), policy, |builder| builder.hooks(Says(disabled))).await;
            let player = log_in(world.engine(), guest("a-guest-key-of-16-bytes")).await;
            a_minute(&world);
            let got = refusal(resume(world.engine(), refresh(&player)).await);
            assert_eq!(got.code(), code);
            assert_eq!(activity(&world, player.account.id).await.login_count, 1);
        });
    }
}
