//! What is answered when it is not a yes.

use std::error::Error as StdError;

use authcore::lifecycle::BanInfo;
use authcore::mapping::TicketOffer;
use authcore::refusal::{
    BraincloudAnswer, Field, GamebaseAnswer, NakamaAnswer, Operation, Rule, braincloud_fault,
    gamebase_fault, nakama_fault, nakama_status,
};
use authcore::transfer::Block;
use authcore::{Closed, Error, Refusal};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::view::expiry;

const FAULT: &str = "something does not work; it is not your fault";

/// An error as it goes out: the engine's stable code and words, what belongs to it, and what the three systems call it.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    /// In seconds.
    retry_after: Option<u32>,
    body: Map<String, Value>,
}

impl Problem {
    /// What an operation answered instead of a yes.
    pub(super) fn of(error: Error, operation: Operation) -> Self {
        let fault = match error {
            Error::Refused(refusal) => return Self::refused(&refusal, operation),
            Error::Fault(fault) => fault,
            // A kind of error that is newer than this.
            other => {
                tracing::error!(error = &other as &dyn StdError, "a call failed");
                return Self::fault();
            }
        };
        tracing::error!(error = &fault as &dyn StdError, "a call failed");
        let nakama = nakama_fault(operation, None);
        let mut problem = Self::bare(status(nakama.code), "fault", FAULT);
        problem.translate(&gamebase_fault(), &braincloud_fault(), &nakama);
        problem
    }

    fn refused(refusal: &Refusal, operation: Operation) -> Self {
        let (gamebase, braincloud, nakama) =
            (refusal.gamebase(operation), refusal.braincloud(operation), refusal.nakama(operation));
        let status = match refusal {
            // Nakama takes some of these for failures of its own; a client's mistake is never one here.
            Refusal::Invalid { .. } => StatusCode::BAD_REQUEST,
            _ => status(nakama.code),
        };
        let mut problem = Self::bare(status, refusal.code(), &refusal.to_string());
        problem.detail(refusal);
        problem.translate(&gamebase, &braincloud, &nakama);
        problem
    }

    /// Adds what the three systems call it.
    fn translate(
        &mut self,
        gamebase: &GamebaseAnswer,
        braincloud: &BraincloudAnswer,
        nakama: &NakamaAnswer,
    ) {
        let GamebaseAnswer { number, name, server_code, .. } = gamebase;
        self.put("gamebase", json!({ "code": number, "name": name, "server_code": server_code }));
        let BraincloudAnswer { status, reason_code, text, .. } = braincloud;
        self.put(
            "braincloud",
            json!({ "status": status, "reason_code": reason_code, "message": text }),
        );
        self.put("nakama", json!({ "code": nakama.code, "message": nakama.text }));
    }

    /// What a client needs to go on.
    fn detail(&mut self, refusal: &Refusal) {
        match refusal {
            Refusal::Invalid { field, rule } => {
                self.put("field", Value::String(snake_case(&format!("{field:?}"))));
                self.put("rule", rule_view(*rule));
            }
            Refusal::IdentityTaken { ticket: Some(ticket), .. } => {
                self.put("ticket", ticket_view(ticket));
            }
            Refusal::Banned(ban) => self.put("ban", ban_view(ban)),
            Refusal::NotPlayable(closed) => self.put("closed", closed_view(closed)),
            Refusal::TransferBlocked(block) => self.put("block", block_view(block)),
            Refusal::CredentialRejected { extra: Some(extra), .. } => {
                let extra = serde_json::from_str(extra).unwrap_or(Value::Null);
                self.put("extra", extra);
            }
            Refusal::IdentityDenied { policy, .. } => self.put("policy", json!(policy)),
            Refusal::ProviderUnavailable { provider, retry_after } => {
                self.put("provider", json!(provider.as_str()));
                self.put("retry_after", json!(retry_after));
                self.retry_after = Some(*retry_after);
            }
            Refusal::TryAgainLater { retry_at: Some(at) } => self.put("retry_at", json!(at)),
            _ => {}
        }
    }

