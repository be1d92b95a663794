use chrono::{DateTime, Utc};
use rusqlite::Row;
use rusqlite::types::ValueRef;
use serde::Deserialize;

use crate::error::Fault;

/// The columns of a row, read from left to right. A value that makes no sense is a fault that names its column.
pub(crate) struct Cols<'a, 's> {
    row: &'a Row<'s>,
    next: usize,
}

impl<'a, 's> Cols<'a, 's> {
    pub(crate) const fn new(row: &'a Row<'s>) -> Self {
        Self { row, next: 0 }
    }

    /// Without the columns before `next`.
    pub(crate) const fn skip(row: &'a Row<'s>, next: usize) -> Self {
        Self { row, next }
    }

    fn value(&mut self) -> Result<ValueRef<'a>, Fault> {
        let value = self.row.get_ref(self.next)?;
        self.next += 1;
        Ok(value)
    }

    pub(crate) fn opt_int(&mut self, what: &str) -> Result<Option<i64>, Fault> {
        match self.value()? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(number) => Ok(Some(number)),
            _ => Err(Fault::corrupt(what)),
        }
    }

    pub(crate) fn int(&mut self, what: &str) -> Result<i64, Fault> {
        self.opt_int(what)?.ok_or_else(|| Fault::corrupt(what))
    }

    /// A count; kept as the `i64` of the same bits.
    pub(crate) fn u64(&mut self, what: &str) -> Result<u64, Fault> {
        self.int(what).map(i64::cast_unsigned)
    }

    pub(crate) fn opt_u32(&mut self, what: &str) -> Result<Option<u32>, Fault> {
        let number = self.opt_int(what)?;
        number.map(|number| number.try_into().map_err(|_| Fault::corrupt(what))).transpose()
    }

    pub(crate) fn u32(&mut self, what: &str) -> Result<u32, Fault> {
        self.opt_u32(what)?.ok_or_else(|| Fault::corrupt(what))
    }

    pub(crate) fn opt_time(&mut self, what: &str) -> Result<Option<DateTime<Utc>>, Fault> {
        let millis = self.opt_int(what)?;
        millis
            .map(|millis| {
                DateTime::from_timestamp_millis(millis).ok_or_else(|| Fault::corrupt(what))
            })
            .transpose()
    }

    pub(crate) fn time(&mut self, what: &str) -> Result<DateTime<Utc>, Fault> {
        self.opt_time(what)?.ok_or_else(|| Fault::corrupt(what))
    }

    pub(crate) fn opt_text(&mut self, what: &str) -> Result<Option<&'a str>, Fault> {
        match self.value()? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) => {
                std::str::from_utf8(bytes).map(Some).map_err(|_| Fault::corrupt(what))
            }
            _ => Err(Fault::corrupt(what)),
        }
    }

    pub(crate) fn text(&mut self, what: &str) -> Result<&'a str, Fault> {
        self.opt_text(what)?.ok_or_else(|| Fault::corrupt(what))
    }

    pub(crate) fn boxed(&mut self, what: &str) -> Result<Box<str>, Fault> {
        self.text(what).map(Into::into)
    }

    pub(crate) fn opt_boxed(&mut self, what: &str) -> Result<Option<Box<str>>, Fault> {
        Ok(self.opt_text(what)?.map(Into::into))
    }

    /// What was kept as JSON; the usual value where there is nothing.
    pub(crate) fn json<T: Default + Deserialize<'a>>(&mut self, what: &str) -> Result<T, Fault> {
        self.opt_text(what)?.map_or_else(
            || Ok(T::default()),
            |text| serde_json::from_str(text).map_err(|_| Fault::corrupt(what)),
        )
    }

    pub(crate) fn blob(&mut self, what: &str) -> Result<&'a [u8], Fault> {
        match self.value()? {
            ValueRef::Blob(bytes) => Ok(bytes),
            _ => Err(Fault::corrupt(what)),
        }
    }

    pub(crate) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], Fault> {
        self.blob(what)?.try_into().map_err(|_| Fault::corrupt(what))
    }
}
