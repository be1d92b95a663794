//! What SQLite overlooks in a file: it takes one of a single byte for empty and writes over it, does not notice when the
//! last page was cut short, and does not tell a header that was cut short from a text.
//!
//! A file that may be a database is looked at through SQLite only. On Unix, the locks that a process has on a file go
//! when it closes any descriptor of it; another process might then take itself for the last one, and remove the log.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use rusqlite::{Connection, ffi};

use crate::error::OpenError;

const MAGIC: &[u8] = b"SQLite format 3\0";

/// Refuses what SQLite would write over.
pub(crate) fn check_length(path: &Path) -> Result<(), OpenError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.len() == 1 => {
            Err(OpenError::NotADatabase { path: path.to_owned() })
        }
        _ => Ok(()),
    }
}

/// Whether a database is shorter than it says, by less than a page. To be called within a transaction.
pub(crate) fn is_cut_short(path: &Path, connection: &Connection) -> rusqlite::Result<bool> {
    let log_before = log_bytes(path);
    let sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
    let said: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    let length = fs::metadata(path).map_or(u64::MAX, |metadata| metadata.len());
    // What is missing may be in the log still.
    let in_log = log_before > 0 || log_bytes(path) > 0;
    Ok(!in_log && length < said.cast_unsigned())
}

fn log_bytes(path: &Path) -> u64 {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    fs::metadata(log).map_or(0, |metadata| metadata.len())
}

/// What a file is that SQLite does not take for a database: nobody can have it open as one.
pub(crate) fn no_database(path: &Path) -> OpenError {
    let mut header = Vec::new();
    let read = File::open(path).and_then(|file| file.take(100).read_to_end(&mut header));
    if read.is_ok() && header.starts_with(MAGIC) {
        return cut_short(path);
    }
    OpenError::NotADatabase { path: path.to_owned() }
}

pub(crate) fn cut_short(path: &Path) -> OpenError {
    let error = ffi::Error::new(ffi::SQLITE_CORRUPT);
    let message = "the file is shorter than its header says".to_owned();
    OpenError::Corrupt {
        path: path.to_owned(),
        source: rusqlite::Error::SqliteFailure(error, Some(message)),
    }
}
