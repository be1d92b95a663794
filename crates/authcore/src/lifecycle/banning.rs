//! What is done about bans: the machine, and the rules that change an account.

use chrono::{DateTime, Utc};

use super::standing::{StandingEvent, check_step, unban_event};
use super::{Ban, BanEnd, BanState, Expiry, GRACE_BAN, GraceBanEvent, Machine, PastBan, Step};
use crate::account::{Account, Records};
use crate::event::EventKind;
use crate::refusal::Refusal;
use crate::session::{SessionEvent, end_sessions};

/// How a ban stands, as the states of [`BAN`] and as operators read it (gamebase 1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BanStatus {
    /// There is none.
    None,
    /// In force until its end (BAN).
    Temporary,
    /// In force for good (BAN).
    Permanent,
    /// Its end came, and the player has not been back since (BAN_EXPIRED).
    Expired,
    /// An operator lifted it (RELEASE).
    Released,
    /// Its end came, and the player has been back (RELEASE_EXPIRED).
    ReleaseExpired,
    /// Another ban took its place.
    Replaced,
    /// The account was withdrawn while it was in force; it is history.
    Withdrawn,
}

/// What may happen to a ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BanEvent {
    /// A ban with an end is registered.
    RegisterTemporary,
    /// A ban without an end is registered.
    RegisterPermanent,
    /// An operator lifts it.
    Release,
    /// Its end has come.
    EndPassed,
    /// The player logs in.
    Login,
    /// Another ban takes its place.
    Replace,
    /// The account is withdrawn.
    AccountWithdrawn,
}

/// An account's latest ban (gamebase 4.5).
pub static BAN: Machine<BanStatus, BanEvent> = {
    use BanEvent as On;
    use BanStatus::{
        Expired, None, Permanent, ReleaseExpired, Released, Replaced, Temporary, Withdrawn,
    };
    Machine {
        name: "ban",
        start: None,
        steps: &[
            Step::new(None, On::RegisterTemporary, Temporary),
            Step::new(None, On::RegisterPermanent, Permanent),
            Step::new(Temporary, On::Release, Released),
            Step::new(Permanent, On::Release, Released),
            Step::new(Temporary, On::EndPassed, Expired),
            Step::new(Expired, On::Login, ReleaseExpired),
            Step::new(Expired, On::Release, Released),
            Step::new(Expired, On::RegisterTemporary, Temporary),
            Step::new(Expired, On::RegisterPermanent, Permanent),
            Step::new(Released, On::RegisterTemporary, Temporary),
            Step::new(Released, On::RegisterPermanent, Permanent),
            Step::new(ReleaseExpired, On::RegisterTemporary, Temporary),
            Step::new(ReleaseExpired, On::RegisterPermanent, Permanent),
            Step::new(Temporary, On::Replace, Replaced),
            Step::new(Permanent, On::Replace, Replaced),
            Step::new(Replaced, On::RegisterTemporary, Temporary),
            Step::new(Replaced, On::RegisterPermanent, Permanent),
            Step::new(Temporary, On::AccountWithdrawn, Withdrawn),
            Step::new(Permanent, On::AccountWithdrawn, Withdrawn),
        ],
    }
};

impl Ban {
    /// The state of [`BAN`] that it is in while it is in force.
    #[must_use]
    pub const fn status(&self) -> BanStatus {
        match self.expiry {
            Expiry::Never => BanStatus::Permanent,
            Expiry::At(_) => BanStatus::Temporary,
        }
    }

    /// The event of [`BAN`] that begins it.
    const fn registered(&self) -> BanEvent {
        match self.expiry {
            Expiry::Never => BanEvent::RegisterPermanent,
            Expiry::At(_) => BanEvent::RegisterTemporary,
        }
    }
}

impl PastBan {
    /// The state of [`BAN`] that it ended in, given when the player logged in last.
    #[must_use]
    pub fn status(&self, last_login: Option<DateTime<Utc>>) -> BanStatus {
        match self.end {
            BanEnd::Released { .. } => BanStatus::Released,
            BanEnd::Replaced { .. } => BanStatus::Replaced,
            BanEnd::Withdrawn { .. } => BanStatus::Withdrawn,
            BanEnd::Expired { at } if last_login.is_some_and(|login| login >= at) => {
                BanStatus::ReleaseExpired
            }
            BanEnd::Expired { .. } => BanStatus::Expired,
        }
    }
}

