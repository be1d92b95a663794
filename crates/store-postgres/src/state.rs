//! What a change set is compared with: the rows that it names, locked until its transaction ends.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use authcore::account::{Account, AccountId, CommitId, Identity, IdentityKey, Version};
use authcore::store::{CodeKey, Require, SingleUseKey, TransferKey};
use tokio_postgres::Row;

use crate::cols::Cols;
use crate::error::{Fault, Stop};
use crate::param::params;
use crate::plan::{Plan, Planned, UnknownPart, transfer_key};
use crate::rows::{self, identities_of, key_params};
use crate::text;
use crate::tx::{Sent, Tx};

#[derive(Default)]
pub(crate) struct State {
    pub(crate) accounts: HashMap<AccountId, AccountState>,
    pub(crate) activities: HashMap<AccountId, ActivityState>,
    /// The codes that are there, with their tries.
    pub(crate) codes: HashMap<CodeKey, u32>,
    /// The single-use keys that were used up, and by which set.
    pub(crate) used_up: HashMap<SingleUseKey, CommitId>,
    /// The set is among those that are remembered apart.
    pub(crate) remembered: bool,
}

pub(crate) struct AccountState {
    pub(crate) version: Version,
    pub(crate) epoch: u32,
    pub(crate) password_version: Option<u32>,
    pub(crate) username: Option<Box<str>>,
    pub(crate) username_key: Option<Box<str>>,
    pub(crate) transfer_key: Option<Vec<u8>>,
    pub(crate) commits: Commits,
    /// Only of an account that the set updates.
    pub(crate) identities: Vec<Identity>,
}

impl AccountState {
    /// Of an account that was read whole.
    pub(crate) fn of(account: &Account, version: Version, commits: Commits) -> Self {
        let username = account.username.as_ref();
        Self {
            version,
            epoch: account.epoch.number(),
            password_version: account.password.as_ref().map(|password| password.version),
            username: username.map(|username| username.shown.clone()),
            username_key: username.map(|username| username.key.clone()),
            transfer_key: transfer_key(account).map(|key| key.as_bytes().to_vec()),
            commits,
            identities: account.identities.clone(),
        }
    }
}

pub(crate) struct ActivityState {
    pub(crate) version: Version,
    pub(crate) commits: Commits,
}

/// The change sets that wrote a document last.
pub(crate) struct Commits(Vec<u8>);

impl Commits {
    /// How many of them there are.
    pub(crate) const LATEST: u64 = 8;

    pub(crate) fn new(ids: &[u8]) -> Self {
        Self(ids.to_vec())
    }

    /// The latest of them.
    pub(crate) fn last(&self) -> Option<CommitId> {
        self.0.first_chunk().map(|id| CommitId::from_bytes(*id))
    }

    pub(crate) fn name(&self, commit: CommitId) -> bool {
        self.0.chunks_exact(16).any(|id| id == commit.as_bytes())
    }
}

/// How a row is locked: for others to wait, or only for others who write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Lock {
    Share,
    Update,
}

impl Lock {
    const fn account(self) -> &'static str {
        macro_rules! lock {
            ($lock:literal) => {
                concat!(
                    "SELECT version, epoch, password_version, username, username_key, transfer_key, commit_ids \
                     FROM accounts WHERE id = $1 FOR ",
                    $lock
                )
            };
        }
        match self {
            Self::Share => lock!("SHARE"),
            Self::Update => lock!("UPDATE"),
        }
    }

    const fn activity(self) -> &'static str {
        macro_rules! lock {
            ($lock:literal) => {
                concat!(
                    "SELECT version, commit_ids FROM account_activity WHERE account_id = $1 FOR ",
                    $lock
                )
            };
        }
        match self {
            Self::Share => lock!("SHARE"),
            Self::Update => lock!("UPDATE"),
        }
    }
}

const CODE: &str = "SELECT tries_left FROM codes WHERE key = $1 FOR UPDATE";
const IDENTITIES: &str = concat!("SELECT ", identities_of!("$1"));
const SINGLE_USE: &str = "SELECT commit_id FROM single_use WHERE key = $1";
const REMEMBERED: &str = "SELECT 1::bigint FROM recent_commits WHERE commit_id = $1";

/// What of the tables a set needs.
#[derive(Default)]
struct Needs {
    accounts: BTreeMap<AccountId, Lock>,
    /// Those of them whose identities are compared.
    updated: BTreeSet<AccountId>,
    activities: BTreeMap<AccountId, Lock>,
    codes: BTreeSet<CodeKey>,
    single_use: BTreeSet<SingleUseKey>,
    /// Whether the set may be among those that are remembered apart.
    remembered: bool,
}

