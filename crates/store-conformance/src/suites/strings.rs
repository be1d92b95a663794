use authcore::account::Account;
use authcore::store::{Conflict, Lookup};

use crate::make::{
    Build, bare, device, id, lookup_device, lookup_username, set, with_identity, with_username,
};
use crate::trial::Trial;

/// Keys that are alike to somebody, but not to a store.
const KEYS: &[&str] = &[
    "alice",
    "Alice",
    "ALICE",
    "alice ",
    " alice",
    "alice\t",
    "alice\n",
    "alice\u{0}",
    "alice\u{0}a",
    "alice\u{0}b",
    "\u{0}",
    "\u{0}\u{0}",
    "alice\u{200b}",
    "\u{feff}alice",
    // Composed and decomposed.
    "\u{e9}",
    "e\u{301}",
    "e",
    "\u{c9}",
    // Equal under compatibility, or in some language.
    "\u{fb01}",
    "fi",
    "\u{ff21}",
    "A",
    "a",
    "\u{130}",
    "\u{131}",
    "I",
    "i",
    "stra\u{df}e",
    "strasse",
    "\u{3c3}",
    "\u{3c2}",
    "\u{3a3}",
    "\u{308f}",
    "\u{30ef}",
    // Four bytes: beyond the Basic Multilingual Plane.
    "\u{1f600}",
    "\u{1f601}",
    "?",
    "\u{fffd}",
    "\u{10ffff}",
    // Numbers, patterns, quotes.
    "1",
    "01",
    "1.0",
    "1e0",
    "%",
    "_",
    "*",
    "'",
    "''",
    "\"",
    "\\",
    "\\\\",
    "\\0",
    "x'00'",
    "NULL",
    "",
];

fn numbered() -> impl Iterator<Item = (u32, &'static str)> {
    (0..).zip(KEYS.iter().copied())
}

async fn all_are_distinct(
    on: &Trial,
    make: fn(u32, &str) -> Account,
    lookup: fn(&str) -> Lookup,
    taken: fn(&str) -> Conflict,
) {
    for (number, key) in numbered() {
        assert_eq!(on.load(&lookup(key)).await, None, "{key:?} is none of those before");
        on.ok(&set().insert(make(number, key))).await;
    }
    for (number, key) in numbered() {
        let found = on.load(&lookup(key)).await.map(|found| found.account);
        assert_eq!(found, Some(make(number, key)), "{key:?}");
        on.refused(&set().insert(make(9999, key)), taken(key)).await;
    }
}

pub(crate) async fn subjects_are_bytes(on: &mut Trial) {
    let make = |number, key: &str| with_identity(bare(number), device(key));
    all_are_distinct(on, make, lookup_device, |key| Conflict::IdentityTaken(device(key))).await;
}

pub(crate) async fn username_keys_are_bytes(on: &mut Trial) {
    let make = |number, key: &str| with_username(bare(number), key);
    all_are_distinct(on, make, lookup_username, |key| Conflict::UsernameTaken(key.into())).await;
}

pub(crate) async fn texts_are_bytes(on: &mut Trial) {
    for (number, text) in numbered() {
        let mut made = bare(number);
        made.profile.display_name = text.into();
        made.profile.location = text.into();
        made.profile.metadata = text.into();
        on.ok(&set().insert(made.clone())).await;
        assert_eq!(on.get(id(number)).await.account, made, "{text:?}");
    }
}

pub(crate) async fn long_keys_are_whole(on: &mut Trial) {
    // They differ in their last byte only.
    let keys = ["a", "b"].map(|end| format!("{}{end}", "x".repeat(4000)));
    for (number, key) in (0..).zip(&keys) {
        on.ok(&set().insert(with_username(with_identity(bare(number), device(key)), key))).await;
    }
    for (number, key) in (0..).zip(&keys) {
        for lookup in [lookup_device(key), lookup_username(key)] {
            assert_eq!(on.load(&lookup).await.map(|found| found.account.id), Some(id(number)));
        }
    }
}
