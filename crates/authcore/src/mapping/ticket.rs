use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::account::{Account, AccountId, IdentityKey, Ordinal, Records};
use crate::lifecycle::{Machine, Standing, Step};
use crate::refusal::Refusal;
use crate::secret::Secret;
use crate::store::CodeKey;

/// A proof, kept with the caller's account, that the caller holds an identity which another account owns (gamebase 1.10,
/// 4.4). It is bound to the caller (whose account keeps it), the owner, the identity, and how the owner stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForcingTicket {
    /// A digest of the secret, which is shown once and not kept.
    pub key: CodeKey,
    /// The identity.
    pub identity: IdentityKey,
    /// Its ordinal in the account that owned it: an identity that was lost and linked again is another one there. None in a
    /// ticket that was kept before ordinals were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordinal: Option<Ordinal>,
    /// The account that owned it.
    pub owner: AccountId,
    /// How that account stood.
    pub owner_standing: Standing,
    /// From when on it is expired.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub expires_at: DateTime<Utc>,
    /// When it was used.
    #[serde(with = "chrono::serde::ts_milliseconds_option")]
    pub used_at: Option<DateTime<Utc>>,
}

/// What a forcing ticket is good for (gamebase 4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the states of a table")]
pub enum TicketState {
    /// It may be used.
    Live,
    /// It was.
    Used,
    /// Its time is over.
    Expired,
    /// What it stood for is no more: the owner is gone, or has lost the identity since, or there is a newer ticket.
    Void,
}

/// What happens to a forcing ticket (gamebase 4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the events of a table")]
pub enum TicketEvent {
    /// A forced link or a change of login succeeds with it.
    Succeeds,
    /// It is presented with a login of another provider.
    OtherProvider,
    /// It is presented with another login of that provider.
    OtherIdentity,
    /// The owner is gone, or loses the identity.
    OwnerLeaves,
    /// Another ticket for the identity is given (gamebase X-32).
    Renewed,
    /// Its end comes.
    Expires,
}

/// The life of a forcing ticket (gamebase 4.4). A mismatch does not burn it; presented by anybody but the caller it is
/// not even found.
pub static TICKET: Machine<TicketState, TicketEvent> = Machine {
    name: "forcing ticket",
    start: TicketState::Live,
    steps: &[
        step(TicketState::Live, TicketEvent::Succeeds, TicketState::Used),
        step(TicketState::Live, TicketEvent::OtherProvider, TicketState::Live),
        step(TicketState::Live, TicketEvent::OtherIdentity, TicketState::Live),
        step(TicketState::Live, TicketEvent::OwnerLeaves, TicketState::Void),
        step(TicketState::Live, TicketEvent::Renewed, TicketState::Void),
        step(TicketState::Live, TicketEvent::Expires, TicketState::Expired),
    ],
};

const fn step(
    from: TicketState,
    on: TicketEvent,
    to: TicketState,
) -> Step<TicketState, TicketEvent> {
    Step { from, on, to }
}

impl ForcingTicket {
    /// The key that a secret's ticket is kept under.
    #[must_use]
    pub fn key_of(secret: &Secret) -> CodeKey {
        CodeKey::new(Sha256::digest(secret.reveal()).into())
    }

    /// What it is good for, given the account that owned the identity as it is now, if it is there. Where it is both void
    /// and expired, it is void: an unknown ticket is told before an expired one.
    #[must_use]
    pub fn state(&self, owner: Option<&Account>, now: DateTime<Utc>) -> TicketState {
        let owns = owner
            .and_then(|owner| owner.identity(&self.identity))
            .is_some_and(|identity| self.ordinal.is_none_or(|ordinal| ordinal == identity.ordinal));
        self.judged(owns, now)
    }

    fn judged(&self, owns: bool, now: DateTime<Utc>) -> TicketState {
        let happened = [
            self.used_at.map(|_| TicketEvent::Succeeds),
            (!owns).then_some(TicketEvent::OwnerLeaves),
            (now >= self.expires_at).then_some(TicketEvent::Expires),
        ];
        // What the machine does not take in a state leaves the state.
        happened
            .into_iter()
            .flatten()
            .fold(TICKET.start, |state, event| TICKET.next(state, event).unwrap_or(state))
    }
}

/// Keeps a ticket with the caller's account: in place of a live one for the same identity (gamebase X-32), whoever owned
/// that, and of the oldest where there are too many.
pub(crate) fn issue(caller: &mut Account, ticket: ForcingTicket, now: DateTime<Utc>) {
    let tickets = &mut caller.records.tickets;
    tickets.retain(|kept| {
        let renewed = TICKET.next(kept.judged(true, now), TicketEvent::Renewed);
        kept.identity != ticket.identity || renewed != Ok(TicketState::Void)
    });
    let surplus = (tickets.len() + 1).saturating_sub(Records::TICKETS);
    tickets.drain(..surplus);
    tickets.push(ticket);
    caller.updated_at = now;
}

