//! The file's part on the routes under `/v1/`: a preset, and what a game changes in it.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use authcore::account::ProviderId;
use authcore::lifecycle::{Amount, BanPeriod, ReleaseRule};
use authcore::policy::{BanTemplate, GraceRelease, Lockdown, RefundTrigger, Revalidation, Support};
use authcore::transfer::{Characters, KeyFormat, LockRule, TransferRules};
use authcore::{Closure, Policy, TestDevice};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct V1 {
    preset: Preset,
    /// How many proxies of one's own stand in front.
    pub(crate) proxy_count: usize,
    access_lifetime_seconds: Option<u32>,
    session_idle_seconds: Option<u32>,
    session_absolute_seconds: Option<u32>,
    sessions_per_account: Option<usize>,
    step_up_seconds: Option<u32>,
    ticket_seconds: Option<u32>,
    ticket_for_banned: Option<bool>,
    forbid_orphaning: Option<bool>,
    withdrawal_grace_days: Option<u32>,
    carry_ban_days: Option<u32>,
    provider_delete_unlinks: Option<bool>,
    /// By provider: `never`, `always`, or so many seconds after the player last proved who they are.
    revalidation: BTreeMap<String, Revalidate>,
    support: Option<SupportBody>,
    ban_templates: Vec<Template>,
    lockdown: Option<LockdownBody>,
    transfer: Option<TransferBody>,
    pub(crate) closure: Option<ClosureBody>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Preset {
    #[default]
    Recommended,
    Gamebase,
    Braincloud,
    Nakama,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Revalidate {
    Never,
    Always,
    #[serde(untagged)]
    After(u32),
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SupportBody {
    contact: String,
    url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Template {
    code: u32,
    name: String,
    default_language: String,
    messages: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LockdownBody {
    refund_count: Option<NonZeroU32>,
    refund_amount: Option<Amount>,
    currency: String,
    /// None for ever.
    ban_seconds: Option<u32>,
    template: Option<u32>,
    release: Option<ReleaseBody>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseBody {
    period_seconds: u32,
    purchase_amount: Option<Amount>,
    purchase_count: Option<u32>,
    /// Whether one of the two is enough.
    #[serde(default)]
    any: bool,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TransferBody {
    id: Format,
    password: Option<Format>,
    #[serde(default)]
    one_time: bool,
    lifetime_seconds: Option<u32>,
    block_after: Option<NonZeroU32>,
    /// None until it is lifted.
    block_seconds: Option<u32>,
    not_before: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Format {
    characters: CharactersBody,
    length: usize,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CharactersBody {
    Digits,
    DigitsLower,
    DigitsUpper,
    DigitsLetters,
    Letters,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClosureBody {
    begins_at: DateTime<Utc>,
    ends_at: Option<DateTime<Utc>>,
    #[serde(default)]
    message: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    test_device_ids: Vec<String>,
}

impl V1 {
    /// The preset with what the file changes in it.
    pub(crate) fn policy(&self) -> Result<Policy, String> {
        let mut policy = match self.preset {
            Preset::Recommended => Policy::recommended(),
            Preset::Gamebase => Policy::gamebase(),
            Preset::Braincloud => Policy::braincloud(),
            Preset::Nakama => Policy::nakama(),
        };
        let seconds = |asked: Option<u32>| asked.map(|span| TimeDelta::seconds(span.into()));
        let days = |asked: Option<u32>| asked.map(|span| TimeDelta::days(span.into()));
        set(&mut policy.access_lifetime, seconds(self.access_lifetime_seconds));
        set(&mut policy.session_idle, seconds(self.session_idle_seconds));
        set(&mut policy.session_absolute, seconds(self.session_absolute_seconds));
        set(&mut policy.sessions_per_account, self.sessions_per_account);
        // Zero switches these three off.
        let off = |span: TimeDelta| (!span.is_zero()).then_some(span);
        set(&mut policy.step_up, seconds(self.step_up_seconds).map(off));
        set(&mut policy.ticket_lifetime, seconds(self.ticket_seconds).map(off));
        set(&mut policy.carry_ban, days(self.carry_ban_days).map(off));
        set(&mut policy.ticket_for_banned, self.ticket_for_banned);
        set(&mut policy.forbid_orphaning, self.forbid_orphaning);
        set(&mut policy.withdrawal_grace, days(self.withdrawal_grace_days));
        set(&mut policy.provider_delete_unlinks, self.provider_delete_unlinks);
        for (name, when) in &self.revalidation {
            let provider =
                ProviderId::new(name).map_err(|error| format!("v1.revalidation: {error}"))?;
            policy.revalidation_of.insert(provider, when.rule());
        }
        if let Some(support) = &self.support {
            policy.support = Support { contact: support.contact.clone(), url: support.url.clone() };
        }
        policy.ban_templates = self.ban_templates.iter().map(Template::template).collect();
        policy.lockdown = self.lockdown.as_ref().map(LockdownBody::lockdown).transpose()?;
        policy.transfer = self.transfer.as_ref().map(TransferBody::rules).transpose()?;
        policy.check().map_err(|error| format!("v1: {error}"))?;
        Ok(policy)
    }

    /// When the game is closed, as far as the file says.
    pub(crate) fn closure(&self) -> Option<Closure> {
        let closure = self.closure.as_ref()?;
        Some(Closure {
            begins_at: closure.begins_at,
            ends_at: closure.ends_at,
            message: closure.message.clone(),
            url: closure.url.clone(),
            test_devices: closure.test_device_ids.iter().cloned().map(TestDevice::Id).collect(),
        })
    }
}

fn set<T>(knob: &mut T, asked: Option<T>) {
    if let Some(asked) = asked {
        *knob = asked;
    }
}

impl Revalidate {
    fn rule(self) -> Revalidation {
        match self {
            Self::Never => Revalidation::Never,
            Self::Always => Revalidation::Always,
            Self::After(seconds) => Revalidation::After(TimeDelta::seconds(seconds.into())),
        }
    }
}

impl Template {
    fn template(&self) -> BanTemplate {
        BanTemplate {
            code: self.code,
            name: self.name.clone(),
            messages: self.messages.clone(),
            default_language: self.default_language.clone(),
        }
    }
}

impl LockdownBody {
    fn lockdown(&self) -> Result<Lockdown, String> {
        let trigger = match (self.refund_count, self.refund_amount) {
            (Some(count), None) => RefundTrigger::Count(count),
            (None, Some(amount)) => RefundTrigger::Amount(amount),
            (Some(count), Some(amount)) => RefundTrigger::Either { count, amount },
            (None, None) => {
                return Err("v1.lockdown needs refund_count, refund_amount or both".into());
            }
        };
        Ok(Lockdown {
            trigger,
            currency: self.currency.clone(),
            ban: self.ban_seconds.map_or(BanPeriod::Permanent, BanPeriod::Seconds),
            template: self.template,
            release: self.release.as_ref().map(ReleaseBody::release).transpose()?,
        })
    }
}

impl ReleaseBody {
    fn release(&self) -> Result<GraceRelease, String> {
        let rule = match (self.purchase_amount, self.purchase_count, self.any) {
            (Some(amount), None, _) => ReleaseRule::Amount { amount },
            (None, Some(count), _) => ReleaseRule::Count { count },
            (Some(amount), Some(count), false) => ReleaseRule::All { amount, count },
            (Some(amount), Some(count), true) => ReleaseRule::Any { amount, count },
            (None, None, _) => {
                return Err(
                    "v1.lockdown.release needs purchase_amount, purchase_count or both".into()
                );
            }
        };
        let period = TimeDelta::seconds(self.period_seconds.into());
        Ok(GraceRelease { period, rule, message: self.message.clone() })
    }
}

impl TransferBody {
    fn rules(&self) -> Result<TransferRules, String> {
        if self.block_after.is_none() && self.block_seconds.is_some() {
            return Err("v1.transfer.block_seconds needs block_after".into());
        }
        let span = |seconds: u32| TimeDelta::seconds(seconds.into());
        Ok(TransferRules {
            id: self.id.format(),
            password: self.password.map(Format::format),
            one_time: self.one_time,
            lifetime: self.lifetime_seconds.map(span),
            lock: self
                .block_after
                .map(|failures| LockRule { failures, period: self.block_seconds.map(span) }),
            not_before: self.not_before,
        })
    }
}

impl Format {
    fn format(self) -> KeyFormat {
        let characters = match self.characters {
            CharactersBody::Digits => Characters::Digits,
            CharactersBody::DigitsLower => Characters::DigitsLower,
            CharactersBody::DigitsUpper => Characters::DigitsUpper,
            CharactersBody::DigitsLetters => Characters::DigitsLetters,
            CharactersBody::Letters => Characters::Letters,
        };
        KeyFormat { characters, length: self.length }
    }
}
