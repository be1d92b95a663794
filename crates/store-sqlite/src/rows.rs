//! Reading accounts.

use authcore::account::{
    Account, AccountId, Epoch, Identity, IdentityKey, Ordinal, Profile, ProviderId, Username,
    Version,
};
use authcore::password::Password;
use authcore::session::{Activity, LoginRecord, SessionRef, SessionSnapshot};
use authcore::store::{Lookup, Snapshot};

use chrono::{DateTime, Utc};

use crate::cols::Cols;
use crate::db::Db;
use crate::error::Fault;
use crate::session_codec;

/// One row per identity, or one with NULLs for an account without any. CROSS JOIN fixes the order of the loops.
macro_rules! select_snapshot {
    ($from:literal, $condition:literal) => {
        concat!(
            "SELECT a.id, a.version, a.epoch, a.username, a.username_key, a.display_name, a.avatar_url, a.lang_tag, \
             a.location, a.timezone, a.metadata, a.password_hash, a.password_version, a.password_set_at, a.ban, \
             a.withdrawal, a.records, a.next_ordinal, a.created_at, a.updated_at, v.version, v.login_count, \
             v.last_login_at, v.last_login_ordinal, v.previous_login_at, v.sessions, i.ordinal, i.provider, i.subject, \
             i.tenant, i.issuer, i.shown, i.linked_at, i.verified_at, i.data FROM ",
            $from,
            " CROSS JOIN account_activity v ON v.account_id = a.id LEFT JOIN identities i ON i.account_id = a.id WHERE ",
            $condition
        )
    };
}

const BY_ID: &str = select_snapshot!("accounts a", "a.id = ?1");
const BY_USERNAME: &str = select_snapshot!("accounts a", "a.username_key = ?1");
const BY_TRANSFER: &str = select_snapshot!("accounts a", "a.transfer_key = ?1");
const BY_IDENTITY: &str = select_snapshot!(
    "identities k CROSS JOIN accounts a ON a.id = k.account_id",
    "k.provider = ?1 AND k.subject = ?2 AND k.tenant = ?3 AND k.issuer = ?4"
);

pub(crate) fn load(db: &Db, lookup: &Lookup) -> Result<Option<Snapshot>, Fault> {
    match lookup {
        Lookup::Id(id) => snapshot(db, BY_ID, (id.as_bytes(),)),
        Lookup::Username(key) => snapshot(db, BY_USERNAME, (&**key,)),
        Lookup::Transfer(key) => snapshot(db, BY_TRANSFER, (key.as_bytes(),)),
        Lookup::Identity(key) => snapshot(
            db,
            BY_IDENTITY,
            (key.provider().as_str(), key.subject(), key.tenant(), key.issuer()),
        ),
    }
}

fn snapshot(db: &Db, sql: &str, params: impl rusqlite::Params) -> Result<Option<Snapshot>, Fault> {
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query(params)?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let mut cols = Cols::new(row);
    let (mut account, version) = account(&mut cols)?;
    let (activity, activity_version) = activity(&mut cols)?;
    account.identities.extend(opt_identity(&mut cols)?);
    while let Some(row) = rows.next()? {
        let mut cols = Cols::skip(row, IDENTITY_COLUMN);
        account.identities.extend(opt_identity(&mut cols)?);
    }
    // The primary key has them in this order already; nothing but the order of the loops promises it.
    account.identities.sort_by_key(|identity| identity.ordinal);
    let store_epoch = db.store_epoch()?;
    Ok(Some(Snapshot { account, version, activity, activity_version, store_epoch }))
}

/// Where the identity's columns begin in [`select_snapshot`].
const IDENTITY_COLUMN: usize = 26;

fn account(cols: &mut Cols<'_, '_>) -> Result<(Account, Version), Fault> {
    let id = AccountId::from_bytes(cols.array("accounts.id")?);
    let version = Version::new(cols.u64("accounts.version")?);
    let epoch = Epoch::new(cols.u32("accounts.epoch")?);
    let username =
        match (cols.opt_boxed("accounts.username")?, cols.opt_boxed("accounts.username_key")?) {
            (Some(shown), Some(key)) => Some(Username { shown, key }),
            (None, None) => None,
            _ => return Err(Fault::corrupt("accounts.username_key")),
        };
    let profile = Profile {
        display_name: cols.boxed("accounts.display_name")?,
        avatar_url: cols.boxed("accounts.avatar_url")?,
        lang_tag: cols.boxed("accounts.lang_tag")?,
        location: cols.boxed("accounts.location")?,
        timezone: cols.boxed("accounts.timezone")?,
        metadata: cols.boxed("accounts.metadata")?,
    };
    let password = match (
        cols.opt_boxed("accounts.password_hash")?,
        cols.opt_u32("accounts.password_version")?,
        cols.opt_time("accounts.password_set_at")?,
    ) {
        (Some(hash), Some(version), Some(set_at)) => Some(Password { hash, version, set_at }),
        (None, None, None) => None,
        _ => return Err(Fault::corrupt("accounts.password_hash")),
    };
    let account = Account {
        id,
        username,
        profile,
        identities: Vec::new(),
        password,
        ban: cols.json("accounts.ban")?,
        withdrawal: cols.json("accounts.withdrawal")?,
        records: cols.json("accounts.records")?,
        epoch,
        next_ordinal: Ordinal::new(cols.u32("accounts.next_ordinal")?),
        created_at: cols.time("accounts.created_at")?,
        updated_at: cols.time("accounts.updated_at")?,
    };
    Ok((account, version))
}

