use chrono::TimeDelta;

use super::{Policy, Rate, standing};
use crate::account::Records;
use crate::transfer::TransferRules;

/// No time span is longer than this, so that no sum with it leaves the calendar.
pub(crate) const LONGEST: TimeDelta = TimeDelta::days(3653);

/// A knob is outside its bounds; the text names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid policy: {0}")]
pub struct InvalidPolicy(&'static str);

impl Policy {
    /// Whether every knob is within its bounds.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] names the first that is not, and its bounds.
    pub fn check(&self) -> Result<(), InvalidPolicy> {
        let second = TimeDelta::seconds(1);
        let refills = |rate: &Rate| rate.limit >= 1 && (second..=LONGEST).contains(&rate.window);
        let rules = [
            (
                (second..=TimeDelta::minutes(60)).contains(&self.access_lifetime),
                "access_lifetime must be 1 second to 60 minutes",
            ),
            (
                (second..=LONGEST).contains(&self.session_idle),
                "session_idle must be 1 second to 10 years",
            ),
            (
                (second..=LONGEST).contains(&self.session_absolute),
                "session_absolute must be 1 second to 10 years",
            ),
            (
                self.step_up.is_none_or(|within| (second..=LONGEST).contains(&within)),
                "step_up must be 1 second to 10 years",
            ),
            (
                (1..=1000).contains(&self.identities_per_account),
                "identities_per_account must be 1 to 1000",
            ),
            (
                (TimeDelta::zero()..=TimeDelta::minutes(5)).contains(&self.refresh_grace),
                "refresh_grace must be 0 to 5 minutes",
            ),
            (
                (1..=100).contains(&self.sessions_per_account),
                "sessions_per_account must be 1 to 100",
            ),
            ((8..=64).contains(&self.password_min), "password_min must be 8 to 64"),
            (
                refills(&self.password_attempts),
                "password_attempts must admit at least 1 and refill over 1 second to 10 years",
            ),
            (
                self.ticket_lifetime
                    .is_none_or(|span| (second..=Records::TICKET_MEMORY).contains(&span)),
                "ticket_lifetime must be 1 second to 1 day",
            ),
            (
                (TimeDelta::days(1)..=TimeDelta::days(30)).contains(&self.withdrawal_grace),
                "withdrawal_grace must be 1 to 30 days",
            ),
            (
                self.carry_ban.is_none_or(|span| (second..=LONGEST).contains(&span)),
                "carry_ban must be 1 second to 10 years",
            ),
            (
                standing::templates_hold(&self.ban_templates),
                "ban_templates must have codes and names of their own, and words in the default language",
            ),
            (
                self.lockdown
                    .as_ref()
                    .is_none_or(|it| standing::lockdown_holds(it, &self.ban_templates)),
                "lockdown must have conditions above zero, a period of 1 second to 10 years, and a known template",
            ),
            (
                refills(&self.transfer_attempts),
                "transfer_attempts must admit at least 1 and refill over 1 second to 10 years",
            ),
            (
                refills(&self.nonce_attempts),
                "nonce_attempts must admit at least 1 and refill over 1 second to 10 years",
            ),
            (
                self.provider_attempts.as_ref().is_none_or(refills),
                "provider_attempts must admit at least 1 and refill over 1 second to 10 years",
            ),
            (
                self.creation_attempts.as_ref().is_none_or(refills),
                "creation_attempts must admit at least 1 and refill over 1 second to 10 years",
            ),
        ];
        if let Some((_, rule)) = rules.iter().find(|(holds, _)| !holds) {
            return Err(InvalidPolicy(rule));
        }
        self.transfer.as_ref().map_or(Ok(()), TransferRules::check).map_err(InvalidPolicy)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::policy::{BanTemplate, Lockdown, RefundTrigger};

    #[test]
    fn presets_are_within_their_bounds() {
        assert_eq!(Policy::recommended().check(), Ok(()));
        assert_eq!(Policy::nakama().check(), Ok(()));
        assert_eq!(Policy::gamebase().check(), Ok(()));
        assert_eq!(Policy::braincloud().check(), Ok(()));
    }

    #[test]
    fn each_bound_is_named() {
        let broken = [
            Policy { access_lifetime: TimeDelta::minutes(61), ..Policy::default() },
            Policy { session_idle: TimeDelta::zero(), ..Policy::default() },
            Policy { session_absolute: TimeDelta::MAX, ..Policy::default() },
            Policy { step_up: Some(TimeDelta::MAX), ..Policy::default() },
            Policy { identities_per_account: 0, ..Policy::default() },
            Policy { refresh_grace: TimeDelta::minutes(6), ..Policy::default() },
            Policy { sessions_per_account: 0, ..Policy::default() },
            Policy { password_min: 7, ..Policy::default() },
            Policy {
                password_attempts: Rate { limit: 0, window: TimeDelta::minutes(1) },
                ..Policy::default()
            },
            Policy { ticket_lifetime: Some(TimeDelta::days(2)), ..Policy::default() },
            Policy { withdrawal_grace: TimeDelta::days(31), ..Policy::default() },
            Policy { carry_ban: Some(TimeDelta::zero()), ..Policy::default() },
            Policy {
                ban_templates: vec![BanTemplate {
                    code: 1,
                    name: "without words".into(),
                    messages: BTreeMap::new(),
                    default_language: "en".into(),
                }],
                ..Policy::default()
            },
            Policy {
                lockdown: Some(Lockdown {
                    trigger: RefundTrigger::Amount(crate::lifecycle::Amount::minor(0)),
                    currency: "USD".into(),
                    ban: crate::lifecycle::BanPeriod::Permanent,
                    template: None,
                    release: None,
                }),
                ..Policy::default()
            },
            Policy {
                provider_attempts: Some(Rate { limit: 0, window: TimeDelta::minutes(1) }),
                ..Policy::recommended()
            },
            Policy {
                creation_attempts: Some(Rate { limit: 1, window: TimeDelta::zero() }),
                ..Policy::recommended()
            },
            Policy {
                nonce_attempts: Rate { limit: 0, window: TimeDelta::minutes(1) },
                ..Policy::recommended()
            },
            Policy {
                transfer_attempts: Rate { limit: 1, window: TimeDelta::zero() },
                ..Policy::default()
            },
        ];
        let mut rules: Vec<_> = broken.iter().map(Policy::check).collect();
        assert!(rules.iter().all(Result::is_err));
        rules.sort_by_key(|broken| broken.map_err(|InvalidPolicy(rule)| rule));
        rules.dedup();
        assert_eq!(rules.len(), broken.len());
    }
}
