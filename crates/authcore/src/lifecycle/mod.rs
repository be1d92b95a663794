//! What happens to an account over time: one machine a file, [`standing`], which joins them, and [`settle`], which applies
//! what time has done.

mod ban;
mod grace_ban;
mod machine;
mod period;
mod standing;
mod withdrawal;

pub use ban::{Ban, BanEnd, BanInfo, BanSource, BanState, Expiry, PastBan};
pub use grace_ban::{Amount, GraceBan, Payment, Refunds, ReleaseRule};
pub use machine::{Machine, NoSuchStep, Step};
pub use period::BanPeriod;
pub use standing::{Standing, standing};
pub use withdrawal::{Withdrawal, WithdrawalCause};

use chrono::{DateTime, Utc};

use crate::account::Account;
use crate::event::EventKind;

/// Applies what time has done, and says what happened; nothing when nothing did.
///
/// Correctness never depends on a background sweep: every operation settles what it loaded before it decides.
pub fn settle(account: &mut Account, now: DateTime<Utc>) -> Vec<EventKind> {
    let mut events = Vec::new();
    if account.ban.ban().is_some_and(|ban| ban.expiry.is_over(now)) {
        account.ban = BanState::None;
        events.push(EventKind::Unbanned);
    }
    events
}