/// Whether a ticket may be used now; `again` is the login that is presented with it, in the form that asks the provider
/// once more (gamebase 3.8, 4.4).
pub(crate) fn present(
    ticket: &ForcingTicket,
    owner: Option<&Account>,
    again: Option<&IdentityKey>,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    let (event, mismatch) = match again {
        Some(key) if key.provider() != ticket.identity.provider() => {
            (TicketEvent::OtherProvider, Refusal::TicketOtherProvider(key.provider().clone()))
        }
        Some(key) if *key != ticket.identity => {
            (TicketEvent::OtherIdentity, Refusal::TicketOtherIdentity(key.provider().clone()))
        }
        _ => (TicketEvent::Succeeds, Refusal::TicketUnknown),
    };
    match TICKET.next(ticket.state(owner, now), event) {
        Ok(TicketState::Used) => Ok(()),
        Ok(_) => Err(mismatch),
        Err(stuck) => Err(match stuck.from {
            TicketState::Used => Refusal::TicketUsed,
            TicketState::Expired => Refusal::TicketExpired,
            TicketState::Live | TicketState::Void => Refusal::TicketUnknown,
        }),
    }
}

/// Marks a ticket of the caller's as used.
pub(crate) fn use_up(caller: &mut Account, key: &CodeKey, now: DateTime<Utc>) {
    if let Some(ticket) = caller.records.tickets.iter_mut().find(|ticket| ticket.key == *key) {
        ticket.used_at = Some(now);
    }
    caller.updated_at = now;
}

/// The next legal step after a link that was refused because another account owns the identity: present the secret to
/// [`Engine::link_forcibly`](crate::Engine::link_forcibly) or [`Engine::change_login`](crate::Engine::change_login).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TicketOffer {
    /// The secret; it is shown this once.
    pub secret: Secret,
    /// The account that owns the identity and would lose it.
    pub owner: AccountId,
    /// How that account stands.
    pub owner_standing: Standing,
    /// From when on the ticket is expired.
    pub expires_at: DateTime<Utc>,
}

impl PartialEq for TicketOffer {
    /// Compares all but the secret.
    fn eq(&self, other: &Self) -> bool {
        (self.owner, self.owner_standing, self.expires_at)
            == (other.owner, other.owner_standing, other.expires_at)
    }
}

