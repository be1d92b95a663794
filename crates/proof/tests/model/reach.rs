//! What the rooms must get to: a model that does not get there proves nothing of it.

use authcore::account::Epoch;
use authcore::lifecycle::{BanState, ban_history, standing};
use authcore_proof::{Action, policy};

use crate::room::Room;
use crate::state::State;

/// Something that a room must reach, by its name.
pub(crate) type Reach = (&'static str, fn(&Room, &State) -> bool);

/// Names of what `facts` says.
macro_rules! reach {
    ($($name:literal)*) => { &[$(($name, |room, _| room.has_reached($name)),)*] };
}

pub(crate) const STANDING: &[Reach] = reach! {
    "login" "ban" "release" "refund" "payment" "withdrawal" "request to be withdrawn"
    "withdrawal taken back" "withdrawal by an operator" "time"
    "standing Normal" "standing WithdrawalPending" "standing GraceBanned" "standing Banned"
    "standing Withdrawn"
    "ban Temporary" "ban Permanent" "ban Expired" "ban Released" "ban ReleaseExpired"
    "ban Replaced" "ban Withdrawn"
    "grace ban Suspended"
    "withdrawal None" "withdrawal Pending" "withdrawal Done"
};

pub(crate) const SESSIONS: &[Reach] = reach! {
    "login" "link" "unlink" "refresh" "refresh with a former token" "logout" "logout everywhere"
    "session Active" "session Ended" "refresh_token_reused"
};

pub(crate) const MAPPING: &[Reach] = reach! {
    "login" "link" "unlink" "forced link" "change of login" "identity_taken"
    "standing Missing" "standing Withdrawn" "standing Banned"
    "ticket Live" "ticket Used" "ticket Expired" "ticket Void"
};

pub(crate) const TRANSFER: &[Reach] = reach! {
    "login" "link" "issue of a transfer account" "renewal of a transfer account" "transfer"
    "standing Missing"
    "transfer None" "transfer Issued" "transfer Blocked" "transfer Expired" "transfer Used"
    "transfer Deleted"
};

pub(crate) const WHOLE: &[Reach] = reach! {
    "login" "link" "forced link" "change of login" "ban" "release" "refund" "payment" "withdrawal"
    "request to be withdrawn" "withdrawal taken back" "withdrawal by an operator" "logout"
    "logout everywhere" "issue of a transfer account" "transfer" "time"
};

/// What is to be seen in a state, and of the step that led to it.
pub(crate) fn facts(state: &State, action: &Action) -> Vec<String> {
    let rules = policy().transfer;
    let mut facts = vec![state.outcome.map_or_else(str::to_owned, |_| action.name().to_owned())];
    for (number, kept) in state.kept.iter().enumerate() {
        let Some(account) = state.settled(number) else { continue };
        facts.push(format!("standing {:?}", standing(&account)));
        facts.push(format!("withdrawal {:?}", account.withdrawal.status()));
        let last_login = kept.activity.last_login.map(|login| login.at);
        let bans = ban_history(&account, last_login);
        facts.extend(bans.iter().map(|record| format!("ban {:?}", record.status)));
        if let BanState::Grace(grace) = &account.ban {
            facts.push(format!("grace ban {:?}", grace.status()));
        }
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
