//! Several change sets in one statement or one transaction. What they name is not locked and judged before: the
//! statements write what they find as expected, and the sets that are left are applied alone.

use std::collections::{BTreeSet, HashMap, HashSet};

use authcore::account::{Account, AccountId};
use tokio_postgres::Row;

use crate::accounts::{self, AccountRow, Replaced};
use crate::activity::{self, ActivityRow, NewActivity};
use crate::apply::events;
use crate::cols::Cols;
use crate::diff::Diff;
use crate::error::{Fault, Stop};
use crate::member::Member;
use crate::param::column;
use crate::plan::Planned;
use crate::rows::key_columns;
use crate::runner::Failed;
use crate::tx::{Job, Tx};

/// Answers with the accounts whose sets were applied.
pub(crate) trait Batch: Job<Out = HashSet<AccountId>> {
    fn into_members(self) -> Vec<Member>;

    /// Whether it is to be done once more as a whole, since it will do it in another way.
    fn once_more(&mut self, _failed: &Failed) -> bool {
        false
    }
}

impl Batch for Logins {
    fn into_members(self) -> Vec<Member> {
        self.0
    }
}

impl Batch for Accounts {
    fn into_members(self) -> Vec<Member> {
        self.members
    }

    fn once_more(&mut self, failed: &Failed) -> bool {
        let taken = matches!(&failed.stop, Stop::Fault(fault) if fault.may_be_of_key());
        taken && !std::mem::replace(&mut self.carefully, true)
    }
}

/// Sets that write activities and nothing else, in the order of their accounts. One statement, in which each counts
/// for itself.
pub(crate) struct Logins(pub(crate) Vec<Member>);

impl Job for Logins {
    type Out = HashSet<AccountId>;
    /// The statement is the transaction.
    const WRITES: bool = false;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Stop> {
        let rows: Vec<_> = self.0.iter().filter_map(activity_row).collect();
        written(tx, &rows).await
    }
}

/// Other sets, in the order of their accounts. Those that want what another account has are left out, the others are
/// applied all or none.
pub(crate) struct Accounts {
    members: Vec<Member>,
    /// Whether it is asked what stands against new accounts, and what was used up before. As a rule nothing does and was, so
    /// this is only asked when the first try has failed on a key.
    carefully: bool,
}

impl Accounts {
    pub(crate) const fn new(members: Vec<Member>) -> Self {
        Self { members, carefully: false }
    }
}

impl Job for Accounts {
    type Out = HashSet<AccountId>;
    const WRITES: bool = true;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Stop> {
        let (known, new): (Vec<_>, Vec<_>) =
            self.members.iter().partition(|member| member.seen.is_some());
        let mut changes = Changes::of(&known);
        let mut late = late(tx, &changes.diffs).await?;
        if self.carefully {
            late.extend(replays(tx, &self.members).await?);
        }
        let in_time = |members: Vec<_>| -> Vec<&Member> {
            members.into_iter().filter(|it: &&Member| !late.contains(&it.account)).collect()
        };
        let new = in_time(new);
        if !late.is_empty() {
            changes = Changes::of(&in_time(known));
        }
        if !changes.write(tx).await? {
            return Err(Fault::lost().into());
        }
        late.extend(write_new(tx, &new, self.carefully).await?);
        let applied = || self.members.iter().filter(|member| !late.contains(&member.account));
        use_up(tx, applied()).await?;
        let told: Vec<_> = applied().flat_map(|member| &member.plan.events).collect();
        events(tx, &told).await?;
        Ok(applied().map(|member| member.account).collect())
    }
}

/// What changes of accounts that were there.
#[derive(Default)]
struct Changes<'a> {
    replaced: Vec<Replaced<'a>>,
    diffs: Vec<Diff<'a>>,
    activities: Vec<ActivityRow<'a>>,
}

