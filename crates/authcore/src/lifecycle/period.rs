use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::Expiry;

/// How long a ban lasts that nobody has dated yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "a ban ends or it does not")]
pub enum BanPeriod {
    /// For ever.
    Permanent,
    /// This many seconds.
    Seconds(u32),
}

impl BanPeriod {
    /// When a ban of this length ends that begins at `since`.
    #[must_use]
    pub fn from(self, since: DateTime<Utc>) -> Expiry {
        match self {
            Self::Permanent => Expiry::Never,
            Self::Seconds(seconds) => Expiry::At(since + TimeDelta::seconds(seconds.into())),
        }
    }
}
