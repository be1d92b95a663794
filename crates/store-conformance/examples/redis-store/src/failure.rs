//! What goes wrong, in the engine's terms. A server's message may quote a key, so its code alone is kept.

use authcore::store::{StoreError, StoreErrorKind};
use redis::{ErrorKind, RedisError};

use crate::STORE;

/// Nothing was written, or nothing was asked to be.
pub(crate) fn failed(error: &RedisError) -> StoreError {
    let kind = match error.code() {
        Some("OOM") => StoreErrorKind::Full,
        Some("READONLY" | "MISCONF") => StoreErrorKind::ReadOnly,
        Some("BUSY" | "LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN") => {
            StoreErrorKind::Unavailable
        }
        Some("WRONGTYPE") => StoreErrorKind::Corrupt { what: "type of a key".to_owned() },
        Some(_) => StoreErrorKind::Other,
        None => match error.kind() {
            ErrorKind::Io => StoreErrorKind::Unavailable,
            ErrorKind::Parse | ErrorKind::UnexpectedReturnType => {
                StoreErrorKind::Corrupt { what: "answer".to_owned() }
            }
            _ => StoreErrorKind::Other,
        },
    };
    StoreError::new(STORE, kind).with_source(error.code().unwrap_or(error.category()))
}

/// A commit without the server's answer has an unknown fate, unless it never left.
pub(crate) fn commit_failed(error: &RedisError) -> StoreError {
    if error.code().is_some() || error.is_connection_refusal() {
        return failed(error);
    }
    StoreError::new(STORE, StoreErrorKind::FateUnknown).with_source(error.category())
}

pub(crate) fn corrupt(what: &str) -> StoreError {
    StoreError::new(STORE, StoreErrorKind::Corrupt { what: what.to_owned() })
}
