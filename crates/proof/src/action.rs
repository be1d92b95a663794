//! What may be done in the small game.

use authcore::Credential;
use authcore::account::{IdentityKey, ProviderId};

/// One of the two phones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a small game, known to its provers")]
pub enum Device {
    /// The one whose guest is [`Id::GuestA`].
    A,
    /// The one whose guest is [`Id::GuestB`].
    B,
}

impl Device {
    /// Both.
    pub const ALL: [Self; 2] = [Self::A, Self::B];

    /// Its number.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The guest key that is kept on it.
    #[must_use]
    pub const fn guest(self) -> Id {
        match self {
            Self::A => Id::GuestA,
            Self::B => Id::GuestB,
        }
    }

    /// What its client says of itself.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "phone-a",
            Self::B => "phone-b",
        }
    }
}

/// A login that somebody can prove to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a small game, known to its provers")]
pub enum Id {
    /// The guest key of phone A.
    GuestA,
    /// The guest key of phone B.
    GuestB,
    /// An id of the host's making: an account has one of these at most.
    Custom,
    /// Another one of the same kind.
    OtherCustom,
    /// A device id, of which an account may have several.
    Device,
}

impl Id {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::GuestA, Self::GuestB, Self::Custom, Self::OtherCustom, Self::Device];

    /// Whether it is a guest key.
    #[must_use]
    pub const fn is_guest(self) -> bool {
        matches!(self, Self::GuestA | Self::GuestB)
    }

    /// The kind, as the engine calls it.
    #[must_use]
    pub const fn provider(self) -> ProviderId {
        match self {
            Self::GuestA | Self::GuestB => ProviderId::GUEST,
            Self::Custom | Self::OtherCustom => ProviderId::CUSTOM,
            Self::Device => ProviderId::DEVICE,
        }
    }

    /// The text that proves it.
    #[must_use]
    pub const fn subject(self) -> &'static str {
        match self {
            Self::GuestA => "guest-key-of-phone-a",
            Self::GuestB => "guest-key-of-phone-b",
            Self::Custom => "custom-id",
            Self::OtherCustom => "other-custom-id",
            Self::Device => "device-id-of-a-tablet",
        }
    }

    /// What it is presented as.
    #[must_use]
    pub fn credential(self) -> Credential {
        let subject = self.subject().into();
        match self {
            Self::GuestA | Self::GuestB => Credential::Guest(subject),
            Self::Custom | Self::OtherCustom => Credential::Custom(subject),
            Self::Device => Credential::Device(subject),
        }
    }

    /// What a store finds it by.
    #[must_use]
    pub fn key(self) -> IdentityKey {
        IdentityKey::new(self.provider(), self.subject())
    }
}

/// How long a ban is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a small game, known to its provers")]
pub enum BanLength {
    /// A day.
    Day,
    /// For ever.
    Forever,
}

/// One step. Accounts are named by their number, in the order in which they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a small game, known to its provers")]
pub enum Action {
    /// Logs in on a phone.
    Login(Device, Id),
    /// Links a login to the account of the phone.
    Link(Device, Id),
    /// Takes a login by force, with the ticket that the phone got last.
    Force(Device),
    /// Logs in to the owner of that ticket's login.
    ChangeLogin(Device),
    /// Unlinks a login.
    Unlink(Device, Id),
    /// Ends the phone's session.
    Logout(Device),
    /// Ends all sessions of the phone's account.
    LogoutEverywhere(Device),
    /// Uses the phone's refresh token.
    Refresh(Device),
    /// Uses the refresh token that it had before.
    Replay(Device),
    /// Bans; the flag replaces a ban in force.
    Ban(usize, BanLength, bool),
    /// Lifts a ban.
    Unban(usize),
    /// Reports a refund, which suspends.
    Refund(usize),
    /// Reports a payment, which releases from a suspension.
    Pay(usize),
    /// Leaves at once.
    Withdraw(Device),
    /// Asks to leave after the grace days.
    RequestWithdrawal(Device),
    /// Takes that back.
    CancelWithdrawal(Device),
    /// An operator withdraws an account.
    Remove(usize),
    /// An operator takes a request to leave back.
    Restore(usize),
    /// An operator ends all sessions of an account.
    EndSessions(usize),
    /// An operator moves a login to an account.
    Move(Id, usize),
    /// Gets a transfer account.
    IssueTransfer(Device),
    /// Gets new secrets for it.
    RenewTransfer(Device),
    /// Carries the account of the latest transfer secrets to the phone; the flag says whether the password is right.
    Transfer(Device, bool),
    /// Time passes, or goes back: by so many seconds.
    Pass(i64),
}

