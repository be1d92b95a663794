//! Everything that is held on a person, for the person (security 104).
//!
//! Each record is taken apart by the names of all its fields, so that a new one does not compile before it has a place here.

#[cfg(test)]
mod tests;

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::Engine;
use crate::account::{Account, AccountId, Identity, IdentityKey, Profile, Records, Username};
use crate::error::Error;
use crate::lifecycle::{
    Ban, BanEnd, BanState, Expiry, GraceBan, PastBan, Payment, Refunds, Withdrawal, standing,
};
use crate::mapping::ForcingTicket;
use crate::password::Password;
use crate::proof::{Authenticated, Operator};
use crate::refusal::Refusal;
use crate::session::{Activity, LoginRecord, Session};
use crate::store::Lookup;
use crate::transfer::{TransferAccount, TransferState};

/// The format of an export; `docs/export.md` describes it.
const FORMAT: u32 = 1;

/// Everything that is held on a person: JSON, as `docs/export.md` describes it. It is personal data, so its `Debug` shows
/// none of it.
///
/// ```
/// # futures_executor::block_on(async {
/// # use authcore::*;
/// # let harness = authcore_testkit::Harness::with_policy(Policy::recommended());
/// # let engine = harness.engine();
/// # let context = RequestContext::new();
/// # let login = Login::new(Credential::Device("a-device-id-of-the-client".into()));
/// # let player = engine.login(&context, login).await?;
/// let who = engine.verify(player.tokens.access.reveal()).await?;
/// let export = engine.export(&who).await?;
/// assert!(export.to_string().contains("a-device-id-of-the-client"));
/// # Ok::<(), Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Export(Value);

impl fmt::Display for Export {
    /// As JSON text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Export {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Export([redacted])")
    }
}

/// Who reads an export: players are never shown why they were banned, nor by whom (gamebase 1.6).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    Player,
    Operator,
}

impl Engine {
    /// Exports everything that is held on the caller (security 104). Of secrets it says that they exist.
    ///
    /// # Errors
    ///
    /// [`Refusal::AccessTokenInvalid`] when the caller's session has ended since it was verified,
    /// [`Refusal::RecentLoginRequired`], or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    pub async fn export(&self, who: &Authenticated) -> Result<Export, Error> {
        let now = self.now();
        self.check_step_up(who, now)?;
        let settled = self.load_caller(who, now).await?;
        Ok(Export(export(&settled.account, &settled.activity, Reader::Player, now)))
    }

    /// Exports everything that is held on an account, with what operators wrote about it.
    ///
    /// # Errors
    ///
    /// [`Refusal::AccountNotFound`], or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    pub async fn export_account(
        &self,
        operator: &Operator,
        account: AccountId,
    ) -> Result<Export, Error> {
        let now = self.now();
        let settled = self.load(&Lookup::Id(account), now).await?;
        let settled = settled.ok_or(Refusal::AccountNotFound)?;
        tracing::info!(%account, operator = operator.name(), "exported");
        Ok(Export(export(&settled.account, &settled.activity, Reader::Operator, now)))
    }
}

