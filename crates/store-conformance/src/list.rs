/// The one list of cases. Whatever makes something of every case passes the start of a macro call and its first
/// argument, and gets the list behind it.
#[doc(hidden)]
#[macro_export]
macro_rules! __cases {
    ([$($callback:tt)*] $first:tt) => {
        $($callback)*! { $first
            documents {
                Nothing full_account_comes_back "Every field of account, identity, password, profile, ban, activity and session comes back, by every lookup";
                Nothing bare_account_comes_back "An account without anything comes back as one";
                Nothing update_replaces_every_field "An update leaves nothing of what was before";
                Nothing large_account_comes_back "200 identities, 200 sessions and large metadata come back, in order";
            }
            standing {
                Nothing every_ban_comes_back "Bans of every source, until a date and for ever, come back with every field, and in place of each other";
                Nothing every_grace_ban_comes_back "Grace bans of every rule come back with their payments";
                Nothing every_withdrawal_comes_back "No withdrawal, one that is asked for and one of each cause are told apart";
                Nothing past_bans_come_back_in_order "Past bans come back with how they ended, in order";
                Nothing every_ticket_comes_back "Tickets come back, used or not, whatever their owner's standing";
                Nothing every_transfer_account_comes_back "Transfer accounts of every state come back, with and without what may be absent";
                Nothing every_refund_counts "Counts and amounts of refunds come back to the last unit";
                Nothing identity_data_comes_back "The data of an identity comes back byte for byte; none is not an empty one";
            }
            contract {
                Nothing first_header_wins "The first header is recorded; every later `bind` returns it";
                Nothing versions_rise_by_one "Each write raises the version of its own document by one, and no other";
                Nothing missing_is_none "What is not there is no error";
                Nothing load_many_answers_in_order "`load_many` answers in the order asked, with misses and repetitions";
                Nothing store_epoch_is_seen_everywhere "A raised store epoch shows in every snapshot and session";
                Nothing delete_takes_all_that_belongs "A deleted account takes its keys, sessions and codes along, but no events";
                Nothing deleted_account_can_be_made_again "A deleted id starts anew at the first version";
                Nothing one_set_may_write_much "Hundreds of documents in one set are applied";
                Nothing empty_set_is_applied "A set without writes, or without anything, is applied";
            }
            conflicts {
                Nothing missing_account_is_named "Every condition on an account that is not there says so";
                Nothing taken_id_is_named "Inserting an id twice says that it exists";
                Nothing changed_account_is_named "Another version, epoch or password version says that the account changed";
                Nothing no_password_has_no_version "An account without a password has no password version";
                Nothing changed_activity_is_named "Another activity version says that the activity changed";
                Nothing changed_code_is_named "A code that is gone or has other tries left says that it changed";
                Nothing used_up_key_is_named "A key that was used up says so";
                Nothing requirements_that_hold_let_pass "Conditions that hold write nothing";
                Nothing first_failing_condition_is_named "Of two failing conditions the first in the documented order is named";
                Nothing conditions_come_before_uniqueness "Uniqueness is judged after all other conditions";
            }
            codes {
                Nothing code_comes_back "Every field of a code comes back";
                Nothing every_purpose_comes_back "Codes of every purpose are told apart";
                Nothing carried_ban_stays_with_its_tombstone "A carried ban outlives updates of its account and sweeps, and goes with the account";
                Nothing code_is_replaced_whole "A code in place of another takes over every field, its owner included";
                Nothing code_is_deleted_without_complaint "Deleting a code that is not there is no error";
                Nothing what_is_over_stays_until_swept "Expired codes and single-use keys count until they are swept";
                Nothing sweep_takes_only_what_is_over "A sweep removes what ends now or before, and nothing else";
                Nothing sweep_keeps_to_its_limit "A sweep removes at most its limit of each kind";
                Nothing single_use_keys_are_used_up_one_by_one "A single-use key is used once, and belongs to no account";
            }
            throttles {
                Nothing admits_its_limit_and_no_more "An unused throttle admits its limit; what is refused is not charged";
                Nothing admits_again_at_the_very_moment "A refused charge is admitted at `retry_at` and not a millisecond before";
                Nothing cost_zero_only_asks "A cost of 0 charges nothing";
                Nothing large_cost_is_all_or_nothing "A larger cost is admitted whole or not at all";
                Nothing clock_that_goes_back_refills_nothing "An earlier time refills nothing";
                Nothing reset_forgets_the_charges "A reset throttle is unused";
                Nothing follows_the_rule "A long sequence of charges is answered as `Charge::apply` says";
                Nothing rounding_admits_no_more "Limits that do not divide the window admit no more than the limit";
                Nothing many_at_once_are_admitted_up_to_the_limit "Of 64 charges at once exactly the limit is admitted, whatever a charge costs";
                Nothing many_at_once_are_told_apart "Of 128 charges of 8 keys at once each key admits its limit";
                Nothing many_at_once_are_admitted_up_to_the_refill "Of 32 charges at once exactly what was refilled is admitted";
            }
            outbox {
                Nothing every_kind_comes_back "Every kind of event comes back with its fields";
                Nothing come_in_the_order_of_commits "Events come in the order of commits, and within a set in its order";
                Nothing are_read_after_a_cursor "A page begins after its cursor and keeps to its limit";
                Nothing are_pruned_up_to_a_cursor "Pruning removes up to and including a cursor, and counts";
                Nothing cursors_are_never_reused "Cursors grow over every prune";
                Nothing consumers_miss_nothing "Three consumers that read beside 16 writers see every event once, in one order";
                Nothing consumer_that_prunes_misses_nothing "A consumer that removes what it has read beside 16 writers sees every event once";
                Nothing large_set_among_small_ones_is_not_skipped "A set of 150 accounts beside many of one event is seen whole by a consumer that reads along";
                Nothing refused_sets_leave_no_gap "Beside sets that are refused a consumer sees the events of the others, each once";
            }
            paging {
                Nothing pages_of_events_make_the_whole "Pages of events of any size make the whole, in order";
                Nothing pages_of_events_stay_under_inserts "Events that come between two pages are behind them, and change no full page";
                Nothing pages_of_events_stay_under_prunes "Removing what was read moves no later page";
                Nothing pages_of_due_accounts_stay_under_inserts "Beside accounts that become due, each due account is met once";
                Nothing pages_of_a_sweep_reach_everything "A sweep in pages beside writes takes full pages, all that is over, and nothing else";
            }
            sessions {
                Nothing every_method_comes_back "Every way of proving oneself is kept with the session";
                Nothing session_comes_with_its_epochs "`session` returns the session with both epochs and its version";
                Nothing session_belongs_to_its_account "Sessions of one id on two accounts are two";
                Nothing ended_session_is_gone "An ended session is gone, the others stay in order, none outlives its account";
                Nothing refresh_shows_in_every_read "A refreshed session shows in every read at once, and no other changes";
                Nothing one_refresh_has_one_successor "Of 32 refreshes of one session exactly one wins";
                Nothing ended_session_is_seen_by_nobody "Whoever asks after a session's end was answered does not see it";
            }
            time {
                Nothing times_keep_their_millisecond "Times before 1970, far in the future, at odd milliseconds, the first and the last come back exactly";
                Nothing every_date_comes_back "Every date of an account and its sessions comes back, before 1970 and far in the future";
                Nothing ends_count_from_their_millisecond "Codes and single-use keys are over at their millisecond and not before, also before 1970";
                Nothing dates_are_in_order "Due accounts are in the order of their dates, also before 1970";
                Nothing throttles_refill_at_any_time "Throttles refill and are swept at their millisecond, before 1970 and far in the future";
                Nothing far_ends_do_not_come_early "What ends at the last moment is not over before";
            }
            once {
                Nothing insert "A replayed insert is done once";
                Nothing update "A replayed update is done once";
                Nothing update_of_activity "A replayed activity is done once, even when what it required has changed";
                Nothing delete "A replayed delete is done once";
                Nothing move_of_an_identity "A replayed move of an identity is done once";
                Nothing half_overtaken_move "A replayed move is known while one of the two accounts still names it";
                Nothing codes "Replayed puts and deletes of a code are done once";
                Nothing single_use "A replayed single use is no second one";
                Nothing reset "A replayed reset is done once";
                Nothing raise "A replayed raise of the store's epoch is done once, and the next one counts";
                Nothing events_alone "Replayed events are told once";
                Nothing everything "A replayed set of every kind of write is done once";
                Nothing overtaken_set_changes_nothing "A replay after a later write undoes nothing of that";
                Nothing refused_set_may_come_again "A refused set is judged anew when it comes again";
                Nothing other_id_is_another_set "The same writes under another id are another set";
            }
            uniqueness {
                Nothing identity_has_one_owner "An identity of another account is refused, on insert and update";
                Nothing username_has_one_owner "A username of another account is refused, on insert and update";
                Nothing username_is_unique_by_its_key "Usernames are unique and found by their key, not by what is shown";
                Nothing any_number_have_no_username "No username is not an empty one";
                Nothing owner_keeps_what_it_owns "An account that is rewritten does not collide with itself";
                Nothing released_key_is_free "A key that was given up is free at once";
                Nothing deleted_accounts_keys_are_free "A deleted account's keys are free";
                Nothing identity_moves_in_one_set "An identity moves between accounts in one set, in either order of writes";
                Nothing deleted_owner_gives_up_in_one_set "A set may delete an owner and give its keys to another";
                Nothing keys_swap_in_one_set "Keys are swapped, and rotated among three, in one set";
                Nothing one_set_gives_no_key_twice "One set cannot give a key to two accounts";
                Nothing every_part_of_a_key_counts "Identity keys differ by each part, wherever its boundary is";
            }
            transfers {
                Nothing key_leads_to_its_account "An account is found by its transfer key, and by no other";
                Nothing key_has_one_owner "A transfer key of another account is refused, on insert and update, in any state";
                Nothing any_number_have_none "Any number of accounts have no transfer account";
                Nothing owner_keeps_its_key "An account that is rewritten does not collide with itself";
                Nothing released_key_is_free "A transfer key that was given up or replaced is free at once";
                Nothing deleted_accounts_key_is_free "A deleted account's transfer key is free";
                Nothing key_moves_in_one_set "A transfer key moves between accounts in one set, in either order of writes";
                Nothing keys_swap_in_one_set "Transfer keys are swapped, and rotated among three, in one set";
                Nothing one_set_gives_no_key_twice "One set cannot give a transfer key to two accounts";
                Nothing one_key_has_one_winner "Of 32 inserts of one transfer key exactly one wins";
            }
            due {
                Nothing nobody_is_due_without_a_date "An account without a date, or withdrawn, is never due";
                Nothing every_date_counts_from_its_moment "Bans, grace bans, withdrawals and tickets are due at their moment and not a millisecond before";
                Nothing longest_overdue_come_first "The list is in the order of dates, then of ids";
                Nothing list_keeps_to_its_limit "The list is no longer than asked, and begins at its beginning";
                Nothing list_follows_every_write "Updates, deletes and sets of both show in the list at once";
                Nothing settled_accounts_leave_the_list "A sweep that settles page after page meets each account once and ends";
                Nothing session_tells_when_its_account_is_due "`session` tells the date of its account";
            }
            pairs {
                Nothing identity_moves_with_both_versions "A move between two accounts raises both versions by one, and no activity's";
                Nothing either_stale_version_writes_nothing "A stale version of either account leaves both as they were, in either order of writes";
                Nothing new_account_takes_what_the_set_frees "A new account takes over an identity that another write of the set frees, or is not made";
                Nothing forced_moves_have_one_winner "Of 32 moves of one identity to as many accounts exactly one wins, and no loser is written";
                Nothing opposite_takings_have_one_winner "Two accounts that take from each other: one gets all, none hangs";
                Nothing moving_identity_always_has_an_owner "An identity that moves is found at every moment, on an account that has it";
                Nothing merge_takes_all_along "An account that is deleted in the set leaves all its keys to the other one";
            }
            tickets {
                Nothing ticket_is_used_once "Of 32 uses of one ticket exactly one wins";
                Nothing use_moves_the_identity_once "Of 32 uses that move an identity exactly one moves it";
                Nothing use_beside_a_change_of_the_owner_is_refused "A use that was decided before the owner changed is refused, and the ticket stays";
                Nothing every_ticket_is_kept "40 tickets that 8 tasks add are all kept";
            }
            strings {
                Nothing subjects_are_bytes "Identities that a collation takes for equal are distinct";
                Nothing username_keys_are_bytes "Username keys that a collation takes for equal are distinct";
                Nothing texts_are_bytes "Every text comes back byte for byte";
                Nothing long_keys_are_whole "Keys of 4000 bytes that differ in the last one are distinct";
            }
            concurrency {
                Nothing one_identity_has_one_winner "Of 32 inserts of one identity exactly one wins";
                Nothing one_username_has_one_winner "Of 32 updates to one username exactly one wins";
                Nothing one_id_has_one_winner "Of 32 inserts of one id exactly one wins";
                Nothing one_version_has_one_update "Of 32 updates of one version exactly one wins";
                Nothing one_version_has_one_activity "Of 32 activities of one version exactly one wins";
                Nothing no_update_is_lost "160 increments by 8 tasks count to 160";
                Nothing one_single_use_key_has_one_winner "Of 32 uses of one single-use key exactly one wins";
                Nothing one_set_many_times_is_done_once "One set handed over 32 times at once is done once, and all are told so";
                Nothing first_header_wins_a_race "Concurrent binds agree on one header";
                Nothing swaps_do_not_deadlock "Two swaps in opposite order: one wins, none hangs";
                Nothing delete_and_update_exclude_each_other "Of a delete and an update of one version one wins";
            }
            visibility {
                Nothing snapshots_are_never_torn "A snapshot shows account and activity at one moment";
                Nothing answered_commit_is_seen_by_all "Whoever reads after a commit was answered sees it";
            }
            atomicity {
                Nothing failing_last_write_leaves_nothing "When the last condition fails, no write before it is left, of any kind";
                Nothing failing_first_write_leaves_nothing "When the first condition fails, no write after it is done, of any kind";
                Nothing failing_requirement_leaves_nothing "When a requirement fails, nothing is written";
                Nothing login_decided_before_a_ban_is_refused "A login that was decided on the account before a ban is refused";
                Nothing login_decided_before_any_change_is_refused "A login that was decided on the account before any kind of change is refused, one decided on what is there now is not";
                Nothing login_beside_a_ban_is_whole_or_refused "A login beside a ban comes before it or is refused";
                Nothing login_beside_a_password_change_is_refused "A login that was decided on an old password is refused";
                Nothing dropped_commit_is_whole_or_nothing "A commit whose future is dropped is applied whole or not at all";
            }
            history {
                Nothing compare_and_swap "Loads and compare-and-swaps of two accounts, 4 tasks beside each other: some order of them makes sense";
                Nothing one_identity_between_two_accounts "Links, unlinks and moves of one identity between two accounts: some order of them makes sense";
                Nothing sessions_and_what_ends_them "Sessions that are opened, refreshed, ended and read beside raised epochs: some order of it makes sense";
            }
            durability {
                Durable everything_survives "All that was answered is there when the store is opened again";
                Durable replay_is_known_after_reopening "A set handed over before and after reopening is done once";
                Durable cursors_are_not_reused_after_reopening "Cursors grow over a prune of everything and a reopening";
                Durable refused_set_leaves_nothing_behind "What was refused is not there after reopening";
            }
            migrations {
                Schemas every_schema_is_read "All that a store of each older schema holds is read";
                Schemas every_schema_is_written "A store of each older schema knows what was done to it, and is written like any other";
            }
        }
    };
}

/// Makes one test of every case: see [the crate's page](crate).
///
/// `factory` is a closure without arguments that returns a future of a fresh store, as an `Arc` or as a
/// [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! store_conformance {
    (factory = $factory:expr $(,)?) => {
        $crate::__cases! { [$crate::__tests] ($factory) }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __tests {
    (($factory:expr) $($suite:ident { $($need:ident $name:ident $about:literal;)* })*) => {
        fn __fixture() -> $crate::__private::FixtureFuture {
            ::std::boxed::Box::pin(async {
                let store = ($factory)().await;
                ::std::convert::Into::<$crate::Fixture>::into(store)
            })
        }
        $(
            mod $suite {
                $(
                    #[test]
                    fn $name() {
                        $crate::__private::test(::std::stringify!($suite), ::std::stringify!($name), super::__fixture);
                    }
                )*
            }
        )*
    };
}
