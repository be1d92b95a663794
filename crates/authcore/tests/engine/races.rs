//! nakama 18c: what must hold when players, and thieves, are quick.

use std::collections::BTreeSet;
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Barrier, Mutex};
use std::task::{self, Waker};
use std::thread;

use authcore::account::{IdentityKey, ProviderId};
use authcore::lifecycle::WithdrawalCause;
use authcore::store::{Store, StoreErrorKind};
use authcore::{
    BanRequest, Error, Fault, Hooks, Intent, Link, Login, Logout, Operator, Policy, Refresh,
    Refusal, RequestContext, Unlink,
};
use authcore_store_conformance::wrappers::{self, Faults, FaultyStore, TracedStore};
use authcore_store_memory::MemoryStore;
use authcore_testkit::Harness;

use crate::{block_on, context, custom, device, log_in, refusal, try_log_in, who};

const ROUNDS: usize = 20;

/// Runs all at once, and returns what each returned.
fn together<T: Send>(runners: usize, run: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(runners);
    thread::scope(|scope| {
        let handles: Vec<_> = (0..runners)
            .map(|number| {
                let (barrier, run) = (&barrier, &run);
                scope.spawn(move || {
                    barrier.wait();
                    run(number)
                })
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    })
}

#[test]
fn eight_first_logins_are_one_account_and_eight_successes() {
    for round in 0..ROUNDS {
        let world = Harness::with_policy(Policy::nakama());
        let players = together(8, |_| block_on(log_in(world.engine(), device("0123456789"))));
        let ids: BTreeSet<_> = players.iter().map(|player| player.account.id).collect();
        let created = players.iter().filter(|player| player.created).count();
        assert_eq!((ids.len(), created), (1, 1), "round {round}");
        for player in &players {
            assert!(block_on(world.engine().verify(player.tokens.access.reveal())).is_ok());
        }
    }
}

#[test]
fn eight_first_logins_that_ask_for_one_name_are_one_account() {
    for _ in 0..ROUNDS {
        let world = Harness::with_policy(Policy::nakama());
        let players = together(8, |_| {
            let login = Login::new(device("0123456789")).with_username("alice");
            block_on(world.engine().login(&context(), login))
        });
        assert!(players.iter().all(Result::is_ok), "{players:?}");
    }
}

#[test]
fn of_eight_links_of_one_identity_one_wins_and_the_rest_are_told() {
    for _ in 0..ROUNDS {
        let world = Harness::with_policy(Policy::nakama());
        let answers = together(8, |number| {
            block_on(async {
                let player =
                    log_in(world.engine(), device(&format!("device-number-{number}"))).await;
                let caller = who(world.engine(), &player).await;
                world.engine().link(&context(), &caller, Link::new(custom("wanted-by-all"))).await
            })
        });
        let won = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(won, 1);
        for answer in answers.into_iter().filter_map(Result::err) {
            let taken = Refusal::IdentityTaken { provider: ProviderId::CUSTOM, ticket: None };
            assert_eq!(answer.refusal(), Some(&taken));
        }
    }
}

#[test]
fn unlinks_beside_each_other_never_reach_zero() {
    for _ in 0..ROUNDS {
        let world = Harness::with_policy(Policy::nakama());
        let player = block_on(log_in(world.engine(), device("first-device")));
        let caller = block_on(who(world.engine(), &player));
        for credential in [device("second-device"), custom("custom-id")] {
            block_on(world.engine().link(&context(), &caller, Link::new(credential))).unwrap();
        }
        let unlinks = [
            Unlink::exactly(ProviderId::DEVICE, "first-device"),
            Unlink::exactly(ProviderId::DEVICE, "second-device"),
            Unlink::any(ProviderId::CUSTOM),
        ];
        let answers = together(3, |number| {
            block_on(world.engine().unlink(&context(), &caller, unlinks[number].clone()))
        });
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 2);
        let account = block_on(world.engine().account(&context(), &caller)).unwrap();
        assert_eq!(account.identities.len(), 1);
    }
}

#[test]
fn security_58_sixty_four_refreshes_of_one_token_have_one_successor() {
    let world = Harness::with_policy(Policy::nakama());
    let player = block_on(log_in(world.engine(), device("0123456789")));
    let token = player.tokens.refresh.reveal();
    world.clock().advance(chrono::TimeDelta::seconds(10));
    let answers =
        together(64, |_| block_on(world.engine().refresh(&context(), Refresh::new(token))));
    let successors: BTreeSet<_> = answers
        .into_iter()
        .map(|answer| answer.unwrap().tokens.refresh.reveal().to_owned())
        .collect();
    assert_eq!(successors.len(), 1);
}

#[test]
fn strict_rotation_has_one_winner_at_most() {
    let strict = Policy { refresh_grace: chrono::TimeDelta::zero(), ..Policy::nakama() };
    let world = Harness::with_policy(strict);
    let player = block_on(log_in(world.engine(), device("0123456789")));
    let token = player.tokens.refresh.reveal();
    let answers =
        together(64, |_| block_on(world.engine().refresh(&context(), Refresh::new(token))));
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    let winner = answers.into_iter().find_map(Result::ok).unwrap();
    assert!(
        block_on(world.engine().verify(winner.tokens.access.reveal())).is_err(),
        "the family ended"
    );
}

/// No token is valid after a ban that was acknowledged before it was verified, however the two raced.
#[test]
fn a_login_beside_a_ban_leaves_no_living_session() {
    for _ in 0..ROUNDS {
        let world = Harness::with_policy(Policy::nakama());
        let player = block_on(log_in(world.engine(), device("0123456789")));
        let operator = Operator::vouched_for("test");
        let answers = together(5, |number| {
            block_on(async {
                if number == 0 {
                    let ban = BanRequest::permanent();
                    world.engine().ban(&operator, player.account.id, ban).await.unwrap();
                    return None;
                }
                match world.engine().login(&context(), Login::new(device("0123456789"))).await {
                    Ok(player) => Some(player),
                    Err(Error::Refused(Refusal::Banned(_))) => None,
                    Err(other) => panic!("{other:?}"),
                }
            })
        });
        for player in answers.into_iter().flatten() {
            assert!(block_on(world.engine().verify(player.tokens.access.reveal())).is_err());
            let refresh = Refresh::new(player.tokens.refresh.reveal());
            assert!(block_on(world.engine().refresh(&context(), refresh)).is_err());
        }
    }
}

#[test]
fn logins_beside_a_deletion_are_of_the_old_account_or_a_new_one() {
    for _ in 0..ROUNDS {
        let world = Harness::with_policy(Policy::nakama());
        let player = block_on(log_in(world.engine(), device("0123456789")));
        let caller = block_on(who(world.engine(), &player));
        let answers = together(5, |number| {
            block_on(async {
                if number == 0 {
                    world.engine().delete_account(&context(), &caller).await.unwrap();
                    return None;
                }
                Some(log_in(world.engine(), device("0123456789")).await)
            })
        });
        let created = answers.iter().flatten().filter(|player| player.created).count();
        assert!(created <= 1);
        for login in answers.into_iter().flatten() {
            let alive = block_on(world.engine().verify(login.tokens.access.reveal())).is_ok();
            assert_eq!(alive, login.account.id != player.account.id);
        }
    }
}

#[test]
fn of_parallel_tries_with_a_wrong_password_no_more_than_the_limit_are_made() {
    let world = Harness::with_policy(Policy::nakama());
    block_on(log_in(world.engine(), crate::email("me@example.com", "correct horse")));
    let before = world.hasher().hashes();
    let tries = together(32, |_| {
        let wrong = crate::email("me@example.com", "wrong horse");
        block_on(crate::try_log_in(world.engine(), wrong)).unwrap_err().refusal().cloned()
    });
    let limit = u64::from(world.engine().policy().password_attempts.limit);
    assert_eq!(world.hasher().hashes() - before, limit);
    let wrong = tries.iter().filter(|refusal| **refusal == Some(Refusal::WrongPassword)).count();
    assert_eq!(u64::try_from(wrong).unwrap(), limit);
}

#[test]
fn names_that_race_have_one_owner() {
    for _ in 0..ROUNDS {
        let world = Harness::with_policy(Policy::nakama());
        let answers = together(8, |number| {
            let login =
                Login::new(device(&format!("device-number-{number}"))).with_username("alice");
            block_on(world.engine().login(&context(), login))
        });
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for answer in answers.into_iter().filter_map(Result::err) {
            assert_eq!(answer.refusal(), Some(&Refusal::UsernameTaken));
        }
    }
}

#[test]
fn one_engine_is_many_threads_and_clones() {
    let world = Harness::with_policy(Policy::nakama());
    let engine = world.engine().clone();
    let thread = thread::spawn(move || block_on(log_in(&engine, device("0123456789"))).created);
    assert!(thread.join().unwrap());
    assert!(!block_on(log_in(world.engine(), device("0123456789"))).created);
    let _: Arc<dyn authcore::store::Store> = Arc::clone(world.store());
}

/// The first hand-over may have been applied, whatever becomes of the next one: nobody may read that nothing was written.
#[test]
fn a_commit_that_was_once_in_doubt_is_not_said_to_be_unwritten() {
    let after = wrappers::Fault::After;
    let before = wrappers::Fault::Before;
    let fails = |faults: &[wrappers::Fault]| {
        let store = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new()), 0, Faults::NONE));
        let policy = Policy::nakama();
        let world = block_on(Harness::seeded(1, Arc::clone(&store) as _, policy, |it| it));
        for fault in faults {
            store.force(*fault);
        }
        match block_on(try_log_in(world.engine(), device("0123456789"))) {
            Ok(_) => None,
            Err(Error::Fault(Fault::Store(error))) => Some(error.kind().clone()),
            Err(other) => panic!("{other:?}"),
        }
    };
    assert_eq!(fails(&[after, after]), None);
    assert_eq!(fails(&[before]), Some(StoreErrorKind::Unavailable));
    assert_eq!(fails(&[after, before]), Some(StoreErrorKind::FateUnknown));
    assert_eq!(fails(&[after, after, after]), Some(StoreErrorKind::FateUnknown));
}

