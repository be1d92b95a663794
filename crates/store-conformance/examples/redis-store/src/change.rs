//! A change set as the arguments of its script, and the script's answer as a conflict.

use authcore::account::{Account, AccountId, Version};
use authcore::event::EVENT_FORMAT;
use authcore::store::{
    ChangeSet, CodeKey, Conflict, OneTimeCode, Require, SingleUseKey, StoreError, StoreErrorKind,
    Write,
};
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::STORE;
use crate::failure::corrupt;

/// A number or a moment as the text that the scripts compare.
fn text(number: impl ToString + Copy) -> Vec<u8> {
    number.to_string().into_bytes()
}

fn millis(moment: DateTime<Utc>) -> Vec<u8> {
    text(moment.timestamp_millis())
}

pub(crate) fn json(document: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(document)
        .map_err(|_| StoreError::new(STORE, StoreErrorKind::Other).with_source("not serializable"))
}

/// A letter and what is behind it: a key of the store without the prefix.
pub(crate) fn key(kind: u8, id: &[u8]) -> Vec<u8> {
    [&[kind], id].concat()
}

/// The keys that an account is found by, in the order in which they are judged, each with what is said when it is taken.
fn index_keys(account: &Account) -> Vec<(Vec<u8>, Conflict)> {
    let identities = account.identities.iter().map(|identity| &identity.key);
    let mut keys: Vec<_> = identities
        .map(|of| (key(b'i', &of.encode()), Conflict::IdentityTaken(of.clone())))
        .collect();
    if let Some(username) = &account.username {
        let taken = Conflict::UsernameTaken(username.key.clone());
        keys.push((key(b'u', username.key.as_bytes()), taken));
    }
    if let Some(transfer) = &account.records.transfer {
        let taken = Conflict::TransferTaken(transfer.key);
        keys.push((key(b't', transfer.key.as_bytes()), taken));
    }
    keys
}

/// The arguments of `commit.lua`, in the order in which it reads them.
pub(crate) fn arguments(change: &ChangeSet) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut arguments = vec![change.id.as_bytes().to_vec(), text(EVENT_FORMAT)];
    arguments.push(text(change.require.len()));
    for require in &change.require {
        arguments.extend(condition(require)?);
    }
    arguments.push(text(change.writes.len()));
    for write in &change.writes {
        arguments.extend(described(write)?.arguments());
    }
    arguments.push(text(change.events.len()));
    for event in &change.events {
        arguments.push(json(event)?);
    }
    Ok(arguments)
}

/// Which document, of whom, which field of it, and what it must be.
fn condition(require: &Require) -> Result<[Vec<u8>; 4], StoreError> {
    let (document, id, field, expect) = match require {
        Require::Account(id, version) => {
            ("a", &id.as_bytes()[..], "version", text(version.number()))
        }
        Require::Activity(id, version) => {
            ("v", &id.as_bytes()[..], "version", text(version.number()))
        }
        Require::Epoch(id, epoch) => ("a", &id.as_bytes()[..], "epoch", text(epoch.number())),
        Require::PasswordVersion(id, version) => {
            ("a", &id.as_bytes()[..], "password", text(version))
        }
        Require::Code(key, tries_left) => ("c", &key.as_bytes()[..], "tries", text(tries_left)),
        _ => return Err(unknown()),
    };
    Ok([document.into(), id.to_vec(), field.into(), expect])
}

/// A write as the script sees it.
struct Described {
    kind: &'static str,
    id: Vec<u8>,
    index_keys: Vec<Vec<u8>>,
    fields: Vec<(&'static str, Vec<u8>)>,
}

impl Described {
    fn new(kind: &'static str, id: &[u8]) -> Self {
        Self { kind, id: id.to_vec(), index_keys: Vec::new(), fields: Vec::new() }
    }

    fn with(mut self, field: &'static str, value: Vec<u8>) -> Self {
        self.fields.push((field, value));
        self
    }

