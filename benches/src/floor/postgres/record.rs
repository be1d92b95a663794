//! Rows within a row, read by hand.

use std::error::Error;

use tokio_postgres::types::{FromSql, Type};

use crate::Outcome;

/// `ARRAY(SELECT ROW(…) …)`.
pub(super) struct Records<'a>(pub(super) Vec<Record<'a>>);

/// What is left of one of them.
pub(super) struct Record<'a>(&'a [u8]);

impl<'a> Record<'a> {
    fn word(&mut self) -> Outcome<[u8; 4]> {
        let (word, rest) = self.0.split_first_chunk().ok_or("a row is cut short")?;
        self.0 = rest;
        Ok(*word)
    }

    fn value(&mut self) -> Outcome<Option<&'a [u8]>> {
        let Ok(length) = usize::try_from(i32::from_be_bytes(self.word()?)) else { return Ok(None) };
        let (value, rest) = self.0.split_at_checked(length).ok_or("a row is cut short")?;
        self.0 = rest;
        Ok(Some(value))
    }

    pub(super) fn column<T: FromSql<'a>>(&mut self) -> Outcome<T> {
        let kind = Type::from_oid(u32::from_be_bytes(self.word()?)).ok_or("an unknown type")?;
        T::from_sql_nullable(&kind, self.value()?)
    }
}

impl<'a> FromSql<'a> for Records<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let mut array = Record(raw);
        let dimensions = i32::from_be_bytes(array.word()?);
        array.word()?;
        array.word()?;
        if dimensions == 0 {
            return Ok(Self(Vec::new()));
        }
        let count = i32::from_be_bytes(array.word()?);
        array.word()?;
        let mut records = Vec::new();
        for _ in 0..count {
            let mut record = Record(array.value()?.ok_or("a row is NULL")?);
            record.word()?;
            records.push(record);
        }
        Ok(Self(records))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::RECORD_ARRAY
    }
}
