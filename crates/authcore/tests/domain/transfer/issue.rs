use authcore::lifecycle::Expiry;
use authcore::policy::Rate;
use authcore::refusal::{Field, Rule};
use authcore::transfer::{
    Characters, IssuedBy, KeyFormat, Renewal, TransferInfo, TransferRules, TransferState,
    TransferStatus,
};
use authcore::{Authenticated, Error, Link, Logout, Policy, Refusal};
use chrono::TimeDelta;

use super::{
    DAY, HOUR, Issued, NEW, OLD, TICK, carry, id_only, issued_to, on_device, policy, rules, text,
};
use crate::domain::{at, block_on, context, guest, log_in, operator, refusal, who, world};

impl Issued {
    async fn caller(&self) -> Authenticated {
        let again = log_in(self.engine(), guest(OLD)).await;
        who(self.engine(), &again).await
    }

    async fn issue(&self) -> Result<TransferInfo, Error> {
        self.engine().issue_transfer_account(&context(), &self.caller().await).await
    }

    async fn query(&self) -> Result<TransferInfo, Error> {
        self.engine().transfer_account(&self.caller().await).await
    }

    async fn renew(&self, renewal: Renewal) -> Result<TransferInfo, Error> {
        self.engine().renew_transfer_account(&context(), &self.caller().await, &renewal).await
    }
}

fn both(id: &str, password: &str) -> Renewal {
    Renewal::ManualIdAndPassword { id: id.into(), password: password.into() }
}

#[test]
fn gamebase_3_14_1_9_issue_draws_id_and_password_in_the_configured_formats() {
    block_on(async {
        let id = KeyFormat { characters: Characters::DigitsUpper, length: 10 };
        let password = KeyFormat { characters: Characters::Letters, length: 32 };
        let rules = TransferRules { id, password: Some(password), ..rules() };
        let issued = Issued::under(rules).await;
        let info = &issued.info;
        let (id, password) = (text(info.id.as_ref()), text(info.password.as_ref()));
        assert_eq!((id.len(), password.len()), (10, 32));
        assert!(id.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()));
        assert!(password.bytes().all(|byte| byte.is_ascii_alphabetic()));
        assert_eq!((info.issued_by, info.status), (IssuedBy::Auto, TransferStatus::Issued));
        assert!(!info.one_time);
    });
}

#[test]
fn gamebase_4_3_issue_from_none_gives_a_date_and_no_failures() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        assert_eq!(issued.state().await, TransferState::Issued { failures: 0 });
        let week = issued.info.issued_at + TimeDelta::days(7);
        assert_eq!(issued.info.expiry, Expiry::At(week));
        let for_ever = Issued::under(TransferRules { lifetime: None, ..rules() }).await;
        assert_eq!(for_ever.info.expiry, Expiry::Never);
    });
}

#[test]
fn gamebase_4_3_x8_issue_after_use_makes_a_new_one() {
    block_on(async {
        let issued = Issued::under(TransferRules { one_time: true, ..rules() }).await;
        let carried = issued.right().await.unwrap();
        let caller = who(issued.engine(), &carried).await;
        let again = issued.engine().issue_transfer_account(&on_device(NEW), &caller).await.unwrap();
        assert_ne!(text(again.id.as_ref()), text(issued.info.id.as_ref()));
        assert!(carry(issued.engine(), OLD, &again).await.is_ok());
    });
}

#[test]
fn gamebase_x8_issue_over_a_live_one_is_refused_and_changes_nothing() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        assert_eq!(refusal(issued.issue().await), Refusal::TransferExists);
        issued.block().await;
        assert_eq!(refusal(issued.issue().await), Refusal::TransferExists);
        issued.pass(DAY * 7);
        let before = issued.kept().await;
        assert_eq!(refusal(issued.issue().await), Refusal::TransferExists);
        assert_eq!(issued.kept().await, before);
    });
}

#[test]
fn gamebase_3_14_issue_query_and_renew_are_for_guests_only_9() {
    block_on(async {
        let world = world(policy(rules())).await;
        let player = log_in(world.engine(), at("facebook", "ann")).await;
        let caller = who(world.engine(), &player).await;
        let engine = world.engine();
        let issue = engine.issue_transfer_account(&context(), &caller).await;
        assert_eq!(refusal(issue), Refusal::NotGuestOnly);
        assert_eq!(refusal(engine.transfer_account(&caller).await), Refusal::NotGuestOnly);
        let renew =
            engine.renew_transfer_account(&context(), &caller, &Renewal::AutoPassword).await;
        assert_eq!(refusal(renew), Refusal::NotGuestOnly);
    });
}

