use authcore::account::{Account, AccountId};
use authcore::lifecycle::Expiry;
use authcore::policy::Rate;
use authcore::refusal::{Field, Rule};
use authcore::transfer::{Reissue, TransferInfo, TransferRules, TransferState};
use authcore::{BanRequest, Error, Policy, Refusal, RequestContext};
use chrono::TimeDelta;

use super::{
    DAY, HOUR, Issued, NEW, OLD, carry, edit, id_only, issued_to, policy, rules, text, with_id,
    with_password,
};
use crate::domain::{block_on, context, operator, refusal, world};

impl Issued {
    async fn validate(&self, info: &TransferInfo) -> Result<Account, Error> {
        let (id, password) = (info.id.clone().unwrap(), info.password.clone().unwrap());
        self.engine().validate_transfer_account(&context(), &operator(), &id, &password).await
    }

    async fn reissue(&self, what: Reissue) -> Result<TransferInfo, Error> {
        self.engine().reissue_transfer_account(&operator(), self.id(), what).await
    }

    async fn unblock(&self) -> Result<Account, Error> {
        self.engine().unblock_transfer_account(&operator(), self.id()).await
    }
}

#[test]
fn gamebase_3_14_x21_validation_names_the_member_and_uses_nothing_up() {
    block_on(async {
        let issued = Issued::under(TransferRules { one_time: true, ..rules() }).await;
        assert_eq!(issued.wrong().await, Refusal::TransferWrongPassword);
        let before = issued.kept().await;
        for _ in 0..5 {
            assert_eq!(issued.validate(&issued.info).await.unwrap().id, issued.id());
        }
        assert_eq!(issued.kept().await, before);
        assert!(issued.right().await.is_ok());
    });
}

#[test]
fn gamebase_x21_failed_validations_count_towards_the_lock() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let wrong = with_password(&issued.info, "000000000000");
        assert_eq!(issued.wrong().await, Refusal::TransferWrongPassword);
        assert_eq!(refusal(issued.validate(&wrong).await), Refusal::TransferWrongPassword);
        let last = refusal(issued.validate(&wrong).await);
        assert!(matches!(last, Refusal::TransferBlocked(_)));
        assert!(matches!(refusal(issued.right().await), Refusal::TransferBlocked(_)));
        assert!(matches!(
            refusal(issued.validate(&issued.info).await),
            Refusal::TransferBlocked(_)
        ));
    });
}

#[test]
fn gamebase_3_14_validation_errors_unknown_expired_deleted() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let unknown = with_id(&issued.info, "999999999999");
        assert_eq!(refusal(issued.validate(&unknown).await), Refusal::TransferUnknown);
        issued.pass(DAY * 7);
        assert_eq!(refusal(issued.validate(&issued.info).await), Refusal::TransferExpired);
        edit(&issued.world, issued.id(), |account| {
            account.records.transfer.as_mut().unwrap().state = TransferState::Deleted;
        })
        .await;
        assert_eq!(refusal(issued.validate(&issued.info).await), Refusal::TransferMissing);
    });
}

#[test]
fn gamebase_3_14_validation_returns_a_banned_member_with_its_state() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        issued.engine().ban(&operator(), issued.id(), BanRequest::permanent()).await.unwrap();
        let found = issued.validate(&issued.info).await.unwrap();
        assert!(found.ban.ban().is_some());
    });
}

#[test]
fn gamebase_x18_validations_are_limited_per_caller() {
    block_on(async {
        let transfer_attempts = Rate { limit: 2, window: TimeDelta::hours(1) };
        let world = world(Policy { transfer_attempts, ..policy(rules()) }).await;
        let validate = async |context: &RequestContext| {
            let (id, password) = ("999999999999".into(), "000000000000".into());
            let engine = world.engine();
            refusal(engine.validate_transfer_account(context, &operator(), &id, &password).await)
        };
        let player = RequestContext::from_address("192.0.2.1".parse().unwrap());
        for from in [&player, &context()] {
            for _ in 0..2 {
                assert_eq!(validate(from).await, Refusal::TransferUnknown);
            }
            assert!(matches!(validate(from).await, Refusal::TryAgainLater { .. }));
        }
    });
}