fn export(account: &Account, activity: &Activity, reader: Reader, now: DateTime<Utc>) -> Value {
    let Account {
        id,
        username,
        profile,
        identities,
        password,
        ban,
        withdrawal,
        records,
        // Numbers of the engine's own, without meaning outside.
        epoch: _,
        next_ordinal: _,
        created_at,
        updated_at,
    } = account;
    let Records { past_bans, refunds, tickets, transfer } = records;
    let Refunds { count, amount } = refunds;
    let past_bans: Vec<_> = past_bans.iter().map(|past| past_ban(past, reader)).collect();
    json!({
        "format": FORMAT,
        "exported_at": time(now),
        "account": {
            "id": id.to_string(),
            "created_at": time(*created_at),
            "updated_at": time(*updated_at),
            "standing": standing(account),
            "username": username.as_ref().map(of_username),
            "profile": of_profile(profile),
            "identities": identities.iter().map(identity).collect::<Vec<_>>(),
            "password": password.as_ref().map(of_password),
            "ban": of_ban_state(ban, reader),
            "past_bans": past_bans,
            "withdrawal": of_withdrawal(withdrawal),
            "refunds": { "count": count, "amount_minor": amount.units() },
            "tickets": tickets.iter().map(ticket).collect::<Vec<_>>(),
            "transfer_account": transfer.as_deref().map(of_transfer),
        },
        "activity": of_activity(activity),
    })
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

fn end(expiry: Expiry) -> Option<String> {
    match expiry {
        Expiry::Never => None,
        Expiry::At(date) => Some(time(date)),
    }
}

fn of_username(Username { shown, key }: &Username) -> Value {
    json!({ "shown": shown, "folded": key })
}

fn of_profile(profile: &Profile) -> Value {
    let Profile { display_name, avatar_url, lang_tag, location, timezone, metadata } = profile;
    json!({
        "display_name": display_name,
        "avatar_url": avatar_url,
        "lang_tag": lang_tag,
        "location": location,
        "timezone": timezone,
        "metadata": of_json(metadata),
    })
}

/// JSON that is kept as text; as text where it is none.
fn of_json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

fn of_key(key: &IdentityKey) -> Map<String, Value> {
    // All parts of a key are what serde makes of it.
    match serde_json::to_value(key) {
        Ok(Value::Object(parts)) => parts,
        _ => Map::new(),
    }
}

fn identity(identity: &Identity) -> Value {
    let Identity { ordinal, key, shown, linked_at, verified_at, data } = identity;
    let mut value = of_key(key);
    value.insert("number".into(), ordinal.number().into());
    value.insert("shown".into(), json!(shown));
    value.insert("linked_at".into(), time(*linked_at).into());
    value.insert("verified_at".into(), json!(verified_at.map(time)));
    value.insert("data".into(), data.as_deref().map_or(Value::Null, of_json));
    value.into()
}

fn of_password(Password { hash: _, version: _, set_at }: &Password) -> Value {
    json!({ "set_at": time(*set_at), "hash": "kept, not shown" })
}

fn of_ban(ban: &Ban, reader: Reader) -> Map<String, Value> {
    let Ban { since, expiry, message, template, reason, source, registrar, flags } = ban;
    let mut value = Map::new();
    value.insert("since".into(), time(*since).into());
    value.insert("until".into(), json!(end(*expiry)));
    value.insert("message".into(), json!(message));
    value.insert("template".into(), json!(template));
    value.insert("source".into(), json!(source));
    value.insert("flags".into(), json!(flags));
    value.insert("reason".into(), for_operators(reason, reader));
    value.insert("registrar".into(), for_operators(registrar, reader));
    value
}

/// What only operators read; a player is told that it exists.
fn for_operators(text: &str, reader: Reader) -> Value {
    match reader {
        Reader::Operator => text.into(),
        Reader::Player if text.is_empty() => Value::Null,
        Reader::Player => "kept, not shown".into(),
    }
}

fn of_ban_state(ban: &BanState, reader: Reader) -> Value {
    match ban {
        BanState::None => Value::Null,
        BanState::Banned(ban) => json!({ "kind": "banned", "ban": of_ban(ban, reader) }),
        BanState::Grace(grace) => json!({ "kind": "grace", "grace_ban": of_grace(grace) }),
    }
}

fn of_grace(grace: &GraceBan) -> Value {
    let GraceBan { since, deadline, message, rule, currency, payments, then, template } = grace;
    let payment = |payment: &Payment| {
        let Payment { purchase, amount, at } = payment;
        json!({ "purchase": purchase, "amount_minor": amount.units(), "at": time(*at) })
    };
    json!({
        "since": time(*since),
        "deadline": time(*deadline),
        "message": message,
        "rule": rule,
        "currency": currency,
        "payments": payments.iter().map(payment).collect::<Vec<_>>(),
        "then": then,
        "template": template,
    })
}

fn past_ban(PastBan { ban, end }: &PastBan, reader: Reader) -> Value {
    let mut value = of_ban(ban, reader);
    let end = match end {
        BanEnd::Released { at, source, by, reason } => json!({
            "kind": "released",
            "at": time(*at),
            "source": source,
            "by": for_operators(by, reader),
            "reason": for_operators(reason, reader),
        }),
        BanEnd::Expired { at } => json!({ "kind": "expired", "at": time(*at) }),
        BanEnd::Replaced { at } => json!({ "kind": "replaced", "at": time(*at) }),
        BanEnd::Withdrawn { at } => json!({ "kind": "withdrawn", "at": time(*at) }),
    };
    value.insert("end".into(), end);
    value.into()
}

fn of_withdrawal(withdrawal: &Withdrawal) -> Value {
    match withdrawal {
        Withdrawal::None => Value::Null,
        Withdrawal::Pending { since, due } => {
            json!({ "kind": "pending", "since": time(*since), "due": time(*due) })
        }
        Withdrawal::Done { at, cause } => {
            json!({ "kind": "done", "at": time(*at), "cause": cause })
        }
    }
}

fn ticket(ticket: &ForcingTicket) -> Value {
    let ForcingTicket { key: _, identity, ordinal: _, owner, owner_standing, expires_at, used_at } =
        ticket;
    json!({
        "secret": "a digest is kept, not shown",
        "identity": of_key(identity),
        "owner": owner.to_string(),
        "owner_standing": owner_standing,
        "expires_at": time(*expires_at),
        "used_at": used_at.map(time),
    })
}

fn of_transfer(transfer: &TransferAccount) -> Value {
    let TransferAccount { key: _, id, password_hash, issued_by, device, issued_at, expiry, state } =
        transfer;
    let state = match state {
        TransferState::Issued { failures } => json!({ "kind": "issued", "failures": failures }),
        TransferState::Blocked { failures, until } => {
            json!({ "kind": "blocked", "failures": failures, "until": end(*until) })
        }
        TransferState::Used => json!({ "kind": "used" }),
        TransferState::Deleted => json!({ "kind": "deleted" }),
    };
    json!({
        "id": id,
        "password": password_hash.as_ref().map(|_| "a hash is kept, not shown"),
        "issued_by": issued_by,
        "device": device,
        "issued_at": time(*issued_at),
        "expires_at": end(*expiry),
        "state": state,
    })
}

fn of_activity(activity: &Activity) -> Value {
    let Activity { login_count, last_login, previous_login_at, sessions } = activity;
    let last_login = last_login.map(|LoginRecord { at, identity }| {
        json!({ "at": time(at), "identity": identity.map(crate::account::Ordinal::number) })
    });
    json!({
        "login_count": login_count,
        "last_login": last_login,
        "previous_login_at": previous_login_at.map(time),
        "sessions": sessions.iter().map(session).collect::<Vec<_>>(),
    })
}

fn session(session: &Session) -> Value {
    let Session {
        id,
        identity,
        method,
        authenticated_at,
        last_used_at,
        idle_expires_at,
        expires_at,
        // What tells one refresh token from the next.
        generation: _,
        access_revoked,
        refresh_revoked,
        client_vars,
        server_vars,
        device_name,
        device_id,
        epoch: _,
        store_epoch: _,
    } = session;
    json!({
        "id": id.to_string(),
        "identity": identity.map(crate::account::Ordinal::number),
        "method": method,
        "authenticated_at": time(*authenticated_at),
        "last_used_at": time(*last_used_at),
        "idle_expires_at": time(*idle_expires_at),
        "expires_at": time(*expires_at),
        "tokens": "signed, not kept",
        "access_revoked": access_revoked,
        "refresh_revoked": refresh_revoked,
        "client_vars": client_vars,
        "server_vars": server_vars,
        "device_name": device_name,
        "device_id": device_id,
    })
}
