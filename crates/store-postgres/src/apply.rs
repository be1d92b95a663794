//! The writes of a change set whose conditions hold.

use authcore::account::{Account, AccountId};
use authcore::store::OneTimeCode;

use crate::accounts::{self, AccountRow, Replaced};
use crate::activity::{self, ActivityRow, NewActivity};
use crate::diff::Diff;
use crate::error::{Fault, Stop};
use crate::param::{column, params};
use crate::plan::{EventRow, Plan, Planned};
use crate::text::opt_encoded;
use crate::tx::Tx;

/// Writes the set; `diffs` are those of its accounts, in their order.
pub(crate) async fn apply(tx: &mut Tx<'_>, plan: &Plan, diffs: &[Diff<'_>]) -> Result<(), Stop> {
    // What a set frees, it may give to another account: everything goes before anything comes.
    for write in &plan.writes {
        if let Planned::Delete { id, .. } = write {
            delete(tx, *id).await?;
        }
    }
    for diff in diffs {
        free(tx, diff, diffs.len() > 1).await?;
    }
    let mut next = diffs.iter();
    for write in &plan.writes {
        match write {
            Planned::Insert { account, rare, activity } => {
                let (id, epoch, commit) = (account.id, account.epoch, plan.id);
                let due_at = rare.due_at;
                // All of it is new.
                next.next();
                accounts::insert(tx, &[AccountRow { account, rare, commit }]).await?;
                activity::insert(tx, &[NewActivity { id, epoch, due_at, activity, commit }])
                    .await?;
            }
            Planned::Update { account, rare, expect } => {
                let row = AccountRow { account, rare, commit: plan.id };
                let expect = *expect;
                let replaced = [Replaced { row, expect, written_by: None, activity: None }];
                accounts::update(tx, &replaced).await?;
                accounts::update_copies(tx, &replaced).await?;
                if let Some(diff) = next.next() {
                    if diff.username {
                        set_username(tx, account).await?;
                    }
                    identities(tx, diff).await?;
                }
            }
            Planned::Activity { id, activity, expect } => {
                let row = ActivityRow {
                    id: *id,
                    activity,
                    commit: plan.id,
                    expect: *expect,
                    written_by: None,
                    account: None,
                    epoch: None,
                };
                let (sql, params) = activity::update(&[row])?;
                tx.write(sql, params).await?;
            }
            Planned::PutCode(code) => put_code(tx, code).await?,
            Planned::DeleteCode(key) => {
                let sql = "DELETE FROM codes WHERE key = $1";
                tx.write(sql, params![key.as_bytes().to_vec()]).await?;
            }
            Planned::UseUp { key, forget_at } => {
                let sql = "INSERT INTO single_use (key, forget_at, commit_id) VALUES ($1, $2, $3)";
                let params = params![
                    key.as_bytes().to_vec(),
                    forget_at.timestamp_millis(),
                    plan.id.as_uuid()
                ];
                tx.write(sql, params).await?;
            }
            Planned::ResetThrottle(key) => {
                let sql = "DELETE FROM throttles WHERE key = $1";
                tx.write(sql, params![key.as_bytes().to_vec()]).await?;
            }
            Planned::RaiseStoreEpoch => {
                tx.write("UPDATE store SET epoch = epoch + 1 WHERE id = 1", params![]).await?;
            }
            Planned::Delete { .. } => {}
        }
    }
    if plan.is_remembered() {
        remember(tx, plan).await?;
    }
    // Last, so that whoever holds the outbox's lock waits for nobody.
    Ok(events(tx, &plan.events.iter().collect::<Vec<_>>()).await?)
}

async fn delete(tx: &mut Tx<'_>, id: AccountId) -> Result<(), Fault> {
    for sql in [
        "DELETE FROM codes WHERE account_id = $1",
        "DELETE FROM identities WHERE account_id = $1",
        "DELETE FROM account_activity WHERE account_id = $1",
        "DELETE FROM accounts WHERE id = $1",
    ] {
        tx.write(sql, params![id.as_uuid()]).await?;
    }
    Ok(())
}

