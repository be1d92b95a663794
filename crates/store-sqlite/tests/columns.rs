//! What the tables tell to whoever reads them beside the store.

mod common;

use authcore::account::Account;
use authcore::lifecycle::{
    BanPeriod, BanState, Expiry, GraceBan, ReleaseRule, Withdrawal, WithdrawalCause,
};
use authcore::store::Store;
use authcore_store_sqlite::{SqliteConfig, SqliteStore};
use common::*;

/// What other people's queries may read of an account.
type Columns = (Option<String>, Option<i64>, Option<i64>, Option<String>, Option<i64>, Option<i64>);

#[tokio::test]
async fn columns_tell_the_standing_to_whoever_joins_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = SqliteStore::open(SqliteConfig::file(&path)).unwrap();
    let grace = GraceBan {
        since: at(1),
        deadline: at(2),
        message: "".into(),
        rule: ReleaseRule::Count { count: 1 },
        currency: "".into(),
        payments: Vec::new(),
        then: BanPeriod::Permanent,
        template: None,
    };
    let pending = Withdrawal::Pending { since: at(3), due: at(4) };
    let done = Withdrawal::Done { at: at(5), cause: WithdrawalCause::Player };
    let banned = |expiry| BanState::Banned(ban(at(-6), expiry).into());
    let (is_banned, is_grace) = (Some("banned".to_owned()), Some("grace".to_owned()));
    let (is_pending, is_done) = (Some("pending".to_owned()), Some("done".to_owned()));
    let rows: [(BanState, Withdrawal, Columns); 5] = [
        (BanState::None, Withdrawal::None, (None, None, None, None, None, None)),
        (
            banned(Expiry::Never),
            Withdrawal::None,
            (is_banned.clone(), Some(-6), None, None, None, None),
        ),
        (
            banned(Expiry::At(at(7))),
            pending,
            (is_banned.clone(), Some(-6), Some(7), is_pending.clone(), Some(4), Some(4)),
        ),
        (
            BanState::Grace(grace.into()),
            pending,
            (is_grace, Some(1), Some(2), is_pending, Some(4), Some(2)),
        ),
        (banned(Expiry::Never), done, (is_banned, Some(-6), None, is_done, None, None)),
    ];
    store.commit(&set(1, [insert(account(1))])).await.unwrap();
    let reader = rusqlite::Connection::open(&path).unwrap();
    for (version, (ban, withdrawal, expected)) in (1..).zip(rows) {
        let account = Account { ban, withdrawal, ..account(1) };
        store.commit(&set(version + 1, [update(account, version)])).await.unwrap();
        let sql = "SELECT ban_kind, ban_since, ban_until, withdrawal_kind, withdrawal_due, due_at FROM accounts";
        let found: Columns = reader
            .query_row(sql, [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
            })
            .unwrap();
        assert_eq!(found, expected);
    }
}
