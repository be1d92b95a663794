use std::fmt;

use chrono::{DateTime, Utc};

use super::Change;
use super::link::guests_leave;
use crate::account::{Account, AccountId, IdentityKey, Ordinal, ProviderId, Records, SessionId};
use crate::event::EventKind;
use crate::lifecycle::{Refunds, Standing, standing};
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::session::Activity;
use crate::transfer::delete_transfer;

/// Says which of two accounts survives their merge. A pure function: it may be asked several times.
pub trait MergeRule: fmt::Debug + Send + Sync + 'static {
    /// Which one survives.
    fn survivor(&self, current: &MergeSide<'_>, other: &MergeSide<'_>) -> Survivor;
}

/// One of the two accounts of a merge.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MergeSide<'a> {
    /// The account.
    pub account: &'a Account,
    /// Its logins and sessions.
    pub activity: &'a Activity,
}

impl<'a> MergeSide<'a> {
    /// This account.
    #[must_use]
    pub const fn new(account: &'a Account, activity: &'a Activity) -> Self {
        Self { account, activity }
    }
}

/// Which account survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are two")]
pub enum Survivor {
    /// The caller's.
    Current,
    /// The one that the presented login opens.
    Other,
}

/// The account with more logins survives, then the older one, then the caller's. Stands in for "more experience points"
/// (braincloud 8.3), which only a game can tell.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct MostLogins;

impl MergeRule for MostLogins {
    fn survivor(&self, current: &MergeSide<'_>, other: &MergeSide<'_>) -> Survivor {
        let logins = current.activity.login_count.cmp(&other.activity.login_count);
        let age = other.account.created_at.cmp(&current.account.created_at);
        if logins.then(age).is_lt() { Survivor::Other } else { Survivor::Current }
    }
}

/// What a merge moves and ends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MergeReport {
    /// The account that goes on.
    pub survivor: AccountId,
    /// The account that is deleted.
    pub merged: AccountId,
    /// The identities that move to the survivor, but device ids.
    pub identities: Vec<IdentityKey>,
    /// The device ids that move.
    pub devices: Vec<IdentityKey>,
    /// The guest keys, of either account, that go (gamebase 3.7).
    pub guests: Vec<IdentityKey>,
    /// The sessions of the deleted account; they end.
    pub sessions: Vec<SessionId>,
    /// What becomes of the deleted account's password.
    pub password: MergedPassword,
    /// Whether the deleted account's username moves; it does when the survivor has none.
    pub username_moves: bool,
}

/// What becomes of the password of a merged account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MergedPassword {
    /// There is none.
    None,
    /// It is dropped: the survivor keeps its own.
    Dropped,
    /// It moves: the survivor has none.
    Moves,
}

/// What a merge does to the two accounts.
pub(crate) struct Merged {
    pub(crate) report: MergeReport,
    /// What happened to the survivor.
    pub(crate) change: Change,
    /// What happened to the account that is gone.
    pub(crate) farewell: Vec<EventKind>,
}

