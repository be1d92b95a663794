//! Strict JSON: one reading of the text, or none.

use std::{cell::Cell, fmt};

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess,
    SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::map::Entry;
use serde_json::{Map, Value};

/// The deepest nesting of arrays and objects that [`from_strict_json`] reads, in levels.
///
/// `{}` is one level deep, `{"a":[]}` is two.
pub const MAX_JSON_DEPTH: usize = 16;

/// The most values that [`from_strict_json`] reads, those in arrays and objects included: a small
/// object takes far more room than its text.
pub const MAX_JSON_VALUES: usize = 50_000;

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
    /// There are more than [`MAX_JSON_VALUES`] values.
    #[error("the json holds more than {MAX_JSON_VALUES} values")]
    TooMany,
    /// The text is sound JSON, but a member is missing or has the wrong type.
    #[error("a json member is missing or has the wrong type")]
    Shape,
}

/// Reads one JSON value of type `T`, and refuses every text that two readers could take
/// differently.
///
/// A member that appears twice is refused at any level, also one that `T` does not know.
/// The names are compared after their escapes are resolved. What `T` reads into a struct must be an
/// object: an array of the members' values is none, at any level.
///
/// # Errors
///
/// Returns [`JsonError`] when the bytes are not UTF-8, are not exactly one JSON value, repeat a
/// member, are nested deeper than [`MAX_JSON_DEPTH`], are more than [`MAX_JSON_VALUES`], or do not
/// fit `T`.
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
    let fault = Cell::new(JsonError::Syntax);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let left = Cell::new(MAX_JSON_VALUES);
    let value = Strict { depth: 0, left: &left, fault: &fault }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|_| fault.get())?;
    // The library's message may quote the text, so it does not travel on.
    T::deserialize(Named(value)).map_err(|_| JsonError::Shape)
}

/// Reads any JSON value below `depth` open levels. `fault` says why it stopped, because the
/// library's error has no room for a kind of our own.
#[derive(Clone, Copy)]
struct Strict<'a> {
    depth: usize,
    /// How many values may still come.
    left: &'a Cell<usize>,
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
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let Some(left) = self.left.get().checked_sub(1) else {
            return Err(self.stop(JsonError::TooMany));
        };
        self.left.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a json value")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            // The name is judged before its value: what stands twice is told as such, however it goes on.
            match members.entry(name) {
                Entry::Vacant(member) => drop(member.insert(map.next_value_seed(inner)?)),
                Entry::Occupied(_) => return Err(self.stop(JsonError::Duplicate)),
            }
        }
        Ok(Value::Object(members))
    }
}

/// A value whose objects are what structs are read from; the library would read arrays into them as well.
struct Named(Value);

impl<'de> Deserializer<'de> for Named {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            Value::Array(values) => {
                let mut values = SeqDeserializer::new(values.into_iter().map(Self));
                let read = visitor.visit_seq(&mut values)?;
                values.end().map(|()| read)
            }
            Value::Object(members) => {
                let members = members.into_iter().map(|(name, value)| (name, Self(value)));
                let mut members = MapDeserializer::new(members);
                let read = visitor.visit_map(&mut members)?;
                members.end().map(|()| read)
            }
            plain => plain.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        if !self.0.is_object() {
            return Err(Self::Error::custom("not an object"));
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct identifier
    }
}

impl IntoDeserializer<'_, serde_json::Error> for Named {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
