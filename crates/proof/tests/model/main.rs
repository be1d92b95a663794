//! Every sequence of actions up to a length, in the small game: Stateright takes them on the engine itself, on the memory
//! store, and looks whether any breaks a rule. `cargo xtask prove model` looks at longer ones.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "helpers of tests fail by panicking, and a run tells how long it took"
)]

mod ledger;
mod reach;
mod room;
mod rules;
mod state;

use std::time::Instant;

use stateright::{Checker as _, Expectation, HasDiscoveries, Model as _};

use room::Room;

#[test]
fn standing() {
    check(room::standing());
}

#[test]
fn sessions() {
    check(room::sessions());
}

#[test]
fn mapping() {
    check(room::mapping());
}

#[test]
fn transfer() {
    check(room::transfer());
}

#[test]
fn whole() {
    check(room::whole());
}

/// Looks at all states of a room. That there are exactly as many as are expected shows that nothing prunes them in
/// silence.
fn check(room: Room) {
    let (name, steps, expected) = (room.name, room.steps, room.states);
    let started = Instant::now();
    // One thread: it finds each state by a shortest path, so that the count is exact.
    let checker = room.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let seconds = started.elapsed().as_secs_f64();
    // On an engine that was broken on purpose a rule must be: that it gets elsewhere is not meant.
    let on_a_bug = std::env::var_os("PROVE_BUG").is_some();
    let mut discoveries = checker.discoveries();
    for property in checker.model().properties() {
        let found = discoveries.remove(property.name);
        match property.expectation {
            Expectation::Sometimes => {
                assert!(found.is_some() || on_a_bug, "{name}: never reached: {}", property.name);
            }
            _ => {
                if let Some(path) = found {
                    panic!("{name}: broken: {}\nby {:?}", property.name, path.into_actions());
                }
            }
        }
    }
    let (states, taken) = (checker.unique_state_count(), checker.state_count());
    println!(
        "proved: model of {name}: {states} states, all within {steps} steps, {taken} transitions, {seconds:.0} s"
    );
    if !on_a_bug {
        assert_eq!(states, expected, "{name}: the number of states within {steps} steps");
    }
}
