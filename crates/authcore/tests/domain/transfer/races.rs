use std::sync::Barrier;
use std::thread;

use authcore::account::ProviderId;
use authcore::event::EventKind;
use authcore::lifecycle::{Standing, standing};
use authcore::transfer::{Renewal, TransferRules, TransferState};
use authcore::{BanRequest, Error, Link, LoggedIn, Refusal};

use super::{Issued, NEW, OLD, carry, history, issued_to, kept, rules, with_password};
use crate::domain::{at, block_on, context, guest, log_in, operator, who};

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

fn key(number: usize) -> String {
    format!("guest-key-of-device-{number}")
}

fn refused(answer: &Result<LoggedIn, Error>) -> Option<&Refusal> {
    answer.as_ref().err().and_then(Error::refusal)
}

fn transfers(issued: &Issued) -> usize {
    let events = block_on(history(&issued.world, issued.id()));
    events.into_iter().filter(|event| *event == EventKind::Transferred).count()
}

#[test]
fn of_two_transfers_with_a_one_time_account_one_wins() {
    for _ in 0..ROUNDS {
        let issued = block_on(Issued::under(TransferRules { one_time: true, ..rules() }));
        let answers =
            together(2, |number| block_on(carry(issued.engine(), &key(number), &issued.info)));
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        let loser = answers.iter().find_map(refused);
        assert_eq!(loser, Some(&Refusal::TransferUsed));
        assert_eq!((transfers(&issued), block_on(issued.state())), (1, TransferState::Used));
        let winner = answers.into_iter().find_map(Result::ok).unwrap();
        assert!(block_on(issued.engine().verify(winner.tokens.access.reveal())).is_ok());
    }
}

#[test]
fn of_parallel_wrong_passwords_no_more_than_the_threshold_are_looked_at_and_they_block_once() {
    for _ in 0..ROUNDS {
        let issued = block_on(Issued::under(rules()));
        let hashes = issued.world.hasher().hashes();
        let wrong = with_password(&issued.info, "000000000000");
        let answers = together(16, |number| block_on(carry(issued.engine(), &key(number), &wrong)));
        assert_eq!(issued.world.hasher().hashes() - hashes, 3);
        let told = |is: fn(&Refusal) -> bool| {
            answers.iter().filter_map(refused).filter(|refusal| is(refusal)).count()
        };
        assert_eq!(told(|refusal| *refusal == Refusal::TransferWrongPassword), 2);
        let blocked = told(|refusal| matches!(refusal, Refusal::TransferBlocked(_)));
        let later = told(|refusal| matches!(refusal, Refusal::TryAgainLater { .. }));
        assert!(blocked >= 1);
        assert_eq!(blocked + later, 14);
        assert!(matches!(block_on(issued.state()), TransferState::Blocked { failures: 3, .. }));
        let events = block_on(history(&issued.world, issued.id()));
        let changes = events.iter().filter(|event| **event == EventKind::TransferChanged).count();
        assert_eq!(changes, 2, "issued once, blocked once");
    }
}

#[test]
fn a_right_password_beside_wrong_ones_is_before_the_block_or_refused() {
    for _ in 0..ROUNDS {
        let issued = block_on(Issued::under(rules()));
        let wrong = with_password(&issued.info, "000000000000");
        let answers = together(8, |number| {
            let info = if number == 0 { &issued.info } else { &wrong };
            block_on(carry(issued.engine(), &key(number), info))
        });
        assert!(answers[1..].iter().all(Result::is_err));
        match &answers[0] {
            Ok(carried) => {
                assert_eq!(transfers(&issued), 1);
                let alive = issued.engine().verify(carried.tokens.access.reveal());
                assert!(block_on(alive).is_ok());
            }
            Err(error) => {
                let refusal = error.refusal().unwrap();
                let late =
                    matches!(refusal, Refusal::TransferBlocked(_) | Refusal::TryAgainLater { .. });
                assert!(late, "{refusal}");
                assert_eq!(transfers(&issued), 0);
            }
        }
    }
}

