//! Looks at JSON by other means than the parsers under test.

use serde_json::Value;

/// Reads JSON as laxly as the library does.
pub(crate) fn lax(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

/// Whether no object holds a member twice: the library keeps one of them, and the text has a colon for each.
pub(crate) fn is_single_valued(text: &[u8], value: &Value) -> bool {
    let (mut colons, mut inside, mut escaped) = (0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            b':' if !inside => colons += 1,
            _ => {}
        }
    }
    colons == members(value)
}

fn members(value: &Value) -> usize {
    match value {
        Value::Object(object) => object.len() + object.values().map(members).sum::<usize>(),
        Value::Array(array) => array.iter().map(members).sum(),
        _ => 0,
    }
}

/// How deep it is nested.
pub(crate) fn depth(value: &Value) -> usize {
    match value {
        Value::Object(object) => 1 + object.values().map(depth).max().unwrap_or(0),
        Value::Array(array) => 1 + array.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Whether an error quotes a longer part of what was read.
pub(crate) fn quotes(told: &str, input: &[u8]) -> bool {
    const PART: usize = 16;
    input.windows(PART).any(|part| std::str::from_utf8(part).is_ok_and(|part| told.contains(part)))
}
