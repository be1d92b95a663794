use chrono::{DateTime, Utc};

use super::Change;
use crate::account::{Account, IdentityKey, Ordinal, ProviderId};
use crate::event::EventKind;
use crate::policy::Policy;
use crate::refusal::Refusal;

/// Which identity is to go.
#[derive(Clone, Copy)]
pub(crate) enum Which<'a> {
    /// Whatever there is of this kind.
    Any(&'a ProviderId),
    /// Exactly this one.
    Exactly(&'a IdentityKey),
}

impl Which<'_> {
    fn provider(&self) -> &ProviderId {
        match self {
            Self::Any(provider) => provider,
            Self::Exactly(key) => key.provider(),
        }
    }

    fn is(&self, key: &IdentityKey) -> bool {
        match self {
            Self::Any(provider) => key.provider() == *provider,
            Self::Exactly(exactly) => key == *exactly,
        }
    }
}

/// What is to be unlinked, and by whom.
pub(crate) struct UnlinkRequest<'a> {
    pub(crate) which: Which<'a>,
    /// The identity that opened the caller's session.
    pub(crate) opened_by: Option<Ordinal>,
    /// Whether the player knows that nothing but device ids is left.
    pub(crate) confirmed: bool,
}

impl<'a> UnlinkRequest<'a> {
    /// What somebody other than the player asks for.
    pub(crate) const fn of_operator(key: &'a IdentityKey) -> Self {
        Self { which: Which::Exactly(key), opened_by: None, confirmed: true }
    }
}

