#![expect(clippy::expect_used, reason = "a test kit fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use authcore::account::Epoch;
use authcore::event::{Event, EventCursor};
use authcore::session::Activity;
use authcore::store::Lookup;

use crate::make::{
    Build, account, bare, event, id, lookup_device, lookup_username, session, session_ref, set,
    silent, with_epoch, with_username,
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

pub(crate) async fn outbox_reader_misses_nothing(on: &mut Trial) {
    const WRITERS: usize = 16;
    const SETS: u32 = 20;
    let done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (store, done) = (Arc::clone(on.store()), Arc::clone(&done));
        tokio::spawn(async move {
            let (mut seen, mut after) = (Vec::<Event>::new(), EventCursor::START);
            loop {
                // Asked before the page is read: what is written until then is in this page or a later one.
                let last = done.load(Ordering::Acquire);
                let page = store.events(after, 7).await.expect("events");
                for stored in &page {
                    assert!(stored.cursor > after, "cursors only grow");
                    after = stored.cursor;
                }
                if page.is_empty() {
                    if last {
                        return seen;
                    }
                    tokio::task::yield_now().await;
                }
                seen.extend(page.into_iter().map(|stored| stored.event));
            }
        })
    };
    let committed = race(WRITERS, |writer| {
        let store = Arc::clone(on.store());
        async move {
            let mut sets = Vec::new();
            for round in 0..SETS {
                let number = u32::try_from(writer).expect("small") * 1000 + round;
                let mut set = silent().insert(account(number));
                for _ in 0..=round % 3 {
                    set = set.tell(event(number));
                }
                store.commit(&set).await.expect("commit");
                sets.push(set);
            }
            sets
        }
    })
    .await;
    done.store(true, Ordering::Release);
    let seen = reader.await.expect("the reader ends");
    for set in committed.iter().flatten() {
        on.note(set);
    }
    let told: usize = committed.iter().flatten().map(|set| set.events.len()).sum();
    assert_eq!(seen.len(), told, "a consumer that reads along sees every event once");
    let all: Vec<_> = on.all_events().await.into_iter().map(|stored| stored.event).collect();
    assert_eq!(seen, all, "and sees them in the order in which they stay");
    for writer in &committed {
        let own: Vec<_> = writer.iter().flat_map(|set| &set.events).collect();
        let seen: Vec<_> = seen.iter().filter(|event| own.contains(event)).collect();
        assert_eq!(seen, own, "one writer's events stay in the order of its commits");
    }
}