#[test]
fn gamebase_3_14_9_a_guest_with_another_login_is_not_a_guest_only() {
    block_on(async {
        // A policy under which the guest key stays.
        let policy = Policy { guest_leaves: false, ..policy(rules()) };
        let world = world(policy).await;
        let (player, _) = issued_to(world.engine(), OLD).await;
        let caller = who(world.engine(), &player).await;
        world.engine().link(&context(), &caller, Link::new(at("facebook", "ann"))).await.unwrap();
        let query = world.engine().transfer_account(&caller).await;
        assert_eq!(refusal(query), Refusal::NotGuestOnly);
    });
}

#[test]
fn gamebase_3_14_a_session_that_has_ended_issues_queries_and_renews_nothing_2() {
    block_on(async {
        let world = world(policy(rules())).await;
        let player = log_in(world.engine(), guest(OLD)).await;
        let caller = who(world.engine(), &player).await;
        let engine = world.engine();
        engine.logout(&context(), &caller, Logout::ThisSession).await.unwrap();
        let issue = engine.issue_transfer_account(&context(), &caller).await;
        assert_eq!(refusal(issue), Refusal::AccessTokenInvalid);
        assert_eq!(refusal(engine.transfer_account(&caller).await), Refusal::AccessTokenInvalid);
        let renew =
            engine.renew_transfer_account(&context(), &caller, &Renewal::AutoPassword).await;
        assert_eq!(refusal(renew), Refusal::AccessTokenInvalid);
    });
}

#[test]
fn gamebase_3_14_nothing_issued_is_3046() {
    block_on(async {
        let world = world(policy(rules())).await;
        let player = log_in(world.engine(), guest(OLD)).await;
        let caller = who(world.engine(), &player).await;
        let engine = world.engine();
        assert_eq!(refusal(engine.transfer_account(&caller).await), Refusal::TransferMissing);
        let renew =
            engine.renew_transfer_account(&context(), &caller, &Renewal::AutoPassword).await;
        assert_eq!(refusal(renew), Refusal::TransferMissing);
    });
}

#[test]
fn gamebase_3_14_x22_query_shows_all_but_the_password() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let found = issued.query().await.unwrap();
        assert_eq!(text(found.id.as_ref()), text(issued.info.id.as_ref()));
        assert!(found.password.is_none());
        assert_eq!(found.expiry, issued.info.expiry);
        assert_eq!(found.status, TransferStatus::Issued);
        issued.block().await;
        assert_eq!(issued.query().await.unwrap().status, TransferStatus::Blocked);
    });
}

#[test]
fn gamebase_3_14_query_of_an_expired_one_is_3041() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        issued.pass(DAY * 7 - TICK);
        assert!(issued.query().await.is_ok());
        issued.pass(TICK);
        assert_eq!(refusal(issued.query().await), Refusal::TransferExpired);
    });
}

#[test]
fn gamebase_3_14_renew_auto_password_keeps_the_id_and_the_old_password_is_3044() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let renewed = issued.renew(Renewal::AutoPassword).await.unwrap();
        assert_eq!(text(renewed.id.as_ref()), text(issued.info.id.as_ref()));
        assert_ne!(text(renewed.password.as_ref()), text(issued.info.password.as_ref()));
        assert_eq!(refusal(issued.right().await), Refusal::TransferWrongPassword);
        assert!(carry(issued.engine(), NEW, &renewed).await.is_ok());
    });
}

#[test]
fn gamebase_3_14_renew_auto_of_both_and_the_old_id_is_3043() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let renewed = issued.renew(Renewal::AutoIdAndPassword).await.unwrap();
        assert_ne!(text(renewed.id.as_ref()), text(issued.info.id.as_ref()));
        assert_eq!(refusal(issued.right().await), Refusal::TransferUnknown);
        assert!(carry(issued.engine(), NEW, &renewed).await.is_ok());
    });
}

#[test]
fn gamebase_3_14_renew_manual_password_and_manual_both() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let renewed = issued.renew(Renewal::ManualPassword("314159265358".into())).await.unwrap();
        assert_eq!(text(renewed.id.as_ref()), text(issued.info.id.as_ref()));
        assert_eq!(renewed.issued_by, IssuedBy::Manual);
        let renewed = issued.renew(both("271828182845", "141421356237")).await.unwrap();
        assert_eq!(text(renewed.id.as_ref()), "271828182845");
        assert_eq!(text(renewed.password.as_ref()), "141421356237");
        assert!(carry(issued.engine(), NEW, &renewed).await.is_ok());
    });
}

