use authcore::password::{HasherConfig, ThreadedHasher};
use authcore::refusal::{Field, Rule};
use authcore::{Login, Operator, Policy, Refusal};
use authcore_testkit::Harness;
use chrono::TimeDelta;

use crate::{block_on, by_name, context, device, email, log_in, refusal, try_log_in};

const ADDRESS: &str = "someone@example.com";
const RIGHT: &str = "correct horse battery";
const WRONG: &str = "wrong horse battery!!";

#[test]
fn nakama_e2_an_address_in_any_case_is_one_account() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let first = log_in(world.engine(), email("Mixed@Example.COM", RIGHT)).await;
        let second = log_in(world.engine(), email("mixed@example.com", RIGHT)).await;
        assert_eq!(first.account.id, second.account.id);
        assert_eq!(second.account.identities[0].shown(), "Mixed@Example.COM");
    });
}

#[test]
fn nakama_e3_a_wrong_password_is_refused_whatever_create_says() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        log_in(world.engine(), email(ADDRESS, RIGHT)).await;
        for login in [
            Login::new(email(ADDRESS, WRONG)),
            Login::new(email(ADDRESS, WRONG)).without_creating(),
        ] {
            let refused = refusal(world.engine().login(&context(), login).await);
            assert_eq!(refused, Refusal::WrongPassword);
        }
    });
}

#[test]
fn nakama_e4_e5_the_username_logs_in_with_the_password() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let login = Login::new(email(ADDRESS, RIGHT)).with_username("alice");
        let player = world.engine().login(&context(), login).await.unwrap();
        let again = log_in(world.engine(), by_name("alice", RIGHT)).await;
        assert_eq!(again.account.id, player.account.id);
        let refused = refusal(try_log_in(world.engine(), by_name("alice", WRONG)).await);
        assert_eq!(refused, Refusal::WrongPassword);
        let login = Login::new(device("0123456789")).with_username("bob");
        world.engine().login(&context(), login).await.unwrap();
        let refused = refusal(try_log_in(world.engine(), by_name("bob", RIGHT)).await);
        assert_eq!(refused, Refusal::WrongPassword, "an account without a password");
        let refused = refusal(try_log_in(world.engine(), by_name("", RIGHT)).await);
        assert_eq!(refused, Refusal::Invalid { field: Field::Username, rule: Rule::Required });
    });
}

#[test]
fn security_25_unknown_and_wrong_are_one_answer_under_the_safe_policy() {
    block_on(async {
        let world = Harness::with_policy(Policy::recommended());
        log_in(world.engine(), email(ADDRESS, RIGHT)).await;
        for credential in
            [email(ADDRESS, WRONG), email("nobody@example.com", WRONG), by_name("nobody", WRONG)]
        {
            let login = Login::new(credential).without_creating();
            let refused = refusal(world.engine().login(&context(), login).await);
            assert_eq!(refused, Refusal::WrongPassword);
        }
    });
}

#[test]
fn security_26_an_unknown_account_costs_the_same_work() {
    block_on(async {
        for policy in [Policy::nakama(), Policy::recommended()] {
            let world = Harness::with_policy(policy);
            log_in(world.engine(), email(ADDRESS, RIGHT)).await;
            let work_of = async |credential| {
                let before = world.hasher().hashes();
                let login = Login::new(credential).without_creating();
                world.engine().login(&context(), login).await.unwrap_err();
                world.hasher().hashes() - before
            };
            assert_eq!(work_of(email(ADDRESS, WRONG)).await, 1);
            assert_eq!(work_of(email("nobody@example.com", WRONG)).await, 1);
            assert_eq!(work_of(by_name("nobody", WRONG)).await, 1);
        }
    });
}

#[test]
fn security_1_a_new_password_is_long_enough_for_the_policy() {
    block_on(async {
        let world = Harness::with_policy(Policy::recommended());
        let refused = refusal(try_log_in(world.engine(), email(ADDRESS, "fourteen chars")).await);
        let rule = Rule::AtLeast { characters: 15 };
        assert_eq!(refused, Refusal::Invalid { field: Field::Password, rule });
    });
}

#[test]
fn security_25_a_short_password_is_told_alike_for_known_and_unknown_names() {
    block_on(async {
        let world = Harness::with_policy(Policy::recommended());
        log_in(world.engine(), email(ADDRESS, RIGHT)).await;
        let known = refusal(try_log_in(world.engine(), email(ADDRESS, "short one")).await);
        let unknown =
            refusal(try_log_in(world.engine(), email("nobody@example.com", "short one")).await);
        assert_eq!(known, unknown);
    });
}

