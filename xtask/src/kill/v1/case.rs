use std::collections::BTreeMap;

use super::facts::{Facts, Id, Identity, Probe, Seen, Write};

/// How many accounts a writer ties together.
const ACCOUNTS: usize = 4;

/// How often a case is looked at by chance. An account keeps a hundred sessions, and each look opens one for each of its
/// logins; the sessions under test must not be pushed out.
const LOOKS: u32 = 6;

/// Some accounts, what was acknowledged of them, and the one write that was not answered.
#[derive(Default)]
pub(crate) struct Case {
    pub(crate) facts: Facts,
    /// What holds instead if that write has happened.
    doubt: Option<Facts>,
    pub(crate) tickets: Vec<Ticket>,
    /// The ids of transfer accounts.
    pub(crate) transfers: BTreeMap<Id, String>,
    looks: u32,
}

pub(crate) struct Ticket {
    pub(crate) account: Id,
    pub(crate) identity: Identity,
    pub(crate) owner: Id,
    pub(crate) secret: String,
}

/// What may be asked next.
#[derive(PartialEq, Eq)]
pub(crate) enum Move {
    /// The first login of another account.
    Join {
        provider: &'static str,
    },
    LogIn(Identity),
    AskForTicket {
        account: Id,
        identity: Identity,
        owner: Id,
    },
    IssueTransfer(Id),
    Write(Write),
}