#[test]
fn a_transfer_beside_a_ban_leaves_no_living_session() {
    for _ in 0..ROUNDS {
        let issued = block_on(Issued::under(rules()));
        let answers = together(2, |number| {
            if number == 0 {
                let ban = BanRequest::permanent();
                block_on(issued.engine().ban(&operator(), issued.id(), ban)).unwrap();
                return None;
            }
            Some(block_on(carry(issued.engine(), NEW, &issued.info)))
        });
        let answer = answers.into_iter().flatten().next().unwrap();
        match answer {
            Ok(carried) => {
                let dead = issued.engine().verify(carried.tokens.access.reveal());
                assert!(block_on(dead).is_err());
            }
            Err(error) => assert!(matches!(error.refusal(), Some(Refusal::Banned(_)))),
        }
        assert!(block_on(issued.kept()).ban.ban().is_some());
    }
}

#[test]
fn a_transfer_beside_a_link_is_before_it_or_finds_no_transfer_account() {
    for _ in 0..ROUNDS {
        let issued = block_on(Issued::under(rules()));
        let caller = block_on(who(issued.engine(), &issued.player));
        let answers = together(2, |number| {
            if number == 0 {
                let link = Link::new(at("facebook", "ann"));
                let linked = block_on(issued.engine().link(&context(), &caller, link));
                return linked.map(|_| ()).map_err(|error| error.refusal().cloned());
            }
            let carried = block_on(carry(issued.engine(), NEW, &issued.info));
            carried.map(|_| ()).map_err(|error| error.refusal().cloned())
        });
        let account = block_on(issued.kept());
        let facebook =
            account.identities.iter().any(|identity| *identity.key.provider() != ProviderId::GUEST);
        match (&answers[0], &answers[1]) {
            // The transfer ended the session that was to link.
            (Err(Some(Refusal::AccessTokenInvalid)), Ok(())) => assert!(!facebook),
            (Ok(()), Err(Some(Refusal::TransferMissing))) => assert!(facebook),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_transfer_beside_a_renewal_is_with_the_old_secrets_before_it_or_refused() {
    for _ in 0..ROUNDS {
        let issued = block_on(Issued::under(rules()));
        let caller = block_on(who(issued.engine(), &issued.player));
        let answers = together(2, |number| {
            if number == 0 {
                let (context, renewal) = (context(), Renewal::AutoPassword);
                let renewed = issued.engine().renew_transfer_account(&context, &caller, &renewal);
                return block_on(renewed).map(|_| ()).map_err(|error| error.refusal().cloned());
            }
            let carried = block_on(carry(issued.engine(), NEW, &issued.info));
            carried.map(|_| ()).map_err(|error| error.refusal().cloned())
        });
        match (&answers[0], &answers[1]) {
            (Err(Some(Refusal::AccessTokenInvalid)), Ok(()))
            | (Ok(()), Err(Some(Refusal::TransferWrongPassword))) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn transfers_to_one_device_beside_its_first_guest_login_leave_its_key_with_one_account() {
    for _ in 0..ROUNDS {
        let issued = block_on(Issued::under(rules()));
        let answers = together(2, |number| {
            if number == 0 {
                return block_on(log_in(issued.engine(), guest(NEW))).account.id;
            }
            block_on(carry(issued.engine(), NEW, &issued.info)).unwrap().account.id
        });
        let owner = block_on(log_in(issued.engine(), guest(NEW))).account.id;
        assert_eq!(owner, issued.id());
        if answers[0] != issued.id() {
            let lost = block_on(kept(&issued.world, answers[0]));
            assert_eq!(standing(&lost), Standing::Missing);
        }
    }
}

#[test]
fn two_guests_that_swap_devices_at_once_are_both_whole() {
    for _ in 0..ROUNDS {
        let issued = block_on(Issued::under(rules()));
        let (other, info) = block_on(issued_to(issued.engine(), NEW));
        let answers = together(2, |number| {
            let (key, info) = if number == 0 { (NEW, &issued.info) } else { (OLD, &info) };
            block_on(carry(issued.engine(), key, info))
        });
        // The first to move takes the other's device, which is then lost with its transfer account.
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        assert_eq!(answers.iter().find_map(refused), Some(&Refusal::TransferMissing));
        let standings =
            [issued.id(), other.account.id].map(|id| standing(&block_on(kept(&issued.world, id))));
        assert_eq!(standings.iter().filter(|standing| **standing == Standing::Missing).count(), 1);
        assert_eq!(standings.iter().filter(|standing| **standing == Standing::Normal).count(), 1);
    }
}
