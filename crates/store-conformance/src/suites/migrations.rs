use authcore::account::Epoch;
use authcore::store::{Admission, Conflict, Lookup};

use crate::make::{
    Build, account, activity, at, bare, code, code_key, device, event, full_account, full_activity,
    id, lookup_device, lookup_transfer, lookup_username, session_ref, set, silent, single_use_key,
    with_identity,
};
use crate::seed::{header, sets, used_up};
use crate::trial::Trial;

pub(crate) async fn every_schema_is_read(on: &mut Trial) {
    for name in on.schemas() {
        on.turn_to_schema(&name).await;
        assert_eq!(on.store().bind(&header()).await.ok(), Some(header()), "{name}");
        let made = full_account(1);
        let mut lookups = vec![Lookup::Id(id(1)), lookup_transfer(1)];
        lookups.extend(made.identities.iter().map(|found| Lookup::Identity(found.key.clone())));
        lookups.extend(made.username.iter().map(|found| lookup_username(&found.key)));
        for lookup in &lookups {
            let found = on.load(lookup).await.map(|found| (found.account, found.activity));
            assert_eq!(found, Some((made.clone(), full_activity(1))), "{name}: {lookup:?}");
        }
        for (number, session) in [(1, 1), (2, 0), (3, 2)] {
            let found = on.session(session_ref(1, number)).await.map(|found| found.session);
            assert_eq!(found.as_ref(), full_activity(1).sessions.get(session), "{name}");
        }
        let second = on.get(id(2)).await;
        assert_eq!((second.account, second.activity), (account(2), activity(7)), "{name}");
        assert_eq!((second.version.number(), second.activity_version.number()), (2, 2), "{name}");
        let transferable = on.load(&lookup_transfer(3)).await.map(|found| found.account.id);
        assert_eq!(transferable, Some(id(3)), "{name}");
        assert_eq!(on.load(&lookup_device("device-4")).await, None, "{name}");
        assert_eq!(on.code(code_key(1)).await, Some(code(1, 1, at(1000))), "{name}");
        assert_eq!(on.due(at(1000), 10).await, [id(1)], "{name}");
        assert_eq!(on.epoch().await, Epoch::new(1), "{name}");
        on.audit().await;
    }
}

pub(crate) async fn every_schema_is_written(on: &mut Trial) {
    for name in on.schemas() {
        on.turn_to_schema(&name).await;
        let all = on.all_events().await;
        on.refused(&set().use_up(1), Conflict::UsedUp(single_use_key(1))).await;
        assert!(matches!(on.consume(&used_up()).await, Admission::Refused { .. }), "{name}");
        for set in sets() {
            on.ok(&set).await;
        }
        assert_eq!(on.get(id(2)).await.version.number(), 2, "{name}: a replay is known");
        assert_eq!(
            (on.epoch().await, on.all_events().await),
            (Epoch::new(1), all.clone()),
            "{name}"
        );
        let taken = with_identity(bare(9), device("device-2"));
        on.refused(&set().insert(taken), Conflict::IdentityTaken(device("device-2"))).await;
        on.ok(&silent().update(bare(1), 1).activity(2, activity(8), 2).tell(event(1))).await;
        on.ok(&silent().insert(account(4)).delete(3, 1).tell(event(4))).await;
        assert_eq!(on.get(id(1)).await.account, bare(1), "{name}");
        assert!(on.all_events().await.starts_with(&all), "{name}: new events come behind");
        assert_eq!(on.sweep(at(1_000_000)).await, 3, "{name}: a code, a key, a throttle");
        on.audit().await;
    }
}