impl Case {
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.doubt.is_some()
    }

    pub(crate) fn may_be_looked_at(&self) -> bool {
        self.looks < LOOKS
    }

    pub(crate) fn acknowledged(&mut self, write: &Write) {
        self.becomes(self.facts.after(write));
    }

    /// Tickets for a login that has left its owner are void for good.
    fn becomes(&mut self, facts: Facts) {
        self.tickets.retain(|it| facts.owners.get(&it.identity) == Some(&Some(it.owner.clone())));
        self.facts = facts;
    }

    pub(crate) fn unanswered(&mut self, write: &Write) {
        self.doubt = Some(self.facts.after(write));
    }

    /// Compares what was seen with what must hold: everything that was acknowledged, and all or nothing of the write
    /// that was not answered. Says whether that had happened.
    pub(crate) fn settle(
        &mut self,
        seen: &BTreeMap<Probe, Seen>,
    ) -> Result<Option<bool>, Vec<String>> {
        self.looks += 1;
        let doubt = self.doubt.take();
        let expected = self.facts.expected();
        if *seen == expected {
            return Ok(doubt.map(|_| false));
        }
        let in_doubt = doubt.is_some();
        if let Some(happened) = doubt.filter(|doubt| *seen == doubt.expected()) {
            self.becomes(happened);
            return Ok(Some(true));
        }
        let wrong = expected.iter().filter(|(probe, must)| seen.get(probe) != Some(must));
        Err(wrong
            .map(|(probe, must)| {
                let found = seen.get(probe);
                let half = if in_doubt { " (a write here was not answered)" } else { "" };
                format!("{probe:?}: must be {must:?}, is {found:?}{half}")
            })
            .collect())
    }

    /// What may be asked, and must be done then; `fresh` is a guest key that nobody has.
    pub(crate) fn moves(&self, fresh: &Identity) -> Vec<Move> {
        let mut moves = Vec::new();
        let is_full = self.facts.accounts.len() >= ACCOUNTS;
        if !is_full {
            moves.extend(self.joins());
        }
        for (id, marks) in &self.facts.accounts {
            match self.facts.standing(id) {
                "withdrawn" | "missing" => {}
                "banned" => moves.push(Move::Write(Write::Unban(id.clone()))),
                _ if self.facts.access(id).is_none() => {
                    moves.extend(self.facts.identities(id).cloned().map(Move::LogIn));
                }
                _ => {
                    moves.push(Move::Write(Write::Ban(id.clone())));
                    // Not before there was something to lose.
                    if is_full {
                        moves.push(Move::Write(Write::Withdraw(id.clone())));
                    }
                    moves.push(Move::Write(if marks.leaving {
                        Write::CancelWithdrawal(id.clone())
                    } else {
                        Write::RequestWithdrawal(id.clone())
                    }));
                    // More often than the rest: two or three things must be right for one.
                    (0..4).for_each(|_| self.moves_of_logins(id, fresh, &mut moves));
                }
            }
        }
        moves
    }

    /// Guests among themselves, or accounts with a custom id among those with a device.
    fn joins(&self) -> impl Iterator<Item = Move> {
        let has_guests = self.facts.owners.keys().next().map(|first| first.provider == "guest");
        let providers: &[_] = match has_guests {
            None => &["guest", "custom"],
            Some(true) => &["guest"],
            Some(false) => &["custom", "device", "device"],
        };
        providers.iter().map(|provider| Move::Join { provider })
    }

    /// Guests move to other devices; accounts with a custom id take devices from the others, which link some more.
    fn moves_of_logins(&self, id: &Id, fresh: &Identity, moves: &mut Vec<Move>) {
        let all: Vec<_> = self.facts.identities(id).collect();
        let has = |provider| all.iter().any(|identity| identity.provider == provider);
        if has("guest") {
            let Some(transfer) = self.transfers.get(id) else {
                moves.push(Move::IssueTransfer(id.clone()));
                return;
            };
            let guests = self.facts.owners.keys().filter(|key| key.provider == "guest");
            let others = guests.filter(|key| !all.contains(key)).chain([fresh]);
            moves.extend(others.map(|to| {
                let (account, to, id) = (id.clone(), to.clone(), transfer.clone());
                Move::Write(Write::Transfer { account, to, id })
            }));
        } else if has("custom") {
            moves.extend(self.takes(id));
        } else if all.len() < 2 {
            let identity = Identity { provider: "device".into(), ..fresh.clone() };
            moves.push(Move::Write(Write::Link { account: id.clone(), identity }));
        }
    }

    fn takes(&self, id: &Id) -> impl Iterator<Item = Move> {
        let devices = self.facts.owners.iter().filter(|(key, _)| key.provider == "device");
        let owned = devices.filter_map(|(identity, owner)| Some((identity, owner.as_ref()?)));
        let others =
            owned.filter(move |(_, owner)| *owner != id && !self.facts.marks(owner).banned);
        others.map(move |(identity, owner)| {
            let (account, identity) = (id.clone(), identity.clone());
            match self.ticket(id, &identity, owner) {
                Some(ticket) => Move::Write(Write::ForceLink { account, identity, ticket }),
                None => Move::AskForTicket { account, identity, owner: owner.clone() },
            }
        })
    }

    fn ticket(&self, account: &Id, identity: &Identity, owner: &Id) -> Option<String> {
        let mut tickets = self.tickets.iter().rev();
        let latest = tickets.find(|ticket| {
            (&ticket.account, &ticket.identity, &ticket.owner) == (account, identity, owner)
        })?;
        let used = self.facts.used_tickets.iter().any(|(_, secret)| *secret == latest.secret);
        (!used).then(|| latest.secret.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kill::http::Grant;

    fn identity(provider: &str, subject: &str) -> Identity {
        Identity { provider: provider.into(), subject: subject.into() }
    }

    fn log_in(facts: &mut Facts, identity: &Identity, account: &str) {
        let text = || format!("a token of {account}");
        let (access, refresh) = (text(), text());
        facts
            .logged_in(identity, Grant { account: account.into(), access, refresh, created: true });
    }

    /// Ann has a custom id, Bob a device.
    fn two() -> Case {
        let mut case = Case::default();
        log_in(&mut case.facts, &identity("custom", "c"), "ann");
        log_in(&mut case.facts, &identity("device", "d"), "bob");
        case
    }

    fn force() -> Write {
        let (account, ticket) = ("ann".into(), "ticket".into());
        Write::ForceLink { account, identity: identity("device", "d"), ticket }
    }

    fn seen(facts: &Facts, login: &Identity) -> Seen {
        facts.expected().remove(&Probe::Login(login.clone())).unwrap()
    }

    fn sessions(facts: &Facts) -> Vec<bool> {
        facts.sessions.iter().map(|session| session.alive).collect()
    }

    #[test]
    fn a_forced_link_moves_the_identity_and_loses_who_has_no_other() {
        let mut case = two();
        case.acknowledged(&force());
        assert_eq!(seen(&case.facts, &identity("device", "d")), Seen::Account("ann".into()));
        assert_eq!((case.facts.standing("ann"), case.facts.standing("bob")), ("normal", "missing"));
        assert_eq!(sessions(&case.facts), [true, false]);
        assert_eq!(case.facts.used_tickets, [("ann".to_owned(), "ticket".to_owned())]);
    }

    #[test]
    fn a_forced_link_ends_what_the_identity_opened_and_nothing_else() {
        let mut case = two();
        let other = identity("device", "e");
        case.acknowledged(&Write::Link { account: "bob".into(), identity: other.clone() });
        log_in(&mut case.facts, &other, "bob");
        case.acknowledged(&force());
        assert_eq!(sessions(&case.facts), [true, false, true]);
        assert_eq!(case.facts.standing("bob"), "normal");
    }

    #[test]
    fn a_transfer_leaves_the_old_key_free_and_loses_the_guest_that_was_there() {
        let (old, new) = (identity("guest", "old"), identity("guest", "new"));
        let mut case = Case::default();
        log_in(&mut case.facts, &old, "ann");
        log_in(&mut case.facts, &new, "bob");
        let write = Write::Transfer { account: "ann".into(), to: new.clone(), id: "id".into() };
        case.acknowledged(&write);
        assert_eq!(seen(&case.facts, &new), Seen::Account("ann".into()));
        assert_eq!(seen(&case.facts, &old), Seen::Nobody);
        assert_eq!((case.facts.standing("ann"), case.facts.standing("bob")), ("normal", "missing"));
        assert_eq!(sessions(&case.facts), [false, false]);
    }

    #[test]
    fn a_ban_ends_the_sessions_for_good() {
        let mut case = two();
        let (bob, device) = ("bob".to_owned(), identity("device", "d"));
        case.acknowledged(&Write::RequestWithdrawal(bob.clone()));
        case.acknowledged(&Write::Ban(bob.clone()));
        assert_eq!(seen(&case.facts, &device), Seen::Banned(bob.clone()));
        assert_eq!(case.facts.standing("bob"), "banned");
        case.acknowledged(&Write::Unban(bob.clone()));
        assert_eq!(seen(&case.facts, &device), Seen::Account(bob.clone()));
        assert_eq!(case.facts.standing("bob"), "withdrawal_pending");
        assert_eq!(sessions(&case.facts), [true, false]);
        case.acknowledged(&Write::CancelWithdrawal(bob));
        assert_eq!(case.facts.standing("bob"), "normal");
    }

    #[test]
    fn who_is_withdrawn_has_no_logins_and_no_sessions() {
        let mut case = two();
        case.acknowledged(&Write::Withdraw("bob".into()));
        assert_eq!(seen(&case.facts, &identity("device", "d")), Seen::Nobody);
        assert_eq!(case.facts.standing("bob"), "withdrawn");
        assert_eq!(sessions(&case.facts), [true, false]);
    }

    #[test]
    fn an_acknowledged_write_must_be_there() {
        let mut case = two();
        let before = case.facts.expected();
        case.acknowledged(&force());
        assert_eq!(case.settle(&case.facts.expected()), Ok(None));
        assert!(case.settle(&before).is_err());
    }

    #[test]
    fn of_an_unanswered_write_there_is_all_or_nothing() {
        let (before, after) = (two().facts.expected(), two().facts.after(&force()).expected());
        let in_doubt = || {
            let mut case = two();
            case.unanswered(&force());
            assert!(case.is_in_doubt());
            case
        };
        assert_eq!(in_doubt().settle(&before), Ok(Some(false)));
        let mut case = in_doubt();
        assert_eq!(case.settle(&after), Ok(Some(true)));
        assert!(!case.is_in_doubt());
        assert_eq!(case.settle(&after), Ok(None), "it is a fact from then on");
        // The identity has moved, and the session that it opened lives on.
        let mut half = two().facts.after(&force()).expected();
        half.insert(Probe::Session(1), Seen::Account("bob".into()));
        assert!(in_doubt().settle(&half).is_err());
    }

    #[test]
    fn nothing_is_asked_that_would_be_refused() {
        let mut case = two();
        let fresh = identity("guest", "fresh");
        let ask = Move::AskForTicket {
            account: "ann".into(),
            identity: identity("device", "d"),
            owner: "bob".into(),
        };
        assert!(case.moves(&fresh).contains(&ask));
        case.tickets.push(Ticket {
            account: "ann".into(),
            identity: identity("device", "d"),
            owner: "bob".into(),
            secret: "ticket".into(),
        });
        let forces = |case: &Case| case.moves(&fresh).contains(&Move::Write(force()));
        assert!(forces(&case) && !case.moves(&fresh).contains(&ask));
        case.acknowledged(&Write::Ban("bob".into()));
        assert!(
            !forces(&case) && case.moves(&fresh).contains(&Move::Write(Write::Unban("bob".into())))
        );
        case.acknowledged(&Write::Unban("bob".into()));
        assert!(
            forces(&case) && case.moves(&fresh).contains(&Move::LogIn(identity("device", "d")))
        );
        case.acknowledged(&force());
        assert!(!forces(&case) && !case.moves(&fresh).contains(&ask));
    }
}
