//! Accounts and their identities as rows: any number of accounts in one statement.

use std::collections::HashSet;

use authcore::account::{Account, AccountId, CommitId, Identity, Ordinal, Version};

use crate::activity::bytes;
use crate::cols::Cols;
use crate::error::Fault;
use crate::param::{Param, column};
use crate::plan::{RareColumns, transfer_key};
use crate::rows::key_columns;
use crate::text::{encoded, opt_encoded};
use crate::tx::Tx;

/// An account to be written.
pub(crate) struct AccountRow<'a> {
    pub(crate) account: &'a Account,
    pub(crate) rare: &'a RareColumns,
    pub(crate) commit: CommitId,
}

/// An account to be written in the place of another, when its rows are as expected.
pub(crate) struct Replaced<'a> {
    pub(crate) row: AccountRow<'a>,
    pub(crate) expect: Version,
    /// Who wrote the row last, which tells it from that of an earlier account of this id.
    pub(crate) written_by: Option<CommitId>,
    pub(crate) activity: Option<Version>,
}

macro_rules! common_columns {
    () => {
        "id, epoch, display_name, avatar_url, lang_tag, location, timezone, metadata, password_hash, password_version, \
         password_set_at, ban, withdrawal, records, transfer_key, due_at, next_ordinal, created_at, updated_at, commit_id"
    };
}

macro_rules! common_arrays {
    () => {
        "$1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], \
         $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::text[], $15::bytea[], $16::bigint[], \
         $17::bigint[], $18::bigint[], $19::bigint[], $20::bytea[]"
    };
}

macro_rules! insert {
    () => {
        concat!(
            "INSERT INTO accounts (version, id, epoch, display_name, avatar_url, lang_tag, location, timezone, metadata, \
             password_hash, password_version, password_set_at, ban, withdrawal, records, transfer_key, due_at, \
             next_ordinal, created_at, updated_at, commit_ids, username, username_key) \
             SELECT 1, id, epoch, display_name, avatar_url, lang_tag, location, timezone, metadata, password_hash, \
             password_version, password_set_at, ban::jsonb, withdrawal::jsonb, records::jsonb, transfer_key, due_at, \
             next_ordinal, created_at, updated_at, commit_id, username, username_key \
             FROM unnest(",
            common_arrays!(),
            ", $21::text[], $22::text[]) AS t (",
            common_columns!(),
            ", username, username_key)"
        )
    };
}

const INSERT: &str = insert!();
/// Answers with those that nothing stood against.
const INSERT_FREE: &str = concat!(insert!(), " ON CONFLICT DO NOTHING RETURNING id");

/// Leaves the username alone, which has an index and seldom changes.
const UPDATE: &str = concat!(
    "UPDATE accounts a SET version = a.version + 1, epoch = t.epoch, display_name = t.display_name, \
     avatar_url = t.avatar_url, lang_tag = t.lang_tag, location = t.location, timezone = t.timezone, \
     metadata = t.metadata, password_hash = t.password_hash, password_version = t.password_version, \
     password_set_at = t.password_set_at, ban = t.ban::jsonb, withdrawal = t.withdrawal::jsonb, \
     records = t.records::jsonb, transfer_key = t.transfer_key, due_at = t.due_at, next_ordinal = t.next_ordinal, \
     created_at = t.created_at, updated_at = t.updated_at, \
     commit_ids = substring(t.commit_id || a.commit_ids from 1 for 128) \
     FROM unnest(",
    common_arrays!(),
    ", $21::bigint[], $22::bytea[]) AS t (",
    common_columns!(),
    ", expect, written_by) \
     WHERE a.id = t.id AND a.version = t.expect \
     AND (t.written_by IS NULL OR substring(a.commit_ids from 1 for 16) = t.written_by)"
);

/// What logins compare, and what tells whether sessions count.
const UPDATE_COPY: &str = "UPDATE account_activity v SET account_version = t.version, account_epoch = t.epoch, \
     account_due_at = t.due_at \
     FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) \
     AS t (id, version, epoch, due_at, activity) \
     WHERE v.account_id = t.id AND (t.activity IS NULL OR v.version = t.activity)";

