//! The rules of the small game: Gamebase's, with short times and small numbers.

use std::num::NonZeroU32;

use authcore::Policy;
use authcore::lifecycle::{BanPeriod, ReleaseRule};
use authcore::policy::{GraceRelease, Lockdown, Rate, RefundTrigger};
use authcore::transfer::{Characters, KeyFormat, LockRule, TransferRules};
use chrono::TimeDelta;

/// How long what lasts, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a small game, known to its provers")]
pub struct Spans {
    /// An access token.
    pub access: i64,
    /// A session that is not refreshed.
    pub idle: i64,
    /// A session.
    pub session: i64,
    /// The window in which a former refresh token gets its successor again.
    pub grace: i64,
    /// A forcing ticket.
    pub ticket: i64,
    /// From a request to be withdrawn to the end.
    pub leave: i64,
    /// A ban of a day, and the one that follows a suspension.
    pub ban: i64,
    /// A suspension.
    pub suspension: i64,
    /// A transfer account.
    pub transfer: i64,
    /// A blocked transfer account.
    pub block: i64,
}

const DAY: i64 = 24 * 60 * 60;

/// The spans of the small game: all but the shortest are whole days, so that a step of a day meets their ends exactly.
pub const SECONDS: Spans = Spans {
    access: 600,
    idle: 3 * DAY,
    session: 4 * DAY,
    grace: 10,
    ticket: DAY,
    leave: 2 * DAY,
    ban: DAY,
    suspension: DAY,
    transfer: 2 * DAY,
    block: DAY,
};

/// How many sessions an account may have.
pub(crate) const SESSIONS: usize = 3;
/// How many wrong passwords block a transfer account.
pub(crate) const FAILURES: u32 = 2;

/// The policy of the small game.
#[must_use]
pub fn policy() -> Policy {
    let digits = KeyFormat { characters: Characters::Digits, length: 12 };
    let spans = SECONDS;
    let seconds = TimeDelta::seconds;
    Policy {
        access_lifetime: seconds(spans.access),
        session_idle: seconds(spans.idle),
        session_absolute: seconds(spans.session),
        refresh_grace: seconds(spans.grace),
        sessions_per_account: SESSIONS,
        ticket_lifetime: Some(seconds(spans.ticket)),
        withdrawal_grace: seconds(spans.leave),
        lockdown: Some(Lockdown {
            trigger: RefundTrigger::Count(NonZeroU32::MIN),
            currency: "USD".into(),
            ban: BanPeriod::Seconds(u32::try_from(spans.ban).unwrap()),
            template: None,
            release: Some(GraceRelease {
                period: seconds(spans.suspension),
                rule: ReleaseRule::Count { count: 1 },
                message: String::new(),
            }),
        }),
        transfer: Some(TransferRules {
            id: digits,
            password: Some(digits),
            one_time: true,
            lifetime: Some(seconds(spans.transfer)),
            lock: Some(LockRule {
                failures: NonZeroU32::new(FAILURES).unwrap(),
                period: Some(seconds(spans.block)),
            }),
            not_before: None,
        }),
        // Beyond what anybody reaches: how tries are throttled is no matter of these provers.
        transfer_attempts: Rate { limit: u32::MAX, window: seconds(1) },
        // One second for each password, of which as many are tried at once as block.
        password_attempts: Rate { limit: FAILURES, window: seconds(i64::from(FAILURES)) },
        ..Policy::gamebase()
    }
}
