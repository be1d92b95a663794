use authcore::account::{Account, IdentityKey, ProviderId, Username};
use authcore::store::{Conflict, Lookup};

use crate::make::{
    Build, account, bare, device, full_account, full_activity, id, lookup_device, lookup_username,
    set, with_identity, with_username,
};
use crate::trial::Trial;

/// An account with one identity.
fn owner(number: u32, subject: &str) -> Account {
    with_identity(bare(number), device(subject))
}

/// An account with a username.
fn named(number: u32, key: &str) -> Account {
    with_username(bare(number), key)
}

fn taken(subject: &str) -> Conflict {
    Conflict::IdentityTaken(device(subject))
}

async fn owner_of(on: &Trial, lookup: Lookup) -> Option<u32> {
    let found = on.load(&lookup).await?;
    (0..100).find(|number| found.account.id == id(*number))
}

pub(crate) async fn identity_has_one_owner(on: &mut Trial) {
    on.ok(&set().insert(with_identity(owner(1, "a"), device("b"))).insert(bare(2))).await;
    for subject in ["a", "b"] {
        on.refused(&set().insert(owner(3, subject)), taken(subject)).await;
        on.refused(&set().update(owner(2, subject), 1), taken(subject)).await;
        let behind = with_identity(owner(3, "free"), device(subject));
        on.refused(&set().insert(behind), taken(subject)).await;
    }
    assert_eq!(owner_of(on, lookup_device("free")).await, None);
}

pub(crate) async fn username_has_one_owner(on: &mut Trial) {
    on.ok(&set().insert(named(1, "a")).insert(bare(2))).await;
    let taken = Conflict::UsernameTaken("a".into());
    on.refused(&set().insert(named(3, "a")), taken.clone()).await;
    on.refused(&set().update(named(2, "a"), 1), taken.clone()).await;
    assert_eq!(owner_of(on, lookup_username("a")).await, Some(1));
}

pub(crate) async fn username_is_unique_by_its_key(on: &mut Trial) {
    let shown = |number, shown: &str, key: &str| {
        let mut account = bare(number);
        account.username = Some(Username { shown: shown.into(), key: key.into() });
        account
    };
    on.ok(&set().insert(shown(1, "Alice", "alice"))).await;
    on.ok(&set().insert(shown(2, "Alice", "another"))).await;
    on.refused(&set().insert(shown(3, "ALICE", "alice")), Conflict::UsernameTaken("alice".into()))
        .await;
    assert_eq!(
        owner_of(on, lookup_username("Alice")).await,
        None,
        "it is not found by its shown form"
    );
    assert_eq!(owner_of(on, lookup_username("another")).await, Some(2));
}

pub(crate) async fn any_number_have_no_username(on: &mut Trial) {
    on.ok(&set().insert(bare(1)).insert(bare(2))).await;
    on.ok(&set().insert(bare(3))).await;
    on.ok(&set().insert(named(4, ""))).await;
    assert_eq!(owner_of(on, lookup_username("")).await, Some(4), "none is not empty");
    on.refused(&set().insert(named(5, "")), Conflict::UsernameTaken("".into())).await;
}

pub(crate) async fn owner_keeps_what_it_owns(on: &mut Trial) {
    on.ok(&set().insert(account(1))).await;
    on.ok(&set().update(account(1), 1)).await;
    let more = with_identity(account(1), device("more"));
    on.ok(&set().update(more, 2)).await;
    for lookup in [lookup_device("device-1"), lookup_device("more"), lookup_username("user-1")] {
        assert_eq!(owner_of(on, lookup).await, Some(1));
    }
}

pub(crate) async fn released_key_is_free(on: &mut Trial) {
    on.ok(&set().insert(account(1)).insert(bare(2))).await;
    on.ok(&set().update(named(1, "other"), 1)).await;
    for lookup in [lookup_device("device-1"), lookup_username("user-1")] {
        assert_eq!(owner_of(on, lookup).await, None);
    }
    on.ok(&set().update(with_username(owner(2, "device-1"), "user-1"), 1)).await;
    assert_eq!(owner_of(on, lookup_device("device-1")).await, Some(2));
    assert_eq!(owner_of(on, lookup_username("user-1")).await, Some(2));
    assert_eq!(owner_of(on, lookup_username("other")).await, Some(1));
    on.refused(&set().update(named(1, "user-1"), 2), Conflict::UsernameTaken("user-1".into()))
        .await;
}

pub(crate) async fn deleted_accounts_keys_are_free(on: &mut Trial) {
    on.ok(&set().insert_with(full_account(1), full_activity(1))).await;
    on.ok(&set().delete(1, 1)).await;
    let mut heir = full_account(1);
    heir.id = id(2);
    on.ok(&set().insert(heir.clone())).await;
    for identity in &heir.identities {
        assert_eq!(owner_of(on, Lookup::Identity(identity.key.clone())).await, Some(2));
    }
}