/// The parameters that [`INSERT`] and [`UPDATE`] have in common.
fn common(rows: &[&AccountRow<'_>]) -> Vec<Param> {
    let of = |rows: &[&AccountRow<'_>], text: fn(&Account) -> &str| {
        column(rows, |row| encoded(text(row.account)))
    };
    vec![
        column(rows, |row| row.account.id.as_uuid()),
        column(rows, |row| i64::from(row.account.epoch.number())),
        of(rows, |account| &account.profile.display_name),
        of(rows, |account| &account.profile.avatar_url),
        of(rows, |account| &account.profile.lang_tag),
        of(rows, |account| &account.profile.location),
        of(rows, |account| &account.profile.timezone),
        of(rows, |account| &account.profile.metadata),
        column(rows, |row| opt_encoded(row.account.password.as_ref().map(|kept| &*kept.hash))),
        column(rows, |row| row.account.password.as_ref().map(|kept| i64::from(kept.version))),
        column(rows, |row| {
            row.account.password.as_ref().map(|kept| kept.set_at.timestamp_millis())
        }),
        column(rows, |row| row.rare.ban.clone()),
        column(rows, |row| row.rare.withdrawal.clone()),
        column(rows, |row| row.rare.records.clone()),
        column(rows, |row| transfer_key(row.account).map(|key| key.as_bytes().to_vec())),
        column(rows, |row| row.rare.due_at),
        column(rows, |row| i64::from(row.account.next_ordinal.number())),
        column(rows, |row| row.account.created_at.timestamp_millis()),
        column(rows, |row| row.account.updated_at.timestamp_millis()),
        column(rows, |row| bytes(row.commit)),
    ]
}

/// Inserts accounts with their identities.
pub(crate) async fn insert(tx: &mut Tx<'_>, rows: &[AccountRow<'_>]) -> Result<(), Fault> {
    tx.write(INSERT, inserted(rows)).await?;
    insert_identities(tx, &all_identities(rows)).await
}

/// Inserts the accounts and the identities that nothing stands against, and says which.
pub(crate) async fn insert_free(
    tx: &mut Tx<'_>,
    rows: &[AccountRow<'_>],
) -> Result<(HashSet<AccountId>, Vec<(AccountId, Ordinal)>), Fault> {
    tx.know(INSERT_FREE).await?;
    tx.know(INSERT_FREE_IDENTITIES).await?;
    let accounts = tx.change(INSERT_FREE, inserted(rows)).await?;
    let identities = whole_identities(&all_identities(rows));
    let identities = tx.change(INSERT_FREE_IDENTITIES, identities).await?;
    let accounts = accounts.answer().await?;
    let accounts = accounts.iter().map(|row| Cols::new(row).account("accounts.id"));
    let identities = identities.answer().await?;
    let identities = identities.iter().map(|row| {
        let mut cols = Cols::new(row);
        let account = cols.account("identities.account_id")?;
        Ok((account, Ordinal::new(cols.u32("identities.ordinal")?)))
    });
    Ok((accounts.collect::<Result<_, Fault>>()?, identities.collect::<Result<_, Fault>>()?))
}

fn all_identities<'a>(rows: &[AccountRow<'a>]) -> Vec<(AccountId, &'a Identity)> {
    let mut identities = Vec::new();
    for AccountRow { account, .. } in rows {
        identities.extend(account.identities.iter().map(|identity| (account.id, identity)));
    }
    identities
}

/// Takes accounts away again that were inserted alone.
pub(crate) async fn remove(tx: &mut Tx<'_>, ids: &[AccountId]) -> Result<(), Fault> {
    if ids.is_empty() {
        return Ok(());
    }
    let sql = "DELETE FROM accounts WHERE id = ANY ($1)";
    tx.write(sql, vec![column(ids, AccountId::as_uuid)]).await
}

