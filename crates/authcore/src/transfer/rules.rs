use std::num::NonZeroU32;

use chrono::{DateTime, TimeDelta, Utc};

use super::{KeyFormat, Renewal};
use crate::lifecycle::Expiry;
use crate::policy::LONGEST;
use crate::refusal::{Field, Refusal, Rule};

/// What guest transfer accounts look like (gamebase 1.9).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record of the host's")]
pub struct TransferRules {
    /// The form of an id.
    pub id: KeyFormat,
    /// The form of a password; none makes the id the only secret. It is then never locked, and good for any number of
    /// transfers (gamebase X-19).
    pub password: Option<KeyFormat>,
    /// Whether it is good for one transfer only.
    pub one_time: bool,
    /// How long it lives, 1 second to 10 years; none for ever.
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
    /// How long the block lasts, 1 second to 10 years; none until an operator or a renewal lifts it.
    pub period: Option<TimeDelta>,
}

impl TransferRules {
    /// The first bound that is broken.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let spans = |span: Option<TimeDelta>| {
            span.is_none_or(|span| (TimeDelta::seconds(1)..=LONGEST).contains(&span))
        };
        let rules = [
            (
                self.id.is_within_bounds(),
                "transfer.id must have the least length of its characters, and at most 64",
            ),
            (
                self.password.is_none_or(KeyFormat::is_within_bounds),
                "transfer.password must have the least length of its characters, and at most 64",
            ),
            (spans(self.lifetime), "transfer.lifetime must be 1 second to 10 years"),
            (
                spans(self.lock.and_then(|lock| lock.period)),
                "transfer.lock.period must be 1 second to 10 years",
            ),
            (
                self.password.is_some() || self.lock.is_none(),
                "transfer.lock must be none without a password",
            ),
            (
                self.password.is_some() || !self.one_time,
                "transfer.one_time must be no without a password",
            ),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, rule)| Err(rule))
    }

    /// Whether secrets may be renewed this way, and what is chosen has the right form (gamebase X-20). Without passwords
    /// there is none to renew, and an id alone cannot be chosen (gamebase 1.9).
    pub(crate) fn check_chosen(&self, renewal: &Renewal) -> Result<(), Refusal> {
        let Some(format) = self.password else {
            let (field, rule) = (Field::TransferPassword, Rule::AtMost { characters: 0 });
            return match renewal {
                Renewal::AutoIdAndPassword => Ok(()),
                _ => Err(Refusal::Invalid { field, rule }),
            };
        };
        if let Some(id) = renewal.chosen_id() {
            self.id.check(Field::TransferId, id)?;
        }
        renewal
            .chosen_password()
            .map_or(Ok(()), |password| format.check(Field::TransferPassword, password))
    }

    /// When one that begins to live at `now` ends.
    pub(super) fn expiry(&self, now: DateTime<Utc>) -> Expiry {
        self.lifetime.map_or(Expiry::Never, |lifetime| Expiry::At(now + lifetime))
    }
}

impl LockRule {
    /// Until when a block holds that begins at `now`.
    pub(super) fn until(&self, now: DateTime<Utc>) -> Expiry {
        self.period.map_or(Expiry::Never, |period| Expiry::At(now + period))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::Characters;
    use crate::transfer::samples::rules;

    #[test]
    fn gamebase_1_9_x19_each_bound_is_named() {
        let short =
            |characters: Characters| KeyFormat { characters, length: characters.least() - 1 };
        let long = KeyFormat { characters: Characters::Digits, length: 65 };
        let lock = |period| Some(LockRule { failures: NonZeroU32::MIN, period: Some(period) });
        let broken = [
            TransferRules { id: short(Characters::Digits), ..rules() },
            TransferRules { id: long, ..rules() },
            TransferRules { password: Some(short(Characters::Letters)), ..rules() },
            TransferRules { password: Some(long), ..rules() },
            TransferRules { lifetime: Some(TimeDelta::milliseconds(999)), ..rules() },
            TransferRules { lifetime: Some(TimeDelta::MAX), ..rules() },
            TransferRules { lock: lock(TimeDelta::zero()), ..rules() },
            TransferRules { lock: lock(TimeDelta::MAX), ..rules() },
            TransferRules { password: None, one_time: false, ..rules() },
            TransferRules { password: None, lock: None, one_time: true, ..rules() },
        ];
        let named: Vec<_> = broken
            .iter()
            .map(|rules| rules.check().unwrap_err().split(' ').next().unwrap())
            .collect();
        let expected = ["id", "id", "password", "password", "lifetime", "lifetime"]
            .into_iter()
            .chain(["lock.period", "lock.period", "lock", "one_time"])
            .map(|knob| format!("transfer.{knob}"));
        assert!(named.iter().copied().eq(expected), "{named:?}");
    }

    #[test]
    fn what_is_within_its_bounds_is_allowed() {
        assert_eq!(rules().check(), Ok(()));
        let id_only = TransferRules { password: None, lock: None, one_time: false, ..rules() };
        assert_eq!(id_only.check(), Ok(()));
        let second = Some(TimeDelta::seconds(1));
        assert_eq!(TransferRules { lifetime: second, ..rules() }.check(), Ok(()));
    }
}