/// Unlinks (nakama 10, gamebase 3.10, braincloud 8.2). Changes the account and says what happened; nothing when there was
/// none and the policy takes that for done.
pub(crate) fn unlink(
    account: &mut Account,
    request: &UnlinkRequest<'_>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<Change, Refusal> {
    let which = &request.which;
    let provider = which.provider();
    let (gone, kept): (Vec<_>, Vec<_>) =
        account.identities.iter().cloned().partition(|identity| which.is(&identity.key));
    if gone.is_empty() {
        return match which {
            Which::Any(_) if policy.unlink_missing_is_done => Ok(Change::default()),
            _ => Err(Refusal::NotLinked(provider.clone())),
        };
    }
    // The password goes with the last login that takes it.
    let drops_password = provider.needs_password()
        && !kept.iter().any(|identity| identity.key.provider().needs_password());
    let has_password = account.password.is_some() && !drops_password;
    // An email address without a password opens nothing, so it does not count (nakama W5, security 72).
    let usable =
        kept.iter().any(|identity| !identity.key.provider().needs_password() || has_password);
    if !usable {
        return Err(Refusal::LastIdentity(provider.clone()));
    }
    let anonymous = *provider != ProviderId::DEVICE
        && kept.iter().all(|identity| *identity.key.provider() == ProviderId::DEVICE)
        && !(has_password && account.username.is_some());
    if policy.anonymous_needs_confirmation && anonymous && !request.confirmed {
        return Err(Refusal::ConfirmAnonymous);
    }
    let gone: Vec<_> = gone.iter().map(|identity| identity.ordinal).collect();
    if !policy.unlink_logged_in && request.opened_by.is_some_and(|opener| gone.contains(&opener)) {
        return Err(Refusal::LoggedInIdentity(provider.clone()));
    }
    let unlinked = |ordinal: &Ordinal| EventKind::IdentityUnlinked {
        ordinal: *ordinal,
        provider: provider.clone(),
    };
    let mut events: Vec<_> = gone.iter().map(unlinked).collect();
    let password_gone = drops_password && account.password.take().is_some();
    if password_gone {
        events.push(EventKind::PasswordChanged);
    }
    account.identities = kept;
    account.updated_at = now;
    Ok(Change { events, gone, password_gone, guests: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{AccountId, Folding, Username};
    use crate::password::Password;

    fn account(identities: &[(&str, &str)]) -> Account {
        let mut account = Account::new(AccountId::from_bytes([1; 16]), DateTime::UNIX_EPOCH);
        for (provider, subject) in identities {
            account.add_identity(key(provider, subject), None, DateTime::UNIX_EPOCH);
        }
        account
    }

    fn key(provider: &str, subject: &str) -> IdentityKey {
        IdentityKey::new(ProviderId::new(provider).unwrap(), subject)
    }

    fn with_password(mut account: Account) -> Account {
        let set_at = DateTime::UNIX_EPOCH;
        account.password = Some(Password { hash: "hash".into(), version: 1, set_at });
        account
    }

    fn exactly(account: &mut Account, provider: &str, subject: &str) -> Result<usize, Refusal> {
        let key = key(provider, subject);
        try_unlink(account, Which::Exactly(&key), &Policy::nakama())
    }

    fn any(account: &mut Account, provider: &ProviderId) -> Result<usize, Refusal> {
        try_unlink(account, Which::Any(provider), &Policy::nakama())
    }

    fn try_unlink(
        account: &mut Account,
        which: Which<'_>,
        policy: &Policy,
    ) -> Result<usize, Refusal> {
        let request = UnlinkRequest { which, opened_by: None, confirmed: false };
        unlink(account, &request, policy, DateTime::UNIX_EPOCH).map(|change| change.gone.len())
    }

    #[test]
    fn nakama_k1_the_last_identity_stays() {
        let mut account = account(&[("device", "one")]);
        let refusal = Err(Refusal::LastIdentity(ProviderId::DEVICE));
        assert_eq!(exactly(&mut account, "device", "one"), refusal);
    }

    #[test]
    fn nakama_k2_what_is_not_ones_own_cannot_be_unlinked() {
        let mut account = account(&[("device", "one"), ("custom", "mine")]);
        let refusal = |provider| Err(Refusal::NotLinked(provider));
        assert_eq!(exactly(&mut account, "device", "two"), refusal(ProviderId::DEVICE));
        assert_eq!(exactly(&mut account, "custom", "other"), refusal(ProviderId::CUSTOM));
    }

    #[test]
    fn nakama_k3_a_kind_that_is_not_linked_is_done() {
        let (mut account, before) = (account(&[("device", "one")]), account(&[("device", "one")]));
        assert_eq!(any(&mut account, &ProviderId::CUSTOM), Ok(0));
        assert_eq!(account, before);
        let which = Which::Any(&ProviderId::CUSTOM);
        let refusal = try_unlink(&mut account, which, &Policy::recommended());
        assert_eq!(refusal, Err(Refusal::NotLinked(ProviderId::CUSTOM)));
    }

    #[test]
    fn nakama_k5_unlinking_the_email_address_drops_the_password() {
        let mut account = with_password(account(&[("device", "one"), ("email", "me@example.com")]));
        assert_eq!(any(&mut account, &ProviderId::EMAIL), Ok(1));
        assert_eq!(account.password, None);
    }

    #[test]
    fn nakama_k6_one_of_two_may_go() {
        let mut account = account(&[("device", "one"), ("custom", "mine")]);
        assert_eq!(any(&mut account, &ProviderId::CUSTOM), Ok(1));
        assert_eq!(account.identities.len(), 1);
    }

    #[test]
    fn nakama_w5_an_email_address_without_a_password_is_no_way_in() {
        let pair = [("custom", "mine"), ("email", "me@example.com")];
        let refusal = Err(Refusal::LastIdentity(ProviderId::CUSTOM));
        assert_eq!(any(&mut account(&pair), &ProviderId::CUSTOM), refusal);
        assert_eq!(any(&mut with_password(account(&pair)), &ProviderId::CUSTOM), Ok(1));
    }

    #[test]
    fn braincloud_8_2_only_who_has_no_name_and_password_becomes_anonymous() {
        let account = || account(&[("device", "one"), ("custom", "mine")]);
        let gone = |mut account| {
            try_unlink(&mut account, Which::Any(&ProviderId::CUSTOM), &Policy::braincloud())
        };
        assert_eq!(gone(account()), Err(Refusal::ConfirmAnonymous));
        let mut named = with_password(account());
        assert_eq!(gone(named.clone()), Err(Refusal::ConfirmAnonymous));
        named.username = Some(Username::new("ann", Folding::Exact));
        assert_eq!(gone(named), Ok(1));
    }

    #[test]
    fn all_of_a_kind_go_together_when_none_is_named() {
        let mut account = account(&[("device", "one"), ("device", "two"), ("custom", "mine")]);
        assert_eq!(any(&mut account, &ProviderId::DEVICE), Ok(2));
    }
}
