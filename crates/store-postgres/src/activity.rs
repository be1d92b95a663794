//! Activities with their sessions: what a login writes. Any number of accounts in one statement, each row with its own
//! conditions.

use std::collections::BTreeSet;

use authcore::account::{AccountId, CommitId, Epoch, Version};
use authcore::session::Activity;

use crate::error::Fault;
use crate::param::{Param, column, params};
use crate::session_codec;
use crate::tx::Tx;

/// An activity to be written, when its row and the account are as expected.
pub(crate) struct ActivityRow<'a> {
    pub(crate) id: AccountId,
    pub(crate) activity: &'a Activity,
    pub(crate) commit: CommitId,
    pub(crate) expect: Version,
    /// Who wrote the row last, which tells it from that of an earlier account of this id.
    pub(crate) written_by: Option<CommitId>,
    pub(crate) account: Option<Version>,
    pub(crate) epoch: Option<Epoch>,
}

/// What is not written has lost a race, and nothing of it is told here but that.
const UPDATE: &str = "UPDATE account_activity v SET version = v.version + 1, login_count = t.login_count, \
       last_login_at = t.last_login_at, last_login_ordinal = t.last_login_ordinal, \
       previous_login_at = t.previous_login_at, sessions = t.sessions, session_details = t.session_details::jsonb, \
       commit_ids = substring(t.commit_id || v.commit_ids from 1 for 128) \
     FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[], $7::text[], \
       $8::bytea[], $9::bigint[], $10::bytea[], $11::bigint[], $12::bigint[]) AS t (account_id, login_count, \
       last_login_at, last_login_ordinal, previous_login_at, sessions, session_details, commit_id, expect, written_by, \
       account_version, account_epoch) \
     WHERE v.account_id = t.account_id AND v.version = t.expect \
       AND (t.written_by IS NULL OR substring(v.commit_ids from 1 for 16) = t.written_by) \
       AND (t.account_version IS NULL OR v.account_version = t.account_version) \
       AND (t.account_epoch IS NULL OR v.account_epoch = t.account_epoch) \
     RETURNING v.account_id";

const INSERT: &str = "INSERT INTO account_activity (account_id, version, account_version, login_count, last_login_at, \
     last_login_ordinal, previous_login_at, sessions, session_details, commit_ids, account_epoch, account_due_at) \
     SELECT id, 1, 1, login_count, last_login_at, last_login_ordinal, previous_login_at, sessions, \
     session_details::jsonb, commit_id, account_epoch, account_due_at \
     FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[], $7::text[], \
     $8::bytea[], $9::bigint[], $10::bigint[]) AS t (id, login_count, last_login_at, last_login_ordinal, \
     previous_login_at, sessions, session_details, commit_id, account_epoch, account_due_at)";

/// Locks activities that two statements are to write, each of which locks in the order of its own.
pub(crate) async fn lock(tx: &mut Tx<'_>, ids: &BTreeSet<AccountId>) -> Result<(), Fault> {
    let sql = "SELECT 1::bigint FROM account_activity WHERE account_id = ANY ($1) ORDER BY account_id FOR UPDATE";
    let ids: Vec<_> = ids.iter().map(AccountId::as_uuid).collect();
    tx.write(sql, params![ids]).await
}

/// The statement for activities that are there; it answers with the accounts of those that it wrote.
pub(crate) fn update(rows: &[ActivityRow<'_>]) -> Result<(&'static str, Vec<Param>), Fault> {
    let written: Vec<_> = rows.iter().map(|row| (row.id, row.activity, row.commit)).collect();
    let mut params = columns(&written)?;
    params.extend([
        column(rows, |row| row.expect.number().cast_signed()),
        column(rows, |row| row.written_by.map(bytes)),
        column(rows, |row| row.account.map(|version| version.number().cast_signed())),
        column(rows, |row| row.epoch.map(|epoch| i64::from(epoch.number()))),
    ]);
    Ok((UPDATE, params))
}

/// The activity of a new account.
pub(crate) struct NewActivity<'a> {
    pub(crate) id: AccountId,
    pub(crate) epoch: Epoch,
    pub(crate) due_at: Option<i64>,
    pub(crate) activity: &'a Activity,
    pub(crate) commit: CommitId,
}

pub(crate) async fn insert(tx: &mut Tx<'_>, rows: &[NewActivity<'_>]) -> Result<(), Fault> {
    let written: Vec<_> = rows.iter().map(|row| (row.id, row.activity, row.commit)).collect();
    let mut params = columns(&written)?;
    params.push(column(rows, |row| i64::from(row.epoch.number())));
    params.push(column(rows, |row| row.due_at));
    tx.write(INSERT, params).await
}

/// The columns that both statements write.
fn columns(rows: &[(AccountId, &Activity, CommitId)]) -> Result<Vec<Param>, Fault> {
    let last = |activity: &Activity| activity.last_login;
    let lists: Result<Vec<_>, Fault> =
        rows.iter().map(|(_, activity, _)| session_codec::encode(&activity.sessions)).collect();
    let (sessions, details): (Vec<_>, Vec<_>) = lists?.into_iter().unzip();
    Ok(vec![
        column(rows, |(id, ..)| id.as_uuid()),
        column(rows, |(_, activity, _)| activity.login_count.cast_signed()),
        column(rows, |(_, activity, _)| last(activity).map(|login| login.at.timestamp_millis())),
        column(rows, |(_, activity, _)| {
            let identity = last(activity).and_then(|login| login.identity);
            identity.map(|ordinal| i64::from(ordinal.number()))
        }),
        column(rows, |(_, activity, _)| activity.previous_login_at.map(|at| at.timestamp_millis())),
        Param::new(sessions),
        Param::new(details),
        column(rows, |(.., commit)| bytes(*commit)),
    ])
}

pub(crate) fn bytes(commit: CommitId) -> Vec<u8> {
    commit.as_bytes().to_vec()
}