impl Needs {
    fn of(plan: &Plan) -> Result<Self, Fault> {
        let mut needs = Self { remembered: plan.is_remembered(), ..Self::default() };
        let lock = |locks: &mut BTreeMap<_, _>, id, lock: Lock| {
            let kept = locks.entry(id).or_insert(lock);
            *kept = lock.max(*kept);
        };
        for require in &plan.require {
            match require {
                Require::Account(id, _)
                | Require::Epoch(id, _)
                | Require::PasswordVersion(id, _) => lock(&mut needs.accounts, *id, Lock::Share),
                Require::Activity(id, _) => lock(&mut needs.activities, *id, Lock::Share),
                Require::Code(key, _) => drop(needs.codes.insert(*key)),
                _ => return Err(Fault::other(UnknownPart)),
            }
        }
        for write in &plan.writes {
            match write {
                Planned::Insert { account, .. } => {
                    lock(&mut needs.accounts, account.id, Lock::Update);
                    lock(&mut needs.activities, account.id, Lock::Update);
                }
                Planned::Update { account, .. } => {
                    lock(&mut needs.accounts, account.id, Lock::Update);
                    // For what logins compare.
                    lock(&mut needs.activities, account.id, Lock::Update);
                    needs.updated.insert(account.id);
                }
                Planned::Delete { id, .. } => {
                    lock(&mut needs.accounts, *id, Lock::Update);
                    lock(&mut needs.activities, *id, Lock::Update);
                }
                Planned::Activity { id, .. } => {
                    lock(&mut needs.activities, *id, Lock::Update);
                }
                Planned::UseUp { key, .. } => drop(needs.single_use.insert(*key)),
                Planned::PutCode(_)
                | Planned::DeleteCode(_)
                | Planned::ResetThrottle(_)
                | Planned::RaiseStoreEpoch => {}
            }
        }
        Ok(needs)
    }

    /// The statements that read them.
    fn statements(&self) -> impl Iterator<Item = &'static str> {
        let rest = [
            (CODE, !self.codes.is_empty()),
            (IDENTITIES, !self.updated.is_empty()),
            (SINGLE_USE, !self.single_use.is_empty()),
            (REMEMBERED, self.remembered),
        ];
        let accounts = self.accounts.values().map(|lock| lock.account());
        let activities = self.activities.values().map(|lock| lock.activity());
        let rest = rest.into_iter().filter_map(|(sql, needed)| needed.then_some(sql));
        accounts.chain(activities).chain(rest)
    }
}

impl State {
    /// Locks and reads all that the set names, in one round trip. Everybody locks accounts first, then activities, then
    /// codes, each in the order of their keys, so that two sets wait for each other only in one direction.
    pub(crate) async fn read(tx: &mut Tx<'_>, plan: &Plan) -> Result<Self, Fault> {
        let needs = Needs::of(plan)?;
        for sql in needs.statements() {
            tx.know(sql).await?;
        }
        let mut accounts = Vec::new();
        for (id, lock) in &needs.accounts {
            accounts.push((*id, tx.query(lock.account(), params![id.as_uuid()]).await?));
        }
        let mut activities = Vec::new();
        for (id, lock) in &needs.activities {
            activities.push((*id, tx.query(lock.activity(), params![id.as_uuid()]).await?));
        }
        let mut codes = Vec::new();
        for key in &needs.codes {
            codes.push((*key, tx.query(CODE, params![key.as_bytes().to_vec()]).await?));
        }
        // Their statements begin after those above were answered by the server, so they see what the locks protect.
        let mut identities = Vec::new();
        for id in &needs.updated {
            identities.push((*id, tx.query(IDENTITIES, params![id.as_uuid()]).await?));
        }
        let mut used_up = Vec::new();
        for key in &needs.single_use {
            used_up.push((*key, tx.query(SINGLE_USE, params![key.as_bytes().to_vec()]).await?));
        }
        let remembered = if needs.remembered {
            Some(tx.query(REMEMBERED, params![plan.id.as_uuid()]).await?)
        } else {
            None
        };

        let mut state = Self {
            accounts: answers(accounts, account).await?,
            activities: answers(activities, activity).await?,
            codes: answers(codes, |row| Cols::new(row).u32("codes.tries_left")).await?,
            ..Self::default()
        };
        for (id, found) in answers(identities, |row| rows::identities(&mut Cols::new(row))).await? {
            if let Some(account) = state.accounts.get_mut(&id) {
                account.identities = found;
            }
        }
        state.used_up =
            answers(used_up, |row| Cols::new(row).commit("single_use.commit_id")).await?;
        if let Some(sent) = remembered {
            state.remembered = sent.first().await?.is_some();
        }
        Ok(state)
    }
}

