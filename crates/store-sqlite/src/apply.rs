//! The writes of a change set whose conditions hold.

use authcore::account::{Account, AccountId, CommitId, Identity, Version};
use authcore::store::{CodeKey, OneTimeCode, Require, TransferKey};
use rusqlite::params;

use crate::db::Db;
use crate::diff::{Diff, transfer_key};
use crate::error::Fault;
use crate::plan::{ActivityRow, Plan, Planned, RareColumns};

/// How many sets without a document of their own are remembered, the latest ones. The doubt about a commit lasts for
/// seconds.
const REMEMBERED: i64 = 65_536;

/// Writes an activity while its account's `$column` is as required.
macro_rules! activity_while {
    ($column:literal) => {
        concat!(
            "UPDATE account_activity SET version = version + 1, login_count = ?1, last_login_at = ?2, ",
            "last_login_ordinal = ?3, previous_login_at = ?4, sessions = ?5, commit_id = ?6 ",
            "WHERE account_id = ?7 AND version = ?8 AND EXISTS (SELECT 1 FROM accounts WHERE id = ?7 AND ",
            $column,
            " = ?9)"
        )
    };
}

/// The commonest sets by far, logins and refreshes: an activity, on condition that its account is as it was. One
/// statement checks and writes. False when it did nothing, be it another kind of set or one that does not fit.
pub(crate) fn plain_activity(db: &Db, plan: &Plan) -> Result<bool, Fault> {
    let ([Planned::Activity { id, activity, expect }], [require]) =
        (plan.writes.as_slice(), plan.require.as_slice())
    else {
        return Ok(false);
    };
    let (required, sql, value) = match require {
        Require::Account(id, version) => {
            (id, activity_while!("version"), version.number().cast_signed())
        }
        Require::Epoch(id, epoch) => (id, activity_while!("epoch"), i64::from(epoch.number())),
        _ => return Ok(false),
    };
    if required != id {
        return Ok(false);
    }
    db.step("account_activity");
    let written = db.execute(
        sql,
        params![
            activity.login_count,
            activity.last_login_at,
            activity.last_login_ordinal,
            activity.previous_login_at,
            activity.sessions,
            plan.id.as_bytes(),
            id.as_bytes(),
            expect.number().cast_signed(),
            value,
        ],
    )?;
    if written == 0 {
        return Ok(false);
    }
    events(db, plan)?;
    db.step("commit");
    Ok(true)
}