#[test]
fn gamebase_3_14_renew_manual_id_taken_or_the_present_one_is_3047() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let (_, other) = issued_to(issued.engine(), NEW).await;
        for taken in [&other, &issued.info] {
            let renewal = both(text(taken.id.as_ref()), "141421356237");
            assert_eq!(refusal(issued.renew(renewal).await), Refusal::TransferExists);
        }
        assert!(issued.query().await.is_ok(), "what there was still is");
    });
}

#[test]
fn gamebase_3_14_renew_manual_with_the_present_password_is_3044() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let present = text(issued.info.password.as_ref());
        for renewal in [Renewal::ManualPassword(present.into()), both("271828182845", present)] {
            assert_eq!(refusal(issued.renew(renewal).await), Refusal::TransferWrongPassword);
        }
        assert!(issued.right().await.is_ok());
    });
}

#[test]
fn gamebase_x20_what_is_chosen_has_the_class_and_the_least_length_of_the_format() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let good = "314159265358";
        let bad = [
            ("", Rule::Required),
            ("31415926535a", Rule::Forbidden),
            ("31415926535", Rule::Characters { min: 12, max: 64 }),
        ];
        let before = issued.kept().await;
        for (chosen, rule) in bad {
            let (id, password) = (Field::TransferId, Field::TransferPassword);
            let cases = [
                (Renewal::ManualPassword(chosen.into()), password),
                (both(good, chosen), password),
                (both(chosen, good), id),
            ];
            for (renewal, field) in cases {
                let refused = refusal(issued.renew(renewal).await);
                assert_eq!(refused, Refusal::Invalid { field, rule }, "{chosen}");
            }
        }
        assert_eq!(issued.kept().await, before);
    });
}

#[test]
fn gamebase_4_3_renew_of_an_issued_one_leaves_its_date() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        issued.pass(DAY);
        let renewed = issued.renew(Renewal::AutoIdAndPassword).await.unwrap();
        assert_eq!(renewed.expiry, issued.info.expiry);
        assert_eq!(renewed.issued_at, issued.info.issued_at + DAY);
    });
}

#[test]
fn gamebase_4_3_x10_renew_of_a_blocked_one_unblocks_and_leaves_its_date() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        issued.block().await;
        let renewed = issued.renew(Renewal::AutoPassword).await.unwrap();
        assert_eq!(renewed.expiry, issued.info.expiry);
        assert_eq!(issued.state().await, TransferState::Issued { failures: 0 });
        assert!(carry(issued.engine(), NEW, &renewed).await.is_ok());
    });
}

#[test]
fn gamebase_4_3_renew_of_an_expired_one_gives_a_new_date() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        issued.pass(DAY * 8);
        let renewed = issued.renew(Renewal::AutoPassword).await.unwrap();
        assert_eq!(renewed.expiry, Expiry::At(issued.info.issued_at + DAY * 15));
        assert!(carry(issued.engine(), NEW, &renewed).await.is_ok());
    });
}

#[test]
fn a_used_one_is_shown_as_used_and_not_renewed() {
    block_on(async {
        let issued = Issued::under(TransferRules { one_time: true, ..rules() }).await;
        let carried = issued.right().await.unwrap();
        let caller = who(issued.engine(), &carried).await;
        let found = issued.engine().transfer_account(&caller).await.unwrap();
        assert_eq!((found.status, found.one_time), (TransferStatus::Used, true));
        let renewed = issued
            .engine()
            .renew_transfer_account(&context(), &caller, &Renewal::AutoPassword)
            .await;
        assert_eq!(refusal(renewed), Refusal::TransferUsed);
    });
}

#[test]
fn gamebase_x19_without_passwords_there_is_none_to_renew_and_no_id_to_choose() {
    block_on(async {
        let issued = Issued::under(id_only()).await;
        assert!(issued.info.password.is_none());
        assert!(issued.query().await.unwrap().id.is_none(), "it is the only secret");
        let none = Refusal::Invalid {
            field: Field::TransferPassword,
            rule: Rule::AtMost { characters: 0 },
        };
        for renewal in [
            Renewal::AutoPassword,
            Renewal::ManualPassword("314159265358".into()),
            both("271828182845", ""),
        ] {
            assert_eq!(refusal(issued.renew(renewal).await), none);
        }
        let renewed = issued.renew(Renewal::AutoIdAndPassword).await.unwrap();
        assert_eq!(refusal(issued.right().await), Refusal::TransferUnknown);
        assert!(carry(issued.engine(), NEW, &renewed).await.is_ok());
    });
}

