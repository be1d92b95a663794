//! Who is behind a transfer account, and what becomes of it when the member changes.

use authcore::lifecycle::{
    Amount, BanPeriod, BanState, GraceBan, ReleaseRule, Standing, Withdrawal, WithdrawalCause,
    standing,
};
use authcore::transfer::{Renewal, TransferState};
use authcore::{BanRequest, Closure, Link, Refusal};

use super::{DAY, HOUR, Issued, NEW, TICK, carry, edit, issued_to, kept, rules};
use crate::domain::{at, block_on, context, guest, log_in, operator, refusal, who};

#[test]
fn gamebase_4_1_t_x16_a_pending_withdrawal_travels_along() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let since = issued.info.issued_at;
        let pending = Withdrawal::Pending { since, due: since + DAY };
        edit(&issued.world, issued.id(), |account| account.withdrawal = pending).await;
        let carried = issued.right().await.unwrap();
        assert_eq!(carried.account.withdrawal, pending);
        assert_eq!(standing(&carried.account), Standing::WithdrawalPending);
    });
}

#[test]
fn gamebase_4_1_p_x16_a_grace_ban_travels_along() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let since = issued.info.issued_at;
        let grace = BanState::Grace(Box::new(GraceBan {
            since,
            deadline: since + DAY,
            message: Box::default(),
            rule: ReleaseRule::Amount { amount: Amount::minor(100) },
            currency: "EUR".into(),
            payments: Vec::new(),
            then: BanPeriod::Permanent,
            template: None,
        }));
        edit(&issued.world, issued.id(), |account| account.ban = grace.clone()).await;
        let carried = issued.right().await.unwrap();
        assert_eq!(carried.account.ban, grace);
    });
}

#[test]
fn gamebase_4_1_b_x16_a_banned_member_is_refused_7_and_nothing_is_used_up() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let ban = BanRequest::permanent().with_message("cheating");
        issued.engine().ban(&operator(), issued.id(), ban).await.unwrap();
        let before = issued.kept().await;
        let Refusal::Banned(info) = refusal(issued.right().await) else { panic!("not banned") };
        assert_eq!((info.account, &*info.message), (issued.id(), "cheating"));
        assert_eq!(issued.kept().await, before);
        assert!(log_in(issued.engine(), guest(NEW)).await.created, "no device has changed");
    });
}

#[test]
fn gamebase_4_1_b_over_a_ban_that_has_ended_lets_the_transfer_through() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let ban = BanRequest::until(issued.info.issued_at + HOUR);
        issued.engine().ban(&operator(), issued.id(), ban).await.unwrap();
        assert!(matches!(refusal(issued.right().await), Refusal::Banned(_)));
        issued.pass(HOUR);
        let carried = issued.right().await.unwrap();
        assert_eq!(carried.account.ban, BanState::None);
    });
}

#[test]
fn gamebase_4_1_d_4_3_a_withdrawn_member_has_no_transfer_account() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let done = Withdrawal::Done { at: issued.info.issued_at, cause: WithdrawalCause::Player };
        edit(&issued.world, issued.id(), |account| {
            account.withdrawal = done;
            account.identities.clear();
        })
        .await;
        assert_eq!(refusal(issued.right().await), Refusal::TransferMissing);
    });
}

#[test]
fn gamebase_4_1_m_4_2_m_4_3_a_lost_member_has_no_transfer_account() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let engine = issued.engine();
        // The issuer's own device takes another guest over, and the issuer is lost.
        let (_, other) = issued_to(engine, "guest-key-of-a-third-device").await;
        carry(engine, super::OLD, &other).await.unwrap();
        assert_eq!(standing(&issued.kept().await), Standing::Missing);
        assert_eq!(issued.state().await, TransferState::Deleted);
        assert_eq!(refusal(issued.right().await), Refusal::TransferMissing);
    });
}

