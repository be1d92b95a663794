use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

use super::{Session, SessionRef, Vars};
use crate::account::{Account, AccountId, SessionId};

/// Which claims tokens carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimStyle {
    /// The registered names of RFC 7519 (`iss aud sub iat exp`) and `sid`; ids only, no personal data (security 55).
    Registered,
    /// Nakama's `tid uid usn vrs exp iat`, written so that every client reads it (nakama 11.1, 13.6).
    Nakama,
}

/// What a token is for. Each purpose has keys of its own, so that one never passes for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Access,
    Refresh,
}

impl Purpose {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
        }
    }

    /// The `typ` that the token's header carries (security 47).
    pub(crate) const fn typ(self, style: ClaimStyle) -> &'static str {
        match (style, self) {
            (ClaimStyle::Nakama, _) => "JWT",
            (ClaimStyle::Registered, Self::Access) => "at+jwt",
            (ClaimStyle::Registered, Self::Refresh) => "rt+jwt",
        }
    }
}

/// What an access token says. The signature and the time were checked; whether the session still counts was not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessClaims {
    /// The account.
    pub account: AccountId,
    /// The session.
    pub session: SessionId,
    /// The username when the token was made, where the claims carry it.
    pub username: Option<String>,
    /// The session's vars when the token was made, where the claims carry them.
    pub vars: Vars,
    /// When the token ends, in whole seconds.
    pub expires_at: DateTime<Utc>,
}

impl AccessClaims {
    /// Where the session is found.
    #[must_use]
    pub const fn session_ref(&self) -> SessionRef {
        SessionRef { account: self.account, session: self.session }
    }
}

/// What a refresh token says, signature and time checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RefreshClaims {
    pub(crate) at: SessionRef,
    pub(crate) generation: u32,
}

/// The claims' names in both styles; a token has those of one.
#[derive(Deserialize)]
pub(crate) struct RawClaims {
    #[serde(alias = "tid")]
    sid: SessionId,
    #[serde(alias = "uid")]
    sub: AccountId,
    iss: Option<String>,
    aud: Option<String>,
    usn: Option<String>,
    #[serde(default)]
    vrs: Vars,
    exp: i64,
    r#gen: Option<u32>,
}

impl RawClaims {
    /// Checks what the signature does not: whose token it is, and whether it is over.
    pub(crate) fn checked(self, style: ClaimStyle, game: &str, now: DateTime<Utc>) -> Option<Self> {
        let ours = match style {
            // The keys are derived for the game, so the token is ours if its signature is.
            ClaimStyle::Nakama => true,
            ClaimStyle::Registered => {
                self.iss.as_deref() == Some(game) && self.aud.as_deref() == Some(game)
            }
        };
        let alive = DateTime::from_timestamp(self.exp, 0).is_some_and(|exp| now < exp);
        (ours && alive).then_some(self)
    }

    pub(crate) fn access(self) -> AccessClaims {
        AccessClaims {
            account: self.sub,
            session: self.sid,
            username: self.usn,
            vars: self.vrs,
            expires_at: DateTime::from_timestamp(self.exp, 0).unwrap_or(DateTime::UNIX_EPOCH),
        }
    }

    pub(crate) fn refresh(self) -> Option<RefreshClaims> {
        let at = SessionRef { account: self.sub, session: self.sid };
        self.r#gen.map(|generation| RefreshClaims { at, generation })
    }
}

/// Writes the claims of a session's token as JSON.
pub(crate) fn write_claims(
    purpose: Purpose,
    account: &Account,
    session: &Session,
    access_expires_at: DateTime<Utc>,
    style: ClaimStyle,
    game: &str,
) -> String {
    let expires_at = match purpose {
        Purpose::Access => access_expires_at,
        Purpose::Refresh => session.refresh_expires_at(),
    };
    let mut json = Object::new();
    match style {
        ClaimStyle::Nakama => {
            json.id("tid", session.id.as_uuid());
            json.id("uid", account.id.as_uuid());
            json.text("usn", account.username.as_ref().map_or("", |name| &*name.shown));
            json.map("vrs", session);
        }
        ClaimStyle::Registered => {
            json.text("iss", game);
            json.text("aud", game);
            json.id("sub", account.id.as_uuid());
            json.id("sid", session.id.as_uuid());
        }
    }
    if purpose == Purpose::Refresh {
        json.number("gen", i64::from(session.generation));
    }
    json.number("exp", expires_at.timestamp());
    // The time of the login, also after refreshes (nakama 11.1).
    json.number("iat", session.authenticated_at.timestamp());
    json.finish()
}