/// Writes the set; `diffs` are those of its accounts, in their order.
pub(crate) fn apply(db: &Db, plan: &Plan, diffs: &[Diff<'_>]) -> Result<(), Fault> {
    // What a set frees, it may give to another account: everything goes before anything comes.
    for write in &plan.writes {
        if let Planned::Delete { id, .. } = write {
            delete(db, *id)?;
        }
    }
    for diff in diffs {
        free(db, diff, diffs.len() > 1)?;
    }
    let mut diffs = diffs.iter();
    for write in &plan.writes {
        match write {
            Planned::Insert { account, rare, activity } => {
                insert(db, (account, rare), activity, plan.id)?;
                diffs.next().map_or(Ok(()), |diff| identities(db, diff))?;
            }
            Planned::Update { account, rare, .. } => {
                update(db, (account, rare), plan.id)?;
                if let Some(diff) = diffs.next() {
                    if diff.username {
                        set_username(db, account)?;
                    }
                    identities(db, diff)?;
                }
            }
            Planned::Delete { .. } => {}
            Planned::Activity { id, activity, .. } => update_activity(db, *id, activity, plan.id)?,
            Planned::PutCode(code) => put_code(db, code)?,
            Planned::DeleteCode(key) => delete_code(db, key)?,
            Planned::UseUp { key, forget_at } => {
                db.step("single_use");
                let sql = "INSERT INTO single_use (key, forget_at, commit_id) VALUES (?1, ?2, ?3)";
                db.execute(
                    sql,
                    params![key.as_bytes(), forget_at.timestamp_millis(), plan.id.as_bytes()],
                )?;
            }
            Planned::ResetThrottle(key) => {
                db.step("throttles");
                db.execute("DELETE FROM throttles WHERE key = ?1", (key.as_bytes(),))?;
            }
            Planned::RaiseStoreEpoch => {
                db.step("store");
                db.execute("UPDATE store SET epoch = epoch + 1 WHERE id = 1", [])?;
                db.forget_store_epoch();
            }
        }
    }
    events(db, plan)?;
    if plan.is_remembered() {
        remember(db, plan.id)?;
    }
    db.step("commit");
    Ok(())
}

fn delete(db: &Db, id: AccountId) -> Result<(), Fault> {
    for (table, sql) in [
        ("codes", "DELETE FROM codes WHERE account_id = ?1"),
        ("identities", "DELETE FROM identities WHERE account_id = ?1"),
        ("account_activity", "DELETE FROM account_activity WHERE account_id = ?1"),
        ("accounts", "DELETE FROM accounts WHERE id = ?1"),
    ] {
        db.step(table);
        db.execute(sql, (id.as_bytes(),))?;
    }
    Ok(())
}

/// Takes away what an account will not have any more, as far as another account may get it.
fn free(db: &Db, diff: &Diff<'_>, several: bool) -> Result<(), Fault> {
    let id = diff.account.id;
    for gone in &diff.gone {
        db.step("identities");
        let sql = "DELETE FROM identities WHERE account_id = ?1 AND ordinal = ?2";
        db.execute(sql, params![id.as_bytes(), gone.number()])?;
    }
    if several && diff.username_key {
        db.step("accounts");
        let sql = "UPDATE accounts SET username = NULL, username_key = NULL WHERE id = ?1";
        db.execute(sql, (id.as_bytes(),))?;
    }
    if several && diff.transfer_key {
        db.step("accounts");
        let sql = "UPDATE accounts SET transfer_key = NULL WHERE id = ?1";
        db.execute(sql, (id.as_bytes(),))?;
    }
    Ok(())
}

fn insert(
    db: &Db,
    (account, rare): (&Account, &RareColumns),
    activity: &ActivityRow,
    commit: CommitId,
) -> Result<(), Fault> {
    write_account(
        db,
        "INSERT INTO accounts (id, version, epoch, username, username_key, display_name, avatar_url, lang_tag, \
         location, timezone, metadata, password_hash, password_version, password_set_at, ban, withdrawal, records, \
         transfer_key, due_at, next_ordinal, created_at, updated_at, commit_id) \
         VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, \
         ?22)",
        (account, rare),
        commit,
    )?;
    db.step("account_activity");
    db.execute(
        "INSERT INTO account_activity (account_id, version, login_count, last_login_at, last_login_ordinal, \
         previous_login_at, sessions, commit_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            account.id.as_bytes(),
            Version::FIRST.number().cast_signed(),
            activity.login_count,
            activity.last_login_at,
            activity.last_login_ordinal,
            activity.previous_login_at,
            activity.sessions,
            commit.as_bytes(),
        ],
    )?;
    Ok(())
}

fn update(
    db: &Db,
    (account, rare): (&Account, &RareColumns),
    commit: CommitId,
) -> Result<(), Fault> {
    write_account(
        db,
        "UPDATE accounts SET version = version + 1, epoch = ?2, display_name = ?5, \
         avatar_url = ?6, lang_tag = ?7, location = ?8, timezone = ?9, metadata = ?10, password_hash = ?11, \
         password_version = ?12, password_set_at = ?13, ban = ?14, withdrawal = ?15, records = ?16, \
         transfer_key = ?17, due_at = ?18, next_ordinal = ?19, created_at = ?20, updated_at = ?21, commit_id = ?22 \
         WHERE id = ?1",
        (account, rare),
        commit,
    )
}

fn set_username(db: &Db, account: &Account) -> Result<(), Fault> {
    let username = account.username.as_ref();
    db.step("accounts");
    db.execute(
        "UPDATE accounts SET username = ?2, username_key = ?3 WHERE id = ?1",
        params![
            account.id.as_bytes(),
            username.map(|username| &*username.shown),
            username.map(|username| &*username.key),
        ],
    )?;
    Ok(())
}