pub(crate) async fn identity_moves_in_one_set(on: &mut Trial) {
    on.ok(&set().insert(owner(1, "a")).insert(bare(2))).await;
    on.ok(&set().update(bare(1), 1).update(owner(2, "a"), 1)).await;
    assert_eq!(owner_of(on, lookup_device("a")).await, Some(2));
    // And back, with the taker written before the giver.
    on.ok(&set().update(owner(1, "a"), 2).update(bare(2), 2)).await;
    assert_eq!(owner_of(on, lookup_device("a")).await, Some(1));
    on.ok(&set().insert(owner(3, "a")).update(bare(1), 3)).await;
    assert_eq!(
        owner_of(on, lookup_device("a")).await,
        Some(3),
        "to an account that is made in the set"
    );
    assert_eq!(on.get(id(1)).await.account, bare(1));
}

pub(crate) async fn deleted_owner_gives_up_in_one_set(on: &mut Trial) {
    on.ok(&set().insert(account(1)).insert(account(2))).await;
    let heir = |number, from: &str| {
        with_username(owner(number, &format!("device-{from}")), &format!("user-{from}"))
    };
    on.ok(&set().delete(1, 1).insert(heir(3, "1"))).await;
    on.ok(&set().insert(heir(4, "2")).delete(2, 1)).await;
    for (subject, username, number) in [("device-1", "user-1", 3), ("device-2", "user-2", 4)] {
        assert_eq!(owner_of(on, lookup_device(subject)).await, Some(number));
        assert_eq!(owner_of(on, lookup_username(username)).await, Some(number));
    }
}

pub(crate) async fn keys_swap_in_one_set(on: &mut Trial) {
    let with = |number, key: &str| with_username(owner(number, key), key);
    on.ok(&set().insert(with(1, "a")).insert(with(2, "b"))).await;
    on.ok(&set().update(with(1, "b"), 1).update(with(2, "a"), 1)).await;
    on.ok(&set().insert(with(3, "c"))).await;
    on.ok(&set().update(with(1, "a"), 2).update(with(2, "c"), 2).update(with(3, "b"), 1)).await;
    for (key, number) in [("a", 1), ("c", 2), ("b", 3)] {
        assert_eq!(owner_of(on, lookup_device(key)).await, Some(number));
        assert_eq!(owner_of(on, lookup_username(key)).await, Some(number));
    }
}

pub(crate) async fn one_set_gives_no_key_twice(on: &mut Trial) {
    on.ok(&set().insert(owner(8, "x")).insert(named(9, "y"))).await;
    on.refused(&set().insert(owner(1, "a")).insert(owner(2, "a")), taken("a")).await;
    on.refused(
        &set().insert(named(1, "a")).insert(named(2, "a")),
        Conflict::UsernameTaken("a".into()),
    )
    .await;
    on.refused(&set().insert(owner(1, "a")).update(owner(9, "a"), 1), taken("a")).await;
    let set = set().update(bare(8), 1).insert(owner(1, "x")).insert(owner(2, "x"));
    on.refused(&set, taken("x")).await;
}

pub(crate) async fn every_part_of_a_key_counts(on: &mut Trial) {
    let provider = |name: &str| ProviderId::new(name).unwrap_or(ProviderId::CUSTOM);
    let key = |name, tenant, issuer, subject| {
        IdentityKey::scoped(provider(name), tenant, issuer, subject)
    };
    let keys = [
        key("a", "b", "c", "d"),
        key("a", "b", "d", "c"),
        key("a", "c", "b", "d"),
        key("b", "b", "c", "d"),
        key("ab", "", "c", "d"),
        key("a", "bc", "", "d"),
        key("a", "", "bc", "d"),
        key("a", "b", "cd", ""),
        key("a", "b", "", "cd"),
        key("a", "", "", "bcd"),
        key("a", "bcd", "", ""),
        key("a", "", "", ""),
        key("ab", "", "", ""),
        key("a", "b", "", ""),
        key("a", "", "b", ""),
        key("a", "", "", "b"),
        key("a", "\u{0}", "b", ""),
        key("a", "", "\u{0}b", ""),
        key("a", "b|c", "d", ""),
        key("a", "b", "c|d", ""),
        key("a", "b:c", "", "d"),
        key("a", "b", ":c", "d"),
        key("email", "", "", "x"),
        key("device", "", "", "x"),
    ];
    for (number, key) in (0..).zip(&keys) {
        on.ok(&set().insert(with_identity(bare(number), key.clone()))).await;
    }
    for (number, key) in (0..).zip(&keys) {
        assert_eq!(owner_of(on, Lookup::Identity(key.clone())).await, Some(number), "{number}");
        let thief = with_identity(bare(99), key.clone());
        on.refused(&set().insert(thief), Conflict::IdentityTaken(key.clone())).await;
    }
}
