//! Several change sets in one statement or one transaction. What they name is not locked and judged before: the
//! statements write what they find as expected, and the sets that are left are applied alone.

use std::collections::{BTreeSet, HashSet};

use authcore::account::AccountId;
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
use crate::text::encoded;
use crate::tx::{Job, Tx};

/// Answers with the accounts whose sets were applied.
pub(crate) trait Batch: Job<Out = HashSet<AccountId>> {
    fn into_members(self) -> Vec<Member>;
}

impl Batch for Logins {
    fn into_members(self) -> Vec<Member> {
        self.0
    }
}

impl Batch for Accounts {
    fn into_members(self) -> Vec<Member> {
        self.0
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
pub(crate) struct Accounts(pub(crate) Vec<Member>);

#[derive(Default)]
struct Rows<'a> {
    inserted: Vec<AccountRow<'a>>,
    new_activities: Vec<NewActivity<'a>>,
    replaced: Vec<Replaced<'a>>,
    diffs: Vec<Diff<'a>>,
    activities: Vec<ActivityRow<'a>>,
    used_up: Vec<(Vec<u8>, i64, uuid::Uuid)>,
}

impl<'a> Rows<'a> {
    fn of(members: impl Iterator<Item = &'a Member>) -> Self {
        let mut rows = Self::default();
        for member in members {
            rows.add(member);
        }
        rows
    }

    fn add(&mut self, member: &'a Member) {
        let commit = member.plan.id;
        for write in &member.plan.writes {
            match write {
                Planned::Insert { account, rare, activity } => {
                    self.diffs.push(Diff::of_insert(account));
                    self.inserted.push(AccountRow { account, rare, commit });
                    let (id, epoch) = (account.id, account.epoch);
                    self.new_activities.push(NewActivity { id, epoch, activity, commit });
                }
                Planned::Update { account, rare, expect } => {
                    let Some(seen) = &member.seen else { continue };
                    self.diffs.push(Diff::of_update(&seen.account, account));
                    self.replaced.push(Replaced {
                        row: AccountRow { account, rare, commit },
                        expect: *expect,
                        written_by: seen.account.commits.last(),
                        activity: member.conditions.activity,
                    });
                }
                Planned::UseUp { key, forget_at } => {
                    let forget_at = forget_at.timestamp_millis();
                    self.used_up.push((key.as_bytes().to_vec(), forget_at, commit.as_uuid()));
                }
                _ => {}
            }
        }
        self.activities.extend(activity_row(member));
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
        if !self.inserted.is_empty() {
            accounts::insert(tx, &self.inserted).await?;
            activity::insert(tx, &self.new_activities).await?;
        }
        self.write_identities(tx).await?;
        use_up(tx, &self.used_up).await?;
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

impl Job for Accounts {
    type Out = HashSet<AccountId>;
    const WRITES: bool = true;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Stop> {
        let late = late(tx, &Rows::of(self.0.iter()).diffs).await?;
        let members = || self.0.iter().filter(|member| !late.contains(&member.account));
        if !Rows::of(members()).write(tx).await? {
            return Err(Fault::lost().into());
        }
        let told: Vec<_> = members().flat_map(|member| &member.plan.events).collect();
        events(tx, &told).await?;
        Ok(members().map(|member| member.account).collect())
    }
}

/// The accounts that want a key that another account has: not only a lost race, but also how a player learns that a
/// login is linked elsewhere. Only keys that others take at this moment are found by an index later.
async fn late(tx: &mut Tx<'_>, diffs: &[Diff<'_>]) -> Result<HashSet<AccountId>, Stop> {
    let (mut identities, mut usernames) = (Vec::new(), Vec::new());
    for diff in diffs {
        let id = diff.account.id;
        identities.extend(diff.new.iter().map(|identity| (id, &identity.key)));
        let username = diff.account.username.as_ref().filter(|_| diff.username_key);
        usernames.extend(username.map(|username| (id, &*username.key)));
    }
    tx.know(IDENTITIES_TAKEN).await?;
    tx.know(USERNAMES_TAKEN).await?;
    let mut sent = Vec::new();
    if !identities.is_empty() {
        let keys: Vec<_> = identities.iter().map(|(_, key)| *key).collect();
        let mut params = vec![column(&identities, |(id, _)| id.as_uuid())];
        params.extend(key_columns(&keys));
        sent.push(tx.query(IDENTITIES_TAKEN, params).await?);
    }
    if !usernames.is_empty() {
        let params = vec![
            column(&usernames, |(id, _)| id.as_uuid()),
            column(&usernames, |(_, key)| encoded(key)),
        ];
        sent.push(tx.query(USERNAMES_TAKEN, params).await?);
    }
    let mut late = HashSet::new();
    for sent in sent {
        late.extend(account_ids(&sent.answer().await?)?);
    }
    Ok(late)
}

/// An account's own identity that gets another number is not taken.
const IDENTITIES_TAKEN: &str = "SELECT k.account_id FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) \
     AS k (account_id, provider, subject, tenant, issuer) \
     JOIN identities i ON i.provider = k.provider COLLATE \"C\" AND i.subject = k.subject COLLATE \"C\" \
     AND i.tenant = k.tenant COLLATE \"C\" AND i.issuer = k.issuer COLLATE \"C\" AND i.account_id <> k.account_id";

const USERNAMES_TAKEN: &str = "SELECT k.account_id FROM unnest($1::uuid[], $2::text[]) AS k (account_id, key) \
     JOIN accounts a ON a.username_key = k.key COLLATE \"C\"";

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
    let rows = tx.query(sql, params).await?.answer().await?;
    Ok(account_ids(&rows)?)
}

fn account_ids(rows: &[Row]) -> Result<HashSet<AccountId>, Fault> {
    rows.iter().map(|row| Cols::new(row).account("account_id")).collect()
}

async fn use_up(tx: &mut Tx<'_>, rows: &[(Vec<u8>, i64, uuid::Uuid)]) -> Result<(), Fault> {
    if rows.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO single_use (key, forget_at, commit_id) SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::uuid[])";
    let params = vec![
        column(rows, |(key, ..)| key.clone()),
        column(rows, |(_, forget_at, _)| *forget_at),
        column(rows, |(.., commit)| *commit),
    ];
    tx.write(sql, params).await
}
