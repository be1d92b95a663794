#![expect(clippy::expect_used, reason = "a test kit fails by panicking")]

use authcore::account::{Epoch, Version};
use authcore::store::{Admission, Conflict, Lookup, StoreHeader};

use crate::make::{
    Build, account, at, charge, code, code_key, event, full_account, full_activity, id,
    lookup_transfer, lookup_username, session_ref, set, silent, single_use_key,
};
use crate::trial::Trial;

pub(crate) async fn everything_survives(on: &mut Trial) {
    let header = StoreHeader { game: "game".into(), folding: 2 };
    on.store().bind(&header).await.expect("bind");
    on.ok(&set()
        .insert_with(full_account(1), full_activity(1))
        .insert(account(2))
        .insert(account(3)))
        .await;
    on.ok(&set().put_code(code(1, 2, at(9))).put_code(code(2, 2, at(9))).use_up(1)).await;
    on.ok(&set()
        .update(account(2), 1)
        .activity(2, full_activity(5), 1)
        .delete(3, 1)
        .delete_code(2)
        .raise())
        .await;
    for _ in 0..5 {
        assert_eq!(on.consume(&charge(1, at(0))).await, Admission::Admitted);
    }
    let before = (on.get(id(1)).await, on.get(id(2)).await, on.all_events().await);
    let session = on.session(session_ref(1, 1)).await;
    let due = on.due(at(1000), 10).await;
    assert_eq!(due, [id(1)]);

    for _ in 0..2 {
        on.reopen().await;
        let other = StoreHeader { game: "other".into(), folding: 1 };
        assert_eq!(on.store().bind(&other).await.expect("bind"), header);
        assert_eq!((on.get(id(1)).await, on.get(id(2)).await, on.all_events().await), before);
        assert_eq!(on.epoch().await, Epoch::new(1));
        assert_eq!(on.session(session_ref(1, 1)).await, session);
        assert_eq!(on.due(at(1000), 10).await, due);
        let transferable = on.load(&lookup_transfer(1)).await.map(|found| found.account.id);
        assert_eq!(transferable, Some(id(1)));
        assert_eq!(on.load(&Lookup::Id(id(3))).await, None);
        assert_eq!(on.load(&lookup_username("user-3")).await, None);
        assert_eq!(on.code(code_key(1)).await, Some(code(1, 2, at(9))));
        assert_eq!(on.code(code_key(2)).await, None);
        on.refused(&set().use_up(1), Conflict::UsedUp(single_use_key(1))).await;
        assert!(matches!(on.consume(&charge(1, at(0))).await, Admission::Refused { .. }));
    }
}

pub(crate) async fn replay_is_known_after_reopening(on: &mut Trial) {
    on.ok(&set().insert(account(1)).insert(account(2)).put_code(code(1, 1, at(9)))).await;
    let sets = [
        set().insert(account(3)),
        set().update(account(1), 1).activity(1, full_activity(1), 1),
        set().delete(2, 1),
        set().delete_code(1),
        set().use_up(1),
        set().reset(1),
        set().raise(),
        silent().tell(event(1)),
    ];
    for set in &sets {
        on.ok(set).await;
        on.reopen().await;
        on.ok(set).await;
    }
    let found = on.get(id(1)).await;
    assert_eq!((found.version, found.activity_version), (Version::new(2), Version::new(2)));
    assert_eq!(found.store_epoch, Epoch::new(1));
}

pub(crate) async fn cursors_are_not_reused_after_reopening(on: &mut Trial) {
    on.ok(&silent().tell(event(1)).tell(event(2))).await;
    let all = on.all_events().await;
    let last = all.last().expect("two").cursor;
    on.prune(last).await;
    on.reopen().await;
    assert!(on.all_events().await.is_empty(), "what was pruned stays away");
    on.ok(&silent().tell(event(3))).await;
    assert_eq!(on.events(last, 10).await.len(), 1, "a consumer reads on from where it was");
}

pub(crate) async fn refused_set_leaves_nothing_behind(on: &mut Trial) {
    on.ok(&set().insert(account(1)).use_up(1)).await;
    on.refused(&set().insert(account(2)).raise().use_up(1), Conflict::UsedUp(single_use_key(1)))
        .await;
    on.reopen().await;
    assert_eq!(on.load(&Lookup::Id(id(2))).await, None);
    assert_eq!(on.get(id(1)).await.store_epoch, Epoch::FIRST);
    on.ok(&set().insert(account(2))).await;
}
