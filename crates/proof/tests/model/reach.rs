//! What the rooms must get to: a model that does not get there proves nothing of it.

use authcore::account::{Account, Epoch};
use authcore::lifecycle::{BanState, GraceBanStatus, ban_history, standing};
use authcore_proof::{Action, policy};

use crate::room::Room;
use crate::state::State;

/// Something that a room must reach, by its name.
pub(crate) type Reach = (&'static str, fn(&Room, &State) -> bool);

/// Names of what `facts` says.
macro_rules! reach {
    ($($name:literal)*) => { &[$(($name, |room, _| room.has_reached($name)),)*] };
}

/// Each kind of action: a room must have seen one accepted of each kind that it has.
pub(crate) const ACTIONS: &[Reach] = reach! {
    "login" "link" "forced link" "change of login" "unlink" "logout" "logout everywhere" "refresh"
    "refresh with a former token" "ban" "release" "refund" "payment" "withdrawal"
    "request to be withdrawn" "withdrawal taken back" "withdrawal by an operator"
    "withdrawal taken back by an operator" "end of sessions by an operator"
    "issue of a transfer account" "renewal of a transfer account" "transfer" "time"
};

pub(crate) const STANDING: &[Reach] = reach! {
    "standing Normal" "standing WithdrawalPending" "standing GraceBanned" "standing Banned"
    "standing Withdrawn"
    "ban Temporary" "ban Permanent" "ban Expired" "ban Released" "ban ReleaseExpired"
    "ban Replaced" "ban Withdrawn"
    "grace ban Suspended" "grace ban Released" "grace ban Banned" "grace ban Withdrawn"
    "withdrawal None" "withdrawal Pending" "withdrawal Done"
};

pub(crate) const SESSIONS: &[Reach] = reach! {
    "session Active" "session Ended" "refresh_token_reused"
};

pub(crate) const MAPPING: &[Reach] = reach! {
    "identity_taken"
    "standing Missing" "standing Withdrawn" "standing Banned"
    "ticket Live" "ticket Used" "ticket Expired" "ticket Void"
};

pub(crate) const TRANSFER: &[Reach] = reach! {
    "standing Missing"
    "transfer None" "transfer Issued" "transfer Blocked" "transfer Expired" "transfer Used"
    "transfer Deleted"
};

/// What is to be seen in a state, and of the step that led to it.
pub(crate) fn facts(before: &State, action: &Action, state: &State) -> Vec<String> {
    let rules = policy().transfer;
    let mut facts = vec![state.outcome.map_or_else(str::to_owned, |_| action.name().to_owned())];
    for (number, kept) in state.kept.iter().enumerate() {
        let Some(account) = state.settled(number) else { continue };
        facts.push(format!("standing {:?}", standing(&account)));
        facts.push(format!("withdrawal {:?}", account.withdrawal.status()));
        let last_login = kept.activity.last_login.map(|login| login.at);
        let bans = ban_history(&account, last_login);
        facts.extend(bans.iter().map(|record| format!("ban {:?}", record.status)));
        let former = before.settled(number);
        facts.extend(grace_ban(former.as_ref(), &account).map(|it| format!("grace ban {it:?}")));
        if let Some(rules) = &rules {
            let status = authcore::transfer::status(&account, rules, state.now);
            facts.push(format!("transfer {status:?}"));
        }
        for session in &kept.activity.sessions {
            let status = session.status(account.epoch, Epoch::FIRST, state.now);
            facts.push(format!("session {status:?}"));
        }
        for ticket in &account.records.tickets {
            let owner = state.kept.iter().position(|kept| kept.account.id == ticket.owner);
            let owner = owner.and_then(|owner| state.settled(owner));
            facts.push(format!("ticket {:?}", ticket.state(owner.as_ref(), state.now)));
        }
    }
    facts
}

/// How a grace ban stands. Only one that runs is kept as such: what became of it is seen at the step.
fn grace_ban(former: Option<&Account>, account: &Account) -> Option<GraceBanStatus> {
    let ran = former.is_some_and(|former| former.ban.grace().is_some());
    match &account.ban {
        BanState::Grace(grace) => Some(grace.status()),
        _ if !ran => None,
        BanState::None if account.withdrawal.is_done() => Some(GraceBanStatus::Withdrawn),
        BanState::None => Some(GraceBanStatus::Released),
        BanState::Banned(_) => Some(GraceBanStatus::Banned),
    }
}
