//! Reading accounts. Each is read by one statement, and so is of one moment.

use authcore::account::{
    Account, Epoch, Identity, IdentityKey, Ordinal, Profile, ProviderId, Username, Version,
};
use authcore::password::Password;
use authcore::session::{Activity, LoginRecord, Method, Session, SessionSnapshot};
use authcore::store::Snapshot;
use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use serde::de::value::{self, StrDeserializer};
use tokio_postgres::Row;

use crate::cols::Cols;
use crate::error::Fault;
use crate::param::{Param, column, params};
use crate::seen::Seen;
use crate::state::{AccountState, ActivityState, Commits, PlacedSession};
use crate::text::encoded;

macro_rules! identities_of {
    ($account:literal) => {
        concat!(
            "ARRAY(SELECT ROW(i.ordinal, i.provider, i.subject, i.tenant, i.issuer, i.shown, i.linked_at, i.verified_at, \
             i.data) FROM identities i WHERE i.account_id = ",
            $account,
            " ORDER BY i.ordinal)"
        )
    };
}
pub(crate) use identities_of;

macro_rules! session_columns {
    () => {
        "s.place, s.id, s.identity, s.method, s.authenticated_at, s.last_used_at, s.idle_expires_at, s.expires_at, \
         s.generation, s.access_revoked, s.refresh_revoked, s.client_vars::text, s.server_vars::text, s.device_name, \
         s.device_id, s.epoch, s.store_epoch"
    };
}

/// In no order: [`sessions`] has one.
macro_rules! sessions_of {
    ($account:literal) => {
        concat!(
            "ARRAY(SELECT ROW(",
            crate::rows::session_columns!(),
            ") FROM sessions s WHERE s.account_id = ",
            $account,
            ")"
        )
    };
}
pub(crate) use {session_columns, sessions_of};

/// Each row begins with the number of what was asked for, from one on.
macro_rules! select_snapshots {
    ($asked:literal) => {
        concat!(
            "SELECT k.n, a.id, a.version, a.epoch, a.username, a.username_key, a.display_name, a.avatar_url, a.lang_tag, \
             a.location, a.timezone, a.metadata, a.password_hash, a.password_version, a.password_set_at, a.ban::text, \
             a.withdrawal::text, a.records::text, a.next_ordinal, a.created_at, a.updated_at, \
             substring(a.commit_ids from 1 for 16), v.version, v.login_count, v.last_login_at, v.last_login_ordinal, \
             v.previous_login_at, substring(v.commit_ids from 1 for 16), ",
            identities_of!("a.id"),
            ", ",
            sessions_of!("a.id"),
            ", (SELECT epoch FROM store WHERE store.id = 1) FROM ",
            $asked,
            " JOIN account_activity v ON v.account_id = a.id"
        )
    };
}

pub(crate) const BY_ID: &str = select_snapshots!(
    "unnest($1::uuid[]) WITH ORDINALITY AS k (id, n) JOIN accounts a ON a.id = k.id"
);
pub(crate) const BY_USERNAME: &str = select_snapshots!(
    "unnest($1::text[]) WITH ORDINALITY AS k (key, n) JOIN accounts a ON a.username_key = k.key COLLATE \"C\""
);
pub(crate) const BY_TRANSFER: &str = select_snapshots!(
    "unnest($1::bytea[]) WITH ORDINALITY AS k (key, n) JOIN accounts a ON a.transfer_key = k.key"
);
pub(crate) const BY_IDENTITY: &str = select_snapshots!(
    "unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS k (provider, subject, tenant, issuer, n) \
     JOIN identities f ON f.provider = k.provider COLLATE \"C\" AND f.subject = k.subject COLLATE \"C\" \
     AND f.tenant = k.tenant COLLATE \"C\" AND f.issuer = k.issuer COLLATE \"C\" JOIN accounts a ON a.id = f.account_id"
);

pub(crate) const SESSIONS: &str = concat!(
    "SELECT k.n, ",
    session_columns!(),
    ", a.epoch, a.due_at, v.version, (SELECT epoch FROM store WHERE store.id = 1) \
     FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS k (account_id, id, n) \
     JOIN sessions s ON s.account_id = k.account_id AND s.id = k.id \
     JOIN accounts a ON a.id = k.account_id JOIN account_activity v ON v.account_id = k.account_id"
);

pub(crate) const EPOCHS: &str =
    "SELECT k.n, store.epoch FROM unnest($1::bigint[]) AS k (n) JOIN store ON store.id = 1";

/// The four parts by which an identity is found.
pub(crate) fn key_params(key: &IdentityKey) -> Vec<Param> {
    let [provider, subject, tenant, issuer] =
        [key.provider().as_str(), key.subject(), key.tenant(), key.issuer()].map(encoded);
    params![provider, subject, tenant, issuer]
}

