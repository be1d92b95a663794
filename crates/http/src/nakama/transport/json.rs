//! The one JSON object of a request's body.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::error::ApiError;

/// The most vars that are read. The engine takes fewer; this keeps a stranger from filling memory before it is asked.
const MOST_VARS: usize = 2048;

/// Reads the first JSON value of the body, which must be an object. An empty body is `{}`.
pub(crate) fn parse<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, ApiError> {
    if body.is_empty() {
        return Ok(T::default());
    }
    // serde would fill a struct from an array, too.
    let first = body.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
    if first != Some(&b'{') {
        return Err(ApiError::invalid("request body is not a JSON object"));
    }
    let mut values = serde_json::Deserializer::from_slice(body).into_iter::<T>();
    let value = values.next().transpose().map_err(|error| refusal(&error))?.unwrap_or_default();
    check_skipped(body.get(..values.byte_offset()).unwrap_or(body))?;
    Ok(value)
}

/// What was skipped, the values of unknown fields, has not been looked at closely yet.
fn check_skipped(json: &[u8]) -> Result<(), ApiError> {
    if str::from_utf8(json).is_err() {
        return Err(ApiError::invalid("request body is not UTF-8"));
    }
    if has_lone_surrogate(json) {
        return Err(ApiError::invalid("request body has a lone surrogate"));
    }
    Ok(())
}

/// Looks at the escapes of well-formed JSON. It builds nothing, so a body cannot make it big.
fn has_lone_surrogate(mut json: &[u8]) -> bool {
    let mut after_high = false;
    loop {
        let (high, low, rest) = match json {
            [b'\\', b'u', b'd' | b'D', digit, _, _, rest @ ..] => match digit {
                b'8' | b'9' | b'a' | b'b' | b'A' | b'B' => (true, false, rest),
                b'c'..=b'f' | b'C'..=b'F' => (false, true, rest),
                _ => (false, false, rest),
            },
            [b'\\', _, rest @ ..] | [_, rest @ ..] => (false, false, rest),
            [] => return after_high,
        };
        if after_high != low {
            return true;
        }
        after_high = high;
        json = rest;
    }
}

/// Says where, but not what: the text of the parser may quote a password.
fn refusal(error: &serde_json::Error) -> ApiError {
    let what = if error.is_data() { "an unexpected value" } else { "a syntax error" };
    ApiError::invalid(format!(
        "request body has {what} at line {} column {}",
        error.line(),
        error.column()
    ))
}