#[test]
fn wrong_passwords_run_out_and_come_back_with_time() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        log_in(world.engine(), email(ADDRESS, RIGHT)).await;
        let limit = world.engine().policy().password_attempts.limit;
        for _ in 0..limit {
            let refused = refusal(try_log_in(world.engine(), email(ADDRESS, WRONG)).await);
            assert_eq!(refused, Refusal::WrongPassword);
        }
        let hashes = world.hasher().hashes();
        let refused = refusal(try_log_in(world.engine(), email(ADDRESS, RIGHT)).await);
        let Refusal::TryAgainLater { retry_at: Some(retry_at) } = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(world.hasher().hashes(), hashes, "nothing is hashed for a try that is refused");
        world.clock().set(retry_at);
        log_in(world.engine(), email(ADDRESS, RIGHT)).await;
        // The right password resets the count.
        for _ in 0..limit {
            let refused = refusal(try_log_in(world.engine(), email(ADDRESS, WRONG)).await);
            assert_eq!(refused, Refusal::WrongPassword);
        }
    });
}

#[test]
fn security_24_an_unknown_name_runs_out_of_tries_like_a_known_one() {
    block_on(async {
        let world = Harness::with_policy(Policy::recommended());
        log_in(world.engine(), email(ADDRESS, RIGHT)).await;
        let mut answers = Vec::new();
        for address in [ADDRESS, "nobody@example.com"] {
            let mut answer = Vec::new();
            for _ in 0..12 {
                let login = Login::new(email(address, WRONG)).without_creating();
                answer.push(refusal(world.engine().login(&context(), login).await));
            }
            answers.push(answer);
        }
        assert_eq!(answers[0], answers[1]);
        assert!(matches!(answers[0][11], Refusal::TryAgainLater { retry_at: Some(_) }));
    });
}

#[test]
fn nakama_e7_a_ban_is_told_before_the_password_and_under_the_safe_policy_after_it() {
    block_on(async {
        for (policy, told_first) in [(Policy::nakama(), true), (Policy::recommended(), false)] {
            let world = Harness::with_policy(policy);
            let player = log_in(world.engine(), email(ADDRESS, RIGHT)).await;
            let operator = Operator::vouched_for("test");
            let ban = authcore::BanRequest::permanent();
            world.engine().ban(&operator, player.account.id, ban).await.unwrap();
            let wrong = refusal(try_log_in(world.engine(), email(ADDRESS, WRONG)).await);
            assert_eq!(matches!(wrong, Refusal::Banned(_)), told_first);
            let right = refusal(try_log_in(world.engine(), email(ADDRESS, RIGHT)).await);
            assert!(matches!(right, Refusal::Banned(_)));
        }
    });
}

#[test]
fn a_bcrypt_hash_is_made_anew_once_at_the_first_login() {
    block_on(async {
        let store = std::sync::Arc::new(authcore_store_memory::MemoryStore::new());
        let hasher = ThreadedHasher::start(&HasherConfig::default()).unwrap();
        let world = Harness::on(store, Policy::nakama(), |builder| builder.hasher(hasher)).await;
        let mut imported = authcore::ImportedAccount::default();
        imported.email = Some(ADDRESS.into());
        imported.password_hash = Some(bcrypt::hash(RIGHT, 4).unwrap().into());
        let operator = Operator::vouched_for("migration");
        let account = world.engine().import_account(&operator, imported).await.unwrap();
        let first = log_in(world.engine(), email(ADDRESS, RIGHT)).await;
        assert_eq!(first.account.id, account.id);
        let hash = first.account.password.unwrap().hash;
        assert!(hash.starts_with("$argon2id$"));
        let second = log_in(world.engine(), email(ADDRESS, RIGHT)).await;
        assert_eq!(second.account.password.unwrap().hash, hash, "upgraded once");
        let refused = refusal(try_log_in(world.engine(), email(ADDRESS, WRONG)).await);
        assert_eq!(refused, Refusal::WrongPassword);
    });
}

#[test]
fn nfc_forms_are_one_password() {
    block_on(async {
        let store = std::sync::Arc::new(authcore_store_memory::MemoryStore::new());
        let hasher = ThreadedHasher::start(&HasherConfig::default()).unwrap();
        let world = Harness::on(store, Policy::nakama(), |builder| builder.hasher(hasher)).await;
        log_in(world.engine(), email(ADDRESS, "caf\u{e9} caf\u{e9}")).await;
        log_in(world.engine(), email(ADDRESS, "cafe\u{301} cafe\u{301}")).await;
        let folded = try_log_in(world.engine(), email(ADDRESS, "CAF\u{c9} caf\u{e9}")).await;
        assert_eq!(refusal(folded), Refusal::WrongPassword);
    });
}

#[test]
fn time_refills_slowly() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        log_in(world.engine(), email(ADDRESS, RIGHT)).await;
        for _ in 0..10 {
            let refused = refusal(try_log_in(world.engine(), email(ADDRESS, WRONG)).await);
            assert_eq!(refused, Refusal::WrongPassword);
        }
        world.clock().advance(TimeDelta::minutes(1));
        let one = refusal(try_log_in(world.engine(), email(ADDRESS, WRONG)).await);
        assert_eq!(one, Refusal::WrongPassword);
        let two = refusal(try_log_in(world.engine(), email(ADDRESS, WRONG)).await);
        assert!(matches!(two, Refusal::TryAgainLater { .. }));
    });
}