impl Eq for TicketOffer {}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::account::ProviderId;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn key(provider: ProviderId, subject: &str) -> IdentityKey {
        IdentityKey::new(provider, subject)
    }

    fn owner() -> Account {
        let mut owner = Account::new(AccountId::from_bytes([2; 16]), NOW);
        owner.add_identity(key(ProviderId::CUSTOM, "theirs"), None, NOW);
        owner
    }

    fn ticket(number: u8) -> ForcingTicket {
        ForcingTicket {
            key: CodeKey::new([number; 32]),
            identity: key(ProviderId::CUSTOM, "theirs"),
            ordinal: Some(Ordinal::FIRST),
            owner: owner().id,
            owner_standing: Standing::Normal,
            expires_at: NOW + TimeDelta::minutes(10),
            used_at: None,
        }
    }

    #[test]
    fn gamebase_4_4_the_documented_machine_is_the_one_that_runs() {
        let diagram = format!("```mermaid\n{}```", TICKET.diagram());
        crate::documentation::check("machines.md", "ticket machine", &diagram);
    }

    #[test]
    fn gamebase_4_4_precedence_of_what_is_wrong_with_a_ticket() {
        let (owner, late) = (owner(), NOW + TimeDelta::minutes(10));
        let used = ForcingTicket { used_at: Some(NOW), ..ticket(1) };
        let other_provider = key(ProviderId::DEVICE, "theirs");
        let other_identity = key(ProviderId::CUSTOM, "mine");
        let again = [None, Some(&other_provider), Some(&other_identity)];
        for again in again {
            assert_eq!(present(&ticket(1), None, again, late), Err(Refusal::TicketUnknown));
            assert_eq!(present(&used, None, again, late), Err(Refusal::TicketUsed));
            assert_eq!(present(&used, Some(&owner), again, late), Err(Refusal::TicketUsed));
            let expired = present(&ticket(1), Some(&owner), again, late);
            assert_eq!(expired, Err(Refusal::TicketExpired));
        }
        let same = key(ProviderId::CUSTOM, "theirs");
        let on_time = |again| present(&ticket(1), Some(&owner), again, NOW);
        assert_eq!(on_time(None), Ok(()));
        assert_eq!(on_time(Some(&same)), Ok(()));
        let refusal = Refusal::TicketOtherProvider(ProviderId::DEVICE);
        assert_eq!(on_time(Some(&other_provider)), Err(refusal));
        let refusal = Refusal::TicketOtherIdentity(ProviderId::CUSTOM);
        assert_eq!(on_time(Some(&other_identity)), Err(refusal));
    }

    #[test]
    fn gamebase_4_4_an_identity_that_was_lost_and_is_linked_again_leaves_the_ticket_void() {
        let mut owner = owner();
        let other = key(ProviderId::DEVICE, "other");
        owner.add_identity(other, None, NOW);
        assert_eq!(ticket(1).state(Some(&owner), NOW), TicketState::Live);
        owner.identities.remove(0);
        assert_eq!(ticket(1).state(Some(&owner), NOW), TicketState::Void);
        owner.add_identity(key(ProviderId::CUSTOM, "theirs"), None, NOW);
        assert_eq!(ticket(1).state(Some(&owner), NOW), TicketState::Void);
        let of_old = ForcingTicket { ordinal: None, ..ticket(1) };
        assert_eq!(of_old.state(Some(&owner), NOW), TicketState::Live);
    }

    #[test]
    fn gamebase_x31_a_ticket_is_expired_at_its_end_and_not_a_millisecond_before() {
        let end = NOW + TimeDelta::minutes(10);
        assert_eq!(ticket(1).state(Some(&owner()), end), TicketState::Expired);
        let before = end - TimeDelta::milliseconds(1);
        assert_eq!(ticket(1).state(Some(&owner()), before), TicketState::Live);
    }

    #[test]
    fn gamebase_x32_a_new_ticket_voids_a_live_one_for_the_same_identity_only() {
        let mut caller = Account::new(AccountId::from_bytes([1; 16]), NOW);
        let elsewhere = key(ProviderId::DEVICE, "elsewhere");
        let other = ForcingTicket { identity: elsewhere, ..ticket(1) };
        let used = ForcingTicket { used_at: Some(NOW), ..ticket(2) };
        let expired = ForcingTicket { expires_at: NOW, ..ticket(3) };
        let of_another = ForcingTicket { owner: AccountId::from_bytes([3; 16]), ..ticket(6) };
        caller.records.tickets = vec![other, used, expired, ticket(4), of_another];
        issue(&mut caller, ticket(5), NOW);
        let left: Vec<_> =
            caller.records.tickets.iter().map(|kept| kept.key.as_bytes()[0]).collect();
        assert_eq!(left, [1, 2, 3, 5]);
    }

    #[test]
    fn the_oldest_ticket_gives_way_where_there_are_too_many() {
        let mut caller = Account::new(AccountId::from_bytes([1; 16]), NOW);
        for number in 0..20 {
            let identity = key(ProviderId::CUSTOM, &number.to_string());
            issue(&mut caller, ForcingTicket { identity, ..ticket(number) }, NOW);
        }
        let left: Vec<_> =
            caller.records.tickets.iter().map(|kept| kept.key.as_bytes()[0]).collect();
        assert_eq!(left, (4..20).collect::<Vec<_>>());
    }

    #[test]
    fn offers_are_equal_whatever_their_secrets_and_for_nothing_else() {
        let offer = TicketOffer {
            secret: Secret::new("one"),
            owner: owner().id,
            owner_standing: Standing::Normal,
            expires_at: NOW,
        };
        assert_eq!(offer, TicketOffer { secret: Secret::new("two"), ..offer.clone() });
        let later = NOW + TimeDelta::minutes(10);
        assert_ne!(offer, TicketOffer { expires_at: later, ..offer.clone() });
        assert_ne!(offer, TicketOffer { owner_standing: Standing::Banned, ..offer.clone() });
    }

    #[test]
    fn a_kept_ticket_does_not_tell_its_secret() {
        let secret = Secret::new("the secret of a ticket");
        let kept = ForcingTicket { key: ForcingTicket::key_of(&secret), ..ticket(1) };
        let json = serde_json::to_string(&kept).unwrap();
        assert!(!json.contains("the secret") && !format!("{kept:?}").contains("the secret"));
        assert_eq!(serde_json::from_str::<ForcingTicket>(&json).unwrap(), kept);
        let mut old: serde_json::Value = serde_json::from_str(&json).unwrap();
        old.as_object_mut().unwrap().remove("ordinal").unwrap();
        let old: ForcingTicket = serde_json::from_value(old).unwrap();
        assert_eq!(old, ForcingTicket { ordinal: None, ..kept });
    }
}
