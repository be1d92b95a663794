//! Reading accounts. Each is read by one statement, and so is of one moment.

use authcore::account::{
    Account, Epoch, Identity, IdentityKey, Ordinal, Profile, ProviderId, Username, Version,
};
use authcore::password::Password;
use authcore::session::{Activity, LoginRecord, Session, SessionSnapshot};
use authcore::store::{Lookup, Snapshot};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use tokio_postgres::Row;

use crate::cols::Cols;
use crate::error::Fault;
use crate::text;
use crate::tx::{Param, Sent, Tx, params};

macro_rules! select_snapshot {
    ($condition:literal) => {
        concat!(
            "SELECT a.id, a.version, a.epoch, a.username, a.username_key, a.display_name, a.avatar_url, a.lang_tag, \
             a.location, a.timezone, a.metadata, a.password_hash, a.password_version, a.password_set_at, a.ban::text, \
             a.withdrawal::text, a.records::text, a.next_ordinal, a.created_at, a.updated_at, v.version, \
             v.login_count, v.last_login_at, v.last_login_ordinal, v.previous_login_at, \
             (SELECT json_agg(i ORDER BY i.ordinal)::text FROM identities i WHERE i.account_id = a.id), \
             (SELECT json_agg(s ORDER BY s.place)::text FROM sessions s WHERE s.account_id = a.id), \
             (SELECT epoch FROM store WHERE store.id = 1) \
             FROM accounts a JOIN account_activity v ON v.account_id = a.id WHERE ",
            $condition
        )
    };
}

const BY_ID: &str = select_snapshot!("a.id = $1");
const BY_USERNAME: &str = select_snapshot!("a.username_key = $1");
const BY_TRANSFER: &str = select_snapshot!("a.transfer_key = $1");
const BY_IDENTITY: &str = select_snapshot!(
    "a.id = (SELECT k.account_id FROM identities k \
     WHERE k.provider = $1 AND k.subject = $2 AND k.tenant = $3 AND k.issuer = $4)"
);

pub(crate) async fn load<'c>(
    tx: &mut Tx<'c>,
    lookup: &Lookup,
) -> Result<Sent<'c, Vec<Row>>, Fault> {
    match lookup {
        Lookup::Id(id) => tx.query(BY_ID, params![id.as_uuid()]).await,
        Lookup::Username(key) => {
            tx.query(BY_USERNAME, params![text::encode(key).into_owned()]).await
        }
        Lookup::Transfer(key) => tx.query(BY_TRANSFER, params![key.as_bytes().to_vec()]).await,
        Lookup::Identity(key) => tx.query(BY_IDENTITY, key_params(key)).await,
    }
}

/// The four parts by which an identity is found.
pub(crate) fn key_params(key: &IdentityKey) -> Vec<Param> {
    let [provider, subject, tenant, issuer] =
        [key.provider().as_str(), key.subject(), key.tenant(), key.issuer()]
            .map(|part| text::encode(part).into_owned());
    params![provider, subject, tenant, issuer]
}

pub(crate) fn snapshot(row: &Row) -> Result<Snapshot, Fault> {
    let mut cols = Cols::new(row);
    let (mut account, version) = account(&mut cols)?;
    let (mut activity, activity_version) = activity(&mut cols)?;
    account.identities = identities(&mut cols)?;
    activity.sessions = cols.json("sessions")?;
    let store_epoch = Epoch::new(cols.u32("store.epoch")?);
    Ok(Snapshot { account, version, activity, activity_version, store_epoch })
}

fn account(cols: &mut Cols<'_>) -> Result<(Account, Version), Fault> {
    let id = cols.account("accounts.id")?;
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

fn activity(cols: &mut Cols<'_>) -> Result<(Activity, Version), Fault> {
    let version = Version::new(cols.u64("account_activity.version")?);
    let login_count = cols.u64("account_activity.login_count")?;
    let at = cols.opt_time("account_activity.last_login_at")?;
    let identity = cols.opt_u32("account_activity.last_login_ordinal")?.map(Ordinal::new);
    let activity = Activity {
        login_count,
        last_login: at.map(|at| LoginRecord { at, identity }),
        previous_login_at: cols.opt_time("account_activity.previous_login_at")?,
        sessions: Vec::new(),
    };
    Ok((activity, version))
}

/// A row of `identities`, as JSON of the server's making.
#[derive(Deserialize)]
struct IdentityRow {
    ordinal: Ordinal,
    provider: Box<str>,
    subject: Box<str>,
    tenant: Box<str>,
    issuer: Box<str>,
    shown: Option<Box<str>>,
    linked_at: i64,
    verified_at: Option<i64>,
    data: Option<Box<str>>,
}

/// All of an account's identities, from one column of JSON.
pub(crate) fn identities(cols: &mut Cols<'_>) -> Result<Vec<Identity>, Fault> {
    let rows: Vec<IdentityRow> = cols.json("identities")?;
    let time = |millis| {
        DateTime::<Utc>::from_timestamp_millis(millis)
            .ok_or_else(|| Fault::corrupt("identities.linked_at"))
    };
    rows.into_iter()
        .map(|row| {
            let provider = ProviderId::new(&row.provider)
                .map_err(|_| Fault::corrupt("identities.provider"))?;
            Ok(Identity {
                ordinal: row.ordinal,
                key: IdentityKey::scoped(provider, &row.tenant, &row.issuer, &row.subject),
                shown: row.shown,
                linked_at: time(row.linked_at)?,
                verified_at: row.verified_at.map(time).transpose()?,
                data: row.data,
            })
        })
        .collect()
}

pub(crate) const SESSION: &str = "SELECT to_json(s)::text, a.epoch, a.due_at, v.version, \
    (SELECT epoch FROM store WHERE store.id = 1) FROM sessions s \
    JOIN accounts a ON a.id = s.account_id JOIN account_activity v ON v.account_id = s.account_id \
    WHERE s.account_id = $1 AND s.id = $2";

pub(crate) fn session(row: &Row) -> Result<SessionSnapshot, Fault> {
    let mut cols = Cols::new(row);
    let session: Option<Session> = cols.opt_json("sessions")?;
    Ok(SessionSnapshot {
        session: session.ok_or_else(|| Fault::corrupt("sessions"))?,
        account_epoch: Epoch::new(cols.u32("accounts.epoch")?),
        account_due_at: cols.opt_time("accounts.due_at")?,
        activity_version: Version::new(cols.u64("account_activity.version")?),
        store_epoch: Epoch::new(cols.u32("store.epoch")?),
    })
}

pub(crate) const DUE: &str =
    "SELECT id FROM accounts WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2";