/// Waits for the answers; those without a row are left out.
async fn answers<K: std::hash::Hash + Eq, T>(
    sent: Vec<(K, Sent<'_, Vec<Row>>)>,
    read: impl Fn(&Row) -> Result<T, Fault>,
) -> Result<HashMap<K, T>, Fault> {
    let mut found = HashMap::with_capacity(sent.len());
    for (key, sent) in sent {
        if let Some(row) = sent.first().await? {
            found.insert(key, read(&row)?);
        }
    }
    Ok(found)
}

fn account(row: &Row) -> Result<AccountState, Fault> {
    let mut cols = Cols::new(row);
    Ok(AccountState {
        version: Version::new(cols.u64("accounts.version")?),
        epoch: cols.u32("accounts.epoch")?,
        password_version: cols.opt_u32("accounts.password_version")?,
        username: cols.opt_boxed("accounts.username")?,
        username_key: cols.opt_boxed("accounts.username_key")?,
        transfer_key: cols.opt_blob("accounts.transfer_key")?.map(<[u8]>::to_vec),
        commits: Commits::new(cols.blob("accounts.commit_ids")?),
        identities: Vec::new(),
    })
}

fn activity(row: &Row) -> Result<ActivityState, Fault> {
    let mut cols = Cols::new(row);
    Ok(ActivityState {
        version: Version::new(cols.u64("account_activity.version")?),
        commits: Commits::new(cols.blob("account_activity.commit_ids")?),
    })
}

/// Who owns the keys that a set gives to accounts. They are not locked: when an owner changes meanwhile, either a
/// unique index says so, or the answer is as of before.
#[derive(Default)]
pub(crate) struct Owners {
    pub(crate) identities: HashMap<IdentityKey, AccountId>,
    pub(crate) usernames: HashMap<Box<str>, AccountId>,
    pub(crate) transfers: HashMap<TransferKey, AccountId>,
}

impl Owners {
    const OF_IDENTITY: &str = "SELECT account_id FROM identities \
                               WHERE provider = $1 AND subject = $2 AND tenant = $3 AND issuer = $4";
    const OF_USERNAME: &str = "SELECT id FROM accounts WHERE username_key = $1";
    const OF_TRANSFER: &str = "SELECT id FROM accounts WHERE transfer_key = $1";

    /// Reads the owners of the new keys, in one round trip; none when there is no new key.
    pub(crate) async fn read(
        tx: &mut Tx<'_>,
        diffs: &[crate::diff::Diff<'_>],
    ) -> Result<Self, Stop> {
        let identities: Vec<_> =
            diffs.iter().flat_map(|diff| &diff.new).map(|identity| &identity.key).collect();
        let usernames = diffs.iter().filter(|diff| diff.username_key);
        let usernames: Vec<_> =
            usernames.filter_map(|diff| Some(&diff.account.username.as_ref()?.key)).collect();
        let transfers = diffs.iter().filter(|diff| diff.transfer_key);
        let transfers: Vec<_> = transfers.filter_map(|diff| transfer_key(diff.account)).collect();
        for (sql, needed) in [
            (Self::OF_IDENTITY, !identities.is_empty()),
            (Self::OF_USERNAME, !usernames.is_empty()),
            (Self::OF_TRANSFER, !transfers.is_empty()),
        ] {
            if needed {
                tx.know(sql).await?;
            }
        }
        let (mut of_identity, mut of_username, mut of_transfer) =
            (Vec::new(), Vec::new(), Vec::new());
        for key in identities {
            of_identity.push((key.clone(), tx.query(Self::OF_IDENTITY, key_params(key)).await?));
        }
        for key in usernames {
            let sent = tx.query(Self::OF_USERNAME, params![text::encoded(key)]).await?;
            of_username.push((key.clone(), sent));
        }
        for key in transfers {
            let sent = tx.query(Self::OF_TRANSFER, params![key.as_bytes().to_vec()]).await?;
            of_transfer.push((*key, sent));
        }
        let owner = |row: &Row| Cols::new(row).account("accounts.id");
        Ok(Self {
            identities: answers(of_identity, owner).await?,
            usernames: answers(of_username, owner).await?,
            transfers: answers(of_transfer, owner).await?,
        })
    }
}