/// A JSON object of text, numbers and one map, written in plain ASCII: `>`, `?`, `~`, DEL and everything outside
/// ASCII is escaped, because a widely used client decodes base64url as base64 and drops the two letters that these
/// would need (nakama 13.6). It is the same JSON to every parser.
struct Object(String);

impl Object {
    fn new() -> Self {
        let mut json = String::with_capacity(320);
        json.push('{');
        Self(json)
    }

    fn key(&mut self, key: &str) {
        if !self.0.ends_with('{') {
            self.0.push(',');
        }
        push_text(&mut self.0, key);
        self.0.push(':');
    }

    fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        push_text(&mut self.0, value);
    }

    fn id(&mut self, key: &str, id: Uuid) {
        self.key(key);
        // Nothing to escape.
        self.0.push('"');
        self.0.push_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        self.0.push('"');
    }

    fn number(&mut self, key: &str, value: i64) {
        self.key(key);
        // Writing to a string cannot fail.
        let _ = write!(self.0, "{value}");
    }

    /// Left out when empty.
    fn map(&mut self, key: &str, session: &Session) {
        if session.client_vars.is_empty() && session.server_vars.is_empty() {
            return;
        }
        self.key(key);
        self.0.push('{');
        for (name, value) in session.vars() {
            self.text(&name, &value);
        }
        self.0.push('}');
    }

    fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// Whether a byte stands for itself in the JSON of a token.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'}') && !matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'&' | b'?')
}

fn push_text(json: &mut String, text: &str) {
    json.push('"');
    if text.bytes().all(is_plain) {
        json.push_str(text);
        json.push('"');
        return;
    }
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            ' '..='}' if !matches!(c, '<' | '>' | '&' | '?') => json.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(json, "\\u{unit:04x}");
                }
            }
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn raw(iss: &str, aud: &str, exp: i64) -> RawClaims {
        let id = Uuid::nil();
        let claims =
            serde_json::json!({ "sub": id, "sid": id, "iss": iss, "aud": aud, "exp": exp });
        serde_json::from_value(claims).unwrap()
    }

    #[test]
    fn security_46_48_registered_claims_are_of_this_game_and_in_time() {
        let counts =
            |claims: RawClaims| claims.checked(ClaimStyle::Registered, "game", NOW).is_some();
        assert!(counts(raw("game", "game", 1)));
        assert!(!counts(raw("other", "game", 1)));
        assert!(!counts(raw("game", "other", 1)));
        assert!(!counts(raw("game", "game", 0)), "it is over at its end");
    }

    #[test]
    fn security_47_each_purpose_has_a_name_and_a_type_of_its_own() {
        let both = [Purpose::Access, Purpose::Refresh];
        assert_eq!(both.map(Purpose::as_str), ["access", "refresh"]);
        let types = |style| both.map(|purpose| purpose.typ(style));
        assert_eq!(types(ClaimStyle::Registered), ["at+jwt", "rt+jwt"]);
        assert_eq!(types(ClaimStyle::Nakama), ["JWT", "JWT"]);
    }

    #[test]
    fn nakama_13_6_what_needs_no_escape_stands_for_itself() {
        let mut json = String::new();
        push_text(&mut json, "a plain {text}");
        push_text(&mut json, "a \\ <b>~\u{e9}");
        assert_eq!(json, r#""a plain {text}""a \\ \u003cb\u003e\u007e\u00e9""#);
    }

    proptest! {
        /// nakama 13.6: whatever the text, it reads back the same, and its base64url needs neither `-` nor `_`.
        #[test]
        fn any_text_survives_clients_that_read_base64url_as_base64(text in "\\PC*|[\\x00-\\x7f]*|[~?>\u{7f}]*") {
            let mut json = String::new();
            push_text(&mut json, &text);
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
            // The two letters stand for 62 and 63: six bits of ones but perhaps the last, at any of the four places.
            for shift in 0..3 {
                let mut bytes = vec![b' '; shift];
                bytes.extend_from_slice(json.as_bytes());
                for triple in bytes.chunks_exact(3) {
                    let bits = triple.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
                    prop_assert!((0..4).all(|place| bits >> (6 * place) & 0x3f < 62), "{:?}", triple);
                }
            }
        }
    }
}
