//! What few accounts have.

use authcore::account::{Account, IdentityKey, ProviderId, Records};
use authcore::lifecycle::{
    Amount, Ban, BanEnd, BanPeriod, BanSource, BanState, Expiry, GraceBan, PastBan, Payment,
    Refunds, ReleaseRule, Standing, Withdrawal,
};
use authcore::mapping::ForcingTicket;
use authcore::store::{Lookup, TransferKey};
use authcore::transfer::{IssuedBy, TransferAccount, TransferState};
use chrono::{DateTime, Utc};

use super::{NASTY, at, code_key, device, digest, id};

pub(crate) fn transfer_key(number: u32) -> TransferKey {
    TransferKey::new(digest(number))
}

pub(crate) fn lookup_transfer(number: u32) -> Lookup {
    Lookup::Transfer(transfer_key(number))
}

/// A transfer account with nothing that may be absent.
pub(crate) fn transfer(number: u32) -> TransferAccount {
    TransferAccount {
        key: transfer_key(number),
        id: None,
        password_hash: None,
        issued_by: IssuedBy::Auto,
        device: None,
        issued_at: at(0),
        expiry: Expiry::Never,
        state: TransferState::Issued { failures: 0 },
    }
}

/// A transfer account with a value in every field.
pub(crate) fn full_transfer(number: u32) -> TransferAccount {
    TransferAccount {
        id: Some(text("id", number)),
        password_hash: Some(text("$argon2id$", number)),
        issued_by: IssuedBy::Manual,
        device: Some(text("device", number)),
        issued_at: at(-20),
        expiry: Expiry::At(at(21)),
        state: TransferState::Blocked { failures: u32::MAX, until: Expiry::At(at(22)) },
        ..transfer(number)
    }
}

pub(crate) fn with_transfer(mut account: Account, number: u32) -> Account {
    account.records.transfer = Some(transfer(number).into());
    account
}

/// A ban without anything but its end.
pub(crate) fn ban(expiry: Expiry) -> Ban {
    Ban {
        since: at(0),
        expiry,
        message: "".into(),
        template: None,
        reason: "".into(),
        source: BanSource::Console,
        registrar: "".into(),
        flags: Vec::new(),
    }
}

/// A ban with a value in every field.
pub(crate) fn full_ban(number: u32) -> Ban {
    Ban {
        since: at(7),
        expiry: Expiry::At(at(8)),
        message: text("banned", number),
        template: Some(u32::MAX),
        reason: text("reason", number),
        source: BanSource::AppGuard,
        registrar: text("registrar", number),
        flags: vec![text("flag", number), "".into(), "leaderboard".into()],
    }
}

pub(crate) fn with_ban(mut account: Account, expiry: Expiry) -> Account {
    account.ban = BanState::Banned(ban(expiry).into());
    account
}

/// A grace ban with a value in every field.
pub(crate) fn full_grace(number: u32) -> GraceBan {
    let payment = |units, time| Payment {
        purchase: text("purchase", number),
        amount: Amount::minor(units),
        at: time,
    };
    GraceBan {
        since: at(-30),
        deadline: at(31),
        message: text("grace", number),
        rule: ReleaseRule::All { amount: Amount::minor(u64::MAX), count: u32::MAX },
        currency: text("JPY", number),
        payments: vec![payment(u64::MAX, at(32)), payment(0, at(-33))],
        then: BanPeriod::Seconds(u32::MAX),
        template: Some(0),
    }
}

pub(crate) fn with_grace(mut account: Account, deadline: DateTime<Utc>) -> Account {
    account.ban = BanState::Grace(GraceBan { deadline, ..full_grace(1) }.into());
    account
}

/// An account that asked to be withdrawn.
pub(crate) fn leaving(mut account: Account, due: DateTime<Utc>) -> Account {
    account.withdrawal = Withdrawal::Pending { since: at(-40), due };
    account
}

/// A ticket for the identity `device-<number>` of the account of that number.
pub(crate) fn ticket(number: u32, expires_at: DateTime<Utc>) -> ForcingTicket {
    ForcingTicket {
        key: code_key(number),
        identity: device(&format!("device-{number}")),
        // As tickets were in every schema that there was.
        ordinal: None,
        owner: id(number),
        owner_standing: Standing::Normal,
        expires_at,
        used_at: None,
    }
}

pub(crate) fn with_ticket(mut account: Account, ticket: ForcingTicket) -> Account {
    account.records.tickets.push(ticket);
    account
}

/// Every way in which a ban may end.
pub(crate) fn ban_ends(number: u32) -> Vec<BanEnd> {
    let released = BanEnd::Released {
        at: at(50),
        source: BanSource::AppServer,
        by: text("by", number),
        reason: text("lifted", number),
    };
    vec![
        released,
        BanEnd::Expired { at: at(51) },
        BanEnd::Replaced { at: at(52) },
        BanEnd::Withdrawn { at: at(53) },
    ]
}

/// Records with a value in every field.
pub(crate) fn full_records(number: u32) -> Records {
    let ends = ban_ends(number).into_iter();
    let foreign = ForcingTicket {
        identity: IdentityKey::scoped(
            ProviderId::GUEST,
            &text("tenant", number),
            &text("issuer", number),
            &text("subject", number),
        ),
        owner_standing: Standing::WithdrawalPending,
        used_at: Some(at(60)),
        ..ticket(number, at(61))
    };
    Records {
        past_bans: ends.map(|end| PastBan { ban: full_ban(number), end }).collect(),
        refunds: Refunds { count: u32::MAX, amount: Amount::minor(u64::MAX) },
        tickets: vec![foreign, ticket(number + 1, at(62))],
        transfer: Some(full_transfer(number).into()),
    }
}

fn text(what: &str, number: u32) -> Box<str> {
    format!("{what}{NASTY}{number}").into()
}