#[test]
fn gamebase_4_2_t_x17_a_guest_that_is_lost_while_its_withdrawal_is_pending_keeps_its_date() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let loser = log_in(issued.engine(), guest(NEW)).await.account.id;
        let since = issued.info.issued_at;
        let pending = Withdrawal::Pending { since, due: since + DAY };
        edit(&issued.world, loser, |account| account.withdrawal = pending).await;
        issued.right().await.unwrap();
        let lost = kept(&issued.world, loser).await;
        assert_eq!((standing(&lost), lost.withdrawal), (Standing::Missing, pending));
    });
}

#[test]
fn gamebase_4_3_a_member_that_maps_an_identity_has_its_transfer_account_deleted() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let engine = issued.engine();
        let caller = who(engine, &issued.player).await;
        engine.link(&context(), &caller, Link::new(at("facebook", "ann"))).await.unwrap();
        let transfer = issued.kept().await.records.transfer.unwrap();
        assert_eq!(transfer.state, TransferState::Deleted);
        assert_eq!((transfer.id, transfer.password_hash), (None, None));
        assert_eq!(refusal(issued.right().await), Refusal::TransferMissing);
    });
}

#[test]
fn gamebase_4_1_t_over_4_3_a_withdrawal_whose_day_has_come_leaves_no_transfer_account() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let since = issued.info.issued_at;
        let pending = Withdrawal::Pending { since, due: since + DAY };
        edit(&issued.world, issued.id(), |account| account.withdrawal = pending).await;
        issued.pass(DAY - TICK);
        let wrong = issued.wrong().await;
        assert_eq!(wrong, Refusal::TransferWrongPassword);
        issued.pass(TICK);
        assert_eq!(refusal(issued.right().await), Refusal::TransferMissing);
        assert!(log_in(issued.engine(), guest(super::OLD)).await.created);
    });
}

#[test]
fn gamebase_4_1_p_over_a_grace_ban_whose_day_has_come_is_a_ban() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let since = issued.info.issued_at;
        let grace = BanState::Grace(Box::new(GraceBan {
            since,
            deadline: since + DAY,
            message: Box::default(),
            rule: ReleaseRule::Amount { amount: Amount::minor(100) },
            currency: "EUR".into(),
            payments: Vec::new(),
            then: BanPeriod::Permanent,
            template: None,
        }));
        edit(&issued.world, issued.id(), |account| account.ban = grace).await;
        issued.pass(DAY);
        assert!(matches!(refusal(issued.right().await), Refusal::Banned(_)));
    });
}

#[test]
fn gamebase_x17_a_guest_on_the_new_device_that_time_has_withdrawn_is_not_lost_but_withdrawn() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let leaver = log_in(issued.engine(), guest(NEW)).await.account.id;
        let since = issued.info.issued_at;
        let pending = Withdrawal::Pending { since, due: since + DAY };
        edit(&issued.world, leaver, |account| account.withdrawal = pending).await;
        issued.pass(DAY);
        let carried = issued.right().await.unwrap();
        assert_eq!(carried.account.id, issued.id());
        assert_eq!(standing(&kept(&issued.world, leaver).await), Standing::Withdrawn);
    });
}

#[test]
fn gamebase_3_17_a_closed_game_issues_and_transfers_nothing_3701() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let caller = who(issued.engine(), &issued.player).await;
        let engine = issued.engine();
        engine.set_closure(Some(Closure {
            begins_at: issued.info.issued_at,
            ends_at: None,
            message: String::new(),
            url: String::new(),
            test_devices: Vec::new(),
        }));
        let renewal = Renewal::AutoPassword;
        for refused in [
            refusal(issued.right().await),
            refusal(engine.issue_transfer_account(&context(), &caller).await),
            refusal(engine.renew_transfer_account(&context(), &caller, &renewal).await),
        ] {
            assert!(matches!(refused, Refusal::NotPlayable(_)), "{refused}");
        }
    });
}
