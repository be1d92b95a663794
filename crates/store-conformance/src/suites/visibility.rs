#![expect(clippy::expect_used, reason = "a test kit fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use authcore::account::Epoch;
use authcore::session::Activity;
use authcore::store::Lookup;

use crate::make::{
    Build, account, bare, id, lookup_device, lookup_username, session, session_ref, set, silent,
    with_epoch, with_username,
};
use crate::trial::{Trial, race};

pub(crate) async fn snapshots_are_never_torn(on: &mut Trial) {
    let at_epoch = |epoch: u32| {
        let mut opened = session(1);
        opened.epoch = Epoch::new(epoch);
        (
            with_epoch(with_username(bare(1), &format!("at {}", epoch % 3)), epoch),
            Activity { login_count: epoch.into(), sessions: vec![opened], ..Activity::default() },
        )
    };
    let (made, active) = at_epoch(0);
    on.ok(&set().insert_with(made, active)).await;
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (store, done) = (Arc::clone(on.store()), Arc::clone(&done));
            tokio::spawn(async move {
                while !done.load(Ordering::Acquire) {
                    let lookups = [Lookup::Id(id(1)), lookup_username("at 1")];
                    let alone = store.load(&lookups[0]).await.expect("load");
                    let many = store.load_many(&lookups).await.expect("load_many");
                    for found in [alone].into_iter().chain(many).flatten() {
                        let epoch = found.account.epoch;
                        assert_eq!(
                            u64::from(epoch.number()),
                            found.activity.login_count,
                            "one moment"
                        );
                        assert_eq!(found.version, found.activity_version, "one moment");
                        let name = found.account.username.map(|name| name.key);
                        assert_eq!(name.as_deref(), Some(&*format!("at {}", epoch.number() % 3)));
                    }
                    let found = store.session(session_ref(1, 1)).await.expect("session");
                    assert!(
                        found.is_some_and(|found| found.session.epoch == found.account_epoch),
                        "one moment"
                    );
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for epoch in 1..200 {
        let (next, active) = at_epoch(epoch);
        on.ok(&silent().update(next, epoch.into()).activity(1, active, epoch.into())).await;
        tokio::task::yield_now().await;
    }
    done.store(true, Ordering::Release);
    for reader in readers {
        reader.await.expect("no reader saw a torn snapshot");
    }
}

pub(crate) async fn answered_commit_is_seen_by_all(on: &mut Trial) {
    race(8, |task| {
        let store = Arc::clone(on.store());
        async move {
            for round in 0..20 {
                let number = u32::try_from(task).expect("small") * 100 + round;
                store.commit(&silent().insert(account(number))).await.expect("commit");
                let elsewhere = Arc::clone(&store);
                let seen = tokio::spawn(async move {
                    elsewhere.load(&lookup_device(&format!("device-{number}"))).await
                });
                assert!(
                    seen.await.expect("it ends").expect("load").is_some(),
                    "it was answered before it was asked for"
                );
            }
        }
    })
    .await;
}
