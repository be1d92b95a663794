//! What strict JSON accepts.

use std::collections::BTreeMap;

use authcore_jose::{JsonError, MAX_JSON_DEPTH, MAX_JSON_VALUES, from_strict_json};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, PartialEq, Deserialize)]
struct Claims {
    exp: i64,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Lenient {
    exp: Option<i64>,
}

fn claims(text: &str) -> Result<Claims, JsonError> {
    from_strict_json(text.as_bytes())
}

fn value(text: &str) -> Result<Value, JsonError> {
    from_strict_json(text.as_bytes())
}

fn nested(open: &str, middle: &str, close: &str, depth: usize) -> String {
    format!("{}{middle}{}", open.repeat(depth), close.repeat(depth))
}

#[test]
fn sound_json_is_read() {
    assert_eq!(claims(r#" {"exp":5} "#), Ok(Claims { exp: 5 }));
    assert_eq!(
        claims(r#"{"a":[1,-1,2.5,null,true,"é",{"exp":1}],"exp":5}"#),
        Ok(Claims { exp: 5 })
    );
    assert_eq!(value("null"), Ok(Value::Null));
}

#[test]
fn the_same_name_in_two_objects_is_no_duplicate() {
    assert!(claims(r#"{"exp":5,"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":1}],"x":1}"#).is_ok());
}

#[test]
fn a_duplicate_member_is_refused_at_any_level() {
    for text in [
        r#"{"exp":5,"exp":5}"#,
        r#"{"exp":5,"x":1,"x":2}"#,
        r#"{"exp":5,"x":null,"x":null}"#,
        r#"{"exp":5,"a":{"x":1,"x":2}}"#,
        r#"{"exp":5,"a":[[{"x":1,"y":2,"x":3}]]}"#,
        r#"{"exp":5,"\u0065xp":6}"#,
        r#"{"exp":5,"":1,"":2}"#,
        r#"{"exp":5,"\u00e9":1,"é":2}"#,
    ] {
        assert_eq!(claims(text), Err(JsonError::Duplicate), "{text}");
        assert_eq!(value(text), Err(JsonError::Duplicate), "{text}");
    }
}

#[test]
fn names_that_differ_in_case_are_two_members() {
    assert_eq!(claims(r#"{"exp":5,"EXP":6}"#), Ok(Claims { exp: 5 }));
}

#[test]
fn text_after_the_value_is_refused() {
    for extra in ["x", "{}", ",", "}", "\0", "1", "//"] {
        let text = format!(r#"{{"exp":5}}{extra}"#);
        assert_eq!(claims(&text), Err(JsonError::Syntax), "{text:?}");
    }
}

#[test]
fn text_that_is_no_json_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "nul",
        "NaN",
        "Infinity",
        "{'exp':5}",
        "{exp:5}",
        r#"{"exp":5,}"#,
        r#"{"exp":05}"#,
        r#"{"exp":+5}"#,
        r#"{"exp":5 /* */}"#,
        r#"{"exp":5,"a":"\ud800"}"#,
        "{\"exp\":5,\"a\":\"\n\"}",
        "\u{feff}{\"exp\":5}",
    ] {
        assert_eq!(claims(text), Err(JsonError::Syntax), "{text:?}");
    }
}

#[test]
fn bytes_that_are_not_utf_8_are_refused() {
    for bytes in [
        &b"{\"exp\":5,\"a\":\"\xff\"}"[..],
        b"{\"exp\":5,\"a\":\"\xc0\x80\"}",
        b"{\"exp\":5,\"a\":\"\xed\xa0\x80\"}",
        b"\xff\xfe{\0}\0",
    ] {
        assert_eq!(from_strict_json::<Claims>(bytes), Err(JsonError::Encoding));
    }
}

#[test]
fn nesting_may_be_16_deep_and_no_deeper() {
    assert_eq!(MAX_JSON_DEPTH, 16);
    for (open, middle, close) in [("[", "", "]"), (r#"{"a":"#, "1", "}"), ("[", "{}", "]")] {
        let own = usize::from(middle == "{}");
        assert!(value(&nested(open, middle, close, 16 - own)).is_ok(), "{open}");
        let deep = nested(open, middle, close, 17 - own);
        assert_eq!(value(&deep), Err(JsonError::TooDeep), "{open}");
    }
    // Also in a member that nobody reads.
    let text = format!(r#"{{"exp":5,"x":{}}}"#, nested("[", "", "]", 16));
    assert_eq!(claims(&text), Err(JsonError::TooDeep));
    // Far too deep is an error, and no overflow of the stack.
    assert_eq!(value(&"[".repeat(1 << 20)), Err(JsonError::TooDeep));
}

#[test]
fn a_number_that_does_not_fit_is_refused() {
    assert_eq!(claims(r#"{"exp":1e400}"#), Err(JsonError::Syntax));
    assert_eq!(claims(r#"{"exp":5,"x":1e400}"#), Err(JsonError::Syntax));
    assert_eq!(claims(r#"{"exp":9223372036854775808}"#), Err(JsonError::Shape));
    assert_eq!(claims(r#"{"exp":99999999999999999999}"#), Err(JsonError::Shape));
    assert_eq!(claims(r#"{"exp":1.5}"#), Err(JsonError::Shape));
    assert_eq!(claims(r#"{"exp":1e3}"#), Err(JsonError::Shape));
    assert_eq!(claims(r#"{"exp":9223372036854775807}"#), Ok(Claims { exp: i64::MAX }));
}

#[test]
fn a_struct_is_read_from_an_object_and_from_nothing_else() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Outer {
        inner: Option<Claims>,
        all: Vec<Claims>,
        pair: (i64, i64),
    }
    let outer = |text: &str| from_strict_json::<Outer>(text.as_bytes());
    assert_eq!(claims("[5]"), Err(JsonError::Shape));
    let read = Outer { inner: Some(Claims { exp: 5 }), all: vec![Claims { exp: 6 }], pair: (7, 8) };
    assert_eq!(outer(r#"{"inner":{"exp":5},"all":[{"exp":6}],"pair":[7,8],"x":[5]}"#), Ok(read));
    for text in [
        r#"{"inner":[5],"all":[],"pair":[7,8]}"#,
        r#"{"inner":null,"all":[[6]],"pair":[7,8]}"#,
        r#"{"inner":null,"all":[],"pair":[7,8,9]}"#,
        r#"{"inner":null,"all":[],"pair":[7]}"#,
        "[null,[],[7,8]]",
    ] {
        assert_eq!(outer(text), Err(JsonError::Shape), "{text}");
    }
}

#[test]
fn values_are_counted_wherever_they_stand() {
    // The array itself, and the objects with what is in them.
    let many = |objects: usize| format!("[{}0]", r#"{"":0},"#.repeat(objects));
    assert!(value(&many((MAX_JSON_VALUES - 2) / 2)).is_ok());
    assert_eq!(value(&many(MAX_JSON_VALUES / 2)), Err(JsonError::TooMany));
    let unknown = format!(r#"{{"exp":5,"x":{}}}"#, many(MAX_JSON_VALUES / 2));
    assert_eq!(claims(&unknown), Err(JsonError::TooMany));
}

#[test]
fn an_exp_of_the_wrong_type_is_an_error_and_not_an_absence() {
    for exp in [r#""5""#, "true", "{}", r#"{"exp":5}"#, "[5]", r#""""#] {
        let text = format!(r#"{{"exp":{exp}}}"#);
        assert_eq!(claims(&text), Err(JsonError::Shape), "{exp}");
        assert_eq!(from_strict_json::<Lenient>(text.as_bytes()), Err(JsonError::Shape), "{exp}");
    }
}

#[test]
fn a_required_exp_may_not_be_null_or_missing() {
    for text in [r#"{"exp":null}"#, "{}"] {
        assert_eq!(claims(text), Err(JsonError::Shape), "{text}");
        // Only a type that says so takes null for absence.
        assert_eq!(from_strict_json(text.as_bytes()), Ok(Lenient { exp: None }), "{text}");
    }
}

#[test]
fn an_error_does_not_quote_the_text() {
    let secret = "hunter2";
    for text in [r#"{"exp":"hunter2"}"#, r#"{"hunter2":1,"hunter2":1}"#, "hunter2"] {
        let error = claims(text).unwrap_err();
        assert!(!error.to_string().contains(secret), "{error}");
        assert!(!format!("{error:?}").contains(secret), "{error:?}");
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = from_strict_json::<Value>(&bytes);
    }

    #[test]
    fn random_json_like_text_never_panics(text in "[\\[\\]{}:,\"a1.e\\\\ -]{0,60}") {
        let _ = from_strict_json::<Value>(text.as_bytes());
    }

    #[test]
    fn what_is_accepted_reads_as_the_plain_parser_reads_it(
        members in proptest::collection::btree_map("\\PC{0,8}", any::<i64>(), 0..8),
    ) {
        let text = serde_json::to_vec(&members).unwrap();
        prop_assert_eq!(from_strict_json::<BTreeMap<String, i64>>(&text), Ok(members));
    }
}