/// What happens on another node after an operation has looked, and before it commits.
#[derive(Clone, Default)]
struct Meanwhile(Arc<Mutex<Option<Deed>>>);

type Deed = Box<dyn FnOnce() + Send>;

impl Meanwhile {
    fn happens(&self, what: impl FnOnce() + Send + 'static) {
        *self.0.lock().unwrap() = Some(Box::new(what));
    }

    fn has_happened(&self) -> bool {
        self.0.lock().unwrap().is_none()
    }
}

impl fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meanwhile").finish_non_exhaustive()
    }
}

impl Hooks for Meanwhile {
    fn veto(&self, _: &RequestContext, _: &Intent<'_>) -> Result<(), Refusal> {
        if let Some(what) = self.0.lock().unwrap().take() {
            // This thread has a future under way already.
            thread::scope(|scope| scope.spawn(what).join().unwrap());
        }
        Ok(())
    }
}

/// Two nodes on one store, and what happens on the second while the first is at work.
async fn two_nodes(policy: fn() -> Policy) -> (Harness, Harness, Meanwhile) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let meanwhile = Meanwhile::default();
    let other = Harness::seeded(1, Arc::clone(&store), policy(), |it| it).await;
    let hooks = meanwhile.clone();
    let world = Harness::on(store, policy(), |builder| builder.hooks(hooks)).await;
    (world, other, meanwhile)
}

