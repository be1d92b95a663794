use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use authcore::lifecycle::Expiry;
use authcore::password::{HashFault, PasswordHash, PasswordHasher, Verdict};
use authcore::policy::Rate;
use authcore::refusal::{Field, Rule};
use authcore::transfer::{LockRule, TransferRules, TransferState};
use authcore::{Policy, Refusal, RequestContext, Secret, Transfer};
use authcore_testkit::{CheapHasher, Harness};
use chrono::TimeDelta;

use super::{
    DAY, HOUR, Issued, NEW, OLD, TICK, carry, edit, id_only, issued_to, kept, on_device, policy,
    request, rules, text, with_id, with_password,
};
use crate::domain::{at, block_on, guest, log_in, operator, refusal, who, world};
use crate::store;

#[test]
fn gamebase_4_3_issued_wrong_password_without_a_lock_is_3044_and_counts_nothing() {
    block_on(async {
        let issued = Issued::under(TransferRules { lock: None, ..rules() }).await;
        let before = issued.kept().await;
        for _ in 0..5 {
            assert_eq!(issued.wrong().await, Refusal::TransferWrongPassword);
        }
        assert_eq!(issued.kept().await, before);
        assert!(issued.right().await.is_ok());
    });
}

#[test]
fn gamebase_4_3_issued_wrong_password_below_the_threshold_is_counted() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        for failures in [1, 2] {
            assert_eq!(issued.wrong().await, Refusal::TransferWrongPassword);
            assert_eq!(issued.state().await, TransferState::Issued { failures });
        }
    });
}

#[test]
fn gamebase_4_3_x9_issued_wrong_password_at_the_threshold_blocks_and_is_told_3042() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        assert_eq!(issued.wrong().await, Refusal::TransferWrongPassword);
        assert_eq!(issued.wrong().await, Refusal::TransferWrongPassword);
        issued.pass(HOUR);
        let Refusal::TransferBlocked(block) = issued.wrong().await else { panic!("not blocked") };
        assert_eq!(&*block.id, text(issued.info.id.as_ref()));
        assert_eq!((block.failures, block.issued_at), (3, issued.info.issued_at));
        let until = Expiry::At(issued.info.issued_at + HOUR * 2);
        assert_eq!(block.until, until);
        assert_eq!(issued.state().await, TransferState::Blocked { failures: 3, until });
    });
}

#[test]
fn gamebase_4_3_a_permanent_block_has_no_end() {
    block_on(async {
        let lock = rules().lock.map(|lock| LockRule { period: None, ..lock });
        let issued = Issued::under(TransferRules { lock, lifetime: None, ..rules() }).await;
        issued.block().await;
        issued.pass(DAY * 3000);
        let Refusal::TransferBlocked(block) = refusal(issued.right().await) else {
            panic!("not blocked")
        };
        assert_eq!(block.until, Expiry::Never);
    });
}

#[test]
fn gamebase_4_3_blocked_any_attempt_is_3042_and_neither_counts_nor_extends() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        issued.block().await;
        let before = issued.kept().await;
        issued.pass(HOUR - TICK);
        let hashes = issued.world.hasher().hashes();
        assert!(matches!(issued.wrong().await, Refusal::TransferBlocked(_)));
        assert!(matches!(refusal(issued.right().await), Refusal::TransferBlocked(_)));
        assert_eq!(issued.kept().await, before);
        assert_eq!(issued.world.hasher().hashes(), hashes, "no password is looked at");
    });
}

#[test]
fn gamebase_4_3_blocked_attempt_after_the_end_is_evaluated_with_no_failures() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        issued.block().await;
        issued.pass(HOUR);
        assert_eq!(issued.wrong().await, Refusal::TransferWrongPassword);
        assert_eq!(issued.state().await, TransferState::Issued { failures: 1 });
        assert!(issued.right().await.is_ok());
    });
}

#[test]
fn gamebase_4_3_issued_and_blocked_expire_at_the_date_3041() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        issued.pass(DAY * 7 - TICK);
        assert_eq!(issued.wrong().await, Refusal::TransferWrongPassword);
        issued.pass(TICK);
        assert_eq!(refusal(issued.right().await), Refusal::TransferExpired);
        let lock = rules().lock.map(|lock| LockRule { period: None, ..lock });
        let blocked = Issued::under(TransferRules { lock, ..rules() }).await;
        blocked.block().await;
        blocked.pass(DAY * 7);
        assert_eq!(refusal(blocked.right().await), Refusal::TransferExpired);
    });
}

