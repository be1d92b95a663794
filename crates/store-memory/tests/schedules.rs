//! Races on the memory store, and on the engine over it, under a scheduler that chooses at each lock who goes on: one half
//! of the schedules at random, the other with few, well-placed changes of turn (PCT). `cargo xtask prove schedules`.

#![cfg(shuttle)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod schedules {
    pub(crate) mod engine;
    pub(crate) mod explorer;
    pub(crate) mod store;
}

use schedules::{engine, explorer, store};

#[test]
fn every_schedule_holds() {
    explorer::explore(&[
        ("two commits race for one identity", store::two_commits_race_for_one_identity),
        ("an identity moves while it is looked up", store::an_identity_moves_while_it_is_looked_up),
        ("the outbox is read while it is written", store::the_outbox_is_read_while_it_is_written),
        ("a throttle is charged from all sides", store::a_throttle_is_charged_from_all_sides),
        ("a snapshot is taken during commits", store::a_snapshot_is_taken_during_commits),
        ("first logins race", engine::first_logins_race),
        ("a login races a ban", engine::a_login_races_a_ban),
        ("a logout races a refresh and checks", engine::a_logout_races_a_refresh_and_checks),
        ("a logout races a link", engine::a_logout_races_a_link),
        ("unlinks race", engine::unlinks_race),
        ("a link races a forced link", engine::a_link_races_a_forced_link),
        ("a link races a ban of the owner", engine::a_link_races_a_ban_of_the_owner),
    ]);
}
