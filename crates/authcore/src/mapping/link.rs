use chrono::{DateTime, Utc};

use super::Change;
use crate::account::{Account, IdentityKey, Ordinal, ProviderId};
use crate::event::EventKind;
use crate::password::Password;
use crate::policy::{Policy, Relink};
use crate::refusal::Refusal;
use crate::session::Method;
use crate::transfer::delete_transfer;

/// What is to be linked. The identity was proven to be the player's.
pub(crate) struct LinkRequest<'a> {
    pub(crate) key: &'a IdentityKey,
    /// The form to show, where the key is folded.
    pub(crate) shown: Option<&'a str>,
    /// The hash of the password that comes with an email address.
    pub(crate) password: Option<&'a str>,
}

/// Links an identity (nakama 9.2, gamebase 3.7, braincloud 8.1). Changes the account and says what happened; nothing
/// happened when it was linked already and the policy takes that for done.
pub(crate) fn link(
    account: &mut Account,
    request: &LinkRequest<'_>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<Change, Refusal> {
    let provider = request.key.provider();
    if *provider == ProviderId::GUEST {
        return Err(Refusal::NotLinkable(provider.clone()));
    }
    let mut change = Change::default();
    if account.identity(request.key).is_none() {
        make_room(account, provider, policy, &mut change)?;
        let shown = request.shown.map(Into::into);
        let ordinal = account.add_identity(request.key.clone(), shown, now);
        let linked = EventKind::IdentityLinked { ordinal, provider: provider.clone() };
        change.events.push(linked);
        delete_transfer(account);
        if policy.guest_leaves {
            guests_leave(account, ordinal, &mut change);
        }
    } else if !policy.relink_own_is_done {
        return Err(Refusal::AlreadyLinked(provider.clone()));
    }
    if let Some(hash) = request.password {
        let version = account.password.as_ref().map_or(0, |password| password.version);
        account.password =
            Some(Password { hash: hash.into(), version: version.saturating_add(1), set_at: now });
        account.updated_at = now;
        change.events.push(EventKind::PasswordChanged);
    }
    Ok(change)
}

/// Sees to it that the account may have one more identity of this kind.
fn make_room(
    account: &mut Account,
    provider: &ProviderId,
    policy: &Policy,
    change: &mut Change,
) -> Result<(), Refusal> {
    if !policy.several.allows(provider) && account.identities_of(provider).next().is_some() {
        match policy.relink {
            Relink::Refuse => return Err(Refusal::AlreadyLinked(provider.clone())),
            Relink::Replace => change.gone = remove_all(account, provider, &mut change.events),
        }
    }
    // A guest key makes room for the identity that it gives way to.
    let leaving =
        if policy.guest_leaves { account.identities_of(&ProviderId::GUEST).count() } else { 0 };
    if account.identities.len() - leaving >= policy.identities_per_account {
        return Err(Refusal::TooManyIdentities { most: policy.identities_per_account });
    }
    Ok(())
}

/// A guest key goes when there is another identity; sessions that it opened are that one's from then on (gamebase 3.7).
pub(super) fn guests_leave(account: &mut Account, heir: Ordinal, change: &mut Change) {
    let guests = remove_all(account, &ProviderId::GUEST, &mut change.events);
    let method = account.identities.iter().find(|identity| identity.ordinal == heir);
    if let (false, Some(identity)) = (guests.is_empty(), method) {
        change.guests = Some((guests, heir, Method::of(identity.key.provider())));
    }
}

/// Takes all identities of a kind away, and says which.
pub(crate) fn remove_all(
    account: &mut Account,
    provider: &ProviderId,
    events: &mut Vec<EventKind>,
) -> Vec<Ordinal> {
    let mut gone = Vec::new();
    account.identities.retain(|identity| {
        let keep = identity.key.provider() != provider;
        if !keep {
            let (ordinal, provider) = (identity.ordinal, provider.clone());
            events.push(EventKind::IdentityUnlinked { ordinal, provider });
            gone.push(ordinal);
        }
        keep
    });
    gone
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::AccountId;

    fn account() -> Account {
        let mut account = Account::new(AccountId::from_bytes([1; 16]), DateTime::UNIX_EPOCH);
        account.add_identity(key("custom", "first"), None, DateTime::UNIX_EPOCH);
        account
    }

    fn key(provider: &str, subject: &str) -> IdentityKey {
        IdentityKey::new(ProviderId::new(provider).unwrap(), subject)
    }

    fn try_link(
        account: &mut Account,
        key: &IdentityKey,
        policy: &Policy,
    ) -> Result<Vec<EventKind>, Refusal> {
        let request = LinkRequest { key, shown: None, password: None };
        link(account, &request, policy, DateTime::UNIX_EPOCH).map(|change| change.events)
    }

    #[test]
    fn nakama_9_2_an_identity_of_ones_own_is_no_change() {
        let (mut account, before) = (account(), account());
        assert_eq!(try_link(&mut account, &key("custom", "first"), &Policy::nakama()), Ok(vec![]));
        assert_eq!(account, before);
    }

    #[test]
    fn nakama_9_2_another_one_of_the_same_kind_takes_its_place() {
        let mut account = account();
        let events = try_link(&mut account, &key("custom", "second"), &Policy::nakama()).unwrap();
        assert_eq!(events.len(), 2);
        assert_eq!(account.identities.len(), 1);
        assert!(account.identity(&key("custom", "second")).is_some());
    }

    #[test]
    fn recommended_never_replaces_in_silence() {
        let (mut account, before) = (account(), account());
        let refusal = try_link(&mut account, &key("custom", "second"), &Policy::recommended());
        assert_eq!(refusal, Err(Refusal::AlreadyLinked(ProviderId::CUSTOM)));
        assert_eq!(account, before);
    }

    #[test]
    fn nakama_4_1_devices_add_up() {
        let mut account = account();
        for device in ["one", "two", "three"] {
            try_link(&mut account, &key("device", device), &Policy::nakama()).unwrap();
        }
        assert_eq!(account.identities.len(), 4);
        let ordinals: Vec<_> = account.identities.iter().map(|i| i.ordinal.number()).collect();
        assert_eq!(ordinals, [1, 2, 3, 4]);
    }

    #[test]
    fn nakama_4_1_an_account_has_no_more_identities_than_the_policy_allows() {
        let mut account = account();
        let policy = Policy { identities_per_account: 3, ..Policy::nakama() };
        for device in ["one", "two"] {
            try_link(&mut account, &key("device", device), &policy).unwrap();
        }
        let refusal = try_link(&mut account, &key("device", "three"), &policy);
        assert_eq!(refusal, Err(Refusal::TooManyIdentities { most: 3 }));
        assert_eq!(try_link(&mut account, &key("device", "two"), &policy), Ok(vec![]));
    }

    #[test]
    fn gamebase_3_7_a_guest_key_cannot_be_added() {
        let refusal = try_link(&mut account(), &key("guest", "key"), &Policy::recommended());
        assert_eq!(refusal, Err(Refusal::NotLinkable(ProviderId::GUEST)));
    }

    #[test]
    fn nakama_9_5_an_email_address_linked_again_gets_a_new_password() {
        let mut account = account();
        let email = key("email", "me@example.com");
        for hash in ["one", "two"] {
            let request = LinkRequest { key: &email, shown: None, password: Some(hash) };
            link(&mut account, &request, &Policy::nakama(), DateTime::UNIX_EPOCH).unwrap();
        }
        let password = account.password.unwrap();
        assert_eq!((&*password.hash, password.version), ("two", 2));
    }
}
