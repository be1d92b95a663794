//! Applying a change set: every condition is checked before the first write, so that a set that does not fit leaves
//! no trace in the transaction that it shares with others.

use authcore::account::{AccountId, CommitId, IdentityKey, Version};
use authcore::store::{CodeKey, Conflict, Require};

use crate::apply;
use crate::db::{Db, Operation};
use crate::error::{Fault, Stop};
use crate::plan::{Plan, Planned, UnknownPart};

impl Operation for Plan {
    type Out = ();
    const WRITES: bool = true;

    fn run(&self, db: &Db) -> Result<(), Stop> {
        if apply::plain_login(db, self)? {
            return Ok(());
        }
        if self.is_remembered() && !self.has_witness() && !self.deletes() && remembers(db, self.id)?
        {
            return Ok(());
        }
        match check(db, self) {
            Ok(()) => Ok(apply::apply(db, self)?),
            Err(Stop::Conflict(_)) if was_applied(db, self)? => Ok(()),
            Err(stop) => Err(stop),
        }
    }
}

/// Whether the set was applied before, and is still the last word on the accounts, activities and single-use keys it writes.
fn was_applied(db: &Db, plan: &Plan) -> Result<bool, Fault> {
    if !plan.has_witness() && !plan.deletes() {
        return Ok(false);
    }
    for write in &plan.writes {
        let ours = match write {
            Planned::Insert { account, .. } => {
                wrote_account(db, account.id, plan.id)? && wrote_activity(db, account.id, plan.id)?
            }
            Planned::Update { account, .. } => wrote_account(db, account.id, plan.id)?,
            Planned::Activity { id, .. } => wrote_activity(db, *id, plan.id)?,
            Planned::Delete { id, .. } => {
                account_state(db, *id)?.is_none() && remembers(db, plan.id)?
            }
            Planned::UseUp { key, .. } => wrote(
                db,
                "SELECT commit_id FROM single_use WHERE key = ?1",
                key.as_bytes(),
                plan.id,
            )?,
            // These cannot tell, and need not: the others were written in one go with them.
            Planned::PutCode(_)
            | Planned::DeleteCode(_)
            | Planned::ResetThrottle(_)
            | Planned::RaiseStoreEpoch => true,
        };
        if !ours {
            return Ok(false);
        }
    }
    Ok(true)
}

fn wrote_account(db: &Db, id: AccountId, commit: CommitId) -> Result<bool, Fault> {
    wrote(db, "SELECT commit_id FROM accounts WHERE id = ?1", id.as_bytes(), commit)
}

fn wrote_activity(db: &Db, id: AccountId, commit: CommitId) -> Result<bool, Fault> {
    let sql = "SELECT commit_id FROM account_activity WHERE account_id = ?1";
    wrote(db, sql, id.as_bytes(), commit)
}

fn wrote(db: &Db, sql: &str, key: &[u8], commit: CommitId) -> Result<bool, Fault> {
    let last = db.first(sql, (key,), |cols| cols.array::<16>("commit_id"))?;
    Ok(last.is_some_and(|last| last == *commit.as_bytes()))
}

fn remembers(db: &Db, commit: CommitId) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM recent_commits WHERE commit_id = ?1";
    Ok(db.first(sql, (commit.as_bytes(),), |_| Ok(()))?.is_some())
}

fn check(db: &Db, plan: &Plan) -> Result<(), Stop> {
    for require in &plan.require {
        check_require(db, require)?;
    }
    for write in &plan.writes {
        check_write(db, write)?;
    }
    for (index, write) in plan.writes.iter().enumerate() {
        check_unique(db, plan, index, write)?;
    }
    Ok(())
}

fn must(holds: bool, conflict: impl FnOnce() -> Conflict) -> Result<(), Stop> {
    if holds { Ok(()) } else { Err(Stop::Conflict(conflict())) }
}

fn check_require(db: &Db, require: &Require) -> Result<(), Stop> {
    match require {
        Require::Account(id, version) => {
            let state = account(db, *id)?;
            must(state.version == *version, || Conflict::AccountChanged(*id))
        }
        Require::Epoch(id, epoch) => {
            let state = account(db, *id)?;
            must(state.epoch == epoch.number(), || Conflict::AccountChanged(*id))
        }
        Require::PasswordVersion(id, version) => {
            let state = account(db, *id)?;
            must(state.password_version == Some(*version), || Conflict::AccountChanged(*id))
        }
        Require::Activity(id, version) => check_activity(db, *id, *version),
        Require::Code(key, tries) => {
            let left = tries_left(db, key)?;
            must(left == Some(*tries), || Conflict::CodeChanged(*key))
        }
        _ => Err(Fault::other(UnknownPart).into()),
    }
}