fn activity(cols: &mut Cols<'_, '_>) -> Result<(Activity, Version), Fault> {
    let version = Version::new(cols.u64("account_activity.version")?);
    let login_count = cols.u64("account_activity.login_count")?;
    let at = cols.opt_time("account_activity.last_login_at")?;
    let identity = cols.opt_u32("account_activity.last_login_ordinal")?.map(Ordinal::new);
    let activity = Activity {
        login_count,
        last_login: at.map(|at| LoginRecord { at, identity }),
        previous_login_at: cols.opt_time("account_activity.previous_login_at")?,
        sessions: session_codec::decode(cols.blob("account_activity.sessions")?)?,
    };
    Ok((activity, version))
}

fn opt_identity(cols: &mut Cols<'_, '_>) -> Result<Option<Identity>, Fault> {
    let Some(ordinal) = cols.opt_u32("identities.ordinal")? else {
        return Ok(None);
    };
    let provider = ProviderId::new(cols.text("identities.provider")?)
        .map_err(|_| Fault::corrupt("identities.provider"))?;
    let subject = cols.text("identities.subject")?;
    let tenant = cols.text("identities.tenant")?;
    let issuer = cols.text("identities.issuer")?;
    Ok(Some(Identity {
        ordinal: Ordinal::new(ordinal),
        key: IdentityKey::scoped(provider, tenant, issuer, subject),
        shown: cols.opt_boxed("identities.shown")?,
        linked_at: cols.time("identities.linked_at")?,
        verified_at: cols.opt_time("identities.verified_at")?,
        data: cols.opt_boxed("identities.data")?,
    }))
}

pub(crate) fn session(db: &Db, at: SessionRef) -> Result<Option<SessionSnapshot>, Fault> {
    let found = db.first(
        "SELECT a.epoch, a.due_at, v.version, v.sessions FROM accounts a \
         CROSS JOIN account_activity v ON v.account_id = a.id WHERE a.id = ?1",
        (at.account.as_bytes(),),
        |cols| {
            let account_epoch = Epoch::new(cols.u32("accounts.epoch")?);
            let due_at = cols.opt_time("accounts.due_at")?;
            let version = Version::new(cols.u64("account_activity.version")?);
            let list = cols.blob("account_activity.sessions")?;
            Ok((account_epoch, due_at, version, session_codec::find(list, at.session)?))
        },
    )?;
    let Some((account_epoch, account_due_at, activity_version, Some(session))) = found else {
        return Ok(None);
    };
    let store_epoch = db.store_epoch()?;
    Ok(Some(SessionSnapshot {
        session,
        account_epoch,
        store_epoch,
        account_due_at,
        activity_version,
    }))
}

/// The id breaks ties by the index itself: the primary key stands behind each of its entries.
const DUE: &str = "SELECT id FROM accounts WHERE due_at <= ?1 ORDER BY due_at, id LIMIT ?2";

pub(crate) fn due(db: &Db, now: DateTime<Utc>, limit: u32) -> Result<Vec<AccountId>, Fault> {
    let mut statement = db.prepare(DUE)?;
    let mut rows = statement.query((now.timestamp_millis(), limit))?;
    let mut due = Vec::new();
    while let Some(row) = rows.next()? {
        due.push(AccountId::from_bytes(Cols::new(row).array("accounts.id")?));
    }
    Ok(due)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SqliteConfig;
    use crate::open;

    /// Also with statistics that would tempt the planner.
    #[test]
    fn accounts_are_found_by_keys_and_never_by_scans() {
        let connection = open::first(&SqliteConfig::in_memory()).unwrap();
        for analyze in ["", "ANALYZE"] {
            connection.execute_batch(analyze).unwrap();
            for (sql, tables) in
                [(BY_ID, 3), (BY_USERNAME, 3), (BY_TRANSFER, 3), (BY_IDENTITY, 4), (DUE, 1)]
            {
                let mut statement =
                    connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
                let mut rows = statement.raw_query();
                let mut steps = 0;
                while let Some(row) = rows.next().unwrap() {
                    let step: String = row.get("detail").unwrap();
                    assert!(step.starts_with("SEARCH"), "{step}");
                    steps += 1;
                }
                assert_eq!(steps, tables, "{sql}");
            }
        }
    }
}