#[test]
fn gamebase_3_14_4_3_console_unblock_forgets_the_failures() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        issued.block().await;
        issued.unblock().await.unwrap();
        assert_eq!(issued.state().await, TransferState::Issued { failures: 0 });
        issued.block().await;
        issued.unblock().await.unwrap();
        assert!(issued.right().await.is_ok());
    });
}

#[test]
fn an_unblock_without_a_block_changes_nothing_and_of_nothing_is_refused() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        assert_eq!(issued.wrong().await, Refusal::TransferWrongPassword);
        let before = issued.kept().await;
        issued.unblock().await.unwrap();
        assert_eq!(issued.kept().await, before);
        let nobody = AccountId::from_bytes([7; 16]);
        let engine = issued.engine();
        let refused = refusal(engine.unblock_transfer_account(&operator(), nobody).await);
        assert_eq!(refused, Refusal::AccountNotFound);
        let what = Reissue::Password;
        let refused = refusal(engine.reissue_transfer_account(&operator(), nobody, what).await);
        assert_eq!(refused, Refusal::AccountNotFound);
        edit(&issued.world, issued.id(), |account| account.records.transfer = None).await;
        assert_eq!(refusal(issued.unblock().await), Refusal::TransferMissing);
        assert_eq!(refusal(issued.reissue(Reissue::Password).await), Refusal::TransferMissing);
    });
}

#[test]
fn gamebase_3_14_4_3_reissue_of_an_issued_one_replaces_the_key_and_leaves_the_date() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        issued.pass(DAY);
        let password = issued.reissue(Reissue::Password).await.unwrap();
        assert_eq!(text(password.id.as_ref()), text(issued.info.id.as_ref()));
        assert_eq!(password.expiry, issued.info.expiry);
        assert_eq!(refusal(issued.right().await), Refusal::TransferWrongPassword);
        let both = issued.reissue(Reissue::IdAndPassword).await.unwrap();
        assert_eq!(both.expiry, issued.info.expiry);
        let old = refusal(carry(issued.engine(), NEW, &password).await);
        assert_eq!(old, Refusal::TransferUnknown);
        let own = refusal(carry(issued.engine(), OLD, &both).await);
        assert_eq!(
            own,
            Refusal::TransferSameDevice,
            "the device is still the one it was issued on"
        );
        assert!(carry(issued.engine(), NEW, &both).await.is_ok());
    });
}

#[test]
fn gamebase_4_3_reissue_of_a_blocked_one_unblocks_and_leaves_the_date() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        issued.block().await;
        issued.pass(HOUR / 2);
        let fresh = issued.reissue(Reissue::Password).await.unwrap();
        assert_eq!(fresh.expiry, issued.info.expiry);
        assert!(carry(issued.engine(), NEW, &fresh).await.is_ok());
    });
}

#[test]
fn gamebase_3_14_4_3_reissue_of_an_expired_one_gives_a_new_date() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        issued.pass(DAY * 8);
        let fresh = issued.reissue(Reissue::IdAndPassword).await.unwrap();
        assert_eq!(fresh.expiry, Expiry::At(issued.info.issued_at + DAY * 15));
        assert!(carry(issued.engine(), NEW, &fresh).await.is_ok());
    });
}

#[test]
fn gamebase_x19_reissue_without_passwords_is_of_the_id() {
    block_on(async {
        let world = world(policy(id_only())).await;
        let (player, _) = issued_to(world.engine(), OLD).await;
        let reissue = async |what| {
            world.engine().reissue_transfer_account(&operator(), player.account.id, what).await
        };
        let (field, rule) = (Field::TransferPassword, Rule::AtMost { characters: 0 });
        let none = refusal(reissue(Reissue::Password).await);
        assert_eq!(none, Refusal::Invalid { field, rule });
        let fresh = reissue(Reissue::IdAndPassword).await.unwrap();
        assert!(carry(world.engine(), NEW, &fresh).await.is_ok());
    });
}