fn check_write(db: &Db, write: &Planned) -> Result<(), Stop> {
    match write {
        Planned::Insert { account, .. } => {
            let free = account_state(db, account.id)?.is_none();
            must(free, || Conflict::AccountExists(account.id))
        }
        Planned::Update { account: changed, expect } => {
            let state = account(db, changed.id)?;
            must(state.version == *expect, || Conflict::AccountChanged(changed.id))
        }
        Planned::Delete { id, expect } => {
            let state = account(db, *id)?;
            must(state.version == *expect, || Conflict::AccountChanged(*id))
        }
        Planned::Activity { id, expect, .. } => check_activity(db, *id, *expect),
        Planned::UseUp { key, .. } => {
            let sql = "SELECT 1 FROM single_use WHERE key = ?1";
            let free = db.first(sql, (key.as_bytes(),), |_| Ok(()))?.is_none();
            must(free, || Conflict::UsedUp(*key))
        }
        Planned::PutCode(_)
        | Planned::DeleteCode(_)
        | Planned::ResetThrottle(_)
        | Planned::RaiseStoreEpoch => Ok(()),
    }
}

/// Uniqueness after the whole set: of its identities first, then of its username.
fn check_unique(db: &Db, plan: &Plan, index: usize, write: &Planned) -> Result<(), Stop> {
    let Some(account) = write.account() else {
        return Ok(());
    };
    let earlier = || {
        let accounts = plan.writes.iter().take(index).filter_map(Planned::account);
        accounts.filter(|other| other.id != account.id)
    };
    for identity in &account.identities {
        let key = &identity.key;
        let owner = owner(db, key)?.filter(|owner| *owner != account.id);
        let free =
            owner.is_none_or(|owner| plan.leaves(owner, |account| account.identity(key).is_none()));
        let wanted_once = earlier().all(|other| other.identity(key).is_none());
        must(free && wanted_once, || Conflict::IdentityTaken(key.clone()))?;
    }
    if let Some(username) = &account.username {
        let has = |other: &authcore::account::Account| {
            other.username.as_ref().is_some_and(|theirs| theirs.key == username.key)
        };
        let owner = username_owner(db, &username.key)?.filter(|owner| *owner != account.id);
        let free = owner.is_none_or(|owner| plan.leaves(owner, |account| !has(account)));
        let wanted_once = !earlier().any(has);
        must(free && wanted_once, || Conflict::UsernameTaken(username.key.clone()))?;
    }
    Ok(())
}

impl Plan {
    /// Whether the set removes an account, or leaves it so that `gone` holds.
    fn leaves(&self, id: AccountId, gone: impl Fn(&authcore::account::Account) -> bool) -> bool {
        self.writes.iter().any(|write| match write {
            Planned::Delete { id: deleted, .. } => *deleted == id,
            Planned::Update { account, .. } => account.id == id && gone(account),
            _ => false,
        })
    }
}

/// What conditions on an account look at.
struct AccountState {
    version: Version,
    epoch: u32,
    password_version: Option<u32>,
}

fn account(db: &Db, id: AccountId) -> Result<AccountState, Stop> {
    account_state(db, id)?.ok_or(Stop::Conflict(Conflict::AccountMissing(id)))
}

fn account_state(db: &Db, id: AccountId) -> Result<Option<AccountState>, Fault> {
    let sql = "SELECT version, epoch, password_version FROM accounts WHERE id = ?1";
    db.first(sql, (id.as_bytes(),), |cols| {
        Ok(AccountState {
            version: Version::new(cols.u64("accounts.version")?),
            epoch: cols.u32("accounts.epoch")?,
            password_version: cols.opt_u32("accounts.password_version")?,
        })
    })
}

fn check_activity(db: &Db, id: AccountId, expect: Version) -> Result<(), Stop> {
    let sql = "SELECT version FROM account_activity WHERE account_id = ?1";
    let version = db.first(sql, (id.as_bytes(),), |cols| cols.u64("account_activity.version"))?;
    let version = version.ok_or(Stop::Conflict(Conflict::AccountMissing(id)))?;
    must(version == expect.number(), || Conflict::ActivityChanged(id))
}

fn tries_left(db: &Db, key: &CodeKey) -> Result<Option<u32>, Fault> {
    let sql = "SELECT tries_left FROM codes WHERE key = ?1";
    db.first(sql, (key.as_bytes(),), |cols| cols.u32("codes.tries_left"))
}

fn owner(db: &Db, key: &IdentityKey) -> Result<Option<AccountId>, Fault> {
    let sql = "SELECT account_id FROM identities \
               WHERE provider = ?1 AND subject = ?2 AND tenant = ?3 AND issuer = ?4";
    let params = (key.provider().as_str(), key.subject(), key.tenant(), key.issuer());
    db.first(sql, params, |cols| Ok(AccountId::from_bytes(cols.array("identities.account_id")?)))
}

fn username_owner(db: &Db, key: &str) -> Result<Option<AccountId>, Fault> {
    let sql = "SELECT id FROM accounts WHERE username_key = ?1";
    db.first(sql, (key,), |cols| Ok(AccountId::from_bytes(cols.array("accounts.id")?)))
}