impl Action {
    /// All that operators do to one account.
    #[must_use]
    pub const fn by_operators(account: usize) -> [Self; 10] {
        [
            Self::Ban(account, BanLength::Day, false),
            Self::Ban(account, BanLength::Forever, false),
            Self::Ban(account, BanLength::Day, true),
            Self::Ban(account, BanLength::Forever, true),
            Self::Unban(account),
            Self::Refund(account),
            Self::Pay(account),
            Self::Remove(account),
            Self::Restore(account),
            Self::EndSessions(account),
        ]
    }

    /// The phone that it is taken on.
    #[must_use]
    pub const fn on(&self) -> Option<Device> {
        match self {
            Self::Login(on, _)
            | Self::Link(on, _)
            | Self::Force(on)
            | Self::ChangeLogin(on)
            | Self::Unlink(on, _)
            | Self::Logout(on)
            | Self::LogoutEverywhere(on)
            | Self::Refresh(on)
            | Self::Replay(on)
            | Self::Withdraw(on)
            | Self::RequestWithdrawal(on)
            | Self::CancelWithdrawal(on)
            | Self::IssueTransfer(on)
            | Self::RenewTransfer(on)
            | Self::Transfer(on, _) => Some(*on),
            Self::Ban(..)
            | Self::Unban(_)
            | Self::Refund(_)
            | Self::Pay(_)
            | Self::Remove(_)
            | Self::Restore(_)
            | Self::EndSessions(_)
            | Self::Move(..)
            | Self::Pass(_) => None,
        }
    }

    /// Its class.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Login(..) => "login",
            Self::Link(..) => "link",
            Self::Force(_) => "forced link",
            Self::ChangeLogin(_) => "change of login",
            Self::Unlink(..) => "unlink",
            Self::Logout(_) => "logout",
            Self::LogoutEverywhere(_) => "logout everywhere",
            Self::Refresh(_) => "refresh",
            Self::Replay(_) => "refresh with a former token",
            Self::Ban(..) => "ban",
            Self::Unban(_) => "release",
            Self::Refund(_) => "refund",
            Self::Pay(_) => "payment",
            Self::Withdraw(_) => "withdrawal",
            Self::RequestWithdrawal(_) => "request to be withdrawn",
            Self::CancelWithdrawal(_) => "withdrawal taken back",
            Self::Remove(_) => "withdrawal by an operator",
            Self::Restore(_) => "withdrawal taken back by an operator",
            Self::EndSessions(_) => "end of sessions by an operator",
            Self::Move(..) => "move of a login",
            Self::IssueTransfer(_) => "issue of a transfer account",
            Self::RenewTransfer(_) => "renewal of a transfer account",
            Self::Transfer(..) => "transfer",
            Self::Pass(_) => "time",
        }
    }
}

/// What a phone has, of what actions need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a small game, known to its provers")]
pub struct Has {
    /// The tokens of a login.
    pub tokens: bool,
    /// The refresh token before the present one.
    pub former: bool,
    /// A forcing ticket.
    pub ticket: bool,
}

/// What there is for actions to be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a small game, known to its provers")]
pub struct There {
    /// What each phone has.
    pub phones: [Has; 2],
    /// How many accounts there are.
    pub accounts: usize,
    /// Whether somebody knows the secrets of a transfer account.
    pub transfer: bool,
}

impl There {
    /// Whether there is what an action is about.
    #[must_use]
    pub fn allows(&self, action: &Action) -> bool {
        let has = |on: &Device| self.phones[on.index()];
        match action {
            Action::Login(on, id) => !id.is_guest() || *id == on.guest(),
            Action::Link(on, _)
            | Action::Unlink(on, _)
            | Action::Logout(on)
            | Action::LogoutEverywhere(on)
            | Action::Refresh(on)
            | Action::Withdraw(on)
            | Action::RequestWithdrawal(on)
            | Action::CancelWithdrawal(on)
            | Action::IssueTransfer(on)
            | Action::RenewTransfer(on) => has(on).tokens,
            Action::Force(on) | Action::ChangeLogin(on) => has(on).tokens && has(on).ticket,
            Action::Replay(on) => has(on).former,
            Action::Transfer(..) => self.transfer,
            Action::Ban(account, ..)
            | Action::Unban(account)
            | Action::Refund(account)
            | Action::Pay(account)
            | Action::Remove(account)
            | Action::Restore(account)
            | Action::EndSessions(account)
            | Action::Move(_, account) => *account < self.accounts,
            Action::Pass(_) => true,
        }
    }
}

/// What comes of an action: the account that it was about, or the refusal's code.
pub type Outcome = Result<usize, &'static str>;
