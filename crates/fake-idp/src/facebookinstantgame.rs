use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// Signs player info as Facebook Instant Games does. It has no host: nobody asks it.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct FakeFacebookInstantGame;

impl FakeFacebookInstantGame {
    /// The app's secret.
    pub const SECRET: &str = "fb-instant-test-secret";
    /// Who its good info is of.
    pub const SUBJECT: &str = "20";

    /// Good player info, to be changed and signed.
    #[must_use]
    pub fn info(now: DateTime<Utc>) -> Value {
        json!({"algorithm": "HMAC-SHA256", "issued_at": now.timestamp(),
            "player_id": Self::SUBJECT, "request_payload": ""})
    }

    /// Signed with this secret.
    #[must_use]
    pub fn signed(info: &Value, secret: &str) -> String {
        let info = URL_SAFE_NO_PAD.encode(info.to_string());
        format!("{}.{info}", Self::tag(info.as_bytes(), secret))
    }

    /// The signature over bytes.
    #[must_use]
    pub fn tag(message: &[u8], secret: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        URL_SAFE_NO_PAD.encode(hmac::sign(&key, message).as_ref())
    }
}
