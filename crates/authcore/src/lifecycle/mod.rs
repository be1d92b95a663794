//! What happens to an account over time: one machine a file, [`standing`], which joins them, and [`settle`], which applies
//! what time has done.

mod ban;
mod banning;
mod grace_ban;
mod lockdown;
mod machine;
mod period;
mod revoked;
mod settle;
mod standing;
#[cfg(test)]
mod tests;
mod withdrawal;

pub use ban::{Ban, BanEnd, BanInfo, BanSource, BanState, Expiry, PastBan};
pub use banning::{BAN, BanEvent, BanRecord, BanStatus, ban_history};
pub use grace_ban::{
    Amount, GRACE_BAN, GraceBan, GraceBanEvent, GraceBanStatus, Payment, Refunds, ReleaseRule,
};
pub use machine::{Machine, NoSuchStep, Step};
pub use period::BanPeriod;
pub use revoked::{Revoked, revoked};
pub use settle::settle;
pub use standing::{STANDING, Standing, StandingEvent, standing};
pub use withdrawal::{WITHDRAWAL, Withdrawal, WithdrawalCause, WithdrawalEvent, WithdrawalStatus};

pub(crate) use banning::{ban, unban};
pub(crate) use lockdown::{Refund, record_payment, record_refund};
pub(crate) use standing::{check_step, revive_event};
pub(crate) use withdrawal::{cancel_withdrawal, request_withdrawal, withdraw};

use banning::close_ban;
