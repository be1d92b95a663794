use chrono::{DateTime, Utc};

use crate::account::{Account, IdentityKey, Ordinal, ProviderId};
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::AccountId;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

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
}
