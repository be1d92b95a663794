use chrono::{DateTime, Utc};

use crate::account::{Account, AccountId, IdentityKey, Ordinal, ProviderId};
use crate::event::EventKind;

/// Links the device that a login came from (braincloud 4.3), and says what happened. At the cap the oldest device link
/// gives way, but never `keep`, which the login is by; when there is none to give way, nothing is linked.
pub(crate) fn follow(
    account: &mut Account,
    device: &IdentityKey,
    keep: Option<Ordinal>,
    most: usize,
    now: DateTime<Utc>,
) -> Vec<EventKind> {
    let mut events = Vec::new();
    if account.identity(device).is_some() {
        return events;
    }
    if account.identities.len() >= most {
        let oldest = account
            .identities_of(&ProviderId::DEVICE)
            .map(|identity| identity.ordinal)
            .find(|ordinal| Some(*ordinal) != keep);
        let Some(oldest) = oldest else { return events };
        account.identities.retain(|identity| identity.ordinal != oldest);
        events.push(EventKind::IdentityUnlinked { ordinal: oldest, provider: ProviderId::DEVICE });
    }
    let ordinal = account.add_identity(device.clone(), None, now);
    events.push(EventKind::IdentityLinked { ordinal, provider: ProviderId::DEVICE });
    events
}

/// Takes an identity away from its owner, because it moved to another account; says which one, and what happened. An
/// owner without any login left is missing: its sessions end, and its transfer account is gone (gamebase 4.2, 4.3).
pub(crate) fn give_up(
    owner: &mut Account,
    key: &IdentityKey,
    to: AccountId,
    now: DateTime<Utc>,
) -> Option<(Ordinal, Vec<EventKind>)> {
    let ordinal = owner.identity(key)?.ordinal;
    owner.identities.retain(|identity| identity.ordinal != ordinal);
    owner.updated_at = now;
    let provider = key.provider().clone();
    let mut events = vec![EventKind::IdentityMoved { ordinal, provider, to }];
    if !owner.has_a_login() {
        owner.epoch = owner.epoch.next();
        owner.records.transfer = None;
        events.push(EventKind::Lost);
    }
    Some((ordinal, events))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Epoch;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;
    const TO: AccountId = AccountId::from_bytes([2; 16]);

    fn device(id: &str) -> IdentityKey {
        IdentityKey::new(ProviderId::DEVICE, id)
    }

    fn account(devices: &[&str]) -> Account {
        let mut account = Account::new(AccountId::from_bytes([1; 16]), NOW);
        for id in devices {
            account.add_identity(device(id), None, NOW);
        }
        account
    }

    fn ordinals(account: &Account) -> Vec<u32> {
        account.identities.iter().map(|identity| identity.ordinal.number()).collect()
    }

    #[test]
    fn braincloud_4_3_a_device_is_linked_once() {
        let mut account = account(&["one"]);
        assert_eq!(follow(&mut account, &device("one"), None, 64, NOW), []);
        assert_eq!(follow(&mut account, &device("two"), None, 64, NOW).len(), 1);
        assert_eq!(ordinals(&account), [1, 2]);
    }

    #[test]
    fn braincloud_4_3_at_the_cap_the_oldest_device_gives_way() {
        let mut full = account(&["one", "two"]);
        assert_eq!(follow(&mut full, &device("three"), None, 2, NOW).len(), 2);
        assert_eq!(ordinals(&full), [2, 3]);
        follow(&mut full, &device("four"), Some(Ordinal::new(2)), 2, NOW);
        assert_eq!(ordinals(&full), [2, 4], "the login's own one stays");
        let mut only = account(&["one"]);
        assert_eq!(follow(&mut only, &device("two"), Some(Ordinal::FIRST), 1, NOW), []);
        assert_eq!(ordinals(&only), [1]);
    }

    #[test]
    fn braincloud_4_3_an_owner_without_a_login_is_missing() {
        let mut two = account(&["one", "two"]);
        let (ordinal, events) = give_up(&mut two, &device("one"), TO, NOW).unwrap();
        assert_eq!((ordinal, events.len(), two.epoch), (Ordinal::FIRST, 1, Epoch::FIRST));
        let (_, events) = give_up(&mut two, &device("two"), TO, NOW).unwrap();
        assert_eq!(events.last(), Some(&EventKind::Lost));
        assert_eq!(two.epoch, Epoch::FIRST.next());
        assert_eq!(give_up(&mut two, &device("two"), TO, NOW), None);
    }
}
