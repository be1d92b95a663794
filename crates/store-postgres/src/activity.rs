//! Activities and their sessions: what a login writes. Any number of accounts in one statement, each row with its own
//! conditions.

use std::collections::BTreeSet;

use authcore::account::{AccountId, CommitId, Epoch, Version};
use authcore::session::{Activity, Method, Session, Vars};
use chrono::{DateTime, Utc};

use crate::diff::SessionDiff;
use crate::error::Fault;
use crate::param::{Param, column, params};
use crate::plan::json;
use crate::text::opt_encoded;
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
    pub(crate) sessions: SessionDiff<'a>,
}

macro_rules! session_columns {
    () => {
        "account_id, id, place, identity, method, authenticated_at, last_used_at, idle_expires_at, expires_at, \
         generation, access_revoked, refresh_revoked, client_vars, server_vars, device_name, device_id, epoch, \
         store_epoch"
    };
}

/// Sessions follow their activity: none is touched whose row was not. What is not written has lost a race, and nothing
/// of it is told here but that.
const UPDATE: &str = concat!(
    "WITH written AS (\
       UPDATE account_activity v SET version = v.version + 1, login_count = t.login_count, \
         last_login_at = t.last_login_at, last_login_ordinal = t.last_login_ordinal, \
         previous_login_at = t.previous_login_at, \
         commit_ids = substring(t.commit_id || v.commit_ids from 1 for 128) \
       FROM unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], \
         $8::bigint[], $9::bigint[], $10::bytea[]) AS t (account_id, expect, written_by, account_version, \
         account_epoch, login_count, last_login_at, last_login_ordinal, previous_login_at, commit_id) \
       WHERE v.account_id = t.account_id AND v.version = t.expect \
         AND (t.written_by IS NULL OR substring(v.commit_ids from 1 for 16) = t.written_by) \
         AND (t.account_version IS NULL OR v.account_version = t.account_version) \
         AND (t.account_epoch IS NULL OR v.account_epoch = t.account_epoch) \
       RETURNING v.account_id\
     ), gone AS (\
       DELETE FROM sessions s USING unnest($11::uuid[], $12::uuid[]) AS g (account_id, id) \
       WHERE g.account_id = ANY (ARRAY(SELECT account_id FROM written)) \
         AND s.account_id = g.account_id AND s.id = g.id\
     ), kept AS (\
       SELECT n.* FROM unnest($13::uuid[], $14::uuid[], $15::bigint[], $16::bigint[], $17::text[], $18::bigint[], \
         $19::bigint[], $20::bigint[], $21::bigint[], $22::bigint[], $23::boolean[], $24::boolean[], $25::text[], \
         $26::text[], $27::text[], $28::text[], $29::bigint[], $30::bigint[], $31::boolean[]) AS n (",
    session_columns!(),
    ", is_new) WHERE n.account_id = ANY (ARRAY(SELECT account_id FROM written))\
     ), altered AS (\
       UPDATE sessions s SET place = n.place, identity = n.identity, method = n.method, \
         authenticated_at = n.authenticated_at, last_used_at = n.last_used_at, idle_expires_at = n.idle_expires_at, \
         expires_at = n.expires_at, generation = n.generation, access_revoked = n.access_revoked, \
         refresh_revoked = n.refresh_revoked, client_vars = n.client_vars::jsonb, \
         server_vars = n.server_vars::jsonb, device_name = n.device_name, device_id = n.device_id, epoch = n.epoch, \
         store_epoch = n.store_epoch \
       FROM kept n WHERE NOT n.is_new AND s.account_id = n.account_id AND s.id = n.id\
     ), added AS (\
       INSERT INTO sessions (",
    session_columns!(),
    ") SELECT account_id, id, place, identity, method, authenticated_at, last_used_at, idle_expires_at, expires_at, \
         generation, access_revoked, refresh_revoked, client_vars::jsonb, server_vars::jsonb, device_name, device_id, \
         epoch, store_epoch FROM kept WHERE is_new\
     ) SELECT account_id FROM written"
);

const INSERT: &str = "INSERT INTO account_activity (account_id, version, account_version, account_epoch, login_count, \
     last_login_at, last_login_ordinal, previous_login_at, commit_ids) \
     SELECT id, 1, 1, account_epoch, login_count, last_login_at, last_login_ordinal, previous_login_at, commit_id \
     FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bytea[]) \
     AS t (id, account_epoch, login_count, last_login_at, last_login_ordinal, previous_login_at, commit_id)";

const INSERT_SESSIONS: &str = concat!(
    "INSERT INTO sessions (",
    session_columns!(),
    ") SELECT account_id, id, place, identity, method, authenticated_at, last_used_at, idle_expires_at, expires_at, \
     generation, access_revoked, refresh_revoked, client_vars::jsonb, server_vars::jsonb, device_name, device_id, \
     epoch, store_epoch \
     FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[], \
     $8::bigint[], $9::bigint[], $10::bigint[], $11::boolean[], $12::boolean[], $13::text[], $14::text[], $15::text[], \
     $16::text[], $17::bigint[], $18::bigint[]) AS n (",
    session_columns!(),
    ")"
);

/// Locks activities that two statements are to write, each of which locks in the order of its own.
pub(crate) async fn lock(tx: &mut Tx<'_>, ids: &BTreeSet<AccountId>) -> Result<(), Fault> {
    let sql = "SELECT 1::bigint FROM account_activity WHERE account_id = ANY ($1) ORDER BY account_id FOR UPDATE";
    let ids: Vec<_> = ids.iter().map(AccountId::as_uuid).collect();
    tx.write(sql, params![ids]).await
}

