//! Applying a change set in one transaction: lock and read what it names, judge it, write.

use crate::apply;
use crate::diff::Diff;
use crate::error::Stop;
use crate::judge;
use crate::param::params;
use crate::plan::Plan;
use crate::state::{Owners, State};
use crate::tx::{Job, Tx};

impl Job for Plan {
    type Out = ();
    const WRITES: bool = true;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Stop> {
        let state = State::read(tx, self).await?;
        if state.remembered && !self.has_witness() && !self.deletes() {
            return confirm(tx).await;
        }
        match judge(tx, self, &state).await {
            Ok(diffs) => apply::apply(tx, self, &diffs).await,
            Err(Stop::Conflict(_)) if judge::was_applied(self, &state) => confirm(tx).await,
            Err(Stop::Conflict(conflict)) if judge::may_be_forgotten(self, &state) => {
                Err(Stop::Overwritten(conflict))
            }
            Err(stop) => Err(stop),
        }
    }
}

/// A set that was applied before may have lost its connection while it waited for a standby, and be seen here all the
/// same. Only what writes to the server's log waits for the standby, and for all that was written before; a row lock does.
async fn confirm(tx: &mut Tx<'_>) -> Result<(), Stop> {
    tx.query("SELECT 1::bigint FROM store WHERE id = 1 FOR SHARE", params![])
        .await?
        .answer()
        .await?;
    Ok(())
}

/// Whether the set fits; what it changes of its accounts, in their order.
async fn judge<'a>(tx: &mut Tx<'_>, plan: &'a Plan, state: &State) -> Result<Vec<Diff<'a>>, Stop> {
    judge::conditions(plan, state)?;
    let diffs: Vec<_> = plan.writes.iter().filter_map(|write| Diff::of(state, write)).collect();
    let owners = Owners::read(tx, &diffs).await?;
    judge::uniqueness(plan, &owners, &diffs)?;
    Ok(diffs)
}