/// Runs one of the two statements above, whose parameters are the same; an update leaves the username alone.
fn write_account(
    db: &Db,
    sql: &str,
    (account, rare): (&Account, &RareColumns),
    commit: CommitId,
) -> Result<(), Fault> {
    // Named one by one, so that a new field breaks the build instead of being lost.
    let Account {
        id,
        username,
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
    db.step("accounts");
    db.execute(
        sql,
        params![
            id.as_bytes(),
            epoch.number(),
            username.as_ref().map(|username| &*username.shown),
            username.as_ref().map(|username| &*username.key),
            &*profile.display_name,
            &*profile.avatar_url,
            &*profile.lang_tag,
            &*profile.location,
            &*profile.timezone,
            &*profile.metadata,
            password.as_ref().map(|password| &*password.hash),
            password.as_ref().map(|password| password.version),
            password.as_ref().map(|password| password.set_at.timestamp_millis()),
            rare.ban,
            rare.withdrawal,
            rare.records,
            transfer_key(account).map(TransferKey::as_bytes),
            rare.due_at,
            next_ordinal.number(),
            created_at.timestamp_millis(),
            updated_at.timestamp_millis(),
            commit.as_bytes(),
        ],
    )?;
    Ok(())
}

fn identities(db: &Db, diff: &Diff<'_>) -> Result<(), Fault> {
    for identity in &diff.altered {
        db.step("identities");
        db.execute(
            "UPDATE identities SET shown = ?3, linked_at = ?4, verified_at = ?5, data = ?6 \
             WHERE account_id = ?1 AND ordinal = ?2",
            params![
                diff.account.id.as_bytes(),
                identity.ordinal.number(),
                identity.shown.as_deref(),
                identity.linked_at.timestamp_millis(),
                identity.verified_at.map(|at| at.timestamp_millis()),
                identity.data.as_deref(),
            ],
        )?;
    }
    for identity in &diff.new {
        insert_identity(db, diff.account.id, identity)?;
    }
    Ok(())
}

fn insert_identity(db: &Db, account: AccountId, identity: &Identity) -> Result<(), Fault> {
    let Identity { ordinal, key, shown, linked_at, verified_at, data } = identity;
    db.step("identities");
    db.execute(
        "INSERT INTO identities (account_id, ordinal, provider, subject, tenant, issuer, shown, linked_at, \
         verified_at, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            account.as_bytes(),
            ordinal.number(),
            key.provider().as_str(),
            key.subject(),
            key.tenant(),
            key.issuer(),
            shown.as_deref(),
            linked_at.timestamp_millis(),
            verified_at.map(|at| at.timestamp_millis()),
            data.as_deref(),
        ],
    )?;
    Ok(())
}

fn update_activity(
    db: &Db,
    id: AccountId,
    activity: &ActivityRow,
    commit: CommitId,
) -> Result<(), Fault> {
    db.step("account_activity");
    db.execute(
        "UPDATE account_activity SET version = version + 1, login_count = ?2, last_login_at = ?3, \
         last_login_ordinal = ?4, previous_login_at = ?5, sessions = ?6, commit_id = ?7 WHERE account_id = ?1",
        params![
            id.as_bytes(),
            activity.login_count,
            activity.last_login_at,
            activity.last_login_ordinal,
            activity.previous_login_at,
            activity.sessions,
            commit.as_bytes(),
        ],
    )?;
    Ok(())
}

fn put_code(db: &Db, code: &OneTimeCode) -> Result<(), Fault> {
    let OneTimeCode { key, purpose, account, credential_generation, tries_left, expires_at } = code;
    db.step("codes");
    db.execute(
        "INSERT OR REPLACE INTO codes (key, purpose, account_id, credential_generation, tries_left, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            key.as_bytes(),
            purpose.as_str(),
            account.as_bytes(),
            credential_generation,
            tries_left,
            expires_at.timestamp_millis(),
        ],
    )?;
    Ok(())
}

fn delete_code(db: &Db, key: &CodeKey) -> Result<(), Fault> {
    db.step("codes");
    db.execute("DELETE FROM codes WHERE key = ?1", (key.as_bytes(),))?;
    Ok(())
}

fn events(db: &Db, plan: &Plan) -> Result<(), Fault> {
    for event in &plan.events {
        db.step("events");
        db.execute(
            "INSERT INTO events (at, account_id, format, data) VALUES (?1, ?2, ?3, ?4)",
            params![event.at, event.account.as_bytes(), event.format, event.data],
        )?;
    }
    Ok(())
}

fn remember(db: &Db, commit: CommitId) -> Result<(), Fault> {
    db.step("recent_commits");
    // A set that is applied once more (what it did was undone since) stays remembered as it is.
    let sql = "INSERT OR IGNORE INTO recent_commits (commit_id) VALUES (?1)";
    if db.execute(sql, (commit.as_bytes(),))? > 0 {
        let latest = db.connection().last_insert_rowid();
        db.execute("DELETE FROM recent_commits WHERE seq <= ?1", (latest - REMEMBERED,))?;
    }
    Ok(())
}
