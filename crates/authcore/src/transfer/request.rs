use chrono::{DateTime, Utc};

use super::{IssuedBy, TransferAccount, TransferRules, TransferStatus};
use crate::lifecycle::Expiry;
use crate::secret::Secret;

/// Asks to carry a guest to this device (gamebase 3.14).
///
/// ```
/// use authcore::transfer::Transfer;
///
/// let transfer = Transfer::new("the-guest-key-of-the-new-device", "123456789012")
///     .with_password("210987654321");
/// assert!(!format!("{transfer:?}").contains("123456789012"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Transfer {
    /// The guest key of the device that asks: it opens the account from then on.
    pub guest: Secret,
    /// The id of the transfer account.
    pub id: Secret,
    /// Its password; empty where the id is the only secret.
    pub password: Secret,
}

impl Transfer {
    /// Carries the guest of this transfer account to the device with this guest key.
    #[must_use]
    pub fn new(guest: impl Into<Secret>, id: impl Into<Secret>) -> Self {
        Self { guest: guest.into(), id: id.into(), password: Secret::default() }
    }

    /// With the transfer account's password.
    #[must_use]
    pub fn with_password(mut self, password: impl Into<Secret>) -> Self {
        self.password = password.into();
        self
    }
}

/// How a transfer account is renewed (gamebase 1.9, RenewConfiguration). What was there before is of no more use.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Renewal {
    /// The engine draws a new password; the id stays.
    AutoPassword,
    /// The engine draws both; or the id alone, where it is the only secret.
    AutoIdAndPassword,
    /// The player chooses the password; the id stays.
    ManualPassword(Secret),
    /// The player chooses both.
    ManualIdAndPassword {
        /// The id.
        id: Secret,
        /// The password.
        password: Secret,
    },
}

impl Renewal {
    pub(crate) const fn keeps_id(&self) -> bool {
        matches!(self, Self::AutoPassword | Self::ManualPassword(_))
    }

    pub(crate) const fn chosen_id(&self) -> Option<&Secret> {
        match self {
            Self::ManualIdAndPassword { id, .. } => Some(id),
            Self::AutoPassword | Self::AutoIdAndPassword | Self::ManualPassword(_) => None,
        }
    }

    pub(crate) const fn chosen_password(&self) -> Option<&Secret> {
        match self {
            Self::ManualPassword(password) | Self::ManualIdAndPassword { password, .. } => {
                Some(password)
            }
            Self::AutoPassword | Self::AutoIdAndPassword => None,
        }
    }
}

/// What an operator draws anew (gamebase 3.14, console reissue).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "all that there is to draw")]
pub enum Reissue {
    /// The password.
    Password,
    /// Both; or the id alone, where it is the only secret.
    IdAndPassword,
}

/// What a player is told of a transfer account (gamebase 1.9, TransferAccountInfo).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TransferInfo {
    /// The id. Where it is the only secret it is shown once, like a password.
    pub id: Option<Secret>,
    /// The password, in the answer that it was made in; never again (gamebase X-22).
    pub password: Option<Secret>,
    /// How it was made.
    pub issued_by: IssuedBy,
    /// When it was issued, or last renewed.
    pub issued_at: DateTime<Utc>,
    /// Whether it is good for one transfer only.
    pub one_time: bool,
    /// When it ends.
    pub expiry: Expiry,
    /// How it stands.
    pub status: TransferStatus,
}

impl TransferInfo {
    pub(crate) fn new(
        transfer: &TransferAccount,
        status: TransferStatus,
        rules: &TransferRules,
    ) -> Self {
        Self {
            id: transfer.id.as_deref().map(Secret::from),
            password: None,
            issued_by: transfer.issued_by,
            issued_at: transfer.issued_at,
            one_time: rules.one_time,
            expiry: transfer.expiry,
            status,
        }
    }
}