#[test]
fn gamebase_4_3_used_transfer_and_validate_are_3048() {
    block_on(async {
        let issued = Issued::under(TransferRules { one_time: true, ..rules() }).await;
        issued.right().await.unwrap();
        let again = carry(issued.engine(), "guest-key-of-a-third-device", &issued.info).await;
        assert_eq!(refusal(again), Refusal::TransferUsed);
        let (id, password) =
            (issued.info.id.clone().unwrap(), issued.info.password.clone().unwrap());
        let validated = issued
            .engine()
            .validate_transfer_account(&RequestContext::new(), &operator(), &id, &password)
            .await;
        assert_eq!(refusal(validated), Refusal::TransferUsed);
    });
}

#[test]
fn gamebase_4_3_deleted_attempt_is_3046() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        edit(&issued.world, issued.id(), |account| {
            account.records.transfer.as_mut().unwrap().state = TransferState::Deleted;
        })
        .await;
        assert_eq!(refusal(issued.right().await), Refusal::TransferMissing);
    });
}

/// gamebase 4.3: 3045, 9, 3043, 3046, 3048, 3041, 3042, 3044, 8, gate. Each step meets everything that comes after it too.
#[test]
fn gamebase_4_3_the_order_inside_an_attempt() {
    block_on(async {
        let issued = Issued::under(TransferRules { one_time: true, ..rules() }).await;
        let engine = issued.engine();
        let own = with_password(&issued.info, "000000000000");
        let try_it = async || refusal(carry(engine, OLD, &own).await);

        // Banned, on the same device, with a wrong password.
        let ban = authcore::BanRequest::permanent();
        engine.ban(&operator(), issued.id(), ban).await.unwrap();
        let right = refusal(carry(engine, OLD, &issued.info).await);
        assert_eq!(right, Refusal::TransferSameDevice);
        assert_eq!(try_it().await, Refusal::TransferWrongPassword);
        let set = async |state| {
            edit(&issued.world, issued.id(), |account| {
                account.records.transfer.as_mut().unwrap().state = state;
            })
            .await;
        };
        set(TransferState::Blocked { failures: 3, until: Expiry::Never }).await;
        assert!(matches!(try_it().await, Refusal::TransferBlocked(_)));
        issued.pass(DAY * 7);
        assert_eq!(try_it().await, Refusal::TransferExpired);
        set(TransferState::Used).await;
        assert_eq!(try_it().await, Refusal::TransferUsed);
        set(TransferState::Deleted).await;
        assert_eq!(try_it().await, Refusal::TransferMissing);
        let unknown = with_id(&own, "999999999999");
        assert_eq!(refusal(carry(engine, OLD, &unknown).await), Refusal::TransferUnknown);

        let other = log_in(engine, at("facebook", "ann")).await;
        let other = who(engine, &other).await;
        let asked = engine.transfer(&on_device(OLD), Some(&other), request(OLD, &unknown)).await;
        assert_eq!(refusal(asked), Refusal::NotGuestOnly);
        let off = engine.with_policy(Policy { transfer: None, ..policy(rules()) }).unwrap();
        let asked = off.transfer(&on_device(OLD), Some(&other), request(OLD, &unknown)).await;
        assert_eq!(refusal(asked), Refusal::TransferOff);
    });
}

#[test]
fn gamebase_x18_unknown_ids_are_limited_per_caller_and_known_ones_do_not_show_through() {
    block_on(async {
        let transfer_attempts = Rate { limit: 3, window: TimeDelta::minutes(3) };
        let world = world(Policy { transfer_attempts, ..policy(rules()) }).await;
        let (_, info) = issued_to(world.engine(), OLD).await;
        let from = |address: &str| RequestContext::from_address(address.parse().unwrap());
        let scanner = from("192.0.2.1");
        let scan = async |context: &RequestContext, id: &str, number: u32| {
            let key = format!("guest-key-number-{number}");
            let request = Transfer::new(key, id).with_password("000000000000");
            refusal(world.engine().transfer(context, None, request).await)
        };
        for number in 0..3 {
            let id = format!("99999999999{number}");
            assert_eq!(scan(&scanner, &id, number).await, Refusal::TransferUnknown);
        }
        let hashes = world.hasher().hashes();
        let unknown = scan(&scanner, "999999999999", 4).await;
        let known = scan(&scanner, text(info.id.as_ref()), 5).await;
        assert!(matches!(unknown, Refusal::TryAgainLater { retry_at: Some(_) }));
        assert_eq!(unknown, known, "security 24: the same for both");
        assert_eq!(world.hasher().hashes(), hashes);
        let elsewhere = scan(&from("192.0.2.2"), text(info.id.as_ref()), 6).await;
        assert_eq!(elsewhere, Refusal::TransferWrongPassword);
        world.clock().advance(TimeDelta::minutes(1));
        assert_eq!(scan(&scanner, "999999999999", 7).await, Refusal::TransferUnknown);
    });
}

