//! Values of scripts and JSON.

use authcore::Secret;
use authcore_jose::MAX_JSON_DEPTH;
use rhai::{Array, Dynamic, ImmutableString, Map};
use serde_json::{Number, Value};

/// The largest float that stands for one integer only.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// What a script gets of a JSON value. `None` where it holds a number that a script would not get exactly: two players'
/// ids must not become one.
pub(crate) fn to_dynamic(value: Value) -> Option<Dynamic> {
    Some(match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(value) => value.into(),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.as_f64().filter(|float| float.abs() < EXACT)?.into(),
        },
        Value::String(text) => text.into(),
        Value::Array(items) => items.into_iter().map(to_dynamic).collect::<Option<Array>>()?.into(),
        Value::Object(members) => to_map(members)?.into(),
    })
}

/// As [`to_dynamic`], of an object.
pub(crate) fn to_map(members: serde_json::Map<String, Value>) -> Option<Map> {
    members.into_iter().map(|(name, value)| Some((name.into(), to_dynamic(value)?))).collect()
}

/// Whether secrets may be written out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secrets {
    /// To a service of the configuration.
    Reveal,
    /// To a player.
    Refuse,
}

/// The JSON of a script's value. `None` for what has none, for a nesting of more than [`MAX_JSON_DEPTH`], and for a secret
/// that is to be refused.
pub(crate) fn to_json(value: &Dynamic, secrets: Secrets) -> Option<Value> {
    write(value, secrets, MAX_JSON_DEPTH)
}

fn write(value: &Dynamic, secrets: Secrets, depth: usize) -> Option<Value> {
    if value.is_unit() {
        return Some(Value::Null);
    }
    if let Ok(value) = value.as_bool() {
        return Some(value.into());
    }
    if let Ok(value) = value.as_int() {
        return Some(value.into());
    }
    if let Ok(value) = value.as_float() {
        return Number::from_f64(value).map(Value::Number);
    }
    if let Some(text) = value.read_lock::<ImmutableString>() {
        return Some(text.as_str().into());
    }
    if let Some(secret) = value.read_lock::<Secret>() {
        return (secrets == Secrets::Reveal).then(|| secret.reveal().into());
    }
    let depth = depth.checked_sub(1)?;
    if let Ok(items) = value.as_array_ref() {
        return items.iter().map(|item| write(item, secrets, depth)).collect();
    }
    let members = value.as_map_ref().ok()?;
    let members = members
        .iter()
        .map(|(name, value)| Some((name.to_string(), write(value, secrets, depth)?)))
        .collect::<Option<_>>();
    members.map(Value::Object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Dynamic> {
        to_dynamic(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn json_comes_back_as_it_went() {
        for text in [
            "null",
            "true",
            "-9223372036854775808",
            "0.5",
            r#""é""#,
            r#"[1,[],{"a":{"b":null}}]"#,
            r#"{"b":1,"a":[2]}"#,
        ] {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(to_json(&read(text).unwrap(), Secrets::Refuse), Some(value), "{text}");
        }
    }

    #[test]
    fn a_number_that_is_not_exact_is_none() {
        assert_eq!(read("9223372036854775807").unwrap().as_int(), Ok(i64::MAX));
        for inexact in
            ["9223372036854775808", "18446744073709551615", "1e300", "12345678901234567890123"]
        {
            assert!(read(inexact).is_none(), "{inexact}");
        }
        assert_eq!(to_json(&f64::NAN.into(), Secrets::Refuse), None);
    }

    #[test]
    fn a_secret_is_written_to_services_only() {
        let value =
            Dynamic::from(Map::from([("key".into(), Dynamic::from(Secret::new("hunter2")))]));
        assert_eq!(to_json(&value, Secrets::Refuse), None);
        assert_eq!(to_json(&value, Secrets::Reveal).unwrap()["key"], "hunter2");
        assert!(!format!("{value:?} {value}").contains("hunter2"));
    }

    #[test]
    fn what_is_nested_deep_is_not_written() {
        let nested = |depth| (0..depth).fold(Dynamic::UNIT, |inner, _| vec![inner].into());
        assert!(to_json(&nested(MAX_JSON_DEPTH), Secrets::Refuse).is_some());
        assert!(to_json(&nested(MAX_JSON_DEPTH + 1), Secrets::Refuse).is_none());
    }
}
