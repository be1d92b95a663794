//! What the arena does with its players, by the test kit. `docs/testing-your-game.md` shows this file from the first `use`
//! on, until it says so.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use arena::{Arena, Error, Ratings, State};
use authcore::{Authenticated, LoggedIn, Logout, Refusal, RequestContext};
use authcore_testkit::{Harness, email, run};
use chrono::TimeDelta;

/// A world, and an arena in it.
fn open() -> (Harness, Arena) {
    let world = Harness::new();
    let ratings = Ratings::in_memory().unwrap();
    let arena = Arena::new(world.engine().clone(), world.clock().clone(), ratings);
    (world, arena)
}

/// A guest, as the arena is shown one.
fn player(world: &Harness, name: &str) -> Authenticated {
    world.verify(&world.guest(name)).unwrap()
}

/// Why the engine does not let a player.
fn refusal<T>(answer: Result<T, Error>) -> Option<Refusal> {
    match answer {
        Err(Error::Engine(error)) => error.refusal().cloned(),
        _ => None,
    }
}

#[test]
fn two_who_join_play_in_turns_until_one_has_won() {
    let (world, arena) = open();
    let (ann, ben) = (player(&world, "ann"), player(&world, "ben"));

    assert_eq!(run(arena.join(&ann)).unwrap(), None, "she waits");
    let begun = run(arena.join(&ben)).unwrap().unwrap();
    assert_eq!(begun.players, [ann.account(), ben.account()]);

    for who in [&ann, &ben, &ann, &ben] {
        run(arena.take(who, 3)).unwrap();
    }
    let over = run(arena.take(&ann, 3)).unwrap();
    assert_eq!(over.state, State::Won(ann.account()));
    assert_eq!(run(arena.rating(&ann)).unwrap(), Some(1010));
    assert_eq!(run(arena.rating(&ben)).unwrap(), Some(990));
}

#[test]
fn a_banned_player_cannot_join() {
    let (world, arena) = open();
    let ann = world.guest("ann");
    let who = world.verify(&ann).unwrap();
    world.ban(&ann);
    assert_eq!(refusal(run(arena.join(&who))), Some(Refusal::AccessTokenInvalid));
}

#[test]
fn a_banned_player_is_put_out_at_the_next_move() {
    let (world, arena) = open();
    let (cheat, ben) = (world.guest("ann"), player(&world, "ben"));
    let ann = world.verify(&cheat).unwrap();
    run(arena.join(&ann)).unwrap();
    run(arena.join(&ben)).unwrap();
    let mut matches = arena.matches();

    world.ban(&cheat);
    assert_eq!(refusal(run(arena.take(&ann, 3))), Some(Refusal::AccessTokenInvalid));
    assert_eq!(matches.try_recv().unwrap().state, State::Won(ben.account()));
    assert_eq!(run(arena.rating(&ben)).unwrap(), Some(1010));
}

/// Ben comes, and gives up.
fn win(world: &Harness, arena: &Arena, winner: &LoggedIn) {
    let ben = player(world, "ben");
    run(arena.join(&world.verify(winner).unwrap())).unwrap();
    run(arena.join(&ben)).unwrap();
    run(arena.leave(&ben)).unwrap();
}

#[test]
fn a_guest_keeps_progress_after_linking() {
    let (world, arena) = open();
    let ann = world.guest("ann");
    win(&world, &arena, &ann);
    world.link(&ann, email("ann")).unwrap();
    let new_phone = world.verify(&world.login(email("ann")).unwrap()).unwrap();
    assert_eq!(run(arena.rating(&new_phone)).unwrap(), Some(1010));
}

#[test]
fn a_device_that_is_logged_out_leaves_the_match_to_the_other() {
    let (world, arena) = open();
    let (phone, tablet) = (player(&world, "ann"), player(&world, "ann"));
    run(arena.join(&phone)).unwrap();
    run(arena.join(&player(&world, "ben"))).unwrap();

    let logout = Logout::ThisSession;
    run(world.engine().logout(&RequestContext::new(), &phone, logout)).unwrap();
    assert_eq!(refusal(run(arena.take(&phone, 1))), Some(Refusal::AccessTokenInvalid));
    assert_eq!(run(arena.take(&tablet, 1)).unwrap().stones, 14);
}

