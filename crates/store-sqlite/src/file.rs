//! A look at the file before SQLite has it: SQLite takes a file of a few bytes for an empty database and writes over
//! it, and does not notice when the last page was cut short.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use rusqlite::ffi;

use crate::error::OpenError;

const MAGIC: &[u8] = b"SQLite format 3\0";

/// Refuses what is no database, and one that is shorter than it says. A file that is not there, is empty or cannot be
/// read is left to SQLite.
pub(crate) fn check(path: &Path) -> Result<(), OpenError> {
    let log_before = log_bytes(path);
    let Ok(mut file) = File::open(path) else {
        return Ok(());
    };
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Ok(());
    }
    let mut header = Vec::with_capacity(100);
    if file.by_ref().take(100).read_to_end(&mut header).is_err() || header.is_empty() {
        return Ok(());
    }
    if !header.starts_with(MAGIC) {
        return Err(OpenError::NotADatabase { path: path.to_owned() });
    }
    let length = file.metadata().map_or(u64::MAX, |metadata| metadata.len());
    // What is missing may be in the log still.
    let in_log = log_before > 0 || log_bytes(path) > 0;
    if in_log || says(&header).is_some_and(|said| said <= length) {
        return Ok(());
    }
    let error = ffi::Error::new(ffi::SQLITE_CORRUPT);
    let message = "the file is shorter than its header says".to_owned();
    Err(OpenError::Corrupt {
        path: path.to_owned(),
        source: rusqlite::Error::SqliteFailure(error, Some(message)),
    })
}

fn log_bytes(path: &Path) -> u64 {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).map_or(0, |metadata| metadata.len())
}

/// How long the file is by its header (section 1.3 of the file format); none when the header is cut short itself.
fn says(header: &[u8]) -> Option<u64> {
    let number = |at: usize| -> Option<u32> {
        let bytes = header.get(at..)?.first_chunk::<4>()?;
        Some(u32::from_be_bytes(*bytes))
    };
    let page_size = match u16::from_be_bytes(*header.get(16..)?.first_chunk::<2>()?) {
        1 => 65_536,
        size => u64::from(size),
    };
    let (pages, changes, valid_for) = (number(28)?, number(24)?, number(92)?);
    // A release of SQLite from before 2010 may have left the count behind; then it says nothing.
    Some(if changes == valid_for { u64::from(pages) * page_size } else { 0 })
}
