use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use authcore::store::Store;
use authcore_store_sqlite::{SqliteConfig, SqliteStore, StepHook, Synchronous};
use tempfile::TempDir;

/// Where the files of a SQLite store lie, in one state after the other.
///
/// A process that ends leaves the files as they are. So a death is a copy of the files at that moment: the store that
/// was copied goes on, and what it does then is of no account, because the next process opens the copy.
#[derive(Debug)]
pub(crate) struct Disk {
    folder: TempDir,
    names: AtomicU32,
}

impl Disk {
    /// An empty one.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { folder, names: AtomicU32::new(0) }
    }

    /// The name of a file that is not there yet.
    pub(crate) fn fresh(&self) -> PathBuf {
        let name = self.names.fetch_add(1, Ordering::Relaxed);
        self.folder.path().join(format!("{name}.db"))
    }

    /// What a process finds that begins now, under a name of its own.
    pub(crate) fn copy(&self, of: &Path) -> PathBuf {
        let to = self.fresh();
        fs::copy(of, &to).expect("the database can be copied");
        let log = log_of(of);
        if log.exists() {
            fs::copy(log, log_of(&to)).expect("its log can be copied");
        }
        to
    }
}

fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    PathBuf::from(log)
}

/// Opens a store that works on the caller's thread, and calls the hook before each write.
pub(crate) fn open(path: &Path, hook: StepHook) -> Arc<dyn Store> {
    let config = SqliteConfig::file(path)
        // Processes end here, not machines: the log is read from the system's memory.
        .with_synchronous(Synchronous::Off)
        .inline()
        .with_step_hook(hook);
    Arc::new(SqliteStore::open(config).expect("the store opens"))
}
