//! The writes of a change set whose conditions hold.

use authcore::account::{Account, AccountId, CommitId, Identity};
use authcore::session::{Activity, Session};
use authcore::store::OneTimeCode;

use crate::diff::{Diff, SessionDiff};
use crate::error::{Fault, Stop};
use crate::plan::{EventRow, Plan, Planned, RareColumns, json, transfer_key};
use crate::rows::key_params;
use crate::state::State;
use crate::text;
use crate::tx::{Param, Tx, params};

/// Puts the set's id before the others that a row names, and keeps the latest eight: a document may be written again
/// while somebody is still in doubt about an earlier commit.
macro_rules! named {
    ($param:literal) => {
        concat!("commit_ids = substring(", $param, " || commit_ids from 1 for 128)")
    };
}

/// Writes the set; `diffs` are those of its accounts, in their order.
pub(crate) async fn apply(
    tx: &mut Tx<'_>,
    plan: &Plan,
    state: &State,
    diffs: &[Diff<'_>],
) -> Result<(), Stop> {
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
                insert_account(tx, account, rare, plan.id).await?;
                insert_activity(tx, account.id, activity, plan.id).await?;
                let sessions = SessionDiff::of(account.id, None, &activity.sessions);
                write_sessions(tx, &sessions).await?;
                if let Some(diff) = next.next() {
                    identities(tx, diff).await?;
                }
            }
            Planned::Update { account, rare, .. } => {
                update_account(tx, account, rare, plan.id).await?;
                if let Some(diff) = next.next() {
                    if diff.username {
                        set_username(tx, account).await?;
                    }
                    identities(tx, diff).await?;
                }
            }
            Planned::Activity { id, activity, .. } => {
                update_activity(tx, *id, activity, plan.id).await?;
                let before = state.activities.get(id);
                write_sessions(tx, &SessionDiff::of(*id, before, &activity.sessions)).await?;
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
    Ok(events(tx, &plan.events).await?)
}

async fn delete(tx: &mut Tx<'_>, id: AccountId) -> Result<(), Fault> {
    for sql in [
        "DELETE FROM codes WHERE account_id = $1",
        "DELETE FROM identities WHERE account_id = $1",
        "DELETE FROM sessions WHERE account_id = $1",
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
    for gone in &diff.gone {
        let sql = "DELETE FROM identities WHERE account_id = $1 AND ordinal = $2";
        tx.write(sql, params![id, i64::from(gone.number())]).await?;
    }
    if several && diff.username_key {
        let sql = "UPDATE accounts SET username = NULL, username_key = NULL WHERE id = $1";
        tx.write(sql, params![id]).await?;
    }
    if several && diff.transfer_key {
        tx.write("UPDATE accounts SET transfer_key = NULL WHERE id = $1", params![id]).await?;
    }
    Ok(())
}

fn encoded(text: &str) -> String {
    text::encode(text).into_owned()
}

fn opt_encoded(text: Option<&str>) -> Option<String> {
    text.map(encoded)
}

/// What an insert and an update of an account have in common, beginning with its id.
fn account_params(account: &Account, rare: &RareColumns, commit: CommitId) -> Vec<Param> {
    // Named one by one, so that a new field breaks the build instead of being lost.
    let Account {
        id,
        username: _,
        profile,
        identities: _,
        password,
        // In the form of columns already.
        ban: _,
        withdrawal: _,
        records: _,
        epoch,
        next_ordinal,
        created_at,
        updated_at,
    } = account;
    let password = password.as_ref();
    params![
        id.as_uuid(),
        i64::from(epoch.number()),
        encoded(&profile.display_name),
        encoded(&profile.avatar_url),
        encoded(&profile.lang_tag),
        encoded(&profile.location),
        encoded(&profile.timezone),
        encoded(&profile.metadata),
        password.map(|password| encoded(&password.hash)),
        password.map(|password| i64::from(password.version)),
        password.map(|password| password.set_at.timestamp_millis()),
        rare.ban.clone(),
        rare.withdrawal.clone(),
        rare.records.clone(),
        transfer_key(account).map(|key| key.as_bytes().to_vec()),
        rare.due_at,
        i64::from(next_ordinal.number()),
        created_at.timestamp_millis(),
        updated_at.timestamp_millis(),
        commit.as_bytes().to_vec(),
    ]
}

async fn insert_account(
    tx: &mut Tx<'_>,
    account: &Account,
    rare: &RareColumns,
    commit: CommitId,
) -> Result<(), Fault> {
    let mut params = account_params(account, rare, commit);
    let username = account.username.as_ref();
    params.extend(params![
        opt_encoded(username.map(|username| &*username.shown)),
        opt_encoded(username.map(|username| &*username.key)),
    ]);
    let sql = "INSERT INTO accounts (id, version, epoch, display_name, avatar_url, lang_tag, location, timezone, \
               metadata, password_hash, password_version, password_set_at, ban, withdrawal, records, transfer_key, \
               due_at, next_ordinal, created_at, updated_at, commit_ids, username, username_key) \
               VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::text::jsonb, $13::text::jsonb, \
               $14::text::jsonb, $15, $16, $17, $18, $19, $20, $21, $22)";
    tx.write(sql, params).await
}

/// Leaves the username alone, which has an index and seldom changes.
async fn update_account(
    tx: &mut Tx<'_>,
    account: &Account,
    rare: &RareColumns,
    commit: CommitId,
) -> Result<(), Fault> {
    let sql = concat!(
        "UPDATE accounts SET version = version + 1, epoch = $2, display_name = $3, avatar_url = $4, lang_tag = $5, \
         location = $6, timezone = $7, metadata = $8, password_hash = $9, password_version = $10, \
         password_set_at = $11, ban = $12::text::jsonb, withdrawal = $13::text::jsonb, records = $14::text::jsonb, \
         transfer_key = $15, due_at = $16, next_ordinal = $17, created_at = $18, updated_at = $19, ",
        named!("$20"),
        " WHERE id = $1"
    );
    tx.write(sql, account_params(account, rare, commit)).await
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
    let account = diff.account.id;
    for identity in &diff.altered {
        let sql = "UPDATE identities SET shown = $3, linked_at = $4, verified_at = $5, data = $6 \
                   WHERE account_id = $1 AND ordinal = $2";
        tx.write(sql, identity_params(account, identity)).await?;
    }
    for identity in &diff.new {
        let mut params = identity_params(account, identity);
        params.extend(key_params(&identity.key));
        let sql = "INSERT INTO identities (account_id, ordinal, shown, linked_at, verified_at, data, provider, \
                   subject, tenant, issuer) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        tx.write(sql, params).await?;
    }
    Ok(())
}

/// All of an identity but its key.
fn identity_params(account: AccountId, identity: &Identity) -> Vec<Param> {
    let Identity { ordinal, key: _, shown, linked_at, verified_at, data } = identity;
    params![
        account.as_uuid(),
        i64::from(ordinal.number()),
        opt_encoded(shown.as_deref()),
        linked_at.timestamp_millis(),
        verified_at.map(|at| at.timestamp_millis()),
        opt_encoded(data.as_deref()),
    ]
}

fn activity_params(id: AccountId, activity: &Activity, commit: CommitId) -> Vec<Param> {
    let Activity { login_count, last_login, previous_login_at, sessions: _ } = activity;
    params![
        id.as_uuid(),
        login_count.cast_signed(),
        last_login.map(|login| login.at.timestamp_millis()),
        last_login.and_then(|login| login.identity).map(|ordinal| i64::from(ordinal.number())),
        previous_login_at.map(|at| at.timestamp_millis()),
        commit.as_bytes().to_vec(),
    ]
}

async fn insert_activity(
    tx: &mut Tx<'_>,
    id: AccountId,
    activity: &Activity,
    commit: CommitId,
) -> Result<(), Fault> {
    let sql = "INSERT INTO account_activity (account_id, version, login_count, last_login_at, last_login_ordinal, \
               previous_login_at, commit_ids) VALUES ($1, 1, $2, $3, $4, $5, $6)";
    tx.write(sql, activity_params(id, activity, commit)).await
}

async fn update_activity(
    tx: &mut Tx<'_>,
    id: AccountId,
    activity: &Activity,
    commit: CommitId,
) -> Result<(), Fault> {
    let sql = concat!(
        "UPDATE account_activity SET version = version + 1, login_count = $2, last_login_at = $3, \
         last_login_ordinal = $4, previous_login_at = $5, ",
        named!("$6"),
        " WHERE account_id = $1"
    );
    tx.write(sql, activity_params(id, activity, commit)).await
}

async fn write_sessions(tx: &mut Tx<'_>, diff: &SessionDiff<'_>) -> Result<(), Fault> {
    for session in &diff.gone {
        let sql = "DELETE FROM sessions WHERE account_id = $1 AND id = $2";
        tx.write(sql, params![diff.account.as_uuid(), session.id.as_uuid()]).await?;
    }
    for (place, session) in &diff.altered {
        let sql = "UPDATE sessions SET place = $3, identity = $4, method = $5, authenticated_at = $6, \
                   last_used_at = $7, idle_expires_at = $8, expires_at = $9, generation = $10, access_revoked = $11, \
                   refresh_revoked = $12, client_vars = $13::text::jsonb, server_vars = $14::text::jsonb, \
                   device_name = $15, device_id = $16, epoch = $17, store_epoch = $18 \
                   WHERE account_id = $1 AND id = $2";
        tx.write(sql, session_params(diff.account, *place, session)?).await?;
    }
    for (place, session) in &diff.new {
        let sql = "INSERT INTO sessions (account_id, id, place, identity, method, authenticated_at, last_used_at, \
                   idle_expires_at, expires_at, generation, access_revoked, refresh_revoked, client_vars, \
                   server_vars, device_name, device_id, epoch, store_epoch) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, \
                   $9, $10, $11, $12, $13::text::jsonb, $14::text::jsonb, $15, $16, $17, $18)";
        tx.write(sql, session_params(diff.account, *place, session)?).await?;
    }
    Ok(())
}

fn session_params(account: AccountId, place: i64, session: &Session) -> Result<Vec<Param>, Fault> {
    let Session {
        id,
        identity,
        method,
        authenticated_at,
        last_used_at,
        idle_expires_at,
        expires_at,
        generation,
        access_revoked,
        refresh_revoked,
        client_vars,
        server_vars,
        device_name,
        device_id,
        epoch,
        store_epoch,
    } = session;
    // The name that JSON has for it, without the quotes.
    let method = serde_json::to_string(method).map_err(Fault::other)?.replace('"', "");
    Ok(params![
        account.as_uuid(),
        id.as_uuid(),
        place,
        identity.map(|ordinal| i64::from(ordinal.number())),
        method,
        authenticated_at.timestamp_millis(),
        last_used_at.timestamp_millis(),
        idle_expires_at.timestamp_millis(),
        expires_at.timestamp_millis(),
        i64::from(*generation),
        *access_revoked,
        *refresh_revoked,
        json(client_vars)?,
        json(server_vars)?,
        opt_encoded(device_name.as_deref()),
        opt_encoded(device_id.as_deref()),
        i64::from(epoch.number()),
        i64::from(store_epoch.number()),
    ])
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
async fn events(tx: &mut Tx<'_>, events: &[EventRow]) -> Result<(), Fault> {
    if events.is_empty() {
        return Ok(());
    }
    tx.write(outbox_lock!("pg_advisory_xact_lock_shared"), params![]).await?;
    for event in events {
        let sql = "INSERT INTO events (at, account_id, format, data) VALUES ($1, $2, $3, $4::text::jsonb)";
        let params = params![
            event.at,
            event.account.as_uuid(),
            i64::from(event.format),
            event.data.clone(),
        ];
        tx.write(sql, params).await?;
    }
    Ok(())
}
