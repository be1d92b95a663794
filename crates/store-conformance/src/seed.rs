#![expect(clippy::expect_used, reason = "a test kit fails by panicking")]

use authcore::account::CommitId;
use authcore::event::{Event, EventCursor, EventKind};
use authcore::store::{ChangeSet, Charge, Store, StoreHeader};

use crate::make::{
    Build, account, activity, at, charge, code, full_account, full_activity, id, silent,
    with_transfer,
};

/// Fills a fresh store with something of every kind, for a store author to keep: the file, or the dump, that a release
/// with a new schema leaves behind is what every later release is tested with. See
/// [`Fixture::with_schemas`](crate::Fixture::with_schemas).
///
/// # Panics
///
/// When the store does not take it.
pub async fn seed(store: &dyn Store) {
    store.bind(&header()).await.expect("bind");
    for set in sets() {
        store.commit(&set).await.expect("commit");
    }
    store.consume(&used_up()).await.expect("consume");
    let first = store.events(EventCursor::START, 1).await.expect("events");
    let first = first.first().expect("the seed tells events").cursor;
    store.prune_events(first).await.expect("prune_events");
}

pub(crate) fn header() -> StoreHeader {
    StoreHeader { game: "game".into(), folding: 2 }
}

/// What is in them never changes, because nobody can seed an older release again: whatever is added to an account later
/// has here what a store reads that knew nothing of it.
pub(crate) fn sets() -> [ChangeSet; 2] {
    let named = |number: u128, set: ChangeSet| ChangeSet {
        id: CommitId::new((number | 1 << 64).to_be_bytes()),
        ..set
    };
    let told =
        |set: ChangeSet, account, kind| set.tell(Event { account: id(account), at: at(5), kind });
    let first = silent()
        .insert_with(full_account(1), full_activity(1))
        .insert(account(2))
        .insert(with_transfer(account(3), 3))
        .insert(account(4))
        .put_code(code(1, 1, at(1000)))
        .use_up_until(1, at(1_000_000))
        .raise();
    let second = silent().update(account(2), 1).activity(2, activity(7), 1).delete(4, 1);
    [
        named(1, told(first, 1, EventKind::AccountCreated)),
        named(2, told(told(second, 2, EventKind::ProfileChanged), 4, EventKind::AccountDeleted)),
    ]
}

pub(crate) fn used_up() -> Charge {
    Charge { cost: 5, ..charge(1, at(0)) }
}
