//! What must hold when several act at once, on threads of their own.

use std::sync::Barrier;
use std::thread;

use authcore::account::AccountId;
use authcore::mapping::TicketOffer;
use authcore::store::Lookup;
use authcore::{Error, Link, Merge, Policy, Refusal, Unlink};
use authcore_testkit::Harness;

use super::super::{at, block_on, context, log_in, world};
use super::{Player, account, alive, ban, key, kinds, link, player, provider, snapshot, ticket};

const ROUNDS: usize = 12;

/// Runs all at once, and returns what each returned.
fn together<T: Send>(runners: usize, run: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(runners);
    thread::scope(|scope| {
        let start = |number| {
            let (barrier, run) = (&barrier, &run);
            scope.spawn(move || {
                barrier.wait();
                run(number)
            })
        };
        let handles: Vec<_> = (0..runners).map(start).collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    })
}

/// Who owns the Facebook account that all want.
async fn owner(world: &Harness) -> Option<AccountId> {
    let lookup = Lookup::Identity(key("facebook", "shared"));
    world.store().load(&lookup).await.unwrap().map(|snapshot| snapshot.account.id)
}

/// Bob, who owns it, and others who hold a ticket for it.
async fn bob_and_holders(world: &Harness, holders: usize) -> (Player, Vec<(Player, TicketOffer)>) {
    let bob = player(world.engine(), at("google", "bob")).await;
    link(world.engine(), &bob, at("facebook", "shared")).await;
    let mut others = Vec::new();
    for number in 0..holders {
        let other = player(world.engine(), at("line", &number.to_string())).await;
        let offer = ticket(world.engine(), &other, at("facebook", "shared")).await;
        others.push((other, offer));
    }
    (bob, others)
}

