//! Strict JSON: one reading of the text, or none.

use std::{borrow::Cow, cell::Cell, collections::BTreeSet, fmt};

use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor,
};

/// The deepest nesting of arrays and objects that [`from_strict_json`] reads, in levels.
///
/// `{}` is one level deep, `{"a":[]}` is two.
pub const MAX_JSON_DEPTH: usize = 16;

/// Why [`from_strict_json`] refused a text. Holds nothing of the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// The bytes are not UTF-8.
    #[error("the text is not utf-8")]
    Encoding,
    /// The text is not one JSON value, or it holds a number that does not fit.
    #[error("the text is not one json value")]
    Syntax,
    /// An object holds the same member twice.
    #[error("an object holds the same member twice")]
    Duplicate,
    /// The nesting is deeper than [`MAX_JSON_DEPTH`].
    #[error("the json is nested deeper than {MAX_JSON_DEPTH} levels")]
    TooDeep,
    /// The text is sound JSON, but a member is missing or has the wrong type.
    #[error("a json member is missing or has the wrong type")]
    Shape,
}

/// Reads one JSON value of type `T`, and refuses every text that two readers could take
/// differently.
///
/// A member that appears twice is refused at any level, also one that `T` does not know.
/// The names are compared after their escapes are resolved.
///
/// # Errors
///
/// Returns [`JsonError`] when the bytes are not UTF-8, are not exactly one JSON value, repeat a
/// member, are nested deeper than [`MAX_JSON_DEPTH`], or do not fit `T`.
///
/// # Examples
///
/// ```
/// use authcore_jose::{JsonError, from_strict_json};
///
/// #[derive(Debug, PartialEq, serde::Deserialize)]
/// struct Claims {
///     exp: i64,
/// }
///
/// assert_eq!(from_strict_json(br#"{"exp":5,"x":1}"#), Ok(Claims { exp: 5 }));
/// assert_eq!(
///     from_strict_json::<Claims>(br#"{"exp":5,"x":1,"x":2}"#),
///     Err(JsonError::Duplicate)
/// );
/// ```
pub fn from_strict_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonError> {
    let text = std::str::from_utf8(bytes).map_err(|_| JsonError::Encoding)?;
    check(text)?;
    // The library's message may quote the text, so it does not travel on.
    serde_json::from_str(text).map_err(|_| JsonError::Shape)
}

/// The first pass: walks the whole text, keeps nothing.
fn check(text: &str) -> Result<(), JsonError> {
    let fault = Cell::new(JsonError::Syntax);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Strict { depth: 0, fault: &fault }
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(|_| fault.get())
}

/// Accepts any JSON value below `depth` open levels. `fault` says why it stopped, because the
/// library's error has no room for a kind of our own.
#[derive(Clone, Copy)]
struct Strict<'a> {
    depth: usize,
    fault: &'a Cell<JsonError>,
}

impl Strict<'_> {
    fn stop<E: de::Error>(self, fault: JsonError) -> E {
        self.fault.set(fault);
        E::custom(fault)
    }

    fn inner<E: de::Error>(self) -> Result<Self, E> {
        let depth = self.depth.saturating_add(1);
        if depth > MAX_JSON_DEPTH {
            return Err(self.stop(JsonError::TooDeep));
        }
        Ok(Self { depth, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a json value")
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let inner = self.inner()?;
        while seq.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let inner = self.inner()?;
        let mut seen = BTreeSet::new();
        while let Some(name) = map.next_key_seed(Name)? {
            if !seen.insert(name) {
                return Err(self.stop(JsonError::Duplicate));
            }
            map.next_value_seed(inner)?;
        }
        Ok(())
    }
}

/// A member's name, borrowed from the text when it has no escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_borrowed_str<E: de::Error>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}
