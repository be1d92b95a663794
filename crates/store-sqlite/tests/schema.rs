//! Files of every schema there was: each is brought up to date, and nothing of it is lost.

#![allow(clippy::allow_attributes, clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::path::Path;

use authcore::event::{EventCursor, EventKind};
use authcore::session::SessionRef;
use authcore::store::{
    ChangeSet, CodeKey, CodePurpose, Conflict, OneTimeCode, SingleUseKey, Store, StoreHeader, Write,
};
use authcore_store_sqlite::{SqliteConfig, SqliteStore};
use common::*;
use rusqlite::Connection;

/// What each file holds.
fn contents() -> ChangeSet {
    let (account, activity) = full(1);
    let mut change = set(
        1,
        [
            Write::InsertAccount { account: Box::new(account), activity: activity.into() },
            insert(account_of_a_device()),
            Write::PutCode(code()),
            Write::UseUp { key: SingleUseKey::new([8; 32]), forget_at: at(9) },
            Write::RaiseStoreEpoch,
        ],
    );
    change.events.push(event(1, EventKind::AccountCreated));
    change
}

fn account_of_a_device() -> authcore::account::Account {
    account(2)
}

fn code() -> OneTimeCode {
    OneTimeCode {
        key: CodeKey::new([7; 32]),
        purpose: CodePurpose::ResetPassword,
        account: id(1),
        credential_generation: 3,
        tries_left: 2,
        expires_at: at(1000),
    }
}

fn header() -> StoreHeader {
    StoreHeader { game: "g".into(), folding: 1 }
}

fn names(folder: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_file_of_every_schema_is_brought_up_to_date() {
    let schemas = names("tests/schemas");
    assert_eq!(schemas, names("migrations"), "one for each migration, made right after it");
    for schema in schemas {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let sql = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas").join(&schema);
        let sql = std::fs::read_to_string(sql).unwrap();
        Connection::open(&path).unwrap().execute_batch(&sql).unwrap();

        let store = SqliteStore::open(SqliteConfig::file(&path)).unwrap();
        let (account, activity) = full(1);
        let found = by_id(&store, 1).await.unwrap();
        assert_eq!((&found.account, &found.activity), (&account, &activity), "{schema}");
        assert_eq!(found.store_epoch.number(), 1);
        for identity in &account.identities {
            assert_eq!(owner_of(&store, &identity.key).await, Some(id(1)));
        }
        for session in &activity.sessions {
            let at = SessionRef { account: id(1), session: session.id };
            assert_eq!(store.session(at).await.unwrap().unwrap().session, *session);
        }
        assert_eq!(by_id(&store, 2).await.unwrap().account, account_of_a_device());
        assert_eq!(store.code(&code().key).await.unwrap(), Some(code()));
        let told = store.events(EventCursor::START, 9).await.unwrap();
        assert_eq!(
            told.iter().map(|told| &told.event).collect::<Vec<_>>(),
            [&contents().events[0]]
        );
        assert_eq!(store.bind(&header()).await.unwrap(), header());
        let key = SingleUseKey::new([8; 32]);
        let again = set(2, [Write::UseUp { key, forget_at: at(9) }]);
        assert_eq!(conflict(store.commit(&again).await), Conflict::UsedUp(key));
        // Handed over once more, it is known.
        store.commit(&contents()).await.unwrap();
        store.commit(&set(3, [update(account, 1)])).await.unwrap();
    }
}
