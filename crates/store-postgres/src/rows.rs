//! Reading accounts. Each is read by one statement, and so is of one moment.

use authcore::account::{
    Account, Epoch, Identity, IdentityKey, Ordinal, Profile, ProviderId, SessionId, Username,
    Version,
};
use authcore::password::Password;
use authcore::session::{Activity, LoginRecord, SessionSnapshot};
use authcore::store::{CodeKey, CodePurpose, OneTimeCode, Snapshot};
use tokio_postgres::Row;

use crate::cols::Cols;
use crate::error::Fault;
use crate::param::{Param, column, params};
use crate::seen::Seen;
use crate::session_codec;
use crate::state::{AccountState, ActivityState, Commits};
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

/// Each row begins with the number of what was asked for, from one on.
macro_rules! select_snapshots {
    ($asked:literal) => {
        concat!(
            "SELECT k.n, a.id, a.version, a.epoch, a.username, a.username_key, a.display_name, a.avatar_url, a.lang_tag, \
             a.location, a.timezone, a.metadata, a.password_hash, a.password_version, a.password_set_at, a.ban::text, \
             a.withdrawal::text, a.records::text, a.next_ordinal, a.created_at, a.updated_at, \
             substring(a.commit_ids from 1 for 16), v.version, v.login_count, v.last_login_at, v.last_login_ordinal, \
             v.previous_login_at, v.sessions, v.session_details::text, substring(v.commit_ids from 1 for 16), ",
            identities_of!("a.id"),
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

pub(crate) const SESSIONS: &str = "SELECT k.n, v.sessions, v.session_details::text, v.account_epoch, v.account_due_at, \
     v.version, (SELECT epoch FROM store WHERE store.id = 1) \
     FROM unnest($1::uuid[]) WITH ORDINALITY AS k (account_id, n) JOIN account_activity v ON v.account_id = k.account_id";

pub(crate) const CODES: &str = "SELECT k.n, c.purpose, c.account_id, c.credential_generation, c.tries_left, c.expires_at \
     FROM unnest($1::bytea[]) WITH ORDINALITY AS k (key, n) JOIN codes c ON c.key = k.key";

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
    let (activity, activity_version) = activity(&mut cols)?;
    let activity_commits = Commits::new(cols.blob("account_activity.commit_ids")?);
    account.identities = identities(&mut cols)?;
    let store_epoch = Epoch::new(cols.u32("store.epoch")?);
    let seen = Seen {
        account: AccountState::of(&account, version, account_commits),
        activity: ActivityState { version: activity_version, commits: activity_commits },
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
        sessions: cols.sessions(session_codec::decode)?,
    };
    Ok((activity, version))
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

/// A session of an account; nothing when the account has none of this id.
pub(crate) fn session(row: &Row, id: SessionId) -> Result<Option<SessionSnapshot>, Fault> {
    let mut cols = Cols::asked(row);
    let found = cols.sessions(|list, details| session_codec::find(list, details, id))?;
    let Some(session) = found else { return Ok(None) };
    Ok(Some(SessionSnapshot {
        session,
        account_epoch: Epoch::new(cols.u32("account_activity.account_epoch")?),
        account_due_at: cols.opt_time("account_activity.account_due_at")?,
        activity_version: Version::new(cols.u64("account_activity.version")?),
        store_epoch: Epoch::new(cols.u32("store.epoch")?),
    }))
}

pub(crate) fn code(row: &Row, key: CodeKey) -> Result<OneTimeCode, Fault> {
    let mut cols = Cols::asked(row);
    Ok(OneTimeCode {
        key,
        purpose: CodePurpose::from_name(&cols.boxed("codes.purpose")?)
            .ok_or_else(|| Fault::corrupt("codes.purpose"))?,
        account: cols.account("codes.account_id")?,
        credential_generation: cols.u32("codes.credential_generation")?,
        tries_left: cols.u32("codes.tries_left")?,
        expires_at: cols.time("codes.expires_at")?,
    })
}

pub(crate) const DUE: &str =
    "SELECT id FROM accounts WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2";