    /// Of which nothing more can be said.
    pub(super) fn fault() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "fault", FAULT)
    }

    /// The answer to a caller who must present an access token and did not.
    pub(super) fn token_required() -> Self {
        Self::refused(&Refusal::AccessTokenInvalid, Operation::Account)
    }

    pub(super) fn operator_key_required() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "operator_key_required",
            "present the operator key as bearer",
        )
    }

    pub(super) fn body_too_large(limit: usize) -> Self {
        let text = format!("the body is larger than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", &text)
    }

    pub(super) fn bad_body(text: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_body", text)
    }

    /// What the parser says of a body, without the values that it quotes, which may be secrets (security 99).
    pub(super) fn unread_body(error: &serde_json::Error) -> Self {
        let said = error.to_string();
        let quotes = ["invalid type", "invalid value", "unknown variant"];
        let told = match said.rsplit_once("expected ") {
            Some((_, expected)) if quotes.iter().any(|kind| said.starts_with(kind)) => {
                format!("expected {expected}")
            }
            _ => said,
        };
        // The name of a member may be as long as the body.
        Self::bad_body(&told.chars().take(300).collect::<String>())
    }

    pub(super) fn bad_query() -> Self {
        let text = "the query has a name, or a value, that the route does not take";
        Self::new(StatusCode::BAD_REQUEST, "bad_query", text)
    }

    pub(super) fn bad_header(text: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_header", text)
    }

    pub(super) fn bad_path(text: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_path", text)
    }

    /// Its stable code.
    pub(super) fn code(&self) -> &Value {
        self.body.get("code").unwrap_or(&Value::Null)
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is no such route")
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "the route has other verbs")
    }

    /// What no operation was reached for. The three systems call it what they call the nearest refusal, in words of its own.
    fn new(status: StatusCode, code: &str, message: &str) -> Self {
        let mut problem = Self::bare(status, code, message);
        if status.is_server_error() {
            let nakama = nakama_fault(Operation::Operator, None);
            problem.translate(&gamebase_fault(), &braincloud_fault(), &nakama);
            return problem;
        }
        let nearest = match status {
            StatusCode::UNAUTHORIZED => Refusal::AccessTokenInvalid,
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Refusal::Disabled,
            // Which field and which rule show only in the words.
            _ => Refusal::Invalid { field: Field::Identity, rule: Rule::Shape },
        };
        let mut braincloud = nearest.braincloud(Operation::Operator);
        braincloud.text = format!("Processing exception (message): {message}").into();
        let mut nakama = nearest.nakama(Operation::Operator);
        nakama.text = message.to_owned().into();
        problem.translate(&nearest.gamebase(Operation::Operator), &braincloud, &nakama);
        problem
    }

    fn bare(status: StatusCode, code: &str, message: &str) -> Self {
        let mut body = Map::new();
        body.insert("code".into(), code.into());
        body.insert("message".into(), message.into());
        Self { status, retry_after: None, body }
    }

    fn put(&mut self, name: &str, value: Value) {
        self.body.insert(name.into(), value);
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.body });
        let retry_after = self.retry_after.map(|seconds| [(header::RETRY_AFTER, seconds)]);
        (self.status, retry_after, axum::Json(body)).into_response()
    }
}

fn status(code: i32) -> StatusCode {
    StatusCode::from_u16(nakama_status(code)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn rule_view(rule: Rule) -> Value {
    match rule {
        Rule::Bytes { min, max } => json!({ "bytes": { "min": min, "max": max } }),
        Rule::Characters { min, max } => json!({ "characters": { "min": min, "max": max } }),
        Rule::AtLeast { characters } => json!({ "characters": { "min": characters } }),
        Rule::AtMost { characters } => json!({ "characters": { "max": characters } }),
        Rule::AtMostItems { items } => json!({ "items": { "max": items } }),
        other => Value::String(snake_case(&format!("{other:?}"))),
    }
}

pub(super) fn ban_view(ban: &BanInfo) -> Value {
    json!({
        "account": ban.account,
        "since": ban.since,
        "until": expiry(ban.expiry),
        "message": ban.message,
        "support_contact": ban.support_contact,
        "support_url": ban.support_url,
    })
}

fn ticket_view(ticket: &TicketOffer) -> Value {
    json!({
        "secret": ticket.secret.reveal(),
        "owner": ticket.owner,
        "owner_standing": ticket.owner_standing,
        "expires_at": ticket.expires_at,
    })
}

fn closed_view(closed: &Closed) -> Value {
    json!({
        "since": closed.since,
        "until": closed.until,
        "message": closed.message,
        "url": closed.url,
    })
}

fn block_view(block: &Block) -> Value {
    json!({
        "id": block.id,
        "failures": block.failures,
        "until": expiry(block.until),
        "issued_at": block.issued_at,
    })
}

/// `DeviceId` as `device_id`.
fn snake_case(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    for (index, character) in name.chars().enumerate() {
        if character.is_ascii_uppercase() && index > 0 {
            text.push('_');
        }
        text.push(character.to_ascii_lowercase());
    }
    text
}
