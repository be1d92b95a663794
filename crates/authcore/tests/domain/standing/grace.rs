//! Grace bans and lockdowns (gamebase 3.16, 4.6).

use authcore::lifecycle::{BanState, Refunds};
use authcore::refusal::{Field, Rule};
use authcore::{BanRequest, Policy, Refusal, UnbanRequest};
use chrono::TimeDelta;

use super::*;

fn rule(rule: ReleaseRule) -> Policy {
    let mut policy = with_release();
    if let Some(release) = policy.lockdown.as_mut().and_then(|lockdown| lockdown.release.as_mut()) {
        release.rule = rule;
    }
    policy
}

fn trigger(trigger: RefundTrigger) -> Policy {
    let mut policy = with_release();
    if let Some(lockdown) = &mut policy.lockdown {
        lockdown.trigger = trigger;
    }
    policy
}

#[test]
fn gamebase_4_6_none_lockdown_condition_suspends() {
    block_on(async {
        let world = world(with_release()).await;
        let id = log_in(world.engine(), at("facebook", "ann")).await.account.id;
        world.engine().record_refund(&operator(), id, usd("one", 100)).await.unwrap();
        assert_eq!(valid(&world, id).await, 'Y');
        world.engine().record_refund(&operator(), id, usd("two", 100)).await.unwrap();
        assert_eq!(valid(&world, id).await, 'P');
        let grace = account(&world, id).await.ban.grace().unwrap().clone();
        assert_eq!(grace.paid(), (Amount::minor(0), 0));
        assert_eq!(grace.deadline, now(&world) + TimeDelta::days(3));
        assert_eq!(events(&world, id).await.last(), Some(&EventKind::GraceBanned));
    });
}

#[test]
fn gamebase_4_6_suspended_purchase_in_period_raises_the_status() {
    block_on(async {
        let world = world(with_release()).await;
        let id = suspended(&world, "ann").await.account.id;
        let paid = pay(&world, id, "one", 300).await;
        assert_eq!(paid.ban.grace().unwrap().paid(), (Amount::minor(300), 1));
    });
}

#[test]
fn gamebase_4_6_suspended_rule_true_before_the_deadline_releases() {
    block_on(async {
        let world = world(with_release()).await;
        let id = suspended(&world, "ann").await.account.id;
        world.clock().advance(TimeDelta::days(3) - MOMENT);
        pay(&world, id, "one", 999).await;
        assert_eq!(valid(&world, id).await, 'P');
        pay(&world, id, "two", 1).await;
        assert_eq!(valid(&world, id).await, 'Y');
    });
}

#[test]
fn gamebase_3_16_each_way_to_join_the_conditions() {
    block_on(async {
        let (amount, count) = (Amount::minor(1000), 2);
        let cases = [
            (ReleaseRule::Amount { amount }, 1000, 0, true),
            (ReleaseRule::Amount { amount }, 999, 0, false),
            (ReleaseRule::Count { count }, 1, 1, true),
            (ReleaseRule::Count { count }, 5000, 0, false),
            (ReleaseRule::All { amount, count }, 5000, 0, false),
            (ReleaseRule::All { amount, count }, 1, 1, false),
            (ReleaseRule::All { amount, count }, 999, 1, true),
            (ReleaseRule::Any { amount, count }, 1000, 0, true),
            (ReleaseRule::Any { amount, count }, 1, 1, true),
            (ReleaseRule::Any { amount, count }, 999, 0, false),
        ];
        for (release, first, second, released) in cases {
            let world = world(rule(release)).await;
            let id = suspended(&world, "ann").await.account.id;
            pay(&world, id, "one", first).await;
            if second > 0 {
                pay(&world, id, "two", second).await;
            }
            let expected = if released { 'Y' } else { 'P' };
            assert_eq!(valid(&world, id).await, expected, "{release:?} {first} {second}");
        }
    });
}

