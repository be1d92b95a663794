use chrono::{DateTime, Utc};

/// When something ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// It does not.
    Never,
    /// From this moment on it is over: expired when `now >= date`.
    At(DateTime<Utc>),
}

impl Expiry {
    /// Whether it is over at `now`.
    #[must_use]
    pub fn is_over(self, now: DateTime<Utc>) -> bool {
        match self {
            Self::Never => false,
            Self::At(date) => now >= date,
        }
    }
}

/// A ban in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// When it began.
    pub since: DateTime<Utc>,
    /// When it ends.
    pub expiry: Expiry,
    /// Why, for the player; may be empty.
    pub message: Box<str>,
}

/// Whether an account is banned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BanState {
    /// It is not.
    #[default]
    None,
    /// It is.
    Banned(Ban),
}

impl BanState {
    /// The state after time has been at work.
    #[must_use]
    pub fn settled(self, now: DateTime<Utc>) -> Self {
        match self {
            Self::Banned(ban) if ban.expiry.is_over(now) => Self::None,
            other => other,
        }
    }

    /// The ban, when there is one.
    #[must_use]
    pub const fn ban(&self) -> Option<&Ban> {
        match self {
            Self::None => None,
            Self::Banned(ban) => Some(ban),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn banned(expiry: Expiry) -> BanState {
        BanState::Banned(Ban { since: DateTime::UNIX_EPOCH, expiry, message: Box::default() })
    }

    #[test]
    fn a_temporary_ban_ends_at_its_date_and_not_a_millisecond_before() {
        let end = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        let ban = banned(Expiry::At(end));
        assert_eq!(ban.clone().settled(end - TimeDelta::milliseconds(1)), ban);
        assert_eq!(ban.settled(end), BanState::None);
    }

    #[test]
    fn a_permanent_ban_never_ends() {
        let ban = banned(Expiry::Never);
        assert_eq!(ban.clone().settled(DateTime::<Utc>::MAX_UTC), ban);
    }
}
