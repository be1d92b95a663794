use authcore::account::{Epoch, Version};
use authcore::session::Activity;
use authcore::store::{Lookup, Snapshot};

use crate::make::{
    Build, account, bare, device, full_account, full_activity, full_session, id, lookup_transfer,
    session_ref, set, with_identity,
};
use crate::trial::Trial;

pub(crate) async fn full_account_comes_back(on: &mut Trial) {
    let (made, active) = (full_account(1), full_activity(1));
    on.ok(&set().insert(account(2)).insert_with(made.clone(), active.clone())).await;
    let expected = Snapshot {
        account: made.clone(),
        version: Version::FIRST,
        activity: active,
        activity_version: Version::FIRST,
        store_epoch: Epoch::FIRST,
    };
    let mut lookups = vec![Lookup::Id(id(1))];
    lookups.extend(made.identities.iter().map(|identity| Lookup::Identity(identity.key.clone())));
    lookups.extend(made.username.iter().map(|username| Lookup::Username(username.key.clone())));
    lookups.push(lookup_transfer(1));
    assert_eq!(lookups.len(), 6);
    for lookup in &lookups {
        assert_eq!(on.load(lookup).await.as_ref(), Some(&expected), "{lookup:?}");
    }
}

pub(crate) async fn bare_account_comes_back(on: &mut Trial) {
    on.ok(&set().insert(bare(1))).await;
    let found = on.get(id(1)).await;
    assert_eq!(found.account, bare(1));
    assert_eq!(found.activity, Activity::default());
}

pub(crate) async fn update_replaces_every_field(on: &mut Trial) {
    on.ok(&set().insert_with(full_account(1), full_activity(1))).await;
    on.ok(&set().update(bare(1), 1).activity(1, Activity::default(), 1)).await;
    let found = on.get(id(1)).await;
    assert_eq!(
        (found.account, found.activity),
        (bare(1), Activity::default()),
        "nothing of before is left"
    );
    assert_eq!(on.session(session_ref(1, 1)).await, None, "a session that was dropped is gone");

    on.ok(&set().update(full_account(1), 2).activity(1, full_activity(1), 2)).await;
    let found = on.get(id(1)).await;
    assert_eq!((found.account, found.activity), (full_account(1), full_activity(1)));
}

pub(crate) async fn large_account_comes_back(on: &mut Trial) {
    let mut made = bare(1);
    made.profile.metadata = "\u{1f600}".repeat(50_000).into();
    for number in 0..200 {
        made = with_identity(made, device(&format!("{number}{}", "x".repeat(100))));
    }
    let active = Activity { sessions: (0..200).map(full_session).collect(), ..Activity::default() };
    on.ok(&set().insert_with(made.clone(), active.clone())).await;
    let found = on.get(id(1)).await;
    assert!(found.account == made, "200 identities and 200 kB of metadata");
    assert!(found.activity == active, "200 sessions");
}
