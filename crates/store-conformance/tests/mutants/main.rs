//! The kit is only worth something if it fails: stores that are broken on purpose, each in one way, must be caught.

#![expect(clippy::expect_used, reason = "a helper of tests")]

mod beside_each_other;
mod dates_and_pairs;
mod flaws;
mod mutant;
mod small;

use std::process::ExitCode;
use std::sync::Arc;

use authcore::store::Store;
use authcore_store_conformance::{Fixture, cases, run_all, run_with, seed};
use authcore_store_memory::MemoryStore;

use crate::beside_each_other::{ReadsBack, RefusesWhatItDid};
use crate::dates_and_pairs::{
    ChecksOneOfAPair, DueAtBirth, DueForEver, ForgetsTransfers, HalfAPair, SilentSession,
};
use crate::flaws::{
    ChargesLate, EventsLate, FoldsCase, ForgetsIdentities, ForgetsItself, ForgetsSets,
    LastConflict, LosesAField, LostUpdate, NoFlaw, PieceByPiece, StaleRead, SweepsEarly, TornRead,
};
use crate::mutant::{Flaw, Mutant};
use crate::small::{CachedSession, ForgetsPastBans, NothingBefore1970, PagesByOffset};

/// Runs all cases, and asserts that the expected ones are among those that fail.
fn assert_caught<F: Flaw>(flaw: fn() -> F, by: &[(&str, &str)]) {
    let report = run_all(|| async move { Arc::new(Mutant::new(flaw())) });
    let failed: Vec<_> =
        report.failures.iter().map(|failure| (failure.suite, failure.name)).collect();
    let first = failed.first().expect("the kit lets a broken store pass");
    println!("{:?}: first caught by {}::{}; in all by {failed:?}", flaw(), first.0, first.1);
    for case in by {
        assert!(failed.contains(case), "{case:?} lets it pass; caught by {failed:?}");
    }
}

#[test]
fn sound_store_passes() {
    let report = run_all(|| async { Arc::new(Mutant::new(NoFlaw)) });
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    assert_eq!(report.passed + report.not_applicable, cases().len());
    assert_eq!((report.not_applicable, report.skipped), (6, 0));
}

#[test]
fn lost_update_is_caught() {
    assert_caught(
        || LostUpdate,
        &[("concurrency", "one_version_has_one_update"), ("conflicts", "changed_account_is_named")],
    );
}

#[test]
fn forgotten_uniqueness_is_caught() {
    assert_caught(
        ForgetsIdentities::default,
        &[("uniqueness", "identity_has_one_owner"), ("concurrency", "one_identity_has_one_winner")],
    );
}

#[test]
fn commit_in_pieces_is_caught() {
    assert_caught(|| PieceByPiece, &[("atomicity", "failing_last_write_leaves_nothing")]);
}

#[test]
fn late_charge_is_caught() {
    assert_caught(
        ChargesLate::default,
        &[("throttles", "many_at_once_are_admitted_up_to_the_limit")],
    );
}

#[test]
fn forgotten_sets_are_caught() {
    assert_caught(
        || ForgetsSets,
        &[("once", "events_alone"), ("concurrency", "one_set_many_times_is_done_once")],
    );
}

#[test]
fn late_events_are_caught() {
    assert_caught(EventsLate::default, &[("outbox", "consumers_miss_nothing")]);
}

#[test]
fn stale_read_is_caught() {
    assert_caught(StaleRead::default, &[("contract", "versions_rise_by_one")]);
}

#[test]
fn torn_read_is_caught() {
    assert_caught(|| TornRead, &[("visibility", "snapshots_are_never_torn")]);
}

#[test]
fn folded_keys_are_caught() {
    assert_caught(|| FoldsCase, &[("strings", "subjects_are_bytes")]);
}

#[test]
fn lost_field_is_caught() {
    assert_caught(|| LosesAField, &[("documents", "full_account_comes_back")]);
}

#[test]
fn wrong_conflict_is_caught() {
    assert_caught(|| LastConflict, &[("conflicts", "first_failing_condition_is_named")]);
}

#[test]
fn early_sweep_is_caught() {
    assert_caught(|| SweepsEarly, &[("codes", "sweep_takes_only_what_is_over")]);
}

#[test]
fn forgotten_transfer_keys_are_caught() {
    assert_caught(
        ForgetsTransfers::default,
        &[("transfers", "key_has_one_owner"), ("transfers", "one_key_has_one_winner")],
    );
}

#[test]
fn due_list_without_updates_is_caught() {
    assert_caught(DueAtBirth::default, &[("due", "list_follows_every_write")]);
}

#[test]
fn due_list_that_is_never_cleared_is_caught() {
    assert_caught(
        DueForEver::default,
        &[("due", "list_follows_every_write"), ("due", "settled_accounts_leave_the_list")],
    );
}

#[test]
fn session_without_its_date_is_caught() {
    assert_caught(|| SilentSession, &[("due", "session_tells_when_its_account_is_due")]);
}

#[test]
fn half_a_pair_is_caught() {
    assert_caught(|| HalfAPair, &[("pairs", "either_stale_version_writes_nothing")]);
}

#[test]
fn one_checked_version_of_a_pair_is_caught() {
    assert_caught(
        || ChecksOneOfAPair,
        &[
            ("pairs", "either_stale_version_writes_nothing"),
            ("pairs", "forced_moves_have_one_winner"),
            ("tickets", "use_beside_a_change_of_the_owner_is_refused"),
        ],
    );
}

