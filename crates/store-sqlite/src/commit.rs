//! Applying a change set: every condition is checked before the first write, so that a set that does not fit leaves
//! no trace in the transaction that it shares with others.

use std::collections::{HashMap, HashSet};

use authcore::account::{AccountId, CommitId, IdentityKey, Version};
use authcore::store::{CodeKey, Conflict, Require, TransferKey};

use crate::apply;
use crate::db::{Db, Operation};
use crate::diff::{Diff, transfer_key};
use crate::error::{Fault, Stop};
use crate::plan::{Plan, Planned, UnknownPart};

impl Operation for Plan {
    type Out = ();
    const WRITES: bool = true;

    fn run(&self, db: &Db) -> Result<(), Stop> {
        if apply::plain_activity(db, self)? {
            return Ok(());
        }
        if self.is_remembered() && !self.has_witness() && !self.deletes() && remembers(db, self.id)?
        {
            return Ok(());
        }
        match check(db, self) {
            Ok(diffs) => Ok(apply::apply(db, self, &diffs)?),
            Err(Stop::Conflict(_)) if was_applied(db, self)? => Ok(()),
            Err(stop) => Err(stop),
        }
    }
}

/// Whether the set was applied before: sets are applied whole, so one document that names it proves it.
fn was_applied(db: &Db, plan: &Plan) -> Result<bool, Fault> {
    for write in &plan.writes {
        let ours = match write {
            Planned::Insert { account, .. } => {
                wrote_account(db, account.id, plan.id)? || wrote_activity(db, account.id, plan.id)?
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
            // These cannot tell.
            Planned::PutCode(_)
            | Planned::DeleteCode(_)
            | Planned::ResetThrottle(_)
            | Planned::RaiseStoreEpoch => false,
        };
        if ours {
            return Ok(true);
        }
    }
    Ok(false)
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

/// Whether the set fits; what it changes of its accounts, in their order.
fn check<'a>(db: &Db, plan: &'a Plan) -> Result<Vec<Diff<'a>>, Stop> {
    for require in &plan.require {
        check_require(db, require)?;
    }
    for write in &plan.writes {
        check_write(db, write)?;
    }
    let mut diffs = Vec::new();
    let mut after = After::new(plan);
    for write in &plan.writes {
        if let Some(diff) = Diff::of(db, write)? {
            after.check_unique(db, &diff)?;
            diffs.push(diff);
        }
    }
    Ok(diffs)
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
        Planned::Update { account: changed, expect, .. } => {
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

/// The keys as they are after the whole set, as far as they are looked at.
struct After<'a> {
    plan: &'a Plan,
    /// Which account each new key goes to.
    identities: HashMap<&'a IdentityKey, AccountId>,
    usernames: HashMap<&'a str, AccountId>,
    transfers: HashMap<&'a TransferKey, AccountId>,
    /// All keys of accounts that another account takes one from.
    left: HashMap<AccountId, HashSet<&'a IdentityKey>>,
}

impl<'a> After<'a> {
    fn new(plan: &'a Plan) -> Self {
        Self {
            plan,
            identities: HashMap::new(),
            usernames: HashMap::new(),
            transfers: HashMap::new(),
            left: HashMap::new(),
        }
    }

    /// Uniqueness of an account's new keys: of its identities first, then of its username, then of its transfer account.
    /// A key that stays where it is was unique before; whoever else wants it finds its owner.
    fn check_unique(&mut self, db: &Db, diff: &Diff<'a>) -> Result<(), Stop> {
        let id = diff.account.id;
        for identity in &diff.new {
            let key = &identity.key;
            let owner = owner(db, key)?.filter(|owner| *owner != id);
            let free = owner.is_none_or(|owner| self.gives_away(owner, key));
            let wanted_once = *self.identities.entry(key).or_insert(id) == id;
            must(free && wanted_once, || Conflict::IdentityTaken(key.clone()))?;
        }
        if let Some(username) = diff.account.username.as_ref().filter(|_| diff.username_key) {
            let key = &*username.key;
            let owner = username_owner(db, key)?.filter(|owner| *owner != id);
            let free = owner.is_none_or(|owner| self.gives_username_away(owner, key));
            let wanted_once = *self.usernames.entry(key).or_insert(id) == id;
            must(free && wanted_once, || Conflict::UsernameTaken(key.into()))?;
        }
        if let Some(key) = transfer_key(diff.account).filter(|_| diff.transfer_key) {
            let owner = transfer_owner(db, key)?.filter(|owner| *owner != id);
            let free = owner.is_none_or(|owner| self.gives_transfer_away(owner, key));
            let wanted_once = *self.transfers.entry(key).or_insert(id) == id;
            must(free && wanted_once, || Conflict::TransferTaken(*key))?;
        }
        Ok(())
    }

    /// Whether the set removes an account, or leaves it without the identity.
    fn gives_away(&mut self, owner: AccountId, key: &IdentityKey) -> bool {
        self.plan.writes.iter().any(|write| match write {
            Planned::Delete { id, .. } => *id == owner,
            Planned::Update { account, .. } if account.id == owner => {
                let keys = || account.identities.iter().map(|identity| &identity.key).collect();
                !self.left.entry(owner).or_insert_with(keys).contains(key)
            }
            _ => false,
        })
    }

    /// Whether the set removes an account, or leaves it without the username.
    fn gives_username_away(&self, owner: AccountId, key: &str) -> bool {
        self.plan.writes.iter().any(|write| match write {
            Planned::Delete { id, .. } => *id == owner,
            Planned::Update { account, .. } if account.id == owner => {
                account.username.as_ref().is_none_or(|theirs| &*theirs.key != key)
            }
            _ => false,
        })
    }

    /// Whether the set removes an account, or leaves it without the transfer account.
    fn gives_transfer_away(&self, owner: AccountId, key: &TransferKey) -> bool {
        self.plan.writes.iter().any(|write| match write {
            Planned::Delete { id, .. } => *id == owner,
            Planned::Update { account, .. } if account.id == owner => {
                transfer_key(account) != Some(key)
            }
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

fn transfer_owner(db: &Db, key: &TransferKey) -> Result<Option<AccountId>, Fault> {
    let sql = "SELECT id FROM accounts WHERE transfer_key = ?1";
    db.first(sql, (key.as_bytes(),), |cols| Ok(AccountId::from_bytes(cols.array("accounts.id")?)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use authcore::account::{Account, Identity, Ordinal, ProviderId};
    use authcore::session::Activity;
    use authcore::store::{ChangeSet, Lookup, Write};
    use chrono::DateTime;

    use super::*;
    use crate::config::SqliteConfig;
    use crate::open;
    use crate::ops::Load;

    fn identity(number: u32) -> Identity {
        Identity {
            ordinal: Ordinal::new(number),
            key: IdentityKey::new(ProviderId::DEVICE, &number.to_string()),
            shown: None,
            linked_at: DateTime::UNIX_EPOCH,
            verified_at: None,
            data: None,
        }
    }

    /// How many statements a set of one write takes.
    fn statements(db: &Db, commit: u8, write: Write) -> u64 {
        let change = ChangeSet {
            id: CommitId::from_bytes([commit; 16]),
            require: Vec::new(),
            writes: vec![write],
            events: Vec::new(),
        };
        statements_of(db, &Plan::new(&change).unwrap())
    }

    fn statements_of<O: Operation>(db: &Db, operation: &O) -> u64 {
        let before = db.statements.get();
        assert!(db.alone(operation).is_ok(), "it is done");
        db.statements.get() - before
    }

    #[test]
    fn a_login_takes_two_statements_to_read_and_one_to_write() {
        /// To begin and to commit.
        const AROUND: u64 = 2;

        let config = SqliteConfig::in_memory();
        let db = Db::new(open::first(&config).unwrap(), &config);
        let mut account = Account::new(AccountId::from_bytes([1; 16]), DateTime::UNIX_EPOCH);
        account.identities.push(identity(1));
        let (id, key) = (account.id, account.identities[0].key.clone());
        let activity = Arc::new(Activity::default());
        let insert =
            Write::InsertAccount { account: Box::new(account), activity: Arc::clone(&activity) };
        statements(&db, 1, insert);

        let load = Load(Lookup::Identity(key));
        assert_eq!(statements_of(&db, &load), AROUND + 2, "the account, and the store's epoch");
        let login = ChangeSet {
            id: CommitId::from_bytes([2; 16]),
            require: vec![Require::Account(id, Version::FIRST)],
            writes: vec![Write::UpdateActivity { id, activity, expect: Version::FIRST }],
            events: Vec::new(),
        };
        assert_eq!(statements_of(&db, &Plan::new(&login).unwrap()), AROUND + 1);
    }

    #[test]
    fn a_write_takes_as_many_statements_as_it_changes_keys() {
        let config = SqliteConfig::in_memory();
        let db = Db::new(open::first(&config).unwrap(), &config);
        let mut account = Account::new(AccountId::from_bytes([1; 16]), DateTime::UNIX_EPOCH);
        account.identities = (1..=1000).map(identity).collect();
        let insert = Write::InsertAccount {
            account: Box::new(account.clone()),
            activity: Activity::default().into(),
        };
        assert!(statements(&db, 1, insert) > 2000, "each key is looked for and written");

        let update = |account: &Account, expect| Write::UpdateAccount {
            account: Box::new(account.clone()),
            expect: Version::new(expect),
        };
        let nothing = statements(&db, 2, update(&account, 1));
        assert!(nothing < 10, "{nothing}");
        account.identities.push(identity(1001));
        assert_eq!(statements(&db, 3, update(&account, 2)), nothing + 2);
        account.identities.remove(0);
        assert_eq!(statements(&db, 4, update(&account, 3)), nothing + 1);
    }
}