/// Merges an account into the survivor: all that opens it moves (braincloud 8.3, security 71). The survivor's data stays;
/// what counts against the player is added up, so that a merge wipes nothing off.
pub(crate) fn merge(
    survivor: &mut Account,
    loser: &Account,
    sessions: &Activity,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<Merged, Refusal> {
    check(survivor, loser, policy)?;
    let mut merged = Merged {
        report: MergeReport {
            survivor: survivor.id,
            merged: loser.id,
            identities: Vec::new(),
            devices: Vec::new(),
            guests: Vec::new(),
            sessions: sessions.sessions.iter().map(|session| session.id).collect(),
            password: MergedPassword::None,
            username_moves: survivor.username.is_none() && loser.username.is_some(),
        },
        change: Change::default(),
        farewell: Vec::new(),
    };
    let heir = move_identities(survivor, loser, &mut merged, policy, now);
    if let (true, Some(heir)) = (policy.guest_leaves, heir) {
        let is_guest = |key: &&IdentityKey| *key.provider() == ProviderId::GUEST;
        let keys = survivor.identities.iter().map(|identity| &identity.key);
        merged.report.guests.extend(keys.filter(is_guest).cloned());
        guests_leave(survivor, heir, &mut merged.change);
    }
    if survivor.identities.iter().any(|it| *it.key.provider() != ProviderId::GUEST) {
        delete_transfer(survivor);
    }
    if let Some(password) = &loser.password {
        merged.report.password = if survivor.password.is_some() {
            MergedPassword::Dropped
        } else {
            survivor.password = Some(password.clone());
            merged.change.events.push(EventKind::PasswordChanged);
            MergedPassword::Moves
        };
    }
    if merged.report.username_moves {
        survivor.username.clone_from(&loser.username);
        merged.change.events.push(EventKind::UsernameChanged);
    }
    add_records(&mut survivor.records, &loser.records);
    survivor.updated_at = now;
    merged.change.events.push(EventKind::MergedFrom { merged: loser.id });
    merged.farewell.push(EventKind::MergedInto { survivor: survivor.id });
    Ok(merged)
}

fn check(survivor: &Account, loser: &Account, policy: &Policy) -> Result<(), Refusal> {
    if standing(loser) == Standing::GraceBanned {
        // It would be gone, and its suspension with it.
        return Err(Refusal::DonorNotNormal(loser.id));
    }
    let kinds = loser.identities.iter().map(|identity| identity.key.provider());
    for kind in kinds.filter(|kind| !policy.several.allows(kind)) {
        if survivor.identities_of(kind).next().is_some() {
            return Err(Refusal::AlreadyLinked(kind.clone()));
        }
    }
    let most = policy.identities_per_account;
    if survivor.identities.len() + loser.identities.len() > most {
        return Err(Refusal::TooManyIdentities { most });
    }
    Ok(())
}

/// Moves the identities, and says which one takes a guest key's place: the survivor's own first, then one that moved.
fn move_identities(
    survivor: &mut Account,
    loser: &Account,
    merged: &mut Merged,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Option<Ordinal> {
    let stays = |provider: &ProviderId| *provider != ProviderId::GUEST;
    let own = |account: &Account| {
        let mut keeps = account.identities.iter().filter(|it| stays(it.key.provider()));
        keeps.next().map(|identity| identity.ordinal)
    };
    let mut heir = own(survivor);
    let others = own(loser).is_some() || heir.is_some();
    for identity in &loser.identities {
        let (key, provider) = (&identity.key, identity.key.provider().clone());
        let (ordinal, to) = (identity.ordinal, survivor.id);
        if policy.guest_leaves && others && !stays(&provider) {
            merged.report.guests.push(key.clone());
            merged.farewell.push(EventKind::IdentityUnlinked { ordinal, provider });
            continue;
        }
        let moved = survivor.add_identity(key.clone(), None, now);
        if let Some(last) = survivor.identities.last_mut() {
            last.inherit(identity);
        }
        if heir.is_none() && stays(&provider) {
            heir = Some(moved);
        }
        let device = provider == ProviderId::DEVICE;
        let report = &mut merged.report;
        if device { &mut report.devices } else { &mut report.identities }.push(key.clone());
        let linked = EventKind::IdentityLinked { ordinal: moved, provider: provider.clone() };
        merged.change.events.push(linked);
        merged.farewell.push(EventKind::IdentityMoved { ordinal, provider, to });
    }
    heir
}

fn add_records(records: &mut Records, loser: &Records) {
    let Refunds { count, amount } = loser.refunds;
    records.refunds.count = records.refunds.count.saturating_add(count);
    records.refunds.amount = records.refunds.amount.plus(amount);
    records.past_bans.extend(loser.past_bans.iter().cloned());
    records.past_bans.sort_by_key(|past| past.ban.since);
    let surplus = records.past_bans.len().saturating_sub(Records::PAST_BANS);
    records.past_bans.drain(..surplus);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::samples::guest;

    fn with(account: u8, identities: &[(ProviderId, &str)]) -> Account {
        let mut account = Account::new(AccountId::from_bytes([account; 16]), DateTime::UNIX_EPOCH);
        for (provider, subject) in identities {
            let key = IdentityKey::new(provider.clone(), subject);
            account.add_identity(key, None, DateTime::UNIX_EPOCH);
        }
        account
    }

    fn merge_into(survivor: &mut Account, loser: &Account) -> Merged {
        let policy = Policy { guest_leaves: true, ..Policy::braincloud() };
        let none = Activity::default();
        merge(survivor, loser, &none, &policy, DateTime::UNIX_EPOCH).unwrap()
    }

    const GUEST: ProviderId = ProviderId::GUEST;
    const DEVICE: ProviderId = ProviderId::DEVICE;
    const CUSTOM: ProviderId = ProviderId::CUSTOM;

    #[test]
    fn gamebase_3_7_one_login_that_is_no_guest_key_lets_those_of_both_go() {
        for (survivors, losers) in
            [([(DEVICE, "one")], [(GUEST, "two")]), ([(GUEST, "one")], [(DEVICE, "two")])]
        {
            let mut survivor = with(1, &survivors);
            let merged = merge_into(&mut survivor, &with(2, &losers));
            let left: Vec<_> = survivor.identities.iter().map(|it| it.key.provider()).collect();
            assert_eq!((left, merged.report.guests.len()), (vec![&DEVICE], 1));
            let comes = |event: &EventKind| matches!(event, EventKind::IdentityLinked { provider, .. } if *provider == GUEST);
            assert!(!merged.change.events.iter().any(comes), "it leaves, and comes nowhere");
        }
    }

    #[test]
    fn gamebase_3_7_guest_keys_are_followed_by_the_first_other_login() {
        let heir = |survivors, losers| {
            let mut survivor = with(1, survivors);
            let merged = merge_into(&mut survivor, &with(2, losers));
            let (_, heir, _) = merged.change.guests.unwrap();
            let heir = survivor.identities.iter().find(|it| it.ordinal == heir);
            heir.unwrap().key.subject().to_owned()
        };
        let loser = [(DEVICE, "three"), (CUSTOM, "four")];
        assert_eq!(heir(&[(GUEST, "one")], &loser), "three");
        assert_eq!(heir(&[(GUEST, "one"), (CUSTOM, "two")], &loser[..1]), "two");
    }

    #[test]
    fn a_transfer_account_goes_with_the_first_login_that_is_no_guest_key() {
        for (losers, stays) in [(&[][..], true), (&[(DEVICE, "two")], false)] {
            let mut survivor = guest();
            merge_into(&mut survivor, &with(2, losers));
            let transfer = survivor.records.transfer.unwrap();
            assert_eq!(transfer.password_hash.is_some(), stays);
        }
    }

    #[test]
    fn nakama_4_1_a_merge_may_fill_an_account_and_not_overfill_it() {
        let merged = |most| {
            let (mut survivor, loser) =
                (with(1, &[(DEVICE, "one"), (DEVICE, "two")]), with(2, &[(DEVICE, "three")]));
            let policy = Policy { identities_per_account: most, ..Policy::braincloud() };
            let none = Activity::default();
            merge(&mut survivor, &loser, &none, &policy, DateTime::UNIX_EPOCH)?;
            Ok(survivor.identities.len())
        };
        assert_eq!(merged(3), Ok(3));
        assert_eq!(merged(2), Err(Refusal::TooManyIdentities { most: 2 }));
    }
}
