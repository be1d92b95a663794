//! What of an account goes out.

use authcore::account::{Account, Identity, IdentityKey};
use authcore::lifecycle::{Ban, BanEnd, Expiry, GraceBan, PastBan, Withdrawal, standing};
use authcore::mapping::MergeReport;
use authcore::session::Session;
use authcore::transfer::{TransferInfo, TransferState};
use authcore::{LoggedIn, Secret, TokenPair};
use serde_json::{Value, json};

/// The account as its player sees it: no reasons, no hashes, no operators.
pub(super) fn account(account: &Account) -> Value {
    json!({
        "id": account.id,
        "standing": standing(account),
        "username": account.username.as_ref().map(|name| &name.shown),
        "profile": {
            "display_name": account.profile.display_name,
            "avatar_url": account.profile.avatar_url,
            "lang_tag": account.profile.lang_tag,
            "location": account.profile.location,
            "timezone": account.profile.timezone,
        },
        "identities": account.identities.iter().map(identity).collect::<Vec<_>>(),
        "has_password": account.password.is_some(),
        "withdrawal": withdrawal(&account.withdrawal),
        "grace_ban": account.ban.grace().map(grace_ban),
        "created_at": account.created_at,
        "updated_at": account.updated_at,
    })
}

/// The account as operators see it.
pub(super) fn whole(whose: &Account) -> Value {
    let mut view = account(whose);
    if let Some(members) = view.as_object_mut() {
        members.insert("ban".into(), whose.ban.ban().map_or(Value::Null, ban));
        let past_bans = whose.records.past_bans.iter().map(past_ban).collect();
        members.insert("past_bans".into(), Value::Array(past_bans));
        members.insert("refunds".into(), json!(whose.records.refunds));
        let transfer = whose.records.transfer.as_ref().map(|transfer| {
            json!({
                "id": transfer.id,
                "issued_at": transfer.issued_at,
                "until": expiry(transfer.expiry),
                "state": transfer_state(transfer.state),
            })
        });
        members.insert("transfer_account".into(), json!(transfer));
    }
    view
}

/// A ban with what only operators read.
fn ban(ban: &Ban) -> Value {
    json!({
        "since": ban.since,
        "until": expiry(ban.expiry),
        "message": ban.message,
        "template": ban.template,
        "reason": ban.reason,
        "source": ban.source,
        "registrar": ban.registrar,
        "flags": ban.flags,
    })
}

fn past_ban(past: &PastBan) -> Value {
    let end = match &past.end {
        BanEnd::Released { at, source, by, reason } => json!({
            "kind": "released", "at": at, "source": source, "by": by, "reason": reason,
        }),
        BanEnd::Expired { at } => json!({ "kind": "expired", "at": at }),
        BanEnd::Replaced { at } => json!({ "kind": "replaced", "at": at }),
        BanEnd::Withdrawn { at } => json!({ "kind": "withdrawn", "at": at }),
        // A way that is newer than this.
        _ => Value::Null,
    };
    let mut view = ban(&past.ban);
    if let Some(members) = view.as_object_mut() {
        members.insert("end".into(), end);
    }
    view
}

fn transfer_state(state: TransferState) -> Value {
    match state {
        TransferState::Issued { failures } => json!({ "kind": "issued", "failures": failures }),
        TransferState::Blocked { failures, until } => {
            json!({ "kind": "blocked", "failures": failures, "until": expiry(until) })
        }
        TransferState::Used => json!({ "kind": "used" }),
        TransferState::Deleted => json!({ "kind": "deleted" }),
    }
}

pub(super) fn identity(identity: &Identity) -> Value {
    json!({
        "ordinal": identity.ordinal,
        "provider": identity.key.provider(),
        "subject": identity.shown(),
        "linked_at": identity.linked_at,
    })
}

pub(super) fn logged_in(player: &LoggedIn) -> Value {
    json!({
        "account": account(&player.account),
        "created": player.created,
        "login_count": player.login_count,
        "previous_login_at": player.previous_login_at,
        "provider": player.provider,
        "friends": player.friends.iter().map(|friend| friend.account).collect::<Vec<_>>(),
        "payload": player.payload.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok()),
        "flags": player.flags,
        "owner": player.owner,
        "session": session(&player.session),
        "tokens": tokens(&player.tokens),
    })
}

pub(super) fn session(session: &Session) -> Value {
    json!({
        "id": session.id,
        "method": session.method,
        "authenticated_at": session.authenticated_at,
        "last_used_at": session.last_used_at,
        "expires_at": session.expires_at,
        "device_name": session.device_name,
    })
}

pub(super) fn tokens(tokens: &TokenPair) -> Value {
    json!({
        "access": tokens.access.reveal(),
        "access_expires_at": tokens.access_expires_at,
        "refresh": tokens.refresh.reveal(),
        "refresh_expires_at": tokens.refresh_expires_at,
    })
}

/// The date, or null for never.
pub(super) fn expiry(expiry: Expiry) -> Value {
    match expiry {
        Expiry::Never => Value::Null,
        Expiry::At(date) => json!(date),
    }
}

fn withdrawal(withdrawal: &Withdrawal) -> Value {
    match withdrawal {
        Withdrawal::None => Value::Null,
        Withdrawal::Pending { since, due } => json!({ "requested_at": since, "final_at": due }),
        Withdrawal::Done { at, cause } => json!({ "withdrawn_at": at, "cause": cause }),
    }
}

fn grace_ban(grace: &GraceBan) -> Value {
    let (paid, times) = grace.paid();
    json!({
        "since": grace.since,
        "deadline": grace.deadline,
        "message": grace.message,
        "rule": grace.rule,
        "currency": grace.currency,
        "paid": { "amount": paid, "count": times },
    })
}

/// What a player is told of a transfer account; the secrets only where the engine shows them.
pub(super) fn transfer_account(info: &TransferInfo) -> Value {
    json!({
        "id": info.id.as_ref().map(Secret::reveal),
        "password": info.password.as_ref().map(Secret::reveal),
        "issued_by": info.issued_by,
        "issued_at": info.issued_at,
        "one_time": info.one_time,
        "until": expiry(info.expiry),
        "status": format!("{:?}", info.status).to_ascii_lowercase(),
    })
}

/// What a merge moves and ends. Subjects are the players' own: both sides were proven.
pub(super) fn merge(report: &MergeReport) -> Value {
    let subjects = |keys: &[IdentityKey]| -> Vec<Value> {
        let view =
            |key: &IdentityKey| json!({ "provider": key.provider(), "subject": key.subject() });
        keys.iter().map(view).collect()
    };
    json!({
        "survivor": report.survivor,
        "merged": report.merged,
        "identities": subjects(&report.identities),
        "devices": subjects(&report.devices),
        "guests": subjects(&report.guests),
        "sessions_ended": report.sessions.len(),
        "password": format!("{:?}", report.password).to_ascii_lowercase(),
        "username_moves": report.username_moves,
    })
}
