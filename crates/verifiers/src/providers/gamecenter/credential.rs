use authcore::Secret;
use authcore_jose::from_strict_json;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::error::Reason;

/// Before this a time in milliseconds would be in 1973: it is in seconds.
const MILLISECONDS: u64 = 100_000_000_000;
/// How long an id is after its prefix, at most.
const ID: usize = 64;

/// What Game Center gave the client.
pub(super) struct SignedPlayer {
    pub(super) player_id: String,
    pub(super) bundle_id: Option<String>,
    pub(super) public_key_url: String,
    pub(super) signature: Vec<u8>,
    /// The one text of the signature, for base64 has one only.
    pub(super) signature_text: String,
    pub(super) signed_at: DateTime<Utc>,
    salt: Vec<u8>,
    milliseconds: u64,
}

#[derive(Deserialize)]
struct Sent {
    player_id: String,
    bundle_id: Option<String>,
    public_key_url: String,
    signature: String,
    salt: String,
    timestamp: u64,
}

impl SignedPlayer {
    pub(super) fn read(credential: &Secret, id_prefixes: &[String]) -> Result<Self, Reason> {
        let sent: Sent =
            from_strict_json(credential.reveal().as_bytes()).map_err(|_| Reason::Malformed)?;
        // What is signed has no separators: an id that ends with the beginning of a bundle id would be another's.
        if !id_prefixes.iter().any(|prefix| is_id(&sent.player_id, prefix)) {
            return Err(Reason::Malformed);
        }
        let decode = |text: &str| STANDARD.decode(text).map_err(|_| Reason::Malformed);
        let (signature, salt) = (decode(&sent.signature)?, decode(&sent.salt)?);
        if signature.len() > 1024 || salt.len() > 256 {
            return Err(Reason::TooLarge);
        }
        if signature.is_empty() || salt.is_empty() || sent.timestamp < MILLISECONDS {
            return Err(Reason::Malformed);
        }
        let signed_at = i64::try_from(sent.timestamp).ok();
        let signed_at =
            signed_at.and_then(DateTime::from_timestamp_millis).ok_or(Reason::Malformed)?;
        Ok(Self {
            player_id: sent.player_id,
            bundle_id: sent.bundle_id,
            public_key_url: sent.public_key_url,
            signature,
            signature_text: sent.signature,
            signed_at,
            salt,
            milliseconds: sent.timestamp,
        })
    }

    /// The bytes that are signed.
    pub(super) fn message(&self, bundle_id: &str) -> Vec<u8> {
        let time = self.milliseconds.to_be_bytes();
        [self.player_id.as_bytes(), bundle_id.as_bytes(), &time, &self.salt].concat()
    }
}

/// The prefix, an underscore or none, and up to 64 letters and digits.
fn is_id(text: &str, prefix: &str) -> bool {
    let Some(rest) = text.strip_prefix(prefix) else { return false };
    let rest = rest.strip_prefix('_').unwrap_or(rest);
    (1..=ID).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
