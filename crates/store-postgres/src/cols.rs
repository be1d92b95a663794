use authcore::account::{AccountId, CommitId};
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;
use uuid::Uuid;

use crate::error::Fault;
use crate::record::{Record, Records};
use crate::session_codec;
use crate::text;

/// The columns of a row, read from left to right. A value that makes no sense is a fault that names its column.
pub(crate) enum Cols<'a> {
    Row {
        row: &'a Row,
        next: usize,
    },
    /// Of a row within a row.
    Record(Record<'a>),
}

impl<'a> Cols<'a> {
    pub(crate) const fn new(row: &'a Row) -> Self {
        Self::Row { row, next: 0 }
    }

    /// The columns behind the number of what was asked for.
    pub(crate) const fn asked(row: &'a Row) -> Self {
        Self::Row { row, next: 1 }
    }

    fn value<T: FromSql<'a>>(&mut self, what: &str) -> Result<T, Fault> {
        let value = match self {
            Self::Row { row, next } => {
                let at = *next;
                *next += 1;
                row.try_get(at).ok()
            }
            Self::Record(record) => record.column(),
        };
        value.ok_or_else(|| Fault::corrupt(what))
    }

    /// The rows of another table that belong to this one, in an array.
    pub(crate) fn rows<T>(
        &mut self,
        what: &str,
        read: impl Fn(&mut Self) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let Records(records) = self.value(what)?;
        records.into_iter().map(|record| read(&mut Self::Record(record))).collect()
    }

    /// What is kept of an account's sessions, in two columns.
    pub(crate) fn sessions<T>(
        &mut self,
        read: impl FnOnce(&[u8], Option<&str>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let list = self.blob(session_codec::LIST)?;
        read(list, self.value(session_codec::DETAILS)?)
    }

    pub(crate) fn opt_int(&mut self, what: &str) -> Result<Option<i64>, Fault> {
        self.value(what)
    }

    pub(crate) fn int(&mut self, what: &str) -> Result<i64, Fault> {
        self.value(what)
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

    pub(crate) fn account(&mut self, what: &str) -> Result<AccountId, Fault> {
        self.value::<Uuid>(what).map(|id| AccountId::from_bytes(id.into_bytes()))
    }

    pub(crate) fn opt_boxed(&mut self, what: &str) -> Result<Option<Box<str>>, Fault> {
        let text: Option<&str> = self.value(what)?;
        text.map(|text| text::decode(text).ok_or_else(|| Fault::corrupt(what))).transpose()
    }

    pub(crate) fn boxed(&mut self, what: &str) -> Result<Box<str>, Fault> {
        self.opt_boxed(what)?.ok_or_else(|| Fault::corrupt(what))
    }

    /// What is JSON, as text; the usual value where there is nothing.
    pub(crate) fn json<T: Default + DeserializeOwned>(&mut self, what: &str) -> Result<T, Fault> {
        self.opt_json(what).map(Option::unwrap_or_default)
    }

    pub(crate) fn opt_json<T: DeserializeOwned>(&mut self, what: &str) -> Result<Option<T>, Fault> {
        let json: Option<&str> = self.value(what)?;
        json.map(|json| {
            serde_json::from_str(&text::decode_json(json)).map_err(|_| Fault::corrupt(what))
        })
        .transpose()
    }

    pub(crate) fn commit(&mut self, what: &str) -> Result<CommitId, Fault> {
        self.value::<Uuid>(what).map(|id| CommitId::from_bytes(id.into_bytes()))
    }

    pub(crate) fn opt_blob(&mut self, what: &str) -> Result<Option<&'a [u8]>, Fault> {
        self.value(what)
    }

    pub(crate) fn blob(&mut self, what: &str) -> Result<&'a [u8], Fault> {
        self.value(what)
    }
}
