//! Cases that once failed, or would with a bug that is easily made: each runs on memory and SQLite.

use authcore_proof::Action::{self, *};
use authcore_proof::BanLength::{Day, Forever};
use authcore_proof::Device::{A, B};
use authcore_proof::Id::{Custom, Device, GuestA, GuestB, OtherCustom};
use authcore_proof::{Reference, SECONDS};
use proptest::test_runner::Config;
use proptest_state_machine::StateMachineTest;

use crate::comparison::Comparison;
use crate::stores::{Kind, Memory, Sqlite};

fn replay(actions: &[Action]) {
    on::<Memory>(actions);
    on::<Sqlite>(actions);
}

fn on<K: Kind>(actions: &[Action]) {
    let reference = Reference::new();
    Comparison::<K>::test_sequential(Config::default(), reference, actions.to_vec(), None);
}

#[test]
fn a_release_revives_no_session() {
    replay(&[Login(A, GuestA), Ban(0, Forever, false), Unban(0), Refresh(A), Logout(A)]);
}

#[test]
fn a_permanent_ban_in_place_of_one_of_a_day_does_not_end_with_it() {
    let day = Pass(SECONDS.ban);
    replay(&[Login(A, GuestA), Ban(0, Day, false), Ban(0, Forever, true), day, Login(A, GuestA)]);
}

#[test]
fn a_ticket_is_used_once_and_its_owner_is_lost() {
    let taken = [Login(A, Custom), Login(B, GuestB), Link(B, Custom), Force(B), Force(B)];
    replay(&taken);
    replay(&[&taken[..], &[Logout(A), Login(A, Custom), Ban(0, Day, false)]].concat());
}

#[test]
fn a_ticket_that_changed_the_login_is_used_for_who_got_it() {
    let changed = [Login(A, Custom), Login(B, GuestB), Link(B, Custom), ChangeLogin(B)];
    replay(&[&changed[..], &[Login(B, GuestB), ChangeLogin(B), Force(B)]].concat());
}

#[test]
fn a_ticket_is_void_for_good_when_its_owner_has_lost_the_login() {
    let offered = [Login(A, Device), Link(A, Custom), Login(B, GuestB), Link(B, Custom)];
    let regained = [&offered[..], &[Unlink(A, Custom), Link(A, Custom)]].concat();
    replay(&[&regained[..], &[Force(B), ChangeLogin(B), Link(B, Custom), Force(B)]].concat());
}

#[test]
fn a_clock_that_goes_back_brings_back_a_ban_that_nobody_saw_end() {
    let (day, back) = (Pass(SECONDS.ban), Pass(-SECONDS.ban));
    let banned = [Login(A, GuestA), Ban(0, Day, false), day];
    replay(&[&banned[..], &[back, Login(A, GuestA)]].concat());
    replay(&[&banned[..], &[Login(A, GuestA), back, Login(A, GuestA)]].concat());
}

#[test]
fn a_former_refresh_token_ends_the_session_after_the_grace_window() {
    let (grace, moment) = (Pass(SECONDS.grace), Pass(SECONDS.grace - 1));
    let rotated = [Login(A, GuestA), grace, Refresh(A)];
    replay(&[&rotated[..], &[moment, Replay(A), Refresh(A)]].concat());
    replay(&[&rotated[..], &[grace, Replay(A), Refresh(A)]].concat());
}

#[test]
fn a_transfer_account_is_good_for_one_transfer_and_the_guest_before_it_is_lost() {
    let carried = [Login(A, GuestA), IssueTransfer(A), Login(B, GuestB), Transfer(B, true)];
    replay(&[&carried[..], &[Transfer(A, true), Login(A, GuestA), Ban(1, Day, false)]].concat());
    replay(&[&carried[..], &[Refresh(A), Link(B, Device), Transfer(B, true)]].concat());
}

#[test]
fn a_login_that_an_operator_moves_brings_back_who_was_lost() {
    let lost = [Login(A, Custom), Login(B, GuestB), Link(B, Custom), Force(B)];
    let moved = [Login(A, OtherCustom), Move(OtherCustom, 0), Refresh(A), Login(A, OtherCustom)];
    replay(&[&lost[..], &moved, &[Move(Custom, 2), Move(GuestB, 0)]].concat());
}

#[test]
fn a_withdrawal_that_is_due_frees_its_logins() {
    let leave = Pass(SECONDS.leave);
    replay(&[Login(A, Custom), RequestWithdrawal(A), leave, Login(B, GuestB), Link(B, Custom)]);
}
