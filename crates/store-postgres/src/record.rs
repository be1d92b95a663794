//! Rows within a row, in the server's binary form. As JSON it would take three times as long to write them.

use std::error::Error;

use tokio_postgres::types::{FromSql, Type};

/// What was sent ends too early.
#[derive(Debug, thiserror::Error)]
#[error("a row within a row is cut short")]
struct CutShort;

/// Bytes, read from left to right.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn word(&mut self) -> Result<[u8; 4], CutShort> {
        let (word, rest) = self.0.split_first_chunk().ok_or(CutShort)?;
        self.0 = rest;
        Ok(*word)
    }

    /// What follows its length; without a length it is NULL.
    fn value(&mut self) -> Result<Option<&'a [u8]>, CutShort> {
        let length = i32::from_be_bytes(self.word()?);
        if length == -1 {
            return Ok(None);
        }
        let length = length.try_into().map_err(|_| CutShort)?;
        let (value, rest) = self.0.split_at_checked(length).ok_or(CutShort)?;
        self.0 = rest;
        Ok(Some(value))
    }
}

/// What `ROW(…)` is answered with: its columns, each behind its type.
pub(crate) struct Record<'a>(Bytes<'a>);

impl<'a> Record<'a> {
    fn new(raw: &'a [u8]) -> Result<Self, CutShort> {
        let mut bytes = Bytes(raw);
        bytes.word()?;
        Ok(Self(bytes))
    }

    /// The next column; nothing where there is none, or none of this type.
    pub(crate) fn column<T: FromSql<'a>>(&mut self) -> Option<T> {
        let kind = Type::from_oid(u32::from_be_bytes(self.0.word().ok()?))?;
        let value = self.0.value().ok()?;
        if T::accepts(&kind) { T::from_sql_nullable(&kind, value).ok() } else { None }
    }
}

/// What `ARRAY(SELECT ROW(…) …)` is answered with.
pub(crate) struct Records<'a>(pub(crate) Vec<Record<'a>>);

impl<'a> Records<'a> {
    fn read(raw: &'a [u8]) -> Result<Self, CutShort> {
        let mut bytes = Bytes(raw);
        // How many dimensions: none where there are no elements. Then whether some are NULL, and the type of all.
        let dimensions = i32::from_be_bytes(bytes.word()?);
        bytes.word()?;
        bytes.word()?;
        if dimensions == 0 {
            return Ok(Self(Vec::new()));
        }
        let count = i32::from_be_bytes(bytes.word()?);
        // The number of the first.
        bytes.word()?;
        let record = |_| Record::new(bytes.value()?.ok_or(CutShort)?);
        (0..count).map(record).collect::<Result<_, _>>().map(Self)
    }
}

impl<'a> FromSql<'a> for Records<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::read(raw)?)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::RECORD_ARRAY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(number: i32) -> [u8; 4] {
        number.to_be_bytes()
    }

    fn with_length(value: &[u8]) -> Vec<u8> {
        [&number(i32::try_from(value.len()).unwrap())[..], value].concat()
    }

    /// Two rows of a bigint, a NULL text and a text.
    fn sent() -> Vec<u8> {
        let mut row = number(3).to_vec();
        row.extend(Type::INT8.oid().to_be_bytes());
        row.extend(with_length(&7_i64.to_be_bytes()));
        row.extend(Type::TEXT.oid().to_be_bytes());
        row.extend(number(-1));
        row.extend(Type::TEXT.oid().to_be_bytes());
        row.extend(with_length(b"seven"));
        let mut raw = [1, 0, 2249, 2, 1].map(number).concat();
        raw.extend(with_length(&row));
        raw.extend(with_length(&row));
        raw
    }

    fn read(raw: &[u8]) -> Option<Vec<(i64, Option<&str>, &str)>> {
        let Records(records) = Records::from_sql(&Type::RECORD_ARRAY, raw).ok()?;
        records
            .into_iter()
            .map(|mut record| Some((record.column()?, record.column()?, record.column()?)))
            .collect()
    }

    #[test]
    fn columns_come_in_order_and_of_their_types() {
        let raw = sent();
        assert_eq!(read(&raw).unwrap(), [(7, None, "seven"), (7, None, "seven")]);
        assert_eq!(read(&[0, 0, 2249].map(number).concat()), Some(vec![]));
        let Records(mut records) = Records::from_sql(&Type::RECORD_ARRAY, &raw).unwrap();
        assert_eq!(records[0].column::<&str>(), None, "a number is no text");
    }

    #[test]
    fn what_is_cut_short_is_refused() {
        let raw = sent();
        for length in 0..raw.len() {
            assert_eq!(read(&raw[..length]), None, "{length} bytes of {}", raw.len());
        }
    }
}