    fn account(kind: &'static str, account: &Account) -> Result<Self, StoreError> {
        let keys = index_keys(account).into_iter().map(|(key, _)| key).collect();
        let password = account.password.as_ref().map(|password| text(password.version));
        let due = account.due_at().map(millis);
        Ok(Self { index_keys: keys, ..Self::new(kind, account.id.as_bytes()) }
            .with("epoch", text(account.epoch.number()))
            .with("password", password.unwrap_or_default())
            .with("due", due.unwrap_or_default())
            .with("document", json(account)?))
    }

    fn arguments(self) -> Vec<Vec<u8>> {
        let mut arguments = vec![self.kind.into(), self.id, text(self.index_keys.len())];
        arguments.extend(self.index_keys);
        arguments.push(text(self.fields.len()));
        arguments.extend(self.fields.into_iter().flat_map(|(name, value)| [name.into(), value]));
        arguments
    }
}

fn described(write: &Write) -> Result<Described, StoreError> {
    Ok(match write {
        Write::InsertAccount { account, activity } => Described::account("insert", account)?
            .with("version", text(Version::FIRST.number()))
            .with("activity", json(&**activity)?),
        Write::UpdateAccount { account, expect } => Described::account("account", account)?
            .with("expect", text(expect.number()))
            .with("version", text(expect.next().number())),
        Write::DeleteAccount { id, expect } => {
            Described::new("delete", id.as_bytes()).with("expect", text(expect.number()))
        }
        Write::UpdateActivity { id, activity, expect } => Described::new("activity", id.as_bytes())
            .with("expect", text(expect.number()))
            .with("version", text(expect.next().number()))
            .with("document", json(&**activity)?),
        Write::PutCode(code) => put_code(code)?,
        Write::DeleteCode(key) => Described::new("forget", key.as_bytes()),
        Write::UseUp { key, forget_at } => {
            Described::new("use", key.as_bytes()).with("ends", millis(*forget_at))
        }
        Write::ResetThrottle(key) => Described::new("reset", key.as_bytes()),
        Write::RaiseStoreEpoch => Described::new("epoch", b""),
        _ => return Err(unknown()),
    })
}

fn put_code(code: &OneTimeCode) -> Result<Described, StoreError> {
    Ok(Described::new("code", code.key.as_bytes())
        .with("tries", text(code.tries_left))
        .with("owner", code.account.as_bytes().to_vec())
        .with("ends", millis(code.expires_at))
        .with("document", json(code)?))
}

/// A condition or write of a later release.
fn unknown() -> StoreError {
    StoreError::new(STORE, StoreErrorKind::Other).with_source("unknown condition or write")
}

/// The conflict that the script names.
pub(crate) fn conflict(what: &[u8], of: &[u8], change: &ChangeSet) -> Result<Conflict, StoreError> {
    let account = || of.try_into().map(AccountId::from_bytes).map_err(|_| corrupt("conflict"));
    let digest = || <[u8; 32]>::try_from(of).map_err(|_| corrupt("conflict"));
    Ok(match what {
        b"missing" => Conflict::AccountMissing(account()?),
        b"exists" => Conflict::AccountExists(account()?),
        b"a" => Conflict::AccountChanged(account()?),
        b"v" => Conflict::ActivityChanged(account()?),
        b"c" => Conflict::CodeChanged(CodeKey::new(digest()?)),
        b"used" => Conflict::UsedUp(SingleUseKey::new(digest()?)),
        _ => change
            .writes
            .iter()
            .filter_map(|write| match write {
                Write::InsertAccount { account, .. } | Write::UpdateAccount { account, .. } => {
                    Some(index_keys(account))
                }
                _ => None,
            })
            .flatten()
            .find_map(|(key, taken)| (key == of).then_some(taken))
            .ok_or_else(|| corrupt("conflict"))?,
    })
}
