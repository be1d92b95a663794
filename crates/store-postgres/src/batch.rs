//! Several change sets in one statement or one transaction. Nothing is read before: what the statements do not find as
//! expected they leave, and then the sets are applied one by one.

use std::collections::HashSet;

use authcore::account::AccountId;

use crate::accounts::{self, AccountRow, Replaced};
use crate::activity::{self, ActivityRow, NewActivity};
use crate::apply::events;
use crate::diff::{Diff, SessionDiff};
use crate::error::{Fault, Stop};
use crate::member::Member;
use crate::param::column;
use crate::plan::Planned;
use crate::tx::{Job, Tx};

/// Sets that write activities and nothing else, in the order of their accounts. One statement, in which each counts
/// for itself.
pub(crate) struct Logins(pub(crate) Vec<Member>);

impl Job for Logins {
    /// The accounts whose sets were applied.
    type Out = HashSet<AccountId>;
    /// The statement is the transaction.
    const WRITES: bool = false;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Stop> {
        let rows: Vec<_> = self.0.iter().filter_map(activity_row).collect();
        written(tx, &rows).await
    }
}

/// Other sets, in the order of their accounts, all or nothing.
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
    fn of(members: &'a [Member]) -> Self {
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

    /// Accounts are locked before activities, and the outbox last, as everywhere.
    async fn write(&self, tx: &mut Tx<'_>) -> Result<bool, Stop> {
        if !self.replaced.is_empty() {
            accounts::update(tx, &self.replaced).await?;
            let count = u64::try_from(self.replaced.len()).map_err(Fault::other)?;
            if tx.counts().await? != [count, count] {
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
    type Out = ();
    const WRITES: bool = true;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Stop> {
        if !Rows::of(&self.0).write(tx).await? {
            return Err(Fault::lost().into());
        }
        let told: Vec<_> = self.0.iter().flat_map(|member| &member.plan.events).collect();
        Ok(events(tx, &told).await?)
    }
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
            sessions: SessionDiff::of(*id, &seen.activity.sessions, &activity.sessions),
        }),
        _ => None,
    })
}

async fn written(tx: &mut Tx<'_>, rows: &[ActivityRow<'_>]) -> Result<HashSet<AccountId>, Stop> {
    let (sql, params) = activity::update(rows)?;
    let rows = tx.query(sql, params).await?.answer().await?;
    let ids: Result<_, Fault> = rows
        .iter()
        .map(|row| crate::cols::Cols::new(row).account("account_activity.account_id"))
        .collect();
    Ok(ids?)
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
