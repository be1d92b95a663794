//! The query string: only the names a route knows are kept.

use std::borrow::Cow;

use super::error::{ApiError, INTERNAL};
use super::path::decode;

#[derive(Debug, Default)]
pub(crate) struct Query<'a> {
    values: Vec<(&'static str, Cow<'a, [u8]>)>,
}

impl<'a> Query<'a> {
    /// Reads `raw`. Names of `single` may be given once, those of `repeatable` at will; all
    /// other names are skipped, but even there an escape must be well formed.
    pub(crate) fn parse(
        raw: Option<&'a str>,
        single: &[&'static str],
        repeatable: &[&'static str],
    ) -> Result<Self, ApiError> {
        let mut query = Self::default();
        for pair in raw.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            if pair.contains(';') {
                return Err(ApiError::invalid("invalid semicolon separator in query"));
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decode(name, true), decode(value, true)) else {
                return Err(ApiError::invalid("invalid URL escape in query"));
            };
            let known = |names: &[&'static str]| {
                names.iter().copied().find(|known| known.as_bytes() == name.as_ref())
            };
            if let Some(name) = known(single) {
                if query.first(name).is_some() {
                    return Err(ApiError::invalid(format!("too many values for field \"{name}\"")));
                }
                query.values.push((name, value));
            } else if let Some(name) = known(repeatable) {
                query.values.push((name, value));
            }
        }
        Ok(query)
    }

    /// A text; an empty one counts as absent.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        match self.first(name) {
            None | Some(b"") => Ok(None),
            Some(value) => utf8(value).map(Some),
        }
    }

    /// A yes or no. An empty value is neither.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.first(name) {
            None => Ok(None),
            Some(b"1" | b"t" | b"T" | b"TRUE" | b"true" | b"True") => Ok(Some(true)),
            Some(b"0" | b"f" | b"F" | b"FALSE" | b"false" | b"False") => Ok(Some(false)),
            Some(_) => Err(ApiError::invalid(format!("field \"{name}\" is not a boolean"))),
        }
    }

    /// All values of a repeatable name in their order, the empty ones too.
    pub(crate) fn list(&self, name: &str) -> Result<Vec<&str>, ApiError> {
        self.all(name).map(utf8).collect()
    }

    fn first(&self, name: &str) -> Option<&[u8]> {
        self.all(name).next()
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.values.iter().filter(move |(known, _)| *known == name).map(|(_, value)| &**value)
    }
}

fn utf8(value: &[u8]) -> Result<&str, ApiError> {
    // The odd class is the dialect's: there the text fails only when it is passed on.
    str::from_utf8(value)
        .map_err(|_| ApiError::new(INTERNAL, "string field contains invalid UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(raw: &str) -> Result<Query<'_>, ApiError> {
        Query::parse(Some(raw), &["create", "username", "sync"], &["ids", "usernames"])
    }

    fn refused(raw: &str) {
        assert_eq!(parse(raw).unwrap_err().code, 3, "{raw}");
    }

    #[test]
    fn nakama_1_4_no_query_a_bare_question_mark_and_a_trailing_ampersand_are_fine() {
        assert_eq!(Query::parse(None, &["create"], &[]).unwrap().flag("create"), Ok(None));
        assert_eq!(parse("").unwrap().flag("create"), Ok(None));
        assert_eq!(parse("create=true&").unwrap().flag("create"), Ok(Some(true)));
        assert_eq!(parse("&&create=true&&").unwrap().flag("create"), Ok(Some(true)));
    }

    #[test]
    fn nakama_1_4_boolean_words() {
        for word in ["1", "t", "T", "TRUE", "true", "True", "%74rue"] {
            let raw = format!("create={word}");
            assert_eq!(parse(&raw).unwrap().flag("create"), Ok(Some(true)), "{word}");
        }
        for word in ["0", "f", "F", "FALSE", "false", "False"] {
            let raw = format!("create={word}");
            assert_eq!(parse(&raw).unwrap().flag("create"), Ok(Some(false)), "{word}");
        }
    }

    #[test]
    fn nakama_1_4_any_other_boolean_is_refused_the_empty_one_too() {
        for raw in ["create=yes", "create=", "create", "create=tRUE", "create=+1", "create=%ff"] {
            assert_eq!(parse(raw).unwrap().flag("create").unwrap_err().code, 3, "{raw}");
        }
    }

    #[test]
    fn nakama_1_4_a_known_parameter_twice_is_refused() {
        refused("create=true&create=true");
        refused("create=true&%63reate=false");
        refused("username=&username=");
    }

    #[test]
    fn nakama_1_4_unknown_parameters_are_ignored_also_twice() {
        let query = parse("x=1&x=2&account.id=9&=3&create=0").unwrap();
        assert_eq!(query.flag("create"), Ok(Some(false)));
    }

    #[test]
    fn nakama_1_4_names_are_case_sensitive_and_may_be_escaped() {
        assert_eq!(parse("Create=yes&Create=2").unwrap().flag("create"), Ok(None));
        assert_eq!(parse("%75sername=a").unwrap().text("username"), Ok(Some("a")));
    }

    #[test]
    fn nakama_1_4_a_bad_escape_or_a_semicolon_is_refused() {
        for raw in ["username=%", "username=%4", "x=%zz", "%zz=x", "a=b;c=d", ";"] {
            refused(raw);
        }
        assert_eq!(parse("username=a%3Bb").unwrap().text("username"), Ok(Some("a;b")));
    }

    #[test]
    fn nakama_1_4_an_empty_username_equals_an_absent_one() {
        assert_eq!(parse("username=").unwrap().text("username"), Ok(None));
        assert_eq!(parse("username").unwrap().text("username"), Ok(None));
    }

    #[test]
    fn a_plus_is_a_space_and_an_escaped_plus_is_a_plus() {
        assert_eq!(
            parse("username=a+b%2Bc%20d=e").unwrap().text("username"),
            Ok(Some("a b+c d=e"))
        );
    }

    #[test]
    fn nakama_4_4_invalid_utf_8_in_the_query_is_an_internal_error() {
        let query = parse("username=%ff&ids=%c3").unwrap();
        let error = query.text("username").unwrap_err();
        assert_eq!((error.code, error.status().as_u16()), (13, 500));
        assert_eq!(query.list("ids").unwrap_err().code, 13);
        assert!(parse("x=%ff").unwrap().text("username").is_ok());
    }

    #[test]
    fn nakama_12_5_repeatable_names_keep_every_value_the_empty_one_too() {
        let query = parse("ids=a&usernames=&ids=b").unwrap();
        assert_eq!(query.list("ids"), Ok(vec!["a", "b"]));
        assert_eq!(query.list("usernames"), Ok(vec![""]));
        assert_eq!(parse("").unwrap().list("ids"), Ok(vec![]));
    }
}