#[test]
fn gamebase_4_6_suspended_refund_of_a_counted_purchase_lowers_the_status() {
    block_on(async {
        let world = world(with_release()).await;
        let id = suspended(&world, "ann").await.account.id;
        pay(&world, id, "one", 600).await;
        pay(&world, id, "part", 300).await;
        let after = world.engine().record_refund(&operator(), id, usd("one", 600)).await.unwrap();
        assert_eq!(after.ban.grace().unwrap().paid(), (Amount::minor(300), 1));
        let after = world.engine().record_refund(&operator(), id, usd("part", 100)).await.unwrap();
        assert_eq!(after.ban.grace().unwrap().paid(), (Amount::minor(200), 1));
        let after = world.engine().record_refund(&operator(), id, usd("other", 50)).await.unwrap();
        assert_eq!(after.ban.grace().unwrap().paid(), (Amount::minor(200), 1));
    });
}

#[test]
fn gamebase_4_6_suspended_deadline_bans_and_x30_payment_at_it_is_too_late() {
    block_on(async {
        let world = world(with_release()).await;
        let player = suspended(&world, "ann").await;
        let id = player.account.id;
        pay(&world, id, "one", 999).await;
        world.clock().advance(TimeDelta::days(3));
        let late = world.engine().record_payment(&operator(), id, usd("two", 500)).await;
        assert_eq!(refusal(late), Refusal::NoGraceBan);
        assert_eq!(valid(&world, id).await, 'B');
        assert!(!is_alive(&world, &player).await, "nobody has written it yet, and it holds");
        world.engine().sweep(10).await.unwrap();
        assert_eq!(events(&world, id).await.last(), Some(&EventKind::Banned));
    });
}

#[test]
fn gamebase_4_6_suspended_operator_ban() {
    block_on(async {
        let world = world(with_release()).await;
        let id = suspended(&world, "ann").await.account.id;
        world.engine().ban(&operator(), id, BanRequest::permanent()).await.unwrap();
        assert_eq!(valid(&world, id).await, 'B');
        let late = world.engine().record_payment(&operator(), id, usd("one", 9999)).await;
        assert_eq!(refusal(late), Refusal::NoGraceBan);
    });
}

#[test]
fn gamebase_4_6_released_a_new_condition_suspends_again_and_counted_refunds_do_not() {
    block_on(async {
        let world = world(with_release()).await;
        let id = suspended(&world, "ann").await.account.id;
        pay(&world, id, "one", 500).await;
        pay(&world, id, "two", 500).await;
        assert_eq!(account(&world, id).await.records.refunds, Refunds::default());
        world.engine().record_refund(&operator(), id, usd("three", 1)).await.unwrap();
        assert_eq!(valid(&world, id).await, 'Y');
        world.engine().record_refund(&operator(), id, usd("four", 1)).await.unwrap();
        assert_eq!(valid(&world, id).await, 'P');
    });
}

#[test]
fn gamebase_x28_count_or_amount_sets_the_lockdown_off() {
    block_on(async {
        let count = NonZeroU32::new(2).unwrap();
        let amount = Amount::minor(1000);
        let cases: [(RefundTrigger, &[u64], char); 7] = [
            (RefundTrigger::Count(count), &[5000], 'Y'),
            (RefundTrigger::Count(count), &[1, 1], 'P'),
            (RefundTrigger::Amount(amount), &[999], 'Y'),
            (RefundTrigger::Amount(amount), &[400, 600], 'P'),
            (RefundTrigger::Either { count, amount }, &[999], 'Y'),
            (RefundTrigger::Either { count, amount }, &[1000], 'P'),
            (RefundTrigger::Either { count, amount }, &[1, 1], 'P'),
        ];
        for (set_off, refunds, letter) in cases {
            let world = world(trigger(set_off)).await;
            let id = log_in(world.engine(), at("facebook", "ann")).await.account.id;
            for (order, minor) in refunds.iter().enumerate() {
                let refund = usd(&format!("order-{order}"), *minor);
                world.engine().record_refund(&operator(), id, refund).await.unwrap();
            }
            assert_eq!(valid(&world, id).await, letter, "{set_off:?} {refunds:?}");
        }
    });
}

#[test]
fn gamebase_x29_another_currency_is_refused() {
    block_on(async {
        let world = world(with_release()).await;
        let id = suspended(&world, "ann").await.account.id;
        let won = || Purchase::new("one", Amount::minor(1), "KRW");
        let expected = Refusal::Invalid { field: Field::Currency, rule: Rule::Unknown };
        let payment = world.engine().record_payment(&operator(), id, won()).await;
        assert_eq!(refusal(payment), expected);
        let refund = world.engine().record_refund(&operator(), id, won()).await;
        assert_eq!(refusal(refund), expected);
        assert_eq!(pay(&world, id, "one", 1).await.ban.grace().unwrap().paid().1, 1);
    });
}

