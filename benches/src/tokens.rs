//! The engine's tokens by themselves.

use std::fmt::Write as _;
use std::hint::black_box;

use authcore_jose::{Algorithm, KeySet, MasterKey, TokenKey, from_strict_json};
use uuid::Uuid;

use crate::Outcome;
use crate::engine::KEY;
use crate::floor::Claims;

/// The engine's keys, and its claims as text. The engine's own writer is not public; this is the same.
#[derive(Debug)]
pub struct EngineTokens {
    access: KeySet,
    refresh: KeySet,
}

impl EngineTokens {
    /// Ready keys.
    ///
    /// # Errors
    ///
    /// When they cannot be derived.
    pub fn new() -> Outcome<Self> {
        let master = MasterKey::new(KEY)?;
        let derive = |purpose| {
            TokenKey::derive(&master, Algorithm::Hs256, "bench", purpose).map(KeySet::new)
        };
        Ok(Self { access: derive("access")?, refresh: derive("refresh")? })
    }

    /// Two tokens made.
    ///
    /// # Errors
    ///
    /// When they cannot be signed.
    pub fn pair(&self, claims: &Claims) -> Outcome<(String, String)> {
        let access = self.access.sign("JWT", &text(claims, None))?;
        Ok((access, self.refresh.sign("JWT", &text(claims, Some(0)))?))
    }

    /// Two tokens made, and one checked.
    ///
    /// # Errors
    ///
    /// When one cannot be signed or does not count.
    pub fn pair_and_verify(&self, claims: &Claims) -> Outcome<Claims> {
        let (access, refresh) = self.pair(claims)?;
        black_box(refresh);
        Ok(from_strict_json(&self.access.verify("JWT", &access)?)?)
    }
}

fn text(claims: &Claims, generation: Option<u32>) -> String {
    let mut json = String::with_capacity(320);
    let id = |json: &mut String, key: &str, id: Uuid| {
        json.push_str(key);
        push_text(json, &id.to_string());
    };
    id(&mut json, "{\"tid\":", claims.tid);
    id(&mut json, ",\"uid\":", claims.uid);
    json.push_str(",\"usn\":");
    push_text(&mut json, &claims.usn);
    if let Some(generation) = generation {
        json.push_str(",\"gen\":");
        json.push_str(&generation.to_string());
    }
    json.push_str(",\"exp\":");
    json.push_str(&claims.exp.to_string());
    json.push_str(",\"iat\":");
    json.push_str(&claims.iat.to_string());
    json.push('}');
    json
}

fn push_text(json: &mut String, text: &str) {
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            ' '..='}' if !matches!(c, '<' | '>' | '&' | '?') => json.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(json, "\\u{unit:04x}");
                }
            }
        }
    }
    json.push('"');
}
