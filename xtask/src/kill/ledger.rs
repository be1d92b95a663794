//! What the writers asked for and what they were told.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::http::Grant;
use crate::clock::Moment;

/// An account keeps ten sessions, and each login opens one; the session under test must not be pushed out.
const LOGINS: u32 = 8;

/// How long after an unanswered refresh the old token must still work. The host's grace time is ten seconds; the rest
/// is for the way there.
const GRACE: Duration = Duration::from_secs(7);

#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) players: Vec<Player>,
    /// First logins that were not answered: they are asked for again.
    pub(crate) unanswered: Vec<String>,
    /// First logins of one device by several writers at once: the device, the account, and whether it was new.
    pub(crate) contested: Vec<(String, String, bool)>,
}

pub(crate) struct Player {
    pub(crate) device: Linked,
    pub(crate) account: String,
    pub(crate) session: Session,
    pub(crate) custom: Linked,
    pub(crate) second_device: Linked,
    pub(crate) email: Option<Email>,
    logins: u32,
}

pub(crate) struct Email {
    pub(crate) address: String,
    pub(crate) password: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Linked {
    No,
    Acknowledged(String),
    Unanswered(String),
    /// Asked for at the same time as others and not answered: anybody may have it.
    Contested,
}

pub(crate) struct Session {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) state: State,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum State {
    Live,
    /// A refresh was not answered, first at this moment.
    Refreshing(Moment),
    /// A logout was not answered.
    LoggingOut,
    LoggedOut,
    /// Its token was out of grace after an unanswered refresh.
    Over,
}

/// What can be acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Login,
    SignUp,
    Link,
    Refresh,
    Logout,
    Ticket,
    ForcedLink,
    TransferAccount,
    Transfer,
    Ban,
    Unban,
    WithdrawalRequest,
    WithdrawalCancel,
    Withdrawal,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Counts(BTreeMap<Kind, u64>);

impl Player {
    pub(crate) fn new(device: Linked, grant: Grant) -> Self {
        Self {
            device,
            account: grant.account,
            session: Session { access: grant.access, refresh: grant.refresh, state: State::Live },
            custom: Linked::No,
            second_device: Linked::No,
            email: None,
            logins: 1,
        }
    }

    pub(crate) fn is_live(&self) -> bool {
        matches!(self.session.state, State::Live)
    }

    pub(crate) fn may_refresh(&self) -> bool {
        matches!(self.session.state, State::Live | State::Refreshing(_))
    }

    /// Whether its grace time runs.
    pub(crate) fn is_urgent(&self) -> bool {
        matches!(self.session.state, State::Refreshing(_))
    }

    pub(crate) fn may_login_again(&self) -> bool {
        // One look at a player logs in by up to four ways.
        self.logins + 4 <= LOGINS
    }

    pub(crate) fn logged_in(&mut self) {
        self.logins += 1;
    }
}

impl Session {
    pub(crate) fn renewed(&mut self, grant: Grant) {
        self.access = grant.access;
        self.refresh = grant.refresh;
        self.state = State::Live;
    }

    pub(crate) fn unanswered_refresh(&mut self, asked: Moment) {
        // The first one counts: it may be the one that was written.
        if matches!(self.state, State::Live) {
            self.state = State::Refreshing(asked);
        }
    }

    /// Whether the host may refuse this refresh token.
    pub(crate) fn may_be_refused(&self) -> bool {
        match self.state {
            State::Live => false,
            State::Refreshing(since) => since.elapsed() > GRACE,
            State::LoggingOut | State::LoggedOut | State::Over => true,
        }
    }
}

/// Whether several writers were given several accounts for one device, or several were told that they made it.
pub(crate) fn contested(ledgers: &[Ledger]) -> Vec<String> {
    let mut accounts: BTreeMap<&str, (&str, u32)> = BTreeMap::new();
    let mut findings = Vec::new();
    for (device, account, created) in ledgers.iter().flat_map(|ledger| &ledger.contested) {
        let (first, makers) = accounts.entry(device).or_insert((account, 0));
        *makers += u32::from(*created);
        if first != account {
            findings.push(format!("{device}: on {first} and on {account}"));
        }
        if *makers == 2 {
            findings.push(format!("{device}: two logins were told that they made it"));
        }
    }
    findings
}

impl Counts {
    pub(crate) fn count(&mut self, kind: Kind) {
        *self.0.entry(kind).or_default() += 1;
    }

    pub(crate) fn add(&mut self, more: &Self) {
        for (kind, count) in &more.0 {
            *self.0.entry(*kind).or_default() += count;
        }
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<_> = self.0.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        write!(f, "{} ({})", self.total(), kinds.join(", "))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Login => "logins",
            Self::SignUp => "sign-ups",
            Self::Link => "links",
            Self::Refresh => "refreshes",
            Self::Logout => "logouts",
            Self::Ticket => "tickets",
            Self::ForcedLink => "forced links",
            Self::TransferAccount => "transfer accounts",
            Self::Transfer => "transfers",
            Self::Ban => "bans",
            Self::Unban => "unbans",
            Self::WithdrawalRequest => "withdrawal requests",
            Self::WithdrawalCancel => "withdrawals taken back",
            Self::Withdrawal => "withdrawals",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(account: &str, created: bool) -> Ledger {
        Ledger {
            contested: vec![("device".to_owned(), account.to_owned(), created)],
            ..Ledger::default()
        }
    }

    #[test]
    fn one_device_has_one_account_and_one_maker() {
        assert!(contested(&[ledger("a", true), ledger("a", false)]).is_empty());
        assert_eq!(contested(&[ledger("a", true), ledger("b", false)]).len(), 1);
        assert_eq!(contested(&[ledger("a", true), ledger("a", true)]).len(), 1);
    }
}