#[test]
fn forgotten_past_bans_are_caught() {
    assert_caught(|| ForgetsPastBans, &[("standing", "past_bans_come_back_in_order")]);
}

#[test]
fn pages_by_offset_are_caught() {
    assert_caught(|| PagesByOffset, &[("paging", "pages_of_events_stay_under_prunes")]);
}

#[test]
fn cached_sessions_are_caught() {
    assert_caught(
        CachedSession::default,
        &[("sessions", "refresh_shows_in_every_read"), ("sessions", "ended_session_is_gone")],
    );
}

#[test]
fn times_without_a_sign_are_caught() {
    assert_caught(
        || NothingBefore1970,
        &[("time", "ends_count_from_their_millisecond"), ("time", "dates_are_in_order")],
    );
}

/// Each call of these makes sense by itself, and whatever was answered is seen: no other suite catches them.
fn assert_caught_by_history_alone<F: Flaw>(flaw: fn() -> F) {
    let report = run_all(|| async move { Arc::new(Mutant::new(flaw())) });
    let failed: Vec<_> = report.failures.iter().map(|failure| failure.suite).collect();
    println!("{:?}: caught by {failed:?}", flaw());
    assert!(failed.contains(&"history"), "the kit lets a broken store pass");
    assert!(failed.iter().all(|suite| *suite == "history"), "{failed:?}");
}

#[test]
fn reads_that_go_back_are_caught() {
    assert_caught_by_history_alone(ReadsBack::default);
}

#[test]
fn refusals_of_what_was_done_are_caught() {
    assert_caught_by_history_alone(|| RefusesWhatItDid);
}

fn reopened(open: fn(&MemoryStore) -> MemoryStore) -> Fixture {
    let memory = MemoryStore::new();
    let store = Arc::new(Mutant::over(memory.clone(), ForgetsItself));
    let fixture = Fixture::new(store).with_reopen(move || {
        let again: Arc<dyn Store> = Arc::new(Mutant::over(open(&memory), ForgetsItself));
        async move { again }
    });
    fixture.with_schemas(vec!["1".to_owned()], |_| async { seeded(&NoFlaw).await })
}

/// What a release with a flaw left behind, with a flaw in bringing it up to date: it is all the same.
async fn seeded<F: Flaw + Clone>(flaw: &F) -> Arc<dyn Store> {
    let memory = MemoryStore::new();
    seed(&Mutant::over(memory.clone(), flaw.clone())).await;
    Arc::new(memory)
}

#[test]
fn migration_that_loses_a_field_is_caught() {
    let report = run_all(|| async {
        reopened(MemoryStore::clone)
            .with_schemas(vec!["1".to_owned()], |_| async { seeded(&LosesAField).await })
    });
    let failed: Vec<_> =
        report.failures.iter().map(|failure| (failure.suite, failure.name)).collect();
    assert_eq!(failed, [("migrations", "every_schema_is_read")]);
}

#[test]
fn migration_that_forgets_sets_is_caught() {
    let report = run_all(|| async {
        reopened(MemoryStore::clone)
            .with_schemas(vec!["1".to_owned()], |_| async { seeded(&ForgetsSets).await })
    });
    let failed: Vec<_> =
        report.failures.iter().map(|failure| (failure.suite, failure.name)).collect();
    assert_eq!(failed, [("migrations", "every_schema_is_written")]);
}

#[test]
fn store_that_forgets_itself_is_caught() {
    let sound = run_all(|| async { reopened(MemoryStore::clone) });
    assert!(sound.failures.is_empty(), "{:?}", sound.failures);
    assert_eq!(sound.passed, cases().len(), "the cases about durable stores are run");

    let forgetful = run_all(|| async { reopened(|_| MemoryStore::new()) });
    let failed: Vec<_> = forgetful.failures.iter().map(|failure| failure.suite).collect();
    println!("{:?}", forgetful.failures);
    assert_eq!(failed, ["durability"; 4]);
}

#[test]
fn durable_store_that_cannot_be_reopened_is_counted() {
    let report = run_all(|| async { Arc::new(Mutant::new(ForgetsItself)) });
    assert_eq!(report.skipped + report.failures.len(), 6, "a failure when CONFORMANCE_STRICT=1");
}

/// The exit code of the kit's own runner on a store that loses updates.
fn exit_code(arguments: &[&str]) -> String {
    let arguments = std::iter::once("kit").chain(arguments.iter().copied());
    let code = run_with(arguments.map(Into::into), || async { Arc::new(Mutant::new(LostUpdate)) });
    format!("{code:?}")
}

#[test]
fn the_runner_fails_when_a_chosen_case_does() {
    let success = format!("{:?}", ExitCode::SUCCESS);
    assert_ne!(exit_code(&["conflicts::"]), success);
    assert_ne!(exit_code(&["--exact", "conflicts::changed_account_is_named"]), success);
    assert_eq!(exit_code(&["--exact", "conflicts::missing_account_is_named"]), success);
    assert_eq!(exit_code(&["changed", "--skip", "conflicts::changed_a"]), success);
    assert_eq!(exit_code(&["--list"]), success);
}

/// A suite that lets every broken store pass shows nothing: each is named by a test of this program.
#[test]
fn every_suite_catches_a_broken_store() {
    let tests = include_str!("main.rs");
    for case in cases() {
        let named = [format!("(\"{}\", \"", case.suite), format!("[\"{}\"; ", case.suite)];
        let suite = case.suite;
        let alone = tests.contains(&format!("fn assert_caught_by_{suite}_alone"));
        assert!(alone || named.iter().any(|name| tests.contains(name)), "{suite} catches none");
    }
}
