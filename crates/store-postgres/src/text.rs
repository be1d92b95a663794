//! Text and JSON in the form in which PostgreSQL can hold them: it knows every character but NUL.
//!
//! NUL becomes U+001A (SUBSTITUTE) and `0`, and U+001A itself becomes U+001A and `1`. All other text, which is nearly
//! all there is, stays as it is; different texts stay different.

use std::borrow::Cow;

const SUBSTITUTE: char = '\u{1a}';

pub(crate) fn encode(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', SUBSTITUTE]) {
        return Cow::Borrowed(text);
    }
    let mut encoded = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\0' => encoded.push_str("\u{1a}0"),
            SUBSTITUTE => encoded.push_str("\u{1a}1"),
            c => encoded.push(c),
        }
    }
    Cow::Owned(encoded)
}

pub(crate) fn encoded(text: &str) -> String {
    encode(text).into_owned()
}

pub(crate) fn opt_encoded(text: Option<&str>) -> Option<String> {
    text.map(encoded)
}

/// Nothing when the text was not written by [`encode`].
pub(crate) fn decode(text: &str) -> Option<Box<str>> {
    if !text.contains(SUBSTITUTE) {
        return Some(text.into());
    }
    let mut decoded = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        decoded.push(match c {
            SUBSTITUTE => match chars.next()? {
                '0' => '\0',
                '1' => SUBSTITUTE,
                _ => return None,
            },
            c => c,
        });
    }
    Some(decoded.into())
}

/// The same for the strings within a JSON text, where both characters are escaped.
pub(crate) fn encode_json(json: String) -> String {
    rewrite(&json, |escape, _| match escape {
        r"\u0000" => Some((r"\u001a0", 0)),
        r"\u001a" => Some((r"\u001a1", 0)),
        _ => None,
    })
    .unwrap_or(json)
}

/// The way back.
pub(crate) fn decode_json(json: &str) -> Cow<'_, str> {
    rewrite(json, |escape, next| match (escape, next) {
        (r"\u001a", Some('0')) => Some((r"\u0000", 1)),
        (r"\u001a", Some('1')) => Some((r"\u001a", 1)),
        _ => None,
    })
    .map_or(Cow::Borrowed(json), Cow::Owned)
}

/// Puts other text in the place of escapes of the form `\u0000`, and of so many characters behind each.
fn rewrite(
    json: &str,
    replace: impl Fn(&str, Option<char>) -> Option<(&'static str, usize)>,
) -> Option<String> {
    if !json.contains(r"\u00") {
        return None;
    }
    let mut written = String::with_capacity(json.len() + 8);
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, from) = rest.split_at_checked(at)?;
        written.push_str(before);
        let long = from.get(..6).filter(|escape| escape.starts_with(r"\u"));
        let after = from.get(6..).unwrap_or_default();
        if let Some((text, skipped)) = long.and_then(|long| replace(long, after.chars().next())) {
            written.push_str(text);
            rest = after.get(skipped..)?;
        } else {
            // Two characters at once, so that an escaped backslash does not begin another escape.
            let (escape, after) = from.split_at_checked(2)?;
            written.push_str(escape);
            rest = after;
        }
    }
    written.push_str(rest);
    Some(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: &[&str] = &[
        "",
        "plain",
        "\0",
        "\u{1a}",
        "\u{1a}0",
        "\u{1a}1",
        "a\0\0b\u{1a}\u{1a}1\0",
        "\\u0000",
        "\\\0",
        "\\\\u001a0",
        "\u{10ffff}\0e\u{301}\"",
    ];

    #[test]
    fn every_text_comes_back_and_none_holds_nul() {
        for text in TEXTS {
            let encoded = encode(text);
            assert!(!encoded.contains('\0'));
            assert_eq!(decode(&encoded).as_deref(), Some(*text));
        }
        assert_eq!(decode("\u{1a}"), None);
        assert_eq!(decode("\u{1a}2"), None);
    }

    #[test]
    fn every_string_in_json_comes_back_and_none_holds_nul() {
        let json = serde_json::to_string(TEXTS).unwrap();
        let encoded = encode_json(json.clone());
        let strings: Vec<String> = serde_json::from_str(&encoded).unwrap();
        for (string, text) in strings.iter().zip(TEXTS) {
            assert_eq!(*string, encode(text), "both forms are the same to whoever reads them");
        }
        assert_eq!(decode_json(&encoded), json);
    }
}