#[test]
fn gamebase_x18_a_caller_without_an_address_is_counted_by_device_or_guest_key() {
    block_on(async {
        let transfer_attempts = Rate { limit: 1, window: TimeDelta::hours(1) };
        let world = world(Policy { transfer_attempts, ..policy(rules()) }).await;
        let scan = async |context: &RequestContext, key: &str| {
            let request = Transfer::new(key, "999999999999").with_password("000000000000");
            refusal(world.engine().transfer(context, None, request).await)
        };
        let limited = |refusal| matches!(refusal, Refusal::TryAgainLater { .. });
        let one = on_device("one");
        assert_eq!(scan(&one, "guest-key-number-1").await, Refusal::TransferUnknown);
        assert!(limited(scan(&one, "guest-key-number-2").await));
        let unsaid = RequestContext::new();
        assert_eq!(scan(&unsaid, "guest-key-number-3").await, Refusal::TransferUnknown);
        assert!(limited(scan(&unsaid, "guest-key-number-3").await));
        assert_eq!(scan(&unsaid, "guest-key-number-4").await, Refusal::TransferUnknown);
    });
}

#[test]
fn security_26_an_unknown_id_costs_the_work_of_a_wrong_password() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let hashes = || issued.world.hasher().hashes();
        let before = hashes();
        assert_eq!(issued.wrong().await, Refusal::TransferWrongPassword);
        let wrong = hashes() - before;
        let unknown = with_id(&issued.info, "999999999999");
        let refused = refusal(carry(issued.engine(), NEW, &unknown).await);
        assert_eq!(refused, Refusal::TransferUnknown);
        assert_eq!((wrong, hashes() - before), (1, 2));
    });
}

#[test]
fn gamebase_x19_without_a_password_the_id_is_enough_never_locked_and_rate_limited() {
    block_on(async {
        let transfer_attempts = Rate { limit: 2, window: TimeDelta::hours(1) };
        let world = world(Policy { transfer_attempts, ..policy(id_only()) }).await;
        let (player, info) = issued_to(world.engine(), OLD).await;
        let unknown = with_id(&info, "999999999999");
        let scanner = "guest-key-of-a-scanner";
        for _ in 0..2 {
            let refused = refusal(carry(world.engine(), scanner, &unknown).await);
            assert_eq!(refused, Refusal::TransferUnknown);
        }
        let refused = refusal(carry(world.engine(), scanner, &unknown).await);
        assert!(matches!(refused, Refusal::TryAgainLater { .. }));
        for key in [NEW, "guest-key-of-a-third-device"] {
            let carried = carry(world.engine(), key, &info).await.unwrap();
            assert_eq!(carried.account.id, player.account.id);
        }
        assert_eq!(world.hasher().hashes(), 0);
    });
}

#[test]
fn passwords_for_one_account_are_throttled_where_no_lock_counts_them() {
    block_on(async {
        let password_attempts = Rate { limit: 4, window: TimeDelta::minutes(4) };
        let rules = TransferRules { lock: None, ..rules() };
        let world = world(Policy { password_attempts, ..policy(rules) }).await;
        let (_, info) = issued_to(world.engine(), OLD).await;
        let wrong = with_password(&info, "000000000000");
        for number in 0..4 {
            let key = format!("guest-key-number-{number}");
            let refused = refusal(carry(world.engine(), &key, &wrong).await);
            assert_eq!(refused, Refusal::TransferWrongPassword);
        }
        let hashes = world.hasher().hashes();
        let refused = refusal(carry(world.engine(), NEW, &info).await);
        assert!(matches!(refused, Refusal::TryAgainLater { retry_at: Some(_) }));
        assert_eq!(world.hasher().hashes(), hashes);
        world.clock().advance(TimeDelta::minutes(1));
        assert!(carry(world.engine(), NEW, &info).await.is_ok());
        assert_eq!(
            refusal(carry(world.engine(), OLD, &wrong).await),
            Refusal::TransferWrongPassword,
            "what was right has reset it"
        );
    });
}