/// One ban of an account's, as operators read it (gamebase 1.6, BanRecord).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BanRecord {
    /// The ban.
    pub ban: Ban,
    /// How it stands.
    pub status: BanStatus,
    /// How it ended; none while it is in force.
    pub end: Option<BanEnd>,
}

/// The bans of a settled account, oldest first, given when the player logged in last.
#[must_use]
pub fn ban_history(account: &Account, last_login: Option<DateTime<Utc>>) -> Vec<BanRecord> {
    let past = account.records.past_bans.iter().map(|past| BanRecord {
        ban: past.ban.clone(),
        status: past.status(last_login),
        end: Some(past.end.clone()),
    });
    let current = account.ban.ban().map(|ban| BanRecord {
        ban: ban.clone(),
        status: ban.status(),
        end: None,
    });
    past.chain(current).collect()
}

/// Bans an account (gamebase 3.13): its sessions are over with the epoch. Where it is banned already, `replace` closes
/// that ban's record and a new one begins (gamebase X-7).
pub(crate) fn ban(
    account: &mut Account,
    ban: Ban,
    replace: bool,
    now: DateTime<Utc>,
) -> Result<EventKind, Refusal> {
    let on = match account.ban {
        BanState::Banned(_) if replace => StandingEvent::ReplaceBan,
        _ => StandingEvent::Ban,
    };
    check_step(account, on)?;
    if let Some(grace) = account.ban.grace() {
        GRACE_BAN
            .next(grace.status(), GraceBanEvent::OperatorBan)
            .map_err(|_| Refusal::NoGraceBan)?;
    }
    put_in_force(account, ban, now).ok_or(Refusal::AlreadyBanned)
}

/// Puts a ban in force, in the place of whatever there was, where [`BAN`] lets it. The caller has asked the other tables.
pub(super) fn put_in_force(
    account: &mut Account,
    ban: Ban,
    at: DateTime<Utc>,
) -> Option<EventKind> {
    let latest = match (account.ban.ban(), account.records.past_bans.last()) {
        (Some(current), _) => BAN.next(current.status(), BanEvent::Replace).ok()?,
        // Whether the player has been back since makes no difference to a new ban.
        (None, Some(past)) => past.status(None),
        (None, None) => BanStatus::None,
    };
    BAN.next(latest, ban.registered()).ok()?;
    let ban = BanState::Banned(Box::new(ban));
    if let BanState::Banned(former) = std::mem::replace(&mut account.ban, ban) {
        close_ban(account, *former, BanEnd::Replaced { at });
    }
    end_sessions(account, SessionEvent::Banned);
    account.updated_at = at;
    Some(EventKind::Banned)
}

/// Lifts a ban (gamebase 3.13). One whose end came, and after which the player has not been back, counts as lifted from
/// then on (gamebase 4.5). Says whether anything happened that is to be told.
pub(crate) fn unban(
    account: &mut Account,
    end: BanEnd,
    last_login: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<Option<EventKind>, Refusal> {
    if !account.withdrawal.is_done()
        && account.ban == BanState::None
        && let Some(past) = account.records.past_bans.last_mut()
        && BAN.next(past.status(last_login), BanEvent::Release).is_ok()
    {
        past.end = end;
        account.updated_at = now;
        return Ok(None);
    }
    check_step(account, unban_event(account))?;
    let BanState::Banned(ban) = &account.ban else {
        return Err(Refusal::NotBanned);
    };
    BAN.next(ban.status(), BanEvent::Release).map_err(|_| Refusal::NotBanned)?;
    if let BanState::Banned(ban) = std::mem::take(&mut account.ban) {
        close_ban(account, *ban, end);
    }
    account.updated_at = now;
    Ok(Some(EventKind::Unbanned))
}

/// Keeps a ban that is over; the oldest gives way.
pub(super) fn close_ban(account: &mut Account, ban: Ban, end: BanEnd) {
    let past = &mut account.records.past_bans;
    past.push(PastBan { ban, end });
    let surplus = past.len().saturating_sub(Records::PAST_BANS);
    past.drain(..surplus);
}