fn inserted(rows: &[AccountRow<'_>]) -> Vec<Param> {
    let mut params = common(&rows.iter().collect::<Vec<_>>());
    params.push(column(rows, |row| {
        opt_encoded(row.account.username.as_ref().map(|username| &*username.shown))
    }));
    params.push(column(rows, |row| {
        opt_encoded(row.account.username.as_ref().map(|username| &*username.key))
    }));
    params
}

/// Changes as many rows as there are here, when all are as expected.
pub(crate) async fn update(tx: &mut Tx<'_>, replaced: &[Replaced<'_>]) -> Result<(), Fault> {
    let rows: Vec<_> = replaced.iter().map(|replaced| &replaced.row).collect();
    let mut params = common(&rows);
    params.push(column(replaced, |row| row.expect.number().cast_signed()));
    params.push(column(replaced, |row| row.written_by.map(bytes)));
    tx.write(UPDATE, params).await
}

/// The same in the rows of their activities.
pub(crate) async fn update_copies(tx: &mut Tx<'_>, replaced: &[Replaced<'_>]) -> Result<(), Fault> {
    let params = vec![
        column(replaced, |replaced| replaced.row.account.id.as_uuid()),
        column(replaced, |replaced| replaced.expect.next().number().cast_signed()),
        column(replaced, |replaced| i64::from(replaced.row.account.epoch.number())),
        column(replaced, |replaced| replaced.row.rare.due_at),
        column(replaced, |replaced| {
            replaced.activity.map(|version| version.number().cast_signed())
        }),
    ];
    tx.write(UPDATE_COPY, params).await
}

pub(crate) async fn remove_identities(
    tx: &mut Tx<'_>,
    rows: &[(AccountId, Ordinal)],
) -> Result<(), Fault> {
    if rows.is_empty() {
        return Ok(());
    }
    let sql = "DELETE FROM identities i USING unnest($1::uuid[], $2::bigint[]) AS g (account_id, ordinal) \
               WHERE i.account_id = g.account_id AND i.ordinal = g.ordinal";
    let params = vec![
        column(rows, |(account, _)| account.as_uuid()),
        column(rows, |(_, ordinal)| i64::from(ordinal.number())),
    ];
    tx.write(sql, params).await
}

/// Changes all of identities but their keys.
pub(crate) async fn alter_identities(
    tx: &mut Tx<'_>,
    rows: &[(AccountId, &Identity)],
) -> Result<(), Fault> {
    if rows.is_empty() {
        return Ok(());
    }
    let sql = "UPDATE identities i SET shown = t.shown, linked_at = t.linked_at, verified_at = t.verified_at, \
               data = t.data \
               FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[]) \
               AS t (account_id, ordinal, shown, linked_at, verified_at, data) \
               WHERE i.account_id = t.account_id AND i.ordinal = t.ordinal";
    tx.write(sql, identities(rows)).await
}

macro_rules! insert_identities {
    () => {
        "INSERT INTO identities (account_id, ordinal, shown, linked_at, verified_at, data, provider, subject, tenant, \
         issuer) SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], \
         $7::text[], $8::text[], $9::text[], $10::text[])"
    };
}

const INSERT_FREE_IDENTITIES: &str =
    concat!(insert_identities!(), " ON CONFLICT DO NOTHING RETURNING account_id, ordinal");

pub(crate) async fn insert_identities(
    tx: &mut Tx<'_>,
    rows: &[(AccountId, &Identity)],
) -> Result<(), Fault> {
    if rows.is_empty() {
        return Ok(());
    }
    tx.write(insert_identities!(), whole_identities(rows)).await
}

fn whole_identities(rows: &[(AccountId, &Identity)]) -> Vec<Param> {
    let mut params = identities(rows);
    let keys: Vec<_> = rows.iter().map(|(_, identity)| &identity.key).collect();
    params.extend(key_columns(&keys));
    params
}

/// All of identities but their keys.
fn identities(rows: &[(AccountId, &Identity)]) -> Vec<Param> {
    vec![
        column(rows, |(account, _)| account.as_uuid()),
        column(rows, |(_, identity)| i64::from(identity.ordinal.number())),
        column(rows, |(_, identity)| opt_encoded(identity.shown.as_deref())),
        column(rows, |(_, identity)| identity.linked_at.timestamp_millis()),
        column(rows, |(_, identity)| identity.verified_at.map(|at| at.timestamp_millis())),
        column(rows, |(_, identity)| opt_encoded(identity.data.as_deref())),
    ]
}