#[test]
fn bad_input_is_told_before_anything_is_looked_up() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let long = "9".repeat(65);
        let most = Rule::AtMost { characters: 64 };
        let bad = [
            (with_id(&issued.info, ""), NEW, Field::TransferId, Rule::Required),
            (with_id(&issued.info, &long), NEW, Field::TransferId, most),
            (with_password(&issued.info, ""), NEW, Field::TransferPassword, Rule::Required),
            (with_password(&issued.info, &long), NEW, Field::TransferPassword, most),
            (issued.info.clone(), "", Field::GuestKey, Rule::Required),
        ];
        let hashes = issued.world.hasher().hashes();
        for (info, key, field, rule) in bad {
            let refused =
                issued.engine().transfer(&on_device(NEW), None, request(key, &info)).await;
            assert_eq!(refusal(refused), Refusal::Invalid { field, rule });
        }
        assert_eq!(issued.world.hasher().hashes(), hashes);
        log_in(issued.engine(), guest(OLD)).await;
    });
}

/// Has room while it is not full.
#[derive(Clone, Debug, Default)]
struct Room {
    full: Arc<AtomicBool>,
    hasher: CheapHasher,
}

#[async_trait::async_trait]
impl PasswordHasher for Room {
    fn is_busy(&self) -> bool {
        self.full.load(Ordering::SeqCst)
    }

    fn can_check(&self, hash: &PasswordHash) -> bool {
        self.hasher.can_check(hash)
    }

    async fn hash(&self, password: Secret, salt: [u8; 16]) -> Result<PasswordHash, HashFault> {
        self.hasher.hash(password, salt).await
    }

    async fn verify(
        &self,
        password: Secret,
        hash: Option<PasswordHash>,
    ) -> Result<Verdict, HashFault> {
        self.hasher.verify(password, hash).await
    }
}

#[test]
fn a_try_that_would_find_no_room_to_be_hashed_is_not_charged_and_not_counted() {
    block_on(async {
        let room = Room::default();
        let hasher = room.clone();
        let transfer_attempts = Rate { limit: 1, window: TimeDelta::hours(1) };
        let policy = Policy { transfer_attempts, ..policy(rules()) };
        let world = Harness::on(store(), policy, |builder| builder.hasher(hasher)).await;
        let (player, info) = issued_to(world.engine(), OLD).await;
        let before = kept(&world, player.account.id).await;
        room.full.store(true, Ordering::SeqCst);
        for _ in 0..3 {
            let refused = refusal(carry(world.engine(), NEW, &info).await);
            assert_eq!(refused, Refusal::TryAgainLater { retry_at: None });
        }
        assert_eq!(kept(&world, player.account.id).await, before);
        room.full.store(false, Ordering::SeqCst);
        assert!(carry(world.engine(), NEW, &info).await.is_ok());
    });
}

#[test]
fn security_22_who_has_a_guest_key_is_not_told_without_a_limit() {
    block_on(async {
        let transfer_attempts = Rate { limit: 3, window: TimeDelta::hours(1) };
        let world = world(Policy { transfer_attempts, ..policy(rules()) }).await;
        let (_, info) = issued_to(world.engine(), OLD).await;
        let caller = log_in(world.engine(), guest(NEW)).await;
        let caller = who(world.engine(), &caller).await;
        log_in(world.engine(), guest("the-guest-key-of-another")).await;
        let scanner = RequestContext::from_address("192.0.2.1".parse().unwrap());
        for number in 0..4 {
            let request = Transfer::new("the-guest-key-of-another", text(info.id.as_ref()))
                .with_password("000000000000");
            let refused = refusal(world.engine().transfer(&scanner, Some(&caller), request).await);
            assert_eq!(matches!(refused, Refusal::TryAgainLater { .. }), number == 3, "{refused}");
        }
    });
}