/// The `vars` of a request. As `Option<Vars>` with a default, `null` is the same as absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Vars(pub(crate) BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Vars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;

        impl<'de> Visitor<'de> for Texts {
            type Value = Vars;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vars, A::Error> {
                let mut vars = BTreeMap::new();
                while let Some((key, value)) = map.next_entry()? {
                    if vars.insert(key, value).is_some() {
                        return Err(A::Error::custom("a key twice"));
                    }
                    if vars.len() > MOST_VARS {
                        return Err(A::Error::custom("too many vars"));
                    }
                }
                Ok(Vars(vars))
            }
        }

        deserializer.deserialize_map(Texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Login {
        id: Option<String>,
        #[serde(alias = "signedPlayerInfo")]
        signed_player_info: Option<String>,
        sync: Option<bool>,
        vars: Option<Vars>,
    }

    fn login(json: impl AsRef<[u8]>) -> Login {
        parse(json.as_ref()).unwrap()
    }

    #[track_caller]
    fn refused(json: impl AsRef<[u8]>) {
        let error = parse::<Login>(json.as_ref()).unwrap_err();
        assert_eq!((error.code, error.status().as_u16()), (3, 400));
    }

    fn id(text: &str) -> Login {
        Login { id: Some(text.to_owned()), ..Login::default() }
    }

    #[test]
    fn nakama_1_3_an_empty_body_is_an_empty_object() {
        assert_eq!(login(""), Login::default());
        assert_eq!(login("{}"), Login::default());
        assert_eq!(login(" \t\r\n{ } "), Login::default());
    }

    #[test]
    fn nakama_1_3_a_body_of_white_space_only_is_refused() {
        for json in [" ", "\n", "\t\r\n "] {
            refused(json);
        }
    }

    #[test]
    fn nakama_1_3_an_unknown_field_is_ignored_also_twice() {
        assert_eq!(login(r#"{"x":1,"x":[{"id":2}],"ID":3,"id":"a","Id":null}"#), id("a"));
    }

    #[test]
    fn nakama_1_3_both_spellings_are_accepted() {
        for name in ["signed_player_info", "signedPlayerInfo"] {
            let read = login(format!(r#"{{"{name}":"s"}}"#));
            assert_eq!(read.signed_player_info.as_deref(), Some("s"));
        }
    }

    #[test]
    fn nakama_1_3_null_for_a_field_is_the_same_as_absent() {
        let json = r#"{"id":null,"sync":null,"vars":null}"#;
        assert_eq!(login(json), Login::default());
    }

    #[test]
    fn nakama_1_3_a_wrong_json_type_is_refused() {
        for json in [
            r#"{"id":1}"#,
            r#"{"id":{}}"#,
            r#"{"id":["a"]}"#,
            r#"{"id":true}"#,
            r#"{"sync":"true"}"#,
            r#"{"sync":1}"#,
            r#"{"vars":[]}"#,
            r#"{"vars":"x"}"#,
        ] {
            refused(json);
        }
    }

    #[test]
    fn nakama_1_3_an_array_null_or_boolean_as_the_whole_body_is_refused() {
        for json in ["[]", r#"["a"]"#, "null", "true", "false", "1", r#""a""#] {
            refused(json);
        }
    }

    #[test]
    fn nakama_1_3_a_known_field_twice_is_refused() {
        refused(r#"{"id":"a","id":"a"}"#);
        refused(r#"{"id":null,"id":"a"}"#);
        refused(r#"{"id":"a","\u0069d":"a"}"#);
    }

    #[test]
    fn nakama_1_3_a_known_field_once_in_each_spelling_is_refused() {
        refused(r#"{"signed_player_info":"a","signedPlayerInfo":"a"}"#);
    }

    #[test]
    fn more_vars_than_any_engine_takes_are_refused_while_reading() {
        let vars = |count: usize| {
            let entries: Vec<_> = (0..count).map(|number| format!(r#""{number}":"""#)).collect();
            format!(r#"{{"vars":{{{}}}}}"#, entries.join(","))
        };
        assert_eq!(login(vars(MOST_VARS)).vars.unwrap().0.len(), MOST_VARS);
        refused(vars(MOST_VARS + 1));
    }

    #[test]
    fn nakama_1_3_truncated_json_is_refused() {
        for json in ["{", r#"{"id"#, r#"{"id":"#, r#"{"id":"a""#, r#"{"id":"a","#, r#"{"x":[1}"#] {
            refused(json);
        }
    }

    #[test]
    fn nakama_1_3_a_byte_order_mark_is_refused() {
        refused("\u{feff}{}");
        refused(b"\xff\xfe{\0}\0");
    }

    #[test]
    fn nakama_1_3_a_lone_surrogate_is_refused_in_unknown_fields_too() {
        for json in [
            r#"{"id":"\ud800"}"#,
            r#"{"id":"\udc00"}"#,
            r#"{"id":"\ud800\u0041"}"#,
            r#"{"\ud800":1}"#,
            r#"{"x":"\ud800"}"#,
            r#"{"x":{"y":["\uDC00"]}}"#,
            r#"{"vars":{"\uD83D":"x"}}"#,
        ] {
            refused(json);
        }
        assert_eq!(login(r#"{"x":"\ud83d\ude00","id":"\uD83D\uDE00"}"#), id("\u{1f600}"));
        assert_eq!(login(r#"{"x":"\\ud800\ud7ff\"\u00dc"}"#), Login::default());
        refused(r#"{"x":"\ud83d\ud83d\ude00"}"#);
        refused(r#"{"x":"\ud83d\ude00\ude00"}"#);
        refused(r#"{"x":["\ud83d","\ude00"]}"#);
    }

    #[test]
    fn nakama_1_3_bytes_that_are_not_utf_8_are_refused_in_unknown_fields_too() {
        refused(b"{\"id\":\"\xff\"}");
        refused(b"{\"x\":\"\xc3\"}");
        refused(b"{\"\xff\":1}");
        refused(b"{\"x\":\"\xed\xa0\x80\"}");
    }

    #[test]
    fn nakama_1_3_bytes_after_the_first_value_are_ignored() {
        for json in [r#"{"id":"a"}x"#, r#"{"id":"a"} {"id":"b"}"#, r#"{"id":"a"}}]"#] {
            assert_eq!(login(json), id("a"));
        }
        assert_eq!(login(b"{\"id\":\"a\"}\xff\0"), id("a"));
        assert_eq!(login(r#"{"id":"a"}"\ud800""#), id("a"));
    }

    #[test]
    fn deep_nesting_is_not_followed() {
        let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(login(format!(r#"{{"x":{open}{close}}}"#)), Login::default());
        refused(format!(r#"{{"x":{open}"#));
        refused(format!(r#"{{"id":{open}{close}}}"#));
    }

    #[test]
    fn a_refusal_never_quotes_the_body() {
        let error = parse::<Login>(br#"{"sync":"hunter2"}"#).unwrap_err();
        assert!(!error.message.contains("hunter2"));
    }

    #[test]
    fn nakama_5_2_vars_are_an_object_of_texts() {
        let vars = login(r#"{"vars":{"a":"1","b":""}}"#).vars.unwrap();
        assert_eq!(
            vars.0.into_iter().collect::<Vec<_>>(),
            [("a".to_owned(), "1".to_owned()), ("b".to_owned(), String::new())]
        );
        assert_eq!(login(r#"{"vars":{}}"#).vars, Some(Vars::default()));
    }

    #[test]
    fn nakama_1_3_a_key_of_vars_twice_is_refused() {
        refused(r#"{"vars":{"a":"1","a":"1"}}"#);
        refused(r#"{"vars":{"a":"1","\u0061":"1"}}"#);
    }

    #[test]
    fn nakama_a11_vars_of_non_texts_are_refused_null_vars_are_absent() {
        for value in ["1", "true", "null", "{}", "[]"] {
            refused(format!(r#"{{"vars":{{"a":{value}}}}}"#));
        }
        assert_eq!(login(r#"{"vars":null}"#).vars, None);
    }
}
