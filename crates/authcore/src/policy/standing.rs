use std::collections::BTreeMap;
use std::num::NonZeroU32;

use chrono::TimeDelta;

use super::LONGEST;
use crate::lifecycle::{Amount, BanPeriod, Refunds, ReleaseRule};

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

impl RefundTrigger {
    /// Whether so many refunds set it off.
    #[must_use]
    pub fn is_set_off(self, refunds: Refunds) -> bool {
        match self {
            Self::Count(count) => refunds.count >= count.get(),
            Self::Amount(amount) => refunds.amount >= amount,
            Self::Either { count, amount } => {
                refunds.count >= count.get() || refunds.amount >= amount
            }
        }
    }
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

/// Whether the words of bans can be found: codes and names are unique, and each has words in its default language.
pub(super) fn templates_hold(templates: &[BanTemplate]) -> bool {
    templates.iter().enumerate().all(|(index, template)| {
        let twice =
            |other: &BanTemplate| other.code == template.code || other.name == template.name;
        !templates.iter().take(index).any(twice)
            && template.messages.contains_key(&template.default_language)
    })
}

/// Whether a lockdown can be set off, ends some day where it says so, uses a template that there is, and asks for
/// something to be released.
pub(super) fn lockdown_holds(lockdown: &Lockdown, templates: &[BanTemplate]) -> bool {
    let trigger = match lockdown.trigger {
        RefundTrigger::Count(_) => true,
        RefundTrigger::Amount(amount) | RefundTrigger::Either { amount, .. } => amount.units() > 0,
    };
    let template =
        lockdown.template.is_none_or(|code| templates.iter().any(|known| known.code == code));
    let release = lockdown.release.as_ref().is_none_or(|release| {
        let spans = TimeDelta::seconds(1)..=LONGEST;
        spans.contains(&release.period) && !release.rule.is_met(Amount::default(), 0)
    });
    trigger && template && release
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(code: u32, name: &str) -> BanTemplate {
        BanTemplate {
            code,
            name: name.into(),
            messages: BTreeMap::from([("en".into(), "Banned.".into())]),
            default_language: "en".into(),
        }
    }

    #[test]
    fn gamebase_1_1_templates_have_codes_and_names_of_their_own() {
        let holds = |second| templates_hold(&[template(1, "one"), second]);
        assert!(holds(template(2, "two")));
        assert!(!holds(template(1, "two")));
        assert!(!holds(template(2, "one")));
        assert!(!holds(BanTemplate { default_language: "de".into(), ..template(2, "two") }));
    }

    #[test]
    fn gamebase_1_1_so_many_refunds_or_so_much_set_a_lockdown_off() {
        let three = NonZeroU32::new(3).unwrap();
        let much = Amount::minor(500);
        let triggers = [
            RefundTrigger::Count(three),
            RefundTrigger::Amount(much),
            RefundTrigger::Either { count: three, amount: much },
        ];
        for (count, amount, expected) in [
            (2, 499, [false, false, false]),
            (3, 499, [true, false, true]),
            (2, 500, [false, true, true]),
            (4, 501, [true, true, true]),
        ] {
            let refunds = Refunds { count, amount: Amount::minor(amount) };
            assert_eq!(triggers.map(|trigger| trigger.is_set_off(refunds)), expected);
        }
    }

    #[test]
    fn gamebase_1_1_a_lockdown_can_be_set_off_and_released_and_has_a_known_template() {
        let amount = Amount::minor;
        let lockdown = |trigger| Lockdown {
            trigger,
            currency: "USD".into(),
            ban: BanPeriod::Permanent,
            template: Some(1),
            release: None,
        };
        let holds = |lockdown: &Lockdown| lockdown_holds(lockdown, &[template(1, "one")]);
        let of_count = RefundTrigger::Count(NonZeroU32::MIN);
        for (trigger, can_be_set_off) in [
            (of_count, true),
            (RefundTrigger::Amount(amount(1)), true),
            (RefundTrigger::Amount(amount(0)), false),
            (RefundTrigger::Either { count: NonZeroU32::MIN, amount: amount(2) }, true),
            (RefundTrigger::Either { count: NonZeroU32::MIN, amount: amount(0) }, false),
        ] {
            assert_eq!(holds(&lockdown(trigger)), can_be_set_off, "{trigger:?}");
        }
        assert!(!holds(&Lockdown { template: Some(2), ..lockdown(of_count) }));
        let released = |period, rule| {
            let release = Some(GraceRelease { period, rule, message: String::new() });
            holds(&Lockdown { release, ..lockdown(of_count) })
        };
        let (second, once) = (TimeDelta::seconds(1), ReleaseRule::Count { count: 1 });
        assert!(released(second, once) && released(LONGEST, once));
        assert!(!released(TimeDelta::milliseconds(999), once));
        assert!(!released(second, ReleaseRule::Count { count: 0 }));
    }
}
