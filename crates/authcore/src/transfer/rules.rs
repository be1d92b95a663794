use std::num::NonZeroU32;

use chrono::{DateTime, TimeDelta, Utc};

/// What guest transfer accounts look like (gamebase 1.9).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record of the host's")]
pub struct TransferRules {
    /// The form of an id.
    pub id: KeyFormat,
    /// The form of a password; none makes the id the only secret. It is then never locked (gamebase X-19).
    pub password: Option<KeyFormat>,
    /// Whether it is good for one transfer only.
    pub one_time: bool,
    /// How long it lives; none for ever.
    pub lifetime: Option<TimeDelta>,
    /// What wrong passwords lead to; none counts nothing.
    pub lock: Option<LockRule>,
    /// Transfer accounts from before this time are gone: set it when the feature is switched on again, because switching
    /// it off deletes every one.
    pub not_before: Option<DateTime<Utc>>,
}

/// What wrong passwords lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record of the host's")]
pub struct LockRule {
    /// How many in a row block; the one that reaches it is told so (gamebase X-9).
    pub failures: NonZeroU32,
    /// How long the block lasts; none until an operator or a renewal lifts it.
    pub period: Option<TimeDelta>,
}

/// The characters and the length of an id or a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record of the host's")]
pub struct KeyFormat {
    /// Which characters.
    pub characters: Characters,
    /// How many; at least [`Characters::least`], at most 64.
    pub length: usize,
}

/// Which characters an id or a password is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "all that there are")]
pub enum Characters {
    /// Digits.
    Digits,
    /// Digits and lower-case letters.
    DigitsLower,
    /// Digits and upper-case letters.
    DigitsUpper,
    /// Digits and letters.
    DigitsLetters,
    /// Letters.
    Letters,
}

impl Characters {
    /// The fewest characters that are allowed.
    #[must_use]
    pub const fn least(self) -> usize {
        match self {
            Self::Digits => 12,
            Self::DigitsLower | Self::DigitsUpper => 10,
            Self::DigitsLetters | Self::Letters => 9,
        }
    }
}
