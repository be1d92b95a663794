//! What was seen: a prover that never gets to something proves nothing of it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use authcore_proof::{Action, Outcome};

type Seen = BTreeMap<(&'static str, &'static str), u64>;

thread_local! {
    /// Of this thread's test.
    static SEEN: RefCell<Seen> = const { RefCell::new(Seen::new()) };
}

/// All that players and operators are told in the small game. An action that succeeds is `ok`.
const ALL: [(&str, &[&str]); 23] = [
    ("login", &["ok", "banned"]),
    ("link", &["ok", "not_linkable", "already_linked", "identity_taken", "banned"]),
    (
        "forced link",
        &["ok", "ticket_unknown", "ticket_used", "ticket_expired", "already_linked", "banned"],
    ),
    (
        "change of login",
        &["ok", "ticket_unknown", "ticket_used", "ticket_expired", "banned", "withdrawn"],
    ),
    ("unlink", &["ok", "not_linked", "last_identity", "logged_in_identity"]),
    ("logout", &["ok", "refresh_token_invalid"]),
    ("logout everywhere", &["ok", "refresh_token_invalid"]),
    ("refresh", &["ok", "refresh_token_invalid"]),
    ("refresh with a former token", &["ok", "refresh_token_invalid", "refresh_token_reused"]),
    ("ban", &["ok", "already_banned", "withdrawn", "missing"]),
    ("release", &["ok", "not_banned", "withdrawn"]),
    ("refund", &["ok", "withdrawn"]),
    ("payment", &["ok", "no_grace_ban", "withdrawn"]),
    ("withdrawal", &["ok", "refresh_token_invalid"]),
    ("request to be withdrawn", &["ok", "withdrawal_pending"]),
    ("withdrawal taken back", &["ok", "withdrawal_not_pending"]),
    ("withdrawal by an operator", &["ok", "withdrawn"]),
    ("withdrawal taken back by an operator", &["ok", "withdrawal_not_pending", "withdrawn"]),
    ("end of sessions by an operator", &["ok"]),
    (
        "move of a login",
        &[
            "ok",
            "identity_unknown",
            "nothing_to_change",
            "donor_not_normal",
            "receiver_not_eligible",
            "withdrawn",
        ],
    ),
    ("issue of a transfer account", &["ok", "not_guest_only", "transfer_exists"]),
    (
        "renewal of a transfer account",
        &["ok", "not_guest_only", "transfer_missing", "transfer_used"],
    ),
    (
        "transfer",
        &[
            "ok",
            "transfer_same_device",
            "transfer_wrong_password",
            "transfer_blocked",
            "transfer_used",
            "transfer_expired",
            "transfer_missing",
            "try_again_later",
            "banned",
        ],
    ),
];

/// Counts a step.
pub(crate) fn count(action: &Action, outcome: Outcome) {
    let key = (action.name(), outcome.map_or_else(|code| code, |_| "ok"));
    SEEN.with_borrow_mut(|seen| *seen.entry(key).or_default() += 1);
}

/// How many steps there were, those of shrinking included.
pub(crate) fn steps() -> u64 {
    SEEN.with_borrow(|seen| seen.values().sum())
}

/// Everything that can be told was told.
pub(crate) fn assert_all_was_seen() {
    let all = ALL.iter().flat_map(|(action, told)| told.iter().map(move |told| (*action, *told)));
    let missed: Vec<_> =
        SEEN.with_borrow(|seen| all.filter(|key| !seen.contains_key(key)).collect());
    assert!(missed.is_empty(), "never seen: {missed:?}");
}