impl<'a> Changes<'a> {
    fn of(members: &[&'a Member]) -> Self {
        let mut changes = Self::default();
        for member in members {
            for write in &member.plan.writes {
                if let (Planned::Update { account, rare, expect }, Some(seen)) =
                    (write, &member.seen)
                {
                    let commit = member.plan.id;
                    changes.diffs.push(Diff::of_update(&seen.account, account));
                    changes.replaced.push(Replaced {
                        row: AccountRow { account, rare, commit },
                        expect: *expect,
                        written_by: seen.account.commits.last(),
                        activity: member.conditions.activity,
                    });
                }
            }
            changes.activities.extend(activity_row(member));
        }
        changes
    }

    /// Accounts are locked before activities, each in the order of their ids, and the outbox last, as everywhere.
    async fn write(&self, tx: &mut Tx<'_>) -> Result<bool, Stop> {
        if !self.replaced.is_empty() {
            accounts::update(tx, &self.replaced).await?;
            let replaced = self.replaced.iter().map(|replaced| replaced.row.account.id);
            let written = self.activities.iter().map(|row| row.id);
            let all: BTreeSet<_> = replaced.chain(written).collect();
            if all.len() > self.replaced.len() {
                activity::lock(tx, &all).await?;
            }
            accounts::update_copies(tx, &self.replaced).await?;
            let counts = tx.counts().await?;
            let count = u64::try_from(self.replaced.len()).map_err(Fault::other)?;
            if counts.first() != Some(&count) || counts.last() != Some(&count) {
                return Ok(false);
            }
        }
        if !self.activities.is_empty()
            && written(tx, &self.activities).await?.len() != self.activities.len()
        {
            return Ok(false);
        }
        self.write_identities(tx).await?;
        Ok(true)
    }

    async fn write_identities(&self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let (mut gone, mut altered, mut new) = (Vec::new(), Vec::new(), Vec::new());
        for diff in &self.diffs {
            let id = diff.account.id;
            gone.extend(diff.gone.iter().map(|ordinal| (id, *ordinal)));
            altered.extend(diff.altered.iter().map(|identity| (id, *identity)));
            new.extend(diff.new.iter().map(|identity| (id, *identity)));
        }
        accounts::remove_identities(tx, &gone).await?;
        accounts::alter_identities(tx, &altered).await?;
        accounts::insert_identities(tx, &new).await
    }
}

/// The accounts that want an identity that another account has: not only a lost race, but also how a player learns that a
/// login is linked elsewhere. Only keys that others take at this moment are found by an index later.
async fn late(tx: &mut Tx<'_>, diffs: &[Diff<'_>]) -> Result<HashSet<AccountId>, Stop> {
    let mut identities = Vec::new();
    for diff in diffs {
        identities.extend(diff.new.iter().map(|identity| (diff.account.id, &identity.key)));
    }
    if identities.is_empty() {
        return Ok(HashSet::new());
    }
    let keys: Vec<_> = identities.iter().map(|(_, key)| *key).collect();
    let mut params = vec![column(&identities, |(id, _)| id.as_uuid())];
    params.extend(key_columns(&keys));
    let rows = tx.query(IDENTITIES_TAKEN, params).await?.answer().await?;
    Ok(account_ids(&rows)?)
}

/// An account's own identity that gets another number is not taken.
const IDENTITIES_TAKEN: &str = "SELECT k.account_id FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) \
     AS k (account_id, provider, subject, tenant, issuer) \
     JOIN identities i ON i.provider = k.provider COLLATE \"C\" AND i.subject = k.subject COLLATE \"C\" \
     AND i.tenant = k.tenant COLLATE \"C\" AND i.issuer = k.issuer COLLATE \"C\" AND i.account_id <> k.account_id";

/// Writes the accounts that are new, carefully as far as nothing stands against them, and says which are left out.
async fn write_new(
    tx: &mut Tx<'_>,
    members: &[&Member],
    carefully: bool,
) -> Result<HashSet<AccountId>, Fault> {
    let (mut rows, mut activities) = (Vec::new(), Vec::new());
    for member in members {
        for write in &member.plan.writes {
            if let Planned::Insert { account, rare, activity } = write {
                let (id, epoch, commit) = (account.id, account.epoch, member.plan.id);
                rows.push(AccountRow { account, rare, commit });
                let due_at = rare.due_at;
                activities.push(NewActivity { id, epoch, due_at, activity, commit });
            }
        }
    }
    if rows.is_empty() {
        return Ok(HashSet::new());
    }
    let late = if carefully {
        insert_free(tx, &rows).await?
    } else {
        accounts::insert(tx, &rows).await?;
        HashSet::new()
    };
    activities.retain(|new| !late.contains(&new.id));
    if !activities.is_empty() {
        activity::insert(tx, &activities).await?;
    }
    Ok(late)
}

