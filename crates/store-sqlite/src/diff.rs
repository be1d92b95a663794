//! What a write changes of an account's keys, by comparison with what the tables hold. Accounts may have thousands of
//! identities, of which a write changes one or none.

use authcore::account::{Account, Identity, Ordinal};
use authcore::store::TransferKey;
use rusqlite::params;

use crate::cols::Cols;
use crate::db::Db;
use crate::error::Fault;
use crate::plan::Planned;

pub(crate) struct Diff<'a> {
    pub(crate) account: &'a Account,
    /// The username's key is another one than before, or gone.
    pub(crate) username_key: bool,
    /// The username is another one than before in any way.
    pub(crate) username: bool,
    /// The transfer account's key is another one than before, or gone.
    pub(crate) transfer_key: bool,
    /// Identities whose row goes, because the account will not have them, or have another key under the number.
    pub(crate) gone: Vec<Ordinal>,
    /// Identities whose key is new, or was under another number.
    pub(crate) new: Vec<&'a Identity>,
    /// Identities whose key stays while something else changes.
    pub(crate) altered: Vec<&'a Identity>,
}

impl<'a> Diff<'a> {
    /// Nothing when the write is not of an account.
    pub(crate) fn of(db: &Db, write: &'a Planned) -> Result<Option<Self>, Fault> {
        Ok(match write {
            Planned::Insert { account, .. } => Some(Self {
                username_key: true,
                username: true,
                transfer_key: true,
                new: account.identities.iter().collect(),
                ..Self::none(account)
            }),
            Planned::Update { account, .. } => Some(Self::of_update(db, account)?),
            _ => None,
        })
    }

    const fn none(account: &'a Account) -> Self {
        Self {
            account,
            username_key: false,
            username: false,
            transfer_key: false,
            gone: Vec::new(),
            new: Vec::new(),
            altered: Vec::new(),
        }
    }

    fn of_update(db: &Db, account: &'a Account) -> Result<Self, Fault> {
        let mut diff = Self::none(account);
        let username = account.username.as_ref();
        let same = db.first(
            "SELECT username_key IS ?2, username IS ?3, transfer_key IS ?4 FROM accounts WHERE id = ?1",
            params![
                account.id.as_bytes(),
                username.map(|username| &*username.key),
                username.map(|username| &*username.shown),
                transfer_key(account).map(TransferKey::as_bytes),
            ],
            |cols| {
                Ok([
                    cols.int("accounts.username_key")? != 0,
                    cols.int("accounts.username")? != 0,
                    cols.int("accounts.transfer_key")? != 0,
                ])
            },
        )?;
        let [same_key, same_shown, same_transfer] = same.unwrap_or_default();
        diff.username_key = !same_key;
        diff.username = !(same_key && same_shown);
        diff.transfer_key = !same_transfer;

        // Both sides in the order of their numbers, which the account's are in already.
        let mut wanted: Vec<_> = account.identities.iter().collect();
        wanted.sort_by_key(|identity| identity.ordinal);
        let mut wanted = wanted.into_iter().peekable();
        let mut statement = db.prepare(
            "SELECT ordinal, provider, subject, tenant, issuer, shown, linked_at, verified_at, data \
             FROM identities \
             WHERE account_id = ?1 ORDER BY ordinal",
        )?;
        let mut rows = statement.query((account.id.as_bytes(),))?;
        while let Some(row) = rows.next()? {
            let mut cols = Cols::new(row);
            let ordinal = Ordinal::new(cols.u32("identities.ordinal")?);
            while let Some(identity) = wanted.next_if(|identity| identity.ordinal < ordinal) {
                diff.new.push(identity);
            }
            let Some(identity) = wanted.next_if(|identity| identity.ordinal == ordinal) else {
                diff.gone.push(ordinal);
                continue;
            };
            if !same_key_as(identity, &mut cols)? {
                diff.gone.push(ordinal);
                diff.new.push(identity);
            } else if !same_rest_as(identity, &mut cols)? {
                diff.altered.push(identity);
            }
        }
        diff.new.extend(wanted);
        Ok(diff)
    }
}

/// What an account's transfer account is found by.
pub(crate) fn transfer_key(account: &Account) -> Option<&TransferKey> {
    account.records.transfer.as_ref().map(|transfer| &transfer.key)
}

fn same_key_as(identity: &Identity, cols: &mut Cols<'_, '_>) -> Result<bool, Fault> {
    let key = &identity.key;
    // All are read, so that the columns behind them come next.
    let provider = cols.text("identities.provider")? == key.provider().as_str();
    let subject = cols.text("identities.subject")? == key.subject();
    let tenant = cols.text("identities.tenant")? == key.tenant();
    let issuer = cols.text("identities.issuer")? == key.issuer();
    Ok(provider && subject && tenant && issuer)
}

fn same_rest_as(identity: &Identity, cols: &mut Cols<'_, '_>) -> Result<bool, Fault> {
    // Named one by one, so that a new field breaks the build instead of being lost.
    let Identity { ordinal: _, key: _, shown, linked_at, verified_at, data } = identity;
    Ok(cols.opt_text("identities.shown")? == shown.as_deref()
        && cols.int("identities.linked_at")? == linked_at.timestamp_millis()
        && cols.opt_int("identities.verified_at")? == verified_at.map(|at| at.timestamp_millis())
        && cols.opt_text("identities.data")? == data.as_deref())
}