/// Takes away what an account will not have any more, as far as another account may get it.
async fn free(tx: &mut Tx<'_>, diff: &Diff<'_>, several: bool) -> Result<(), Fault> {
    let id = diff.account.id.as_uuid();
    let gone: Vec<_> = diff.gone.iter().map(|ordinal| (diff.account.id, *ordinal)).collect();
    accounts::remove_identities(tx, &gone).await?;
    if several && diff.username_key {
        let sql = "UPDATE accounts SET username = NULL, username_key = NULL WHERE id = $1";
        tx.write(sql, params![id]).await?;
    }
    if several && diff.transfer_key {
        tx.write("UPDATE accounts SET transfer_key = NULL WHERE id = $1", params![id]).await?;
    }
    Ok(())
}

async fn set_username(tx: &mut Tx<'_>, account: &Account) -> Result<(), Fault> {
    let username = account.username.as_ref();
    let sql = "UPDATE accounts SET username = $2, username_key = $3 WHERE id = $1";
    let params = params![
        account.id.as_uuid(),
        opt_encoded(username.map(|username| &*username.shown)),
        opt_encoded(username.map(|username| &*username.key)),
    ];
    tx.write(sql, params).await
}

async fn identities(tx: &mut Tx<'_>, diff: &Diff<'_>) -> Result<(), Fault> {
    let id = diff.account.id;
    let altered: Vec<_> = diff.altered.iter().map(|identity| (id, *identity)).collect();
    accounts::alter_identities(tx, &altered).await?;
    let new: Vec<_> = diff.new.iter().map(|identity| (id, *identity)).collect();
    accounts::insert_identities(tx, &new).await
}

async fn put_code(tx: &mut Tx<'_>, code: &OneTimeCode) -> Result<(), Fault> {
    let OneTimeCode { key, purpose, account, credential_generation, tries_left, expires_at } = code;
    let sql = "INSERT INTO codes (key, purpose, account_id, credential_generation, tries_left, expires_at) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (key) DO UPDATE SET purpose = excluded.purpose, \
               account_id = excluded.account_id, credential_generation = excluded.credential_generation, \
               tries_left = excluded.tries_left, expires_at = excluded.expires_at";
    let params = params![
        key.as_bytes().to_vec(),
        purpose.as_str(),
        account.as_uuid(),
        i64::from(*credential_generation),
        i64::from(*tries_left),
        expires_at.timestamp_millis(),
    ];
    tx.write(sql, params).await
}

/// A set that only deletes may be applied once more, when what it did was undone since; it stays remembered as it is. Of
/// any other, the one that comes second must fail here, and finds out that it was applied.
async fn remember(tx: &mut Tx<'_>, plan: &Plan) -> Result<(), Fault> {
    let sql = if plan.deletes() {
        "INSERT INTO recent_commits (commit_id) VALUES ($1) ON CONFLICT (commit_id) DO NOTHING"
    } else {
        "INSERT INTO recent_commits (commit_id) VALUES ($1)"
    };
    tx.write(sql, params![plan.id.as_uuid()]).await
}

/// The class of the advisory locks that the store takes; the other half of the key is the table's own number, so that
/// stores in several schemas of one database do not wait for each other.
macro_rules! outbox_lock {
    ($function:literal) => {
        concat!("SELECT ", $function, "(1635084392, 'events'::regclass::oid::int4)")
    };
}
pub(crate) use outbox_lock;

/// Numbers are given out before their transactions are committed, so a higher one may be seen before a lower one. Whoever
/// takes numbers holds the outbox's lock for share until the commit is seen by all; see [`crate::outbox`].
pub(crate) async fn events(tx: &mut Tx<'_>, events: &[&EventRow]) -> Result<(), Fault> {
    if events.is_empty() {
        return Ok(());
    }
    tx.write(outbox_lock!("pg_advisory_xact_lock_shared"), params![]).await?;
    let sql = "INSERT INTO events (at, account_id, format, data) SELECT at, account_id, format, data::jsonb \
               FROM unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::text[]) WITH ORDINALITY \
               AS t (at, account_id, format, data, n) ORDER BY n";
    let params = vec![
        column(events, |event| event.at),
        column(events, |event| event.account.as_uuid()),
        column(events, |event| i64::from(event.format)),
        column(events, |event| event.data.clone()),
    ];
    tx.write(sql, params).await
}
