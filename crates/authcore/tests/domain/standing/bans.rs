//! Bans (gamebase 3.13, 4.5).

use std::collections::BTreeMap;

use authcore::lifecycle::{BanEnd, BanRecord, BanSource, BanStatus};
use authcore::policy::{BanTemplate, Support};
use authcore::refusal::{Field, Rule};
use authcore::{BanRequest, Login, Policy, Refusal, UnbanRequest};
use chrono::TimeDelta;

use super::*;

async fn banned_for_an_hour(world: &Harness) -> (AccountId, DateTime<Utc>) {
    let id = log_in(world.engine(), at("facebook", "ann")).await.account.id;
    let end = now(world) + TimeDelta::hours(1);
    world.engine().ban(&operator(), id, BanRequest::until(end)).await.unwrap();
    (id, end)
}

async fn history(world: &Harness, id: AccountId) -> Vec<BanRecord> {
    world.engine().bans(&operator(), id).await.unwrap()
}

async fn statuses(world: &Harness, id: AccountId) -> Vec<BanStatus> {
    history(world, id).await.iter().map(|record| record.status).collect()
}

#[test]
fn gamebase_4_5_none_register_temporary_and_permanent() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (id, _) = banned_for_an_hour(&world).await;
        assert_eq!(statuses(&world, id).await, [BanStatus::Temporary]);
        let other = log_in(world.engine(), at("facebook", "bob")).await.account.id;
        world.engine().ban(&operator(), other, BanRequest::permanent()).await.unwrap();
        assert_eq!(statuses(&world, other).await, [BanStatus::Permanent]);
    });
}

#[test]
fn gamebase_4_5_ban_release_closes_the_record_with_who_when_and_why() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (id, _) = banned_for_an_hour(&world).await;
        world.clock().advance(TimeDelta::minutes(1));
        let request = UnbanRequest::new().for_reason("appeal 3").from_source(BanSource::AppServer);
        world.engine().unban(&operator(), id, request).await.unwrap();
        let records = history(&world, id).await;
        assert_eq!(records[0].status, BanStatus::Released);
        let end = BanEnd::Released {
            at: now(&world),
            source: BanSource::AppServer,
            by: "test".into(),
            reason: "appeal 3".into(),
        };
        assert_eq!(records[0].end, Some(end));
        let again = world.engine().unban(&operator(), id, UnbanRequest::new()).await;
        assert_eq!(refusal(again), Refusal::NotBanned);
    });
}

#[test]
fn gamebase_4_5_ban_temporary_expires_and_x36_is_then_no_current_ban() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (id, end) = banned_for_an_hour(&world).await;
        world.clock().set(end);
        assert_eq!(statuses(&world, id).await, [BanStatus::Expired]);
        assert_eq!(account(&world, id).await.ban.ban(), None);
    });
}

#[test]
fn gamebase_4_5_ban_expired_login_gives_release_expired() {
    block_on(async {
        for late in [TimeDelta::zero(), TimeDelta::hours(5)] {
            let world = world(Policy::gamebase()).await;
            let (id, end) = banned_for_an_hour(&world).await;
            world.clock().set(end + late);
            world.engine().sweep(10).await.unwrap();
            assert_eq!(statuses(&world, id).await, [BanStatus::Expired], "a sweep is no login");
            log_in(world.engine(), at("facebook", "ann")).await;
            assert_eq!(statuses(&world, id).await, [BanStatus::ReleaseExpired]);
            assert_eq!(history(&world, id).await[0].end, Some(BanEnd::Expired { at: end }));
            let released = world.engine().unban(&operator(), id, UnbanRequest::new()).await;
            assert_eq!(refusal(released), Refusal::NotBanned);
        }
    });
}

#[test]
fn gamebase_4_5_ban_expired_release_by_operator() {
    block_on(async {
        for sweeps in [false, true] {
            let world = world(Policy::gamebase()).await;
            let (id, end) = banned_for_an_hour(&world).await;
            world.clock().set(end);
            if sweeps {
                world.engine().sweep(10).await.unwrap();
            }
            world.engine().unban(&operator(), id, UnbanRequest::new()).await.unwrap();
            assert_eq!(statuses(&world, id).await, [BanStatus::Released]);
            let told = events(&world, id).await;
            assert_eq!(told.iter().filter(|kind| **kind == EventKind::Unbanned).count(), 1);
        }
    });
}

#[test]
fn gamebase_4_5_ban_expired_new_ban_is_a_new_record() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (id, end) = banned_for_an_hour(&world).await;
        world.clock().set(end);
        world.engine().ban(&operator(), id, BanRequest::permanent()).await.unwrap();
        assert_eq!(statuses(&world, id).await, [BanStatus::Expired, BanStatus::Permanent]);
    });
}

#[test]
fn gamebase_4_5_ban_permanent_outlasts_time() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let id = log_in(world.engine(), at("facebook", "ann")).await.account.id;
        world.engine().ban(&operator(), id, BanRequest::permanent()).await.unwrap();
        world.clock().advance(TimeDelta::days(36_500));
        assert_eq!(statuses(&world, id).await, [BanStatus::Permanent]);
    });
}

#[test]
fn gamebase_4_5_ban_member_becomes_d_and_the_record_is_kept() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (id, _) = banned_for_an_hour(&world).await;
        let cause = authcore::lifecycle::WithdrawalCause::Operator;
        world.engine().withdraw_account(&operator(), id, cause).await.unwrap();
        assert_eq!(statuses(&world, id).await, [BanStatus::Withdrawn]);
    });
}

