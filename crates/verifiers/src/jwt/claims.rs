use authcore::store::SingleUseKey;
use authcore::verifier::VerifiedIdentity;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::error::Reason;

/// The latest time that is read, in seconds: the year 5138.
const LATEST: i64 = 100_000_000_000;

/// The claims of a token that passed every rule. `Debug` shows none.
pub struct Claims {
    pub(super) members: Map<String, Value>,
    pub(super) subject: String,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) single_use: Vec<(SingleUseKey, DateTime<Utc>)>,
}

impl Claims {
    /// Who the token speaks of: 1 to 255 bytes, verbatim (providers.md J11).
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// A claim that is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name)?.as_str()
    }

    /// Any claim.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// All claims.
    #[must_use]
    pub const fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// Refuses a token whose claim is not exactly this text, where one is wanted: it is of another app.
    pub(crate) fn unless_text(&self, name: &str, wanted: Option<&str>) -> Result<(), Reason> {
        if wanted.is_none() || self.text(name) == wanted { Ok(()) } else { Err(Reason::WrongApp) }
    }

    /// Gives the identity the token's end, and what the token used up.
    pub fn prove(&self, identity: VerifiedIdentity) -> VerifiedIdentity {
        let identity = identity.until(self.expires_at);
        self.single_use
            .iter()
            .fold(identity, |identity, (key, forget_at)| identity.using_up(*key, *forget_at))
    }
}

impl std::fmt::Debug for Claims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Claims([redacted])")
    }
}

/// A claim that is a time, where there is one. Whatever else it is, it is not absent (CVE-2026-25537).
pub(super) fn time(
    members: &Map<String, Value>,
    name: &str,
) -> Result<Option<DateTime<Utc>>, Reason> {
    let Some(value) = members.get(name) else { return Ok(None) };
    let seconds = match value {
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        _ => None,
    };
    seconds
        .filter(|seconds| (0..LATEST).contains(seconds))
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
        .map(Some)
        .ok_or(Reason::Malformed)
}

/// Seconds may have a fraction (RFC 7519); the second that they are in counts.
fn whole(seconds: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
    (0.0..1e11).contains(&seconds).then_some(seconds as i64)
}

/// The subject.
pub(super) fn subject(members: &Map<String, Value>) -> Result<String, Reason> {
    match members.get("sub") {
        Some(Value::String(subject)) if !subject.is_empty() => {
            let fits = subject.len() <= 255 && !subject.chars().any(char::is_control);
            if fits { Ok(subject.clone()) } else { Err(Reason::Malformed) }
        }
        _ => Err(Reason::SubjectMissing),
    }
}

/// Text, or a list of it, as `aud` is.
pub(super) fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(texts) => texts.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Option<i64>, Reason> {
        let members = serde_json::from_str(&format!(r#"{{"exp":{value}}}"#)).unwrap();
        time(&members, "exp").map(|time| time.map(|time| time.timestamp()))
    }

    #[test]
    fn j7_cve_2026_25537_a_time_of_another_type_is_malformed_and_never_absent() {
        assert_eq!(read("5"), Ok(Some(5)));
        assert_eq!(read("5.9"), Ok(Some(5)));
        assert_eq!(read("4294967296"), Ok(Some(4_294_967_296)));
        for bad in [
            r#""5""#,
            "null",
            "true",
            "{}",
            "[5]",
            "-1",
            "-0.5",
            "1e300",
            "100000000000",
            "18446744073709551615",
        ] {
            assert_eq!(read(bad), Err(Reason::Malformed), "{bad}");
        }
        assert_eq!(time(&Map::new(), "exp"), Ok(None));
    }

    #[test]
    fn j11_a_subject_is_text_of_a_size_and_stays_as_it_is() {
        let read = |value: Value| subject(&Map::from_iter([("sub".to_owned(), value)]));
        assert_eq!(read(" A ".into()), Ok(" A ".to_owned()));
        for none in [Value::Null, 7.into(), "".into(), Value::Array(vec!["a".into()])] {
            assert_eq!(read(none), Err(Reason::SubjectMissing));
        }
        for bad in ["a\nb".to_owned(), "x".repeat(256)] {
            assert_eq!(read(bad.into()), Err(Reason::Malformed));
        }
    }
}
