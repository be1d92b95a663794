use chrono::{DateTime, Utc};

use super::Change;
use crate::account::{Account, AccountId, Identity, IdentityKey};
use crate::event::EventKind;
use crate::password::Password;
use crate::policy::CredentialChange;
use crate::session::{Activity, SessionEvent, end_sessions};
use crate::transfer::delete_transfer;

/// What was taken from an owner.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) identity: Identity,
    /// The password, where the identity was the last one that it is for.
    pub(crate) password: Option<Password>,
    /// Whether the owner has no login left.
    pub(crate) lost: bool,
    /// What happened to the owner.
    pub(crate) events: Vec<EventKind>,
    /// The owner's sessions, where they change.
    pub(crate) activity: Option<Activity>,
}

/// Takes an identity from its owner for another account, and ends what `ends` says of what it opened (gamebase 3.8, 4.8).
/// An owner without any login left is lost: its sessions end, its transfer account is gone, and an operator may repair it
/// (gamebase 4.2, 4.3, X-6). None where it is not the owner.
pub(crate) fn take(
    owner: &mut Account,
    sessions: &Activity,
    key: &IdentityKey,
    to: AccountId,
    ends: CredentialChange,
    now: DateTime<Utc>,
) -> Option<Taken> {
    let at = owner.identities.iter().position(|identity| identity.key == *key)?;
    let identity = owner.identities.remove(at);
    owner.updated_at = now;
    let (ordinal, provider) = (identity.ordinal, key.provider().clone());
    let needs = |identity: &Identity| identity.key.provider().needs_password();
    let goes = needs(&identity) && !owner.identities.iter().any(needs);
    let password = if goes { owner.password.take() } else { None };
    let mut events = vec![EventKind::IdentityMoved { ordinal, provider, to }];
    if password.is_some() {
        events.push(EventKind::PasswordChanged);
    }
    let lost = !owner.has_a_login();
    if lost {
        delete_transfer(owner);
        end_sessions(owner, SessionEvent::Lost);
        events.push(EventKind::Lost);
        return Some(Taken { identity, password, lost, events, activity: None });
    }
    let password_gone = password.is_some();
    let mut change = Change { events, gone: vec![ordinal], password_gone, guests: None };
    let activity = change.sessions(owner, sessions, ends, None);
    Some(Taken { identity, password, lost, events: change.events, activity })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Epoch, Ordinal, ProviderId};
    use crate::password::Password;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    #[test]
    fn security_63_a_password_stays_where_no_identity_that_needed_it_goes() {
        let key = |provider, subject| IdentityKey::new(provider, subject);
        let mut owner = Account::new(AccountId::from_bytes([1; 16]), NOW);
        for key in [
            key(ProviderId::DEVICE, "one"),
            key(ProviderId::DEVICE, "two"),
            key(ProviderId::EMAIL, "ann@example.com"),
        ] {
            owner.add_identity(key, None, NOW);
        }
        let password = Password { hash: "hash".into(), version: 1, set_at: NOW };
        owner.password = Some(password.clone());
        let mut take = |key| {
            let (to, ends) = (AccountId::from_bytes([2; 16]), CredentialChange::KeepsSessions);
            take(&mut owner, &Activity::default(), &key, to, ends, NOW).unwrap().password
        };
        assert_eq!(take(key(ProviderId::DEVICE, "one")), None);
        assert_eq!(take(key(ProviderId::EMAIL, "ann@example.com")), Some(password.clone()));
        owner.password = Some(password.clone());
        let (to, ends) = (AccountId::from_bytes([2; 16]), CredentialChange::KeepsSessions);
        owner.add_identity(key(ProviderId::DEVICE, "three"), None, NOW);
        let two = key(ProviderId::DEVICE, "two");
        let taken = super::take(&mut owner, &Activity::default(), &two, to, ends, NOW).unwrap();
        // Of a login by username, which has no identity.
        assert_eq!((taken.password, owner.password), (None, Some(password)));
    }

    #[test]
    fn braincloud_4_3_an_owner_without_a_login_is_missing() {
        let device = |id| IdentityKey::new(ProviderId::DEVICE, id);
        let mut two = Account::new(AccountId::from_bytes([1; 16]), NOW);
        for id in ["one", "two"] {
            two.add_identity(device(id), None, NOW);
        }
        let mut take = |id| {
            let (to, ends) = (AccountId::from_bytes([2; 16]), CredentialChange::KeepsSessions);
            let taken = take(&mut two, &Activity::default(), &device(id), to, ends, NOW);
            (taken, two.epoch)
        };
        let (taken, epoch) = take("one");
        let taken = taken.unwrap();
        assert_eq!(
            (taken.identity.ordinal, taken.lost, epoch),
            (Ordinal::FIRST, false, Epoch::FIRST)
        );
        assert_eq!(taken.events.len(), 1);
        let (taken, epoch) = take("two");
        let taken = taken.unwrap();
        assert_eq!((taken.lost, epoch), (true, Epoch::FIRST.next()));
        assert_eq!(taken.events.last(), Some(&EventKind::Lost));
        assert!(take("two").0.is_none());
    }
}