#[test]
fn gamebase_x7_4_2_b_ban_registered_is_refused_unless_it_replaces() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (id, end) = banned_for_an_hour(&world).await;
        let again = world.engine().ban(&operator(), id, BanRequest::permanent()).await;
        assert_eq!(refusal(again), Refusal::AlreadyBanned);
        assert_eq!(statuses(&world, id).await, [BanStatus::Temporary]);
        let longer = BanRequest::until(end + TimeDelta::hours(1)).replacing();
        world.engine().ban(&operator(), id, longer).await.unwrap();
        assert_eq!(statuses(&world, id).await, [BanStatus::Replaced, BanStatus::Temporary]);
        world.clock().set(end);
        assert_eq!(valid(&world, id).await, 'B');
    });
}

#[test]
fn gamebase_3_13_many_are_banned_and_x7_x37_who_cannot_be_is_listed() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let mut fine = Vec::new();
        for subject in ["a", "b", "c"] {
            fine.push(log_in(world.engine(), at("google", subject)).await.account.id);
        }
        let (banned, _) = banned_for_an_hour(&world).await;
        let lost = lost(&world, "lost").await.0.account.id;
        let gone = log_in(world.engine(), at("google", "gone")).await;
        let proof = who(world.engine(), &gone).await;
        world.engine().withdraw(&context(), &proof).await.unwrap();
        let nobody = AccountId::from_bytes([9; 16]);
        let bad = [banned, lost, gone.account.id, nobody];
        let ids: Vec<_> = fine.iter().chain(&bad).chain(&fine).copied().collect();
        let request = BanRequest::permanent();
        let failed = world.engine().ban_many(&operator(), &ids, request).await.unwrap();
        let failed: Vec<_> =
            failed.iter().map(|it| (it.account, it.error.refusal().unwrap().clone())).collect();
        let refusals = [
            Refusal::AlreadyBanned,
            Refusal::Missing,
            Refusal::Withdrawn,
            Refusal::AccountNotFound,
        ];
        assert_eq!(failed, bad.into_iter().zip(refusals).collect::<Vec<_>>());
        for id in &fine {
            assert_eq!(valid(&world, *id).await, 'B');
        }
        let request = UnbanRequest::new();
        let failed = world.engine().unban_many(&operator(), &ids, request).await.unwrap();
        let failed: Vec<_> = failed.iter().map(|it| it.account).collect();
        assert_eq!(failed, [lost, gone.account.id, nobody]);
        assert_eq!(valid(&world, banned).await, 'Y');
    });
}

#[test]
fn gamebase_3_13_at_most_ten_thousand_at_once() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let ids = vec![AccountId::from_bytes([9; 16]); 10_001];
        let refused = world.engine().ban_many(&operator(), &ids, BanRequest::permanent()).await;
        let rule = Rule::AtMostItems { items: 10_000 };
        assert_eq!(refusal(refused), Refusal::Invalid { field: Field::Count, rule });
        let few = world.engine().ban_many(&operator(), &ids[1..], BanRequest::permanent()).await;
        assert_eq!(few.unwrap().len(), 1);
    });
}

#[test]
fn bad_requests_for_a_ban_are_refused_and_change_nothing() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let id = log_in(world.engine(), at("facebook", "ann")).await.account.id;
        let many = |count| {
            (0..count).fold(BanRequest::permanent(), |ban, n| ban.with_flag(format!("flag-{n}")))
        };
        let cases = [
            (BanRequest::permanent().with_message("x".repeat(1025)), Field::BanMessage),
            (BanRequest::permanent().for_reason("x".repeat(1025)), Field::BanReason),
            (BanRequest::permanent().with_template(1), Field::BanTemplate),
            (BanRequest::until(now(&world)), Field::BanExpiry),
            (BanRequest::permanent().with_flag(""), Field::BanFlags),
            (many(17), Field::BanFlags),
        ];
        for (request, field) in cases {
            let refused = refusal(world.engine().ban(&operator(), id, request).await);
            assert!(matches!(refused, Refusal::Invalid { field: it, .. } if it == field));
        }
        assert_eq!(valid(&world, id).await, 'Y');
        let long = UnbanRequest::new().for_reason("x".repeat(1025));
        let refused = refusal(world.engine().unban(&operator(), id, long).await);
        assert!(matches!(refused, Refusal::Invalid { field: Field::BanReason, .. }));
        world.engine().ban(&operator(), id, many(16)).await.unwrap();
    });
}

#[test]
fn gamebase_1_6_the_player_reads_the_template_in_their_language_and_whom_to_turn_to() {
    block_on(async {
        let template = BanTemplate {
            code: 7,
            name: "cheating".into(),
            messages: BTreeMap::from([
                ("en".into(), "You cheated.".into()),
                ("ko".into(), "korean words".into()),
            ]),
            default_language: "en".into(),
        };
        let support = Support { contact: "help@example.com".into(), url: "https://help".into() };
        let policy = Policy { ban_templates: vec![template], support, ..Policy::gamebase() };
        let world = world(policy).await;
        let id = log_in(world.engine(), at("facebook", "ann")).await.account.id;
        let ban = BanRequest::permanent().with_template(7).with_message("own words");
        world.engine().ban(&operator(), id, ban).await.unwrap();
        let words =
            [(Some("ko-KR"), "korean words"), (Some("fr"), "You cheated."), (None, "You cheated.")];
        for (language, expected) in words {
            let mut context = context();
            context.locale = language.map(Into::into);
            let login = Login::new(at("facebook", "ann"));
            let refused = refusal(world.engine().login(&context, login).await);
            let Refusal::Banned(info) = refused else { panic!("{refused}") };
            assert_eq!(&*info.message, expected);
            assert_eq!(&*info.support_contact, "help@example.com");
            assert_eq!(&*info.support_url, "https://help");
        }
    });
}