#[test]
fn gamebase_x39_of_members_who_add_one_identity_at_once_one_wins_and_the_rest_get_tickets() {
    for round in 0..ROUNDS {
        let world = block_on(world(Policy::gamebase()));
        let answers = together(4, |number| {
            block_on(async {
                let player = player(world.engine(), at("line", &number.to_string())).await;
                let link = Link::new(at("facebook", "shared"));
                (player.id(), world.engine().link(&context(), &player.who, link).await)
            })
        });
        let winner = block_on(owner(&world)).unwrap();
        for (id, answer) in answers {
            match answer {
                Ok(account) => assert_eq!((id, account.id), (winner, winner), "round {round}"),
                Err(Error::Refused(Refusal::IdentityTaken { ticket: Some(offer), .. })) => {
                    assert_eq!(offer.owner, winner, "round {round}");
                    assert_ne!(id, winner);
                }
                Err(other) => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn gamebase_4_4_of_two_tickets_for_one_identity_one_is_used_and_the_other_is_void() {
    for round in 0..ROUNDS {
        let world = block_on(world(Policy::gamebase()));
        let (bob, holders) = block_on(bob_and_holders(&world, 2));
        let answers = together(2, |number| {
            let (player, offer) = &holders[number];
            block_on(world.engine().link_forcibly(&context(), &player.who, &offer.secret))
        });
        let winner = block_on(owner(&world)).unwrap();
        assert_ne!(winner, bob.id());
        for ((player, offer), answer) in holders.iter().zip(answers) {
            let kept = block_on(account(&world, player.id())).records.tickets;
            if player.id() == winner {
                answer.unwrap();
                assert!(kept[0].used_at.is_some());
            } else {
                let refused = answer.unwrap_err();
                assert_eq!(refused.refusal(), Some(&Refusal::TicketUnknown), "round {round}");
                assert_eq!((offer.owner, kept[0].used_at), (bob.id(), None));
            }
        }
        assert_eq!(kinds(&block_on(account(&world, bob.id()))), ["google"]);
    }
}

#[test]
fn gamebase_4_4_one_ticket_that_is_presented_at_once_is_used_once() {
    for _ in 0..ROUNDS {
        let world = block_on(world(Policy::gamebase()));
        let (_, holders) = block_on(bob_and_holders(&world, 1));
        let (ann, offer) = &holders[0];
        let answers = together(4, |number| {
            block_on(async {
                let (engine, context) = (world.engine(), context());
                if number % 2 == 0 {
                    engine.link_forcibly(&context, &ann.who, &offer.secret).await.map(drop)
                } else {
                    engine.change_login(&context, &ann.who, &offer.secret).await.map(drop)
                }
            })
        });
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for refused in answers.into_iter().filter_map(Result::err) {
            // Who changed the login has no session any more to ask in.
            let told = refused.refusal().unwrap();
            assert!(matches!(told, Refusal::TicketUsed | Refusal::AccessTokenInvalid), "{told}");
        }
    }
}

#[test]
fn gamebase_3_8_a_forced_link_beside_an_unlink_and_logins_leaves_one_owner_and_no_ghost() {
    for round in 0..ROUNDS {
        let world = block_on(world(Policy::gamebase()));
        let (bob, holders) = block_on(bob_and_holders(&world, 1));
        let (ann, offer) = &holders[0];
        let logins = together(4, |number| {
            block_on(async {
                let engine = world.engine();
                match number {
                    0 => {
                        let (context, secret) = (context(), &offer.secret);
                        let forced = engine.link_forcibly(&context, &ann.who, secret);
                        if let Err(refused) = forced.await {
                            assert_eq!(refused.refusal(), Some(&Refusal::TicketUnknown));
                        }
                        None
                    }
                    1 => {
                        let unlink = Unlink::any(provider("facebook"));
                        if let Err(refused) = engine.unlink(&context(), &bob.who, unlink).await {
                            let gone = Refusal::NotLinked(provider("facebook"));
                            assert_eq!(refused.refusal(), Some(&gone));
                        }
                        None
                    }
                    _ => Some(log_in(engine, at("facebook", "shared")).await),
                }
            })
        });
        block_on(async {
            let owner = owner(&world).await;
            for login in logins.into_iter().flatten() {
                // A session lives only in the account that still owns what opened it.
                let lives = alive(world.engine(), &login).await;
                assert_eq!(lives, owner == Some(login.account.id), "round {round}");
            }
            assert_eq!(kinds(&account(&world, bob.id()).await), ["google"]);
        });
    }
}

#[test]
fn gamebase_3_9_a_change_of_login_beside_a_ban_of_the_target_leaves_one_living_session_or_none() {
    for round in 0..ROUNDS {
        let world = block_on(world(Policy::gamebase()));
        let (bob, holders) = block_on(bob_and_holders(&world, 1));
        let (ann, offer) = &holders[0];
        let answers = together(2, |number| {
            block_on(async {
                if number == 0 {
                    ban(&world, bob.id()).await;
                    return None;
                }
                Some(world.engine().change_login(&context(), &ann.who, &offer.secret).await)
            })
        });
        block_on(async {
            let old = alive(world.engine(), &ann.login).await;
            match answers.into_iter().flatten().next().unwrap() {
                Ok(changed) => {
                    // It was before the ban, which ended it.
                    let new = alive(world.engine(), &changed).await;
                    assert!(!old && !new, "round {round}");
                }
                Err(refused) => {
                    assert!(matches!(refused.refusal(), Some(Refusal::Banned(_))), "{refused}");
                    assert!(old, "round {round}");
                }
            }
        });
    }
}

#[test]
fn security_71_two_who_merge_with_each_other_at_once_are_one_account() {
    for round in 0..ROUNDS {
        let world = block_on(world(Policy::gamebase()));
        let ann = block_on(player(world.engine(), at("google", "ann")));
        let bob = block_on(player(world.engine(), at("facebook", "bob")));
        let answers = together(2, |number| {
            let (who, other) = [(&ann.who, at("facebook", "bob")), (&bob.who, at("google", "ann"))]
                [number]
                .clone();
            block_on(world.engine().merge(&context(), who, Merge::new(other)))
        });
        block_on(async {
            let left = [snapshot(&world, ann.id()).await, snapshot(&world, bob.id()).await];
            let left: Vec<_> = left.into_iter().flatten().collect();
            assert_eq!(left.len(), 1, "round {round}");
            assert_eq!(left[0].account.identities.len(), 2);
            assert!(answers.iter().any(Result::is_ok));
            for merged in answers.into_iter().filter_map(Result::ok) {
                assert_eq!(merged.account.id, left[0].account.id, "round {round}");
            }
        });
    }
}