#[test]
fn security_35_what_a_session_asked_for_is_not_done_after_its_logout_was_acknowledged() {
    block_on(async {
        let (world, other, meanwhile) = two_nodes(Policy::nakama).await;
        let engine = world.engine();
        let about_to_be_logged_out = async || {
            let player = log_in(engine, device("0123456789")).await;
            let caller = who(engine, &player).await;
            let (node, its) = (other.engine().clone(), caller.clone());
            meanwhile.happens(move || {
                block_on(node.logout(&context(), &its, Logout::ThisSession)).unwrap();
            });
            caller
        };

        let caller = about_to_be_logged_out().await;
        let link = engine.link(&context(), &caller, Link::new(custom("custom-id"))).await;
        assert_eq!(refusal(link), Refusal::AccessTokenInvalid);
        let caller = about_to_be_logged_out().await;
        let name = engine.set_username(&context(), &caller, "somebody").await;
        assert_eq!(refusal(name), Refusal::AccessTokenInvalid);
        let caller = about_to_be_logged_out().await;
        assert_eq!(
            refusal(engine.withdraw(&context(), &caller).await),
            Refusal::AccessTokenInvalid
        );
        let caller = about_to_be_logged_out().await;
        assert_eq!(
            refusal(engine.delete_account(&context(), &caller).await),
            Refusal::AccessTokenInvalid
        );

        let player = log_in(engine, device("0123456789")).await;
        assert_eq!((player.login_count, player.account.identities.len()), (5, 1));
        assert_ne!(&*player.account.username.unwrap().shown, "somebody");
    });
}

