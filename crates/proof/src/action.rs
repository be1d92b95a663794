//! What may be done in the small world.

use authcore::Credential;
use authcore::account::{IdentityKey, ProviderId};

/// One of the two phones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a small world, known to its machines")]
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
#[expect(clippy::exhaustive_enums, reason = "a small world, known to its machines")]
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
#[expect(clippy::exhaustive_enums, reason = "a small world, known to its machines")]
pub enum BanLength {
    /// A day.
    Day,
    /// For ever.
    Forever,
}

/// One step. Accounts are named by their number, in the order in which they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a small world, known to its machines")]
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
            Self::IssueTransfer(_) => "issue of a transfer account",
            Self::RenewTransfer(_) => "renewal of a transfer account",
            Self::Transfer(..) => "transfer",
            Self::Pass(_) => "time",
        }
    }
}

/// What comes of an action: the account that it was about, or the refusal's code.
pub type Outcome = Result<usize, &'static str>;
