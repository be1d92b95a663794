use std::collections::BTreeMap;
use std::num::NonZeroU32;

use chrono::TimeDelta;

use crate::lifecycle::{Amount, BanPeriod, ReleaseRule};

/// The words of a ban, per language (gamebase 1.1). It may be edited; its code stays.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record of the host's")]
pub struct BanTemplate {
    /// What bans name it by.
    pub code: u32,
    /// What operators call it; unique.
    pub name: String,
    /// The words, by language tag.
    pub messages: BTreeMap<String, String>,
    /// The language whose words do for all others; one of `messages`.
    pub default_language: String,
}

impl BanTemplate {
    /// The words in a language: exactly it, its first part (`en` for `en-GB`), or the default.
    #[must_use]
    pub fn message(&self, language: Option<&str>) -> &str {
        let short = language.and_then(|tag| tag.split(['-', '_']).next());
        [language, short, Some(self.default_language.as_str())]
            .into_iter()
            .flatten()
            .find_map(|tag| self.messages.get(tag))
            .map_or("", String::as_str)
    }
}

/// Whom a banned player may turn to; both may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record of the host's")]
pub struct Support {
    /// Words or an address.
    pub contact: String,
    /// A page.
    pub url: String,
}

/// What refunds lead to (gamebase 1.1, 3.16).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record of the host's")]
pub struct Lockdown {
    /// What sets it off.
    pub trigger: RefundTrigger,
    /// The one currency of all amounts, as the host names it.
    pub currency: String,
    /// How long the ban is.
    pub ban: BanPeriod,
    /// The ban's template.
    pub template: Option<u32>,
    /// The way out that is offered first; none bans at once.
    pub release: Option<GraceRelease>,
}

/// How many refunds set a lockdown off. At least one condition, by construction; both are joined by "or" (gamebase X-28).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "all ways to combine an amount and a count")]
pub enum RefundTrigger {
    /// So many.
    Count(NonZeroU32),
    /// So much.
    Amount(Amount),
    /// So many, or so much.
    Either {
        /// How many.
        count: NonZeroU32,
        /// How much.
        amount: Amount,
    },
}

/// The way out of a lockdown: a grace ban.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record of the host's")]
pub struct GraceRelease {
    /// How long the player has.
    pub period: TimeDelta,
    /// What releases.
    pub rule: ReleaseRule,
    /// For the player.
    pub message: String,
}