/// The same of several identities.
pub(crate) fn key_columns(keys: &[&IdentityKey]) -> [Param; 4] {
    let part = |of: fn(&IdentityKey) -> &str| column(keys, |key| encoded(of(key)));
    [
        part(|key| key.provider().as_str()),
        part(IdentityKey::subject),
        part(IdentityKey::tenant),
        part(IdentityKey::issuer),
    ]
}

/// An account, and what of its rows a later commit is compared with.
pub(crate) fn snapshot(row: &Row) -> Result<(Snapshot, Seen), Fault> {
    let mut cols = Cols::asked(row);
    let (mut account, version) = account(&mut cols)?;
    let account_commits = Commits::new(cols.blob("accounts.commit_ids")?);
    let (mut activity, activity_version) = activity(&mut cols)?;
    let activity_commits = Commits::new(cols.blob("account_activity.commit_ids")?);
    account.identities = identities(&mut cols)?;
    let sessions = sessions(&mut cols)?;
    activity.sessions = sessions.iter().map(|placed| placed.session.clone()).collect();
    let store_epoch = Epoch::new(cols.u32("store.epoch")?);
    let seen = Seen {
        account: AccountState::of(&account, version, account_commits),
        activity: ActivityState { version: activity_version, commits: activity_commits, sessions },
    };
    Ok((Snapshot { account, version, activity, activity_version, store_epoch }, seen))
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

/// All of an account's sessions, from one column.
pub(crate) fn sessions(cols: &mut Cols<'_>) -> Result<Vec<PlacedSession>, Fault> {
    let mut sessions = cols.rows("sessions", placed)?;
    sessions.sort_unstable_by_key(|placed| placed.place);
    Ok(sessions)
}

fn placed(cols: &mut Cols<'_>) -> Result<PlacedSession, Fault> {
    let place = cols.int("sessions.place")?;
    let session = Session {
        id: cols.session("sessions.id")?,
        identity: cols.opt_u32("sessions.identity")?.map(Ordinal::new),
        method: method(cols.text("sessions.method")?)?,
        authenticated_at: cols.time("sessions.authenticated_at")?,
        last_used_at: cols.time("sessions.last_used_at")?,
        idle_expires_at: cols.time("sessions.idle_expires_at")?,
        expires_at: cols.time("sessions.expires_at")?,
        generation: cols.u32("sessions.generation")?,
        access_revoked: cols.flag("sessions.access_revoked")?,
        refresh_revoked: cols.flag("sessions.refresh_revoked")?,
        client_vars: cols.json("sessions.client_vars")?,
        server_vars: cols.json("sessions.server_vars")?,
        device_name: cols.opt_boxed("sessions.device_name")?,
        device_id: cols.opt_boxed("sessions.device_id")?,
        epoch: Epoch::new(cols.u32("sessions.epoch")?),
        store_epoch: Epoch::new(cols.u32("sessions.store_epoch")?),
    };
    Ok(PlacedSession { place, session })
}

/// By the name that JSON has for it.
fn method(name: &str) -> Result<Method, Fault> {
    let name: StrDeserializer<'_, value::Error> = name.into_deserializer();
    Method::deserialize(name).map_err(|_| Fault::corrupt("sessions.method"))
}

/// All of an account's identities, from one column.
pub(crate) fn identities(cols: &mut Cols<'_>) -> Result<Vec<Identity>, Fault> {
    cols.rows("identities", |cols| {
        let ordinal = Ordinal::new(cols.u32("identities.ordinal")?);
        let provider = ProviderId::new(&cols.boxed("identities.provider")?)
            .map_err(|_| Fault::corrupt("identities.provider"))?;
        let subject = cols.boxed("identities.subject")?;
        let tenant = cols.boxed("identities.tenant")?;
        let issuer = cols.boxed("identities.issuer")?;
        Ok(Identity {
            ordinal,
            key: IdentityKey::scoped(provider, &tenant, &issuer, &subject),
            shown: cols.opt_boxed("identities.shown")?,
            linked_at: cols.time("identities.linked_at")?,
            verified_at: cols.opt_time("identities.verified_at")?,
            data: cols.opt_boxed("identities.data")?,
        })
    })
}

pub(crate) fn session(row: &Row) -> Result<SessionSnapshot, Fault> {
    let mut cols = Cols::asked(row);
    Ok(SessionSnapshot {
        session: placed(&mut cols)?.session,
        account_epoch: Epoch::new(cols.u32("accounts.epoch")?),
        account_due_at: cols.opt_time("accounts.due_at")?,
        activity_version: Version::new(cols.u64("account_activity.version")?),
        store_epoch: Epoch::new(cols.u32("store.epoch")?),
    })
}

pub(crate) const DUE: &str =
    "SELECT id FROM accounts WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2";