/// Inserts the accounts and their identities, but for those that something stands against, and says which these are.
async fn insert_free(
    tx: &mut Tx<'_>,
    rows: &[AccountRow<'_>],
) -> Result<HashSet<AccountId>, Fault> {
    let (inserted, identities) = accounts::insert_free(tx, rows).await?;
    let mut counts = HashMap::new();
    for (id, _) in &identities {
        *counts.entry(*id).or_insert(0) += 1;
    }
    let is_whole = |account: &Account| {
        let count = counts.get(&account.id).copied().unwrap_or_default();
        inserted.contains(&account.id) && count == account.identities.len()
    };
    let late: HashSet<_> =
        rows.iter().filter(|row| !is_whole(row.account)).map(|row| row.account.id).collect();
    // Only what was written here: another account of the id may have been there before.
    let halves: Vec<_> = identities.into_iter().filter(|(id, _)| late.contains(id)).collect();
    accounts::remove_identities(tx, &halves).await?;
    let halves: Vec<_> = inserted.intersection(&late).copied().collect();
    accounts::remove(tx, &halves).await?;
    Ok(late)
}

/// The activity that a set writes of an account that was loaded.
fn activity_row(member: &Member) -> Option<ActivityRow<'_>> {
    let seen = member.seen.as_deref()?;
    member.plan.writes.iter().find_map(|write| match write {
        Planned::Activity { id, activity, expect } => Some(ActivityRow {
            id: *id,
            activity,
            commit: member.plan.id,
            expect: *expect,
            written_by: seen.activity.commits.last(),
            account: member.conditions.account,
            epoch: member.conditions.epoch,
        }),
        _ => None,
    })
}

async fn written(tx: &mut Tx<'_>, rows: &[ActivityRow<'_>]) -> Result<HashSet<AccountId>, Stop> {
    let (sql, params) = activity::update(rows)?;
    let rows = tx.change(sql, params).await?.answer().await?;
    Ok(account_ids(&rows)?)
}

fn account_ids(rows: &[Row]) -> Result<HashSet<AccountId>, Fault> {
    rows.iter().map(|row| Cols::new(row).account("account_id")).collect()
}

/// What a set uses up, and until when that is remembered.
fn single_use(member: &Member) -> impl Iterator<Item = (Vec<u8>, i64)> {
    member.plan.writes.iter().filter_map(|write| match write {
        Planned::UseUp { key, forget_at } => {
            Some((key.as_bytes().to_vec(), forget_at.timestamp_millis()))
        }
        _ => None,
    })
}

/// The accounts of those that use up what was used up before.
async fn replays(tx: &mut Tx<'_>, members: &[Member]) -> Result<HashSet<AccountId>, Stop> {
    let rows: Vec<_> = members
        .iter()
        .flat_map(|member| single_use(member).map(|(key, _)| (member.account, key)))
        .collect();
    if rows.is_empty() {
        return Ok(HashSet::new());
    }
    let sql = "SELECT k.account_id FROM unnest($1::uuid[], $2::bytea[]) AS k (account_id, key) JOIN single_use u ON u.key = k.key";
    let params = vec![column(&rows, |(id, _)| id.as_uuid()), column(&rows, |(_, key)| key.clone())];
    let rows = tx.query(sql, params).await?.answer().await?;
    Ok(account_ids(&rows)?)
}

async fn use_up(tx: &mut Tx<'_>, members: impl Iterator<Item = &Member>) -> Result<(), Fault> {
    let rows: Vec<_> = members
        .flat_map(|member| {
            let commit = member.plan.id.as_uuid();
            single_use(member).map(move |(key, forget_at)| (key, forget_at, commit))
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO single_use (key, forget_at, commit_id) SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::uuid[])";
    let params = vec![
        column(&rows, |(key, ..)| key.clone()),
        column(&rows, |(_, forget_at, _)| *forget_at),
        column(&rows, |(.., commit)| *commit),
    ];
    tx.write(sql, params).await
}