#[test]
fn gamebase_3_14_4_3_feature_off_everything_is_3045() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let caller = issued.caller().await;
        let off = Policy { transfer: None, ..policy(rules()) };
        let engine = issued.engine().with_policy(off).unwrap();
        let off = Refusal::TransferOff;
        assert_eq!(refusal(engine.issue_transfer_account(&context(), &caller).await), off);
        assert_eq!(refusal(engine.transfer_account(&caller).await), off);
        let renewal = Renewal::AutoPassword;
        let renewed = engine.renew_transfer_account(&context(), &caller, &renewal).await;
        assert_eq!(refusal(renewed), off);
        assert_eq!(refusal(carry(&engine, NEW, &issued.info).await), off);
        let (id, password) =
            (issued.info.id.clone().unwrap(), issued.info.password.clone().unwrap());
        let validated =
            engine.validate_transfer_account(&context(), &operator(), &id, &password).await;
        assert_eq!(refusal(validated), off);
        let unblocked = engine.unblock_transfer_account(&operator(), issued.id()).await;
        assert_eq!(refusal(unblocked), off);
        let what = authcore::transfer::Reissue::Password;
        let reissued = engine.reissue_transfer_account(&operator(), issued.id(), what).await;
        assert_eq!(refusal(reissued), off);
    });
}

#[test]
fn gamebase_4_3_feature_off_and_on_again_has_deleted_every_one() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        issued.pass(HOUR);
        let on_again = Some(issued.info.issued_at + HOUR);
        let rules = TransferRules { not_before: on_again, ..rules() };
        let engine = issued.engine().with_policy(policy(rules)).unwrap();
        assert_eq!(refusal(carry(&engine, NEW, &issued.info).await), Refusal::TransferMissing);
        let caller = issued.caller().await;
        assert_eq!(refusal(engine.transfer_account(&caller).await), Refusal::TransferMissing);
        let renewal = Renewal::AutoPassword;
        let renewed = engine.renew_transfer_account(&context(), &caller, &renewal).await;
        assert_eq!(refusal(renewed), Refusal::TransferMissing);
        let again = engine.issue_transfer_account(&context(), &caller).await.unwrap();
        assert!(carry(&engine, NEW, &again).await.is_ok());
    });
}

#[test]
fn security_22_issuing_and_renewing_have_a_bucket_of_their_own() {
    block_on(async {
        let transfer_attempts = Rate { limit: 3, window: TimeDelta::minutes(3) };
        let world = world(Policy { transfer_attempts, ..policy(rules()) }).await;
        let (player, _) = issued_to(world.engine(), OLD).await;
        let caller = who(world.engine(), &player).await;
        let renewal = Renewal::AutoPassword;
        let context = context();
        let renew = || world.engine().renew_transfer_account(&context, &caller, &renewal);
        for _ in 0..2 {
            renew().await.unwrap();
        }
        let hashes = world.hasher().hashes();
        assert!(matches!(refusal(renew().await), Refusal::TryAgainLater { retry_at: Some(_) }));
        assert_eq!(world.hasher().hashes(), hashes, "refused before it is hashed");
        world.clock().advance(TimeDelta::minutes(1));
        assert!(renew().await.is_ok());
    });
}

#[test]
fn security_39_issuing_and_renewing_need_a_recent_login() {
    block_on(async {
        let step_up = Some(TimeDelta::minutes(1));
        let world = world(Policy { step_up, ..policy(rules()) }).await;
        let (player, _) = issued_to(world.engine(), OLD).await;
        let caller = who(world.engine(), &player).await;
        world.clock().advance(TimeDelta::minutes(1));
        let issue = world.engine().issue_transfer_account(&context(), &caller).await;
        assert_eq!(refusal(issue), Refusal::RecentLoginRequired);
        let renewal = Renewal::AutoPassword;
        let renewed = world.engine().renew_transfer_account(&context(), &caller, &renewal).await;
        assert_eq!(refusal(renewed), Refusal::RecentLoginRequired);
    });
}
