use chrono::{DateTime, Utc};

use super::Change;
use crate::account::{Account, AccountId, Identity, IdentityKey};
use crate::event::EventKind;
use crate::policy::{CredentialChange, Policy};
use crate::refusal::Refusal;
use crate::session::Activity;
use crate::transfer::delete_transfer;

/// What was taken from an owner.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) identity: Identity,
    /// What happened to the owner.
    pub(crate) events: Vec<EventKind>,
    /// The owner's sessions, where they change.
    pub(crate) activity: Option<Activity>,
}

/// Takes an identity from its owner for another account: what it opened ends (gamebase 3.8, 4.8). An owner without any
/// login left is lost, and an operator may repair it (gamebase X-6).
pub(crate) fn take(
    owner: &mut Account,
    sessions: &Activity,
    key: &IdentityKey,
    to: AccountId,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<Taken, Refusal> {
    let at = owner.identities.iter().position(|identity| identity.key == *key);
    let identity = owner.identities.remove(at.ok_or(Refusal::TicketUnknown)?);
    owner.updated_at = now;
    let (ordinal, provider) = (identity.ordinal, key.provider().clone());
    let mut events = vec![EventKind::IdentityMoved { ordinal, provider, to }];
    if !owner.has_a_login() {
        if policy.forbid_orphaning {
            return Err(Refusal::WouldOrphan);
        }
        delete_transfer(owner);
        owner.epoch = owner.epoch.next();
        events.push(EventKind::Lost);
        return Ok(Taken { identity, events, activity: None });
    }
    let ends = match policy.credential_change {
        CredentialChange::KeepsSessions => CredentialChange::EndsItsSessions,
        ends => ends,
    };
    let mut change = Change { events, gone: vec![ordinal], ..Change::default() };
    let activity = change.sessions(owner, sessions, ends, None);
    Ok(Taken { identity, events: change.events, activity })
}
