#![expect(clippy::expect_used, reason = "a test kit fails by panicking")]

use std::sync::Arc;

use authcore::account::{Epoch, Version};
use authcore::session::{Activity, Method, Session};
use authcore::store::Conflict;

use crate::make::{
    Build, account, at, bare, full_session, id, session, session_id, session_ref, set, silent,
    with_epoch,
};
use crate::trial::{Trial, losers_of_one_winner, race};

fn with_sessions(sessions: Vec<Session>) -> Activity {
    Activity { sessions, ..Activity::default() }
}

pub(crate) async fn every_method_comes_back(on: &mut Trial) {
    let methods =
        [Method::Device, Method::Custom, Method::Guest, Method::Password, Method::Provider];
    let sessions = methods.iter().zip(1..).map(|(method, number)| {
        let mut made = session(number);
        made.method = *method;
        made
    });
    let active = Activity { sessions: sessions.collect(), ..Activity::default() };
    on.ok(&set().insert_with(bare(1), active.clone())).await;
    assert_eq!(on.get(id(1)).await.activity, active);
}

pub(crate) async fn session_comes_with_its_epochs(on: &mut Trial) {
    let active = Activity { sessions: vec![session(1), full_session(2)], ..Activity::default() };
    on.ok(&set().insert_with(with_epoch(account(1), 3), active.clone()).insert(account(2))).await;
    let found = on.session(session_ref(1, 2)).await.expect("it is there");
    assert_eq!(found.session, full_session(2));
    assert_eq!((found.account_epoch, found.store_epoch), (Epoch::new(3), Epoch::FIRST));
    assert_eq!(found.activity_version, Version::FIRST);

    on.ok(&set().update(with_epoch(account(1), 4), 1).activity(1, active, 1).raise()).await;
    let found = on.session(session_ref(1, 1)).await.expect("it is there, alive or not");
    assert_eq!(found.session, session(1));
    assert_eq!((found.account_epoch, found.store_epoch), (Epoch::new(4), Epoch::new(1)));
    assert_eq!(found.activity_version, Version::new(2));

    assert_eq!(on.session(session_ref(1, 9)).await, None, "no such session");
    assert_eq!(on.session(session_ref(2, 1)).await, None, "another account's session");
}

pub(crate) async fn session_belongs_to_its_account(on: &mut Trial) {
    // Two accounts may have sessions of one id: each is its own account's.
    let (mine, theirs) = (session(1), Session { generation: 7, ..session(1) });
    on.ok(&set().insert_with(account(1), with_sessions(vec![mine.clone()]))).await;
    on.ok(&set().insert_with(account(2), with_sessions(vec![theirs.clone()]))).await;
    let found = async |on: &Trial, account| {
        on.session(session_ref(account, 1)).await.map(|found| found.session)
    };
    assert_eq!((found(on, 1).await, found(on, 2).await), (Some(mine), Some(theirs.clone())));
    on.ok(&set().activity(1, Activity::default(), 1)).await;
    assert_eq!((found(on, 1).await, found(on, 2).await), (None, Some(theirs.clone())));
    on.ok(&set().delete(1, 1)).await;
    assert_eq!((found(on, 1).await, found(on, 2).await), (None, Some(theirs)));
}

pub(crate) async fn ended_session_is_gone(on: &mut Trial) {
    let sessions: Vec<_> = (1..=5).map(session).collect();
    on.ok(&set().insert_with(account(1), with_sessions(sessions.clone()))).await;
    let mut left = sessions;
    for (version, ended) in [(1, 3), (2, 1), (3, 5)] {
        assert!(on.session(session_ref(1, ended)).await.is_some());
        left.retain(|session| session.id != session_id(ended));
        on.ok(&set().activity(1, with_sessions(left.clone()), version)).await;
        assert_eq!(on.session(session_ref(1, ended)).await, None);
        assert_eq!(on.get(id(1)).await.activity.sessions, left, "the others stay, in order");
    }
    left.reverse();
    on.ok(&set().activity(1, with_sessions(left.clone()), 4)).await;
    assert_eq!(on.get(id(1)).await.activity.sessions, left, "in the order that was written last");
    on.ok(&set().delete(1, 1)).await;
    on.ok(&set().insert(account(1))).await;
    assert_eq!(on.session(session_ref(1, 2)).await, None, "none outlives its account");
}

pub(crate) async fn refresh_shows_in_every_read(on: &mut Trial) {
    let others = [session(2), full_session(3)];
    let with = |refreshed: &Session| {
        let [before, after] = others.clone();
        with_sessions(vec![before, refreshed.clone(), after])
    };
    on.ok(&set().insert_with(account(1), with(&session(1)))).await;
    let mut refreshed = session(1);
    for version in 1..=20 {
        refreshed.generation += 1;
        refreshed.last_used_at = at(i64::from(refreshed.generation));
        refreshed.idle_expires_at = at(1000 + i64::from(refreshed.generation));
        refreshed.access_revoked = version % 2 == 0;
        refreshed.refresh_revoked = version % 3 == 0;
        refreshed.server_vars.insert(format!("var {version}"), "value".to_owned());
        on.ok(&silent().activity(1, with(&refreshed), version)).await;
        let found = on.session(session_ref(1, 1)).await.expect("it is there");
        assert_eq!(found.session, refreshed);
        assert_eq!(found.activity_version, Version::new(version + 1));
        assert_eq!(on.get(id(1)).await.activity, with(&refreshed), "the others are left alone");
    }
}

pub(crate) async fn one_refresh_has_one_successor(on: &mut Trial) {
    on.ok(&set().insert_with(account(1), with_sessions(vec![session(1)]))).await;
    let refreshed =
        |by: u32| Session { generation: 1, idle_expires_at: at(by.into()), ..session(1) };
    let sets = (0..32).map(|by| set().activity(1, with_sessions(vec![refreshed(by)]), 1)).collect();
    let results = on.race(sets).await;
    let winner = (0..).zip(&results).find(|(_, result)| result.is_ok()).map(|(by, _)| by);
    for conflict in losers_of_one_winner(results) {
        assert_eq!(conflict, Conflict::ActivityChanged(id(1)));
    }
    let found = on.session(session_ref(1, 1)).await.map(|found| found.session);
    assert_eq!(found, winner.map(refreshed));
}

pub(crate) async fn ended_session_is_seen_by_nobody(on: &mut Trial) {
    for number in 0..20 {
        let open = with_sessions(vec![session(1), session(2)]);
        on.ok(&silent().insert_with(account(number), open)).await;
        assert!(on.session(session_ref(number, 1)).await.is_some());
        on.ok(&silent().activity(number, with_sessions(vec![session(2)]), 1)).await;
        on.ok(&silent().update(with_epoch(account(number), 1), 1)).await;
        race(4, |_| {
            let store = Arc::clone(on.store());
            async move {
                let ended = store.session(session_ref(number, 1)).await.expect("session");
                assert_eq!(ended, None, "its end was answered before it was asked for");
                let dead = store.session(session_ref(number, 2)).await.expect("session");
                assert_eq!(dead.map(|dead| dead.account_epoch), Some(Epoch::new(1)));
            }
        })
        .await;
    }
}
