//! What a request path means before any route looks at it.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

/// What must be escaped in the path of a `Location`.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Resolved {
    /// The decoded path, to be looked up as it is.
    Route(String),
    /// The clean path the client should ask for, escaped for a `Location`.
    Redirect(String),
    /// A percent escape that is none.
    Malformed,
}

/// Decodes and cleans a path. Decoding comes first, so an escaped slash is a slash like others.
pub(crate) fn resolve(path: &str) -> Resolved {
    let Some(decoded) = decode(path, false) else {
        return Resolved::Malformed;
    };
    // `*` and the empty path are request targets without a path: no route has them.
    if decoded.starts_with(b"/") && !is_clean(&decoded) {
        return Resolved::Redirect(percent_encode(&clean(&decoded), ESCAPED).to_string());
    }
    Resolved::Route(match decoded {
        Cow::Borrowed(_) => path.to_owned(),
        // No route has a replacement character in it, so bad UTF-8 is an unknown path.
        Cow::Owned(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
    })
}

fn is_clean(path: &[u8]) -> bool {
    let mut segments = path.split(|byte| *byte == b'/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        if matches!(segment, b"." | b"..") || (segment.is_empty() && !last) {
            return false;
        }
    }
    true
}

fn clean(path: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    for segment in path.split(|byte| *byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => {
                kept.pop();
            }
            name => kept.push(name),
        }
    }
    let mut out = Vec::with_capacity(path.len());
    for segment in &kept {
        out.push(b'/');
        out.extend_from_slice(segment);
    }
    // A trailing slash stays: it makes an unknown path, and a redirect must not hide that.
    if kept.is_empty() || path.ends_with(b"/") {
        out.push(b'/');
    }
    out
}

/// Undoes percent escapes; `None` when one is malformed.
pub(crate) fn decode(raw: &str, plus_is_space: bool) -> Option<Cow<'_, [u8]>> {
    let escaped = |byte: u8| byte == b'%' || (plus_is_space && byte == b'+');
    if !raw.bytes().any(escaped) {
        return Some(Cow::Borrowed(raw.as_bytes()));
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        out.push(match byte {
            b'%' => (nibble(rest.next()?)? << 4) | nibble(rest.next()?)?,
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    Some(Cow::Owned(out))
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(path: &str) -> Resolved {
        Resolved::Route(path.to_owned())
    }

    fn redirect(path: &str) -> Resolved {
        Resolved::Redirect(path.to_owned())
    }

    #[test]
    fn nakama_1_8_a_clean_path_is_looked_up_as_it_is() {
        for path in ["/", "/v2/account", "/v2/rpc/a.b", "/v2/...", "/v2/.hidden"] {
            assert_eq!(resolve(path), route(path));
        }
    }

    #[test]
    fn nakama_1_8_a_trailing_slash_is_kept_and_so_unknown() {
        assert_eq!(resolve("/v2/account/"), route("/v2/account/"));
        assert_eq!(resolve("/v2//account/"), redirect("/v2/account/"));
    }

    #[test]
    fn nakama_1_8_a_double_slash_is_redirected_to_the_clean_path() {
        assert_eq!(resolve("//v2/account"), redirect("/v2/account"));
        assert_eq!(resolve("/v2///account"), redirect("/v2/account"));
        assert_eq!(resolve("//"), redirect("/"));
    }

    #[test]
    fn nakama_1_8_a_dot_segment_is_redirected_to_the_clean_path() {
        assert_eq!(resolve("/v2/./account"), redirect("/v2/account"));
        assert_eq!(resolve("/v2/x/../account"), redirect("/v2/account"));
        assert_eq!(resolve("/v2/account/."), redirect("/v2/account"));
        assert_eq!(resolve("/../../v2"), redirect("/v2"));
        assert_eq!(resolve("/.."), redirect("/"));
    }

    #[test]
    fn nakama_1_8_escapes_are_decoded_before_matching_the_slash_too() {
        assert_eq!(resolve("/v2/%61ccount"), route("/v2/account"));
        assert_eq!(resolve("/v2%2Faccount"), route("/v2/account"));
        assert_eq!(resolve("/v2/%2faccount"), redirect("/v2/account"));
        assert_eq!(resolve("/v2/%2e%2E/account"), redirect("/account"));
        assert_eq!(resolve("/v2/a+b"), route("/v2/a+b"));
    }

    #[test]
    fn a_redirect_cannot_leave_the_site_or_break_the_header() {
        assert_eq!(resolve("//evil.example/%0d%0aX:1"), redirect("/evil.example/%0D%0AX:1"));
        assert_eq!(resolve("//%5Cevil.example"), redirect("/%5Cevil.example"));
        assert_eq!(resolve("//a%3Fb%23c%25d%ff"), redirect("/a%3Fb%23c%25d%FF"));
    }

    #[test]
    fn a_bad_escape_is_malformed() {
        for path in ["/v2/%", "/v2/%4", "/v2/%zz", "/%+1"] {
            assert_eq!(resolve(path), Resolved::Malformed);
        }
    }

    #[test]
    fn targets_without_a_path_and_bad_utf_8_are_unknown_paths() {
        assert_eq!(resolve("*"), route("*"));
        assert_eq!(resolve(""), route(""));
        assert_eq!(resolve("/v2/%ff"), route("/v2/\u{fffd}"));
    }
}