/// The statement for activities that are there; it answers with the accounts of those that it wrote.
pub(crate) fn update(rows: &[ActivityRow<'_>]) -> Result<(&'static str, Vec<Param>), Fault> {
    let mut params = vec![
        column(rows, |row| row.id.as_uuid()),
        column(rows, |row| row.expect.number().cast_signed()),
        column(rows, |row| row.written_by.map(bytes)),
        column(rows, |row| row.account.map(|version| version.number().cast_signed())),
        column(rows, |row| row.epoch.map(|epoch| i64::from(epoch.number()))),
    ];
    let written: Vec<_> = rows.iter().map(|row| (row.activity, row.commit)).collect();
    params.extend(logins(&written));
    let (mut gone, mut kept) = (Vec::new(), Vec::new());
    for diff in rows.iter().map(|row| &row.sessions) {
        gone.extend(diff.gone.iter().map(|session| (diff.account, session.id)));
        let placed = |(place, session): &(i64, _)| (diff.account, *place, *session);
        kept.extend(diff.altered.iter().map(placed).map(|placed| (placed, false)));
        kept.extend(diff.new.iter().map(placed).map(|placed| (placed, true)));
    }
    params.push(column(&gone, |(account, _)| account.as_uuid()));
    params.push(column(&gone, |(_, id)| id.as_uuid()));
    let (kept, is_new): (Vec<_>, Vec<_>) = kept.into_iter().unzip();
    params.extend(sessions(&kept)?);
    params.push(Param::new(is_new));
    Ok((UPDATE, params))
}

/// The activity of a new account.
pub(crate) struct NewActivity<'a> {
    pub(crate) id: AccountId,
    pub(crate) epoch: Epoch,
    pub(crate) activity: &'a Activity,
    pub(crate) commit: CommitId,
}

pub(crate) async fn insert(tx: &mut Tx<'_>, rows: &[NewActivity<'_>]) -> Result<(), Fault> {
    let mut params = vec![
        column(rows, |row| row.id.as_uuid()),
        column(rows, |row| i64::from(row.epoch.number())),
    ];
    let written: Vec<_> = rows.iter().map(|row| (row.activity, row.commit)).collect();
    params.extend(logins(&written));
    tx.write(INSERT, params).await?;
    let placed: Vec<_> = rows
        .iter()
        .flat_map(|row| (1..).zip(&row.activity.sessions).map(|(n, session)| (row.id, n, session)))
        .collect();
    if placed.is_empty() {
        return Ok(());
    }
    tx.write(INSERT_SESSIONS, sessions(&placed)?).await
}

fn logins(rows: &[(&Activity, CommitId)]) -> [Param; 5] {
    let last = |activity: &Activity| activity.last_login;
    [
        column(rows, |(activity, _)| activity.login_count.cast_signed()),
        column(rows, |(activity, _)| last(activity).map(|login| login.at.timestamp_millis())),
        column(rows, |(activity, _)| {
            let identity = last(activity).and_then(|login| login.identity);
            identity.map(|ordinal| i64::from(ordinal.number()))
        }),
        column(rows, |(activity, _)| activity.previous_login_at.map(|at| at.timestamp_millis())),
        column(rows, |(_, commit)| bytes(*commit)),
    ]
}

/// The columns of sessions, in the order in which they are listed above.
fn sessions(rows: &[(AccountId, i64, &Session)]) -> Result<Vec<Param>, Fault> {
    let vars = |of: fn(&Session) -> &Vars| {
        let vars: Result<Vec<_>, _> = rows.iter().map(|(.., session)| json(of(session))).collect();
        vars.map(Param::new)
    };
    let time = |of: fn(&Session) -> DateTime<Utc>| {
        column(rows, |(.., session)| of(session).timestamp_millis())
    };
    let methods: Result<Vec<_>, _> =
        rows.iter().map(|(.., session)| name(session.method)).collect();
    Ok(vec![
        column(rows, |(account, ..)| account.as_uuid()),
        column(rows, |(.., session)| session.id.as_uuid()),
        column(rows, |(_, place, _)| *place),
        column(rows, |(.., s)| s.identity.map(|ordinal| i64::from(ordinal.number()))),
        Param::new(methods?),
        time(|session| session.authenticated_at),
        time(|session| session.last_used_at),
        time(|session| session.idle_expires_at),
        time(|session| session.expires_at),
        column(rows, |(.., session)| i64::from(session.generation)),
        column(rows, |(.., session)| session.access_revoked),
        column(rows, |(.., session)| session.refresh_revoked),
        vars(|session| &session.client_vars)?,
        vars(|session| &session.server_vars)?,
        column(rows, |(.., session)| opt_encoded(session.device_name.as_deref())),
        column(rows, |(.., session)| opt_encoded(session.device_id.as_deref())),
        column(rows, |(.., session)| i64::from(session.epoch.number())),
        column(rows, |(.., session)| i64::from(session.store_epoch.number())),
    ])
}

/// The name that JSON has for it, without the quotes.
fn name(method: Method) -> Result<String, Fault> {
    Ok(serde_json::to_string(&method).map_err(Fault::other)?.replace('"', ""))
}

pub(crate) fn bytes(commit: CommitId) -> Vec<u8> {
    commit.as_bytes().to_vec()
}
