//! What happens to an account over time: one machine a file, and [`settle`], which applies what time has done.

mod ban;

pub use ban::{Ban, BanState, Expiry};

use chrono::{DateTime, Utc};

use crate::account::Account;

/// Applies what time has done: a ban whose end has come is lifted. Returns whether anything changed.
///
/// Correctness never depends on a background sweep: every operation settles what it loaded before it decides.
pub fn settle(account: &mut Account, now: DateTime<Utc>) -> bool {
    let ban = account.ban.clone().settled(now);
    let changed = ban != account.ban;
    account.ban = ban;
    changed
}