#[test]
fn a_purchase_counts_once_however_often_it_is_reported() {
    block_on(async {
        let world = world(with_release()).await;
        let id = suspended(&world, "ann").await.account.id;
        let other = suspended(&world, "bob").await.account.id;
        for _ in 0..3 {
            let paid = pay(&world, id, "one", 300).await;
            assert_eq!(paid.ban.grace().unwrap().paid(), (Amount::minor(300), 1));
        }
        assert_eq!(pay(&world, other, "one", 300).await.ban.grace().unwrap().paid().1, 1);
        for _ in 0..3 {
            let refund = usd("one", 300);
            let after = world.engine().record_refund(&operator(), id, refund).await.unwrap();
            assert_eq!(after.records.refunds.count, 1);
            assert_eq!(after.ban.grace().unwrap().paid(), (Amount::minor(0), 0));
        }
        let replayed = pay(&world, id, "one", 300).await;
        assert_eq!(
            replayed.ban.grace().unwrap().paid().1,
            0,
            "what was refunded is not paid again"
        );
    });
}

#[test]
fn a_purchase_that_is_reported_again_after_the_release_gets_its_first_answer() {
    block_on(async {
        let world = world(with_release()).await;
        let id = suspended(&world, "ann").await.account.id;
        pay(&world, id, "one", 300).await;
        let released = pay(&world, id, "two", 700).await;
        assert_eq!(released.ban, BanState::None);
        assert_eq!(pay(&world, id, "two", 700).await, released, "the one that released");
        assert_eq!(pay(&world, id, "one", 300).await, released, "one before it");
        let third = world.engine().record_payment(&operator(), id, usd("three", 1)).await;
        assert_eq!(refusal(third), Refusal::NoGraceBan, "one that is new");
        world.clock().advance(TimeDelta::days(399));
        assert_eq!(pay(&world, id, "two", 700).await, released, "still known");
    });
}

#[test]
fn payments_are_bounded_and_named() {
    block_on(async {
        let much = ReleaseRule::Amount { amount: Amount::minor(1000) };
        let world = world(rule(much)).await;
        let id = suspended(&world, "ann").await.account.id;
        for order in 0..256 {
            pay(&world, id, &format!("order-{order}"), 1).await;
        }
        let one_more = world.engine().record_payment(&operator(), id, usd("more", 1)).await;
        assert_eq!(refusal(one_more), Refusal::TooManyPayments { most: 256 });
        let last = pay(&world, id, "last", 744).await;
        assert_eq!(last.ban, BanState::None, "one that releases needs no room");
        for bad in ["", &"x".repeat(129)] {
            let refused = world.engine().record_payment(&operator(), id, usd(bad, 1)).await;
            assert!(matches!(refusal(refused), Refusal::Invalid { field: Field::Purchase, .. }));
        }
    });
}

#[test]
fn refunds_mean_nothing_where_the_policy_has_no_lockdown() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let player = log_in(world.engine(), at("facebook", "ann")).await;
        let after = lock_down(&world, player.account.id).await;
        assert_eq!(after, player.account);
    });
}

#[test]
fn gamebase_3_16_without_a_grace_ban_there_is_nothing_to_pay_for() {
    block_on(async {
        let world = world(with_release()).await;
        let id = log_in(world.engine(), at("facebook", "ann")).await.account.id;
        let paid = world.engine().record_payment(&operator(), id, usd("one", 500)).await;
        assert_eq!(refusal(paid), Refusal::NoGraceBan);
        lock_down(&world, id).await;
        let unban = world.engine().unban(&operator(), id, UnbanRequest::new()).await;
        assert_eq!(refusal(unban), Refusal::NotBanned, "to ban is all that is offered");
    });
}

#[test]
fn a_purchase_that_is_reported_many_times_at_once_counts_once() {
    block_on(async {
        let world = world(with_release()).await;
        let id = suspended(&world, "ann").await.account.id;
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| block_on(pay(&world, id, "one", 500)));
            }
        });
        let paid = account(&world, id).await;
        assert_eq!(paid.ban.grace().unwrap().paid(), (Amount::minor(500), 1));
    });
}