#[test]
fn who_lets_a_minute_pass_has_lost() {
    let (world, arena) = open();
    let (ann, ben) = (player(&world, "ann"), player(&world, "ben"));
    run(arena.join(&ann)).unwrap();
    run(arena.join(&ben)).unwrap();

    world.clock().advance(TimeDelta::seconds(59));
    run(arena.tick()).unwrap();
    assert_eq!(run(arena.rating(&ann)).unwrap(), Some(1000));
    world.clock().advance(TimeDelta::seconds(1));
    run(arena.tick()).unwrap();
    assert_eq!(run(arena.rating(&ann)).unwrap(), Some(990));
}

#[tokio::test]
async fn deleting_an_account_removes_its_rows() {
    let world = Harness::new();
    let file = tempfile::NamedTempFile::new().unwrap();
    let ratings = Ratings::open(file.path()).unwrap();
    let arena = Arena::new(world.engine().clone(), world.clock().clone(), ratings);
    let (ann, ben) = (player(&world, "ann"), player(&world, "ben"));
    arena.join(&ann).await.unwrap();
    arena.join(&ben).await.unwrap();

    world.engine().delete_account(&RequestContext::new(), &ann).await.unwrap();
    arena.tick().await.unwrap();
    let rows = rusqlite::Connection::open(file.path()).unwrap();
    let count = "SELECT count(*), max(rating) FROM arena_ratings";
    let left = rows.query_row(count, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(left, (1, 1010), "his row is left, who won");
}

// So far the page.

#[test]
fn a_player_moves_in_turn_and_in_a_match_only() {
    let (world, arena) = open();
    let (ann, ben) = (player(&world, "ann"), player(&world, "ben"));
    let seatless = run(arena.take(&ann, 1));
    assert!(matches!(seatless, Err(Error::Rules(arena::Illegal::NoMatch))));
    run(arena.join(&ann)).unwrap();
    run(arena.join(&ben)).unwrap();
    let out_of_turn = run(arena.take(&ben, 1));
    assert!(matches!(out_of_turn, Err(Error::Rules(arena::Illegal::NotYourTurn))));
}

#[test]
fn a_banned_player_who_does_not_move_is_put_out_by_the_next_tick() {
    let (world, arena) = open();
    let (cheat, ben) = (world.guest("ann"), player(&world, "ben"));
    run(arena.join(&world.verify(&cheat).unwrap())).unwrap();
    run(arena.join(&ben)).unwrap();

    world.ban(&cheat);
    run(arena.tick()).unwrap();
    assert_eq!(run(arena.rating(&ben)).unwrap(), Some(1010));
    assert_eq!(run(arena.join(&ben)).unwrap(), None, "he waits for somebody else");
}

#[test]
fn one_player_on_two_devices_has_one_seat() {
    let (world, arena) = open();
    let (phone, tablet) = (player(&world, "ann"), player(&world, "ann"));
    let ben = player(&world, "ben");
    assert_eq!(run(arena.join(&phone)).unwrap(), None);
    assert_eq!(run(arena.join(&tablet)).unwrap(), None, "nobody plays against themselves");
    let begun = run(arena.join(&ben)).unwrap();
    assert_eq!(run(arena.join(&tablet)).unwrap(), begun);

    run(arena.take(&phone, 1)).unwrap();
    run(arena.take(&ben, 1)).unwrap();
    assert_eq!(run(arena.take(&tablet, 1)).unwrap().stones, 12);
}

#[test]
fn who_stops_waiting_is_not_played_with() {
    let (world, arena) = open();
    let (ann, ben) = (player(&world, "ann"), player(&world, "ben"));
    run(arena.join(&ann)).unwrap();
    run(arena.leave(&ann)).unwrap();
    assert_eq!(run(arena.join(&ben)).unwrap(), None);
}