#[test]
fn gamebase_x4_a_link_beside_the_withdrawal_of_a_banned_owner_is_refused() {
    block_on(async {
        let (world, other, meanwhile) = two_nodes(Policy::recommended).await;
        let (engine, node) = (world.engine(), other.engine().clone());
        let operator = Operator::vouched_for("ops");
        let banned = log_in(engine, custom("custom-id")).await.account.id;
        engine.ban(&operator, banned, BanRequest::permanent()).await.unwrap();

        let clean = log_in(engine, device("0123456789")).await;
        let caller = who(engine, &clean).await;
        meanwhile.happens(move || {
            let cause = WithdrawalCause::Operator;
            block_on(node.withdraw_account(&operator, banned, cause)).unwrap();
        });
        for _ in 0..2 {
            let link = engine.link(&context(), &caller, Link::new(custom("custom-id"))).await;
            assert!(matches!(refusal(link), Refusal::Banned(info) if info.account == banned));
        }
        assert!(meanwhile.has_happened());
    });
}

/// The other node's clock is behind: what it writes is not what time has done to the account.
#[test]
fn gamebase_x4_a_first_login_beside_a_change_of_an_account_that_time_withdrew_starts_banned() {
    block_on(async {
        let (world, other, meanwhile) = two_nodes(Policy::recommended).await;
        let (engine, node) = (world.engine(), other.engine().clone());
        let operator = Operator::vouched_for("ops");
        let player = log_in(engine, custom("custom-id")).await;
        let (banned, caller) = (player.account.id, who(engine, &player).await);
        engine.request_withdrawal(&context(), &caller).await.unwrap();
        engine.ban(&operator, banned, BanRequest::permanent()).await.unwrap();

        world.clock().advance(engine.policy().withdrawal_grace);
        meanwhile.happens(move || {
            let key = IdentityKey::new(ProviderId::DEVICE, "another-device");
            block_on(node.register_identity(&operator, banned, key)).unwrap();
        });
        let login = try_log_in(engine, custom("custom-id")).await;
        assert!(meanwhile.has_happened());
        assert!(matches!(refusal(login), Refusal::Banned(info) if info.account != banned));
    });
}

/// The login was another's when the registration was handed over, and is the account's own when the registration looks
/// whose it is.
#[test]
fn a_registration_finds_what_a_forced_link_gave_the_account_meanwhile() {
    let kept: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let late = Faults { delay: 1000, ..Faults::NONE };
    let late = FaultyStore::new(Arc::clone(&kept), 0, late);
    let trace = Arc::new(TracedStore::new(Arc::new(late)));
    let on = |store| block_on(Harness::on(store, Policy::recommended(), |it| it));
    let (world, elsewhere) = (on(kept), on(Arc::clone(&trace) as _));
    let engine = world.engine();
    let (ann, offer) = block_on(async {
        let bob = log_in(engine, device("the-device-of-bob")).await;
        let bob = who(engine, &bob).await;
        engine.link(&context(), &bob, Link::new(custom("shared"))).await.unwrap();
        let ann = log_in(engine, device("the-device-of-ann")).await;
        let ann = who(engine, &ann).await;
        match engine.link(&context(), &ann, Link::new(custom("shared"))).await {
            Err(Error::Refused(Refusal::IdentityTaken { ticket: Some(offer), .. })) => (ann, offer),
            other => panic!("{other:?}"),
        }
    });

    trace.reset();
    let (operator, key) =
        (Operator::vouched_for("test"), IdentityKey::new(ProviderId::CUSTOM, "shared"));
    let mut registration =
        pin!(elsewhere.engine().register_identity(&operator, ann.account(), key));
    while trace.log() != ["load", "commit", "load"] {
        let mut waiting = task::Context::from_waker(Waker::noop());
        assert!(registration.as_mut().poll(&mut waiting).is_pending());
    }
    block_on(engine.link_forcibly(&context(), &ann, &offer.secret)).unwrap();
    let registered = block_on(registration).unwrap();
    assert_eq!((registered.id, registered.identities.len()), (ann.account(), 2));
}
