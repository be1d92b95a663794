//! Parameters of statements, with their types: a statement that is not prepared before must name them.

use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

pub(crate) struct Param {
    value: Box<dyn ToSql + Sync + Send>,
    kind: Type,
}

impl Param {
    pub(crate) fn new<T: Value>(value: T) -> Self {
        Self { value: Box::new(value), kind: T::KIND }
    }

    pub(crate) fn value(&self) -> &(dyn ToSql + Sync) {
        &*self.value
    }

    pub(crate) fn typed(&self) -> (&(dyn ToSql + Sync), Type) {
        (self.value(), self.kind.clone())
    }
}

/// What goes into a column, and an array of which goes into a statement.
pub(crate) trait Value: ToSql + Sync + Send + 'static {
    const KIND: Type;
}

pub(crate) trait Element: Value {
    const ARRAY: Type;
}

macro_rules! value {
    ($($rust:ty => $kind:ident, $array:ident;)*) => {
        $(
            impl Value for $rust {
                const KIND: Type = Type::$kind;
            }
            impl Element for $rust {
                const ARRAY: Type = Type::$array;
            }
        )*
    };
}

value! {
    i64 => INT8, INT8_ARRAY;
    bool => BOOL, BOOL_ARRAY;
    String => TEXT, TEXT_ARRAY;
    &'static str => TEXT, TEXT_ARRAY;
    Uuid => UUID, UUID_ARRAY;
    Vec<u8> => BYTEA, BYTEA_ARRAY;
}

impl<T: Value> Value for Option<T> {
    const KIND: Type = T::KIND;
}

impl<T: Element> Element for Option<T> {
    const ARRAY: Type = T::ARRAY;
}

impl<T: Element> Value for Vec<T> {
    const KIND: Type = T::ARRAY;
}

macro_rules! params {
    ($($param:expr),* $(,)?) => { vec![$($crate::param::Param::new($param)),*] };
}
pub(crate) use params;

/// One column of several rows.
pub(crate) fn column<R, T: Element>(rows: &[R], value: impl Fn(&R) -> T) -> Param {
    Param::new(rows.iter().map(value).collect::<Vec<T>>())
}
