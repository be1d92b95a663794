#![expect(clippy::panic, clippy::expect_used, reason = "a test kit fails by panicking")]

use authcore::account::{Epoch, Version};
use authcore::session::Activity;
use authcore::store::{Lookup, Snapshot, StoreHeader};

use crate::make::{
    Build, account, activity, at, code, code_key, event, full_account, full_activity, id,
    lookup_device, lookup_transfer, lookup_username, session, session_id, session_ref, set, silent,
    with_epoch,
};
use crate::trial::Trial;

pub(crate) async fn first_header_wins(on: &mut Trial) {
    let first = StoreHeader { game: "Game \u{0}1".into(), folding: 2 };
    let second = StoreHeader { game: "another".into(), folding: u32::MAX };
    assert_eq!(on.store().bind(&first).await.expect("bind"), first);
    assert_eq!(on.store().bind(&second).await.expect("bind"), first);
    assert_eq!(on.store().bind(&first).await.expect("bind"), first);
}

pub(crate) async fn versions_rise_by_one(on: &mut Trial) {
    on.ok(&set().insert(account(1)).insert(account(2))).await;
    let versions = |found: &Snapshot| (found.version.number(), found.activity_version.number());
    for round in 1..=3 {
        on.ok(&set().update(with_epoch(account(1), u32::try_from(round).expect("small")), round))
            .await;
        assert_eq!(
            versions(&on.get(id(1)).await),
            (round + 1, 1),
            "an account's write is not its activity's"
        );
    }
    for round in 1..=3 {
        on.ok(&set().activity(1, activity(round), round)).await;
        assert_eq!(
            versions(&on.get(id(1)).await),
            (4, round + 1),
            "an activity's write is not its account's"
        );
    }
    on.ok(&set().update(account(1), 4).activity(1, activity(9), 4)).await;
    assert_eq!(versions(&on.get(id(1)).await), (5, 5), "one set may write both");
    on.ok(&set().update(account(1), 5)).await;
    assert_eq!(versions(&on.get(id(1)).await), (6, 5), "a write that changes nothing is a write");
    assert_eq!(versions(&on.get(id(2)).await), (1, 1), "others are left alone");
}

pub(crate) async fn missing_is_none(on: &mut Trial) {
    let lookups = [
        Lookup::Id(id(1)),
        lookup_device("device-1"),
        lookup_username("user-1"),
        lookup_transfer(1),
    ];
    for lookup in &lookups {
        assert_eq!(on.load(lookup).await, None, "{lookup:?}");
    }
    assert_eq!(on.session(session_ref(1, 1)).await, None);
    assert_eq!(on.code(code_key(1)).await, None);
    assert_eq!(on.due(at(1_000_000), 10).await, []);
    assert!(on.all_events().await.is_empty());
}

pub(crate) async fn load_many_answers_in_order(on: &mut Trial) {
    on.ok(&set().insert(account(1)).insert(account(2)).insert(account(3))).await;
    let lookups = [
        Lookup::Id(id(3)),
        Lookup::Id(id(9)),
        lookup_device("device-1"),
        lookup_username("nobody"),
        lookup_username("user-2"),
        Lookup::Id(id(3)),
        lookup_device("nobody"),
    ];
    let found = on.store().load_many(&lookups).await.expect("load_many");
    let mut alone = Vec::new();
    for lookup in &lookups {
        alone.push(on.load(lookup).await);
    }
    assert_eq!(found, alone);
    let ids: Vec<_> =
        found.iter().map(|found| found.as_ref().map(|found| found.account.id)).collect();
    assert_eq!(ids, [Some(id(3)), None, Some(id(1)), None, Some(id(2)), Some(id(3)), None]);
    assert_eq!(on.store().load_many(&[]).await.expect("load_many"), []);

    let many: Vec<_> = (0..1500).map(|number| Lookup::Id(id(number))).collect();
    let found = on.store().load_many(&many).await.expect("load_many");
    assert_eq!(found.len(), many.len());
    assert_eq!(found.iter().flatten().count(), 3);
}

pub(crate) async fn store_epoch_is_seen_everywhere(on: &mut Trial) {
    let active = Activity { sessions: vec![session(1)], ..Activity::default() };
    on.ok(&set().insert_with(account(1), active)).await;
    assert_eq!(on.epoch().await, Epoch::FIRST);
    for raised in 1..=2 {
        on.ok(&set().raise()).await;
        let expected = Epoch::new(raised);
        assert_eq!(on.epoch().await, expected);
        let found = on.get(id(1)).await;
        assert_eq!(found.store_epoch, expected);
        assert_eq!(found.version, Version::FIRST, "the account itself was not written");
        assert_eq!(
            on.session(session_ref(1, 1)).await.map(|found| found.store_epoch),
            Some(expected)
        );
    }
    on.ok(&set().insert(account(2))).await;
    assert_eq!(on.get(id(2)).await.store_epoch, Epoch::new(2), "also of what is made later");
}

pub(crate) async fn delete_takes_all_that_belongs(on: &mut Trial) {
    let active = Activity { sessions: vec![session(1)], ..Activity::default() };
    on.ok(&set().insert_with(account(1), active.clone()).insert_with(account(2), active.clone()))
        .await;
    on.ok(&set().put_code(code(1, 1, at(9))).put_code(code(2, 2, at(9))).put_code(code(
        3,
        1,
        at(9),
    )))
    .await;
    let told = on.all_events().await;

    on.ok(&set().delete(1, 1)).await;
    for lookup in [Lookup::Id(id(1)), lookup_device("device-1"), lookup_username("user-1")] {
        assert_eq!(on.load(&lookup).await, None, "{lookup:?}");
    }
    assert_eq!(on.session(session_ref(1, 1)).await, None);
    assert_eq!((on.code(code_key(1)).await, on.code(code_key(3)).await), (None, None));
    assert!(on.all_events().await.starts_with(&told), "events outlive the account");

    assert_eq!(on.get(id(2)).await.activity, active, "others are left alone");
    assert!(on.code(code_key(2)).await.is_some());
    assert_eq!(
        on.session(session_ref(2, 1)).await.map(|found| found.session.id),
        Some(session_id(1))
    );
}

pub(crate) async fn deleted_account_can_be_made_again(on: &mut Trial) {
    on.ok(&set().insert_with(full_account(1), full_activity(1))).await;
    on.ok(&set().update(full_account(1), 1)).await;
    on.ok(&set().delete(1, 2)).await;
    on.ok(&set().insert(account(1))).await;
    let found = on.get(id(1)).await;
    assert_eq!((found.account, found.activity), (account(1), Activity::default()));
    assert_eq!((found.version, found.activity_version), (Version::FIRST, Version::FIRST));
}

pub(crate) async fn one_set_may_write_much(on: &mut Trial) {
    let mut first = set();
    for number in 1..=300 {
        first = first.insert(account(number)).tell(event(number));
    }
    on.ok(&first).await;
    let mut second = set().use_up(1).put_code(code(1, 1, at(5))).raise();
    for number in 1..=300 {
        second = second.update(with_epoch(account(number), 1), 1).activity(number, activity(1), 1);
    }
    on.ok(&second).await;
    for number in [1, 150, 300] {
        let found = on.load(&lookup_username(&format!("user-{number}"))).await;
        let Some(found) = found else { panic!("account {number} is there") };
        assert_eq!((found.account.epoch, found.activity.login_count), (Epoch::new(1), 1));
    }
}

pub(crate) async fn empty_set_is_applied(on: &mut Trial) {
    on.ok(&silent()).await;
    on.ok(&set()).await;
    assert_eq!(on.all_events().await.len(), 1);
}
