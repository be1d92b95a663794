use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Called before each write; see [`SqliteConfig::with_step_hook`].
pub type StepHook = Arc<dyn Fn(&'static str) + Send + Sync>;

/// Where the accounts are kept, and how.
#[derive(Clone)]
pub struct SqliteConfig {
    pub(crate) path: Option<PathBuf>,
    pub(crate) table_prefix: String,
    pub(crate) synchronous: Synchronous,
    pub(crate) readers: usize,
    pub(crate) queue: usize,
    pub(crate) batch: usize,
    pub(crate) checkpoint_every: Duration,
    pub(crate) busy_timeout: Duration,
    pub(crate) inline: bool,
    pub(crate) step_hook: Option<StepHook>,
}

/// What a commit waits for before it is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Synchronous {
    /// Until the disk has it. An acknowledged commit survives the end of the process, of the system and of power.
    /// Under load this costs nothing: commits that wait together are written together.
    #[default]
    Full,
    /// Not for the disk. An acknowledged commit survives the end of the process. When the system or the power fails,
    /// the last commits may be lost; the file stays sound.
    Normal,
    /// For nothing. An acknowledged commit survives the end of the process. When the system or the power fails, the
    /// file may be damaged. For tests, and for data that can be made again.
    Off,
}

impl SqliteConfig {
    /// A store in one file (beside which SQLite keeps two more, `-wal` and `-shm`), made when it is not there. The
    /// file must be on a local disk.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::new(Some(path.into()))
    }

    /// A store in memory, gone with the [`SqliteStore`](crate::SqliteStore). One connection reads and writes; neither
    /// [`Synchronous`] nor the number of readers matters.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::new(None)
    }

    const fn new(path: Option<PathBuf>) -> Self {
        Self {
            path,
            table_prefix: String::new(),
            synchronous: Synchronous::Full,
            readers: 4,
            queue: 1024,
            batch: 256,
            checkpoint_every: Duration::from_millis(200),
            busy_timeout: Duration::from_secs(5),
            inline: false,
            step_hook: None,
        }
    }

    /// What stands before the names of the store's tables and indices, in a file that others have tables in; nothing unless said
    /// otherwise. At most 32 lower-case letters, digits and `_`, of which the first is no digit;
    /// [`open`](crate::SqliteStore::open) checks it. Under another prefix there is another store.
    #[must_use]
    pub fn with_table_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.table_prefix = prefix.into();
        self
    }

    /// What a commit waits for; [`Synchronous::Full`] unless said otherwise.
    #[must_use]
    pub const fn with_synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    /// How many threads help with reading; 4 unless said otherwise. The writer reads whenever it can, which takes less
    /// CPU; these help while it waits for the disk for more than two milliseconds, and when many reads wait. Where reads
    /// themselves wait for the disk, because the file is larger than memory, these take them all, side by side. With 0, reads
    /// wait while the writer waits for the disk.
    #[must_use]
    pub const fn with_readers(mut self, readers: usize) -> Self {
        self.readers = readers;
        self
    }

    /// How many reads, and how many writes, may wait for a thread; 1024 unless said otherwise, at least 1. Further
    /// callers wait for a place.
    #[must_use]
    pub const fn with_queue(mut self, queue: usize) -> Self {
        self.queue = if queue == 0 { 1 } else { queue };
        self
    }

    /// How many commits are written together at most; 256 unless said otherwise, at least 1.
    #[must_use]
    pub const fn with_batch(mut self, batch: usize) -> Self {
        self.batch = if batch == 0 { 1 } else { batch };
        self
    }

    /// How often the log is written back into the database file; 200 ms unless said otherwise.
    #[must_use]
    pub const fn with_checkpoint_every(mut self, every: Duration) -> Self {
        self.checkpoint_every = every;
        self
    }

    /// How long to wait while another process writes; 5 s unless said otherwise.
    #[must_use]
    pub const fn with_busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// No threads: each call does its work on the caller's thread, one at a time, before its future yields. For
    /// simulation and for tools; in a server it would block the runtime.
    #[must_use]
    pub const fn inline(mut self) -> Self {
        self.inline = true;
        self
    }

    /// Calls `hook` before each write with the name of the table, and with `commit` when all those of a commit are
    /// done. A hook that panics, or that ends the process, leaves nothing of the commit. For crash tests.
    ///
    /// The hook must not call the store. With threads, its panic is caught and the commit fails; inline, it goes on to
    /// the caller.
    #[must_use]
    pub fn with_step_hook(mut self, hook: StepHook) -> Self {
        self.step_hook = Some(hook);
        self
    }

    /// The file's path, or SQLite's name for a database in memory.
    pub(crate) fn place(&self) -> &Path {
        self.path.as_deref().unwrap_or_else(|| Path::new(":memory:"))
    }
}

impl fmt::Debug for SqliteConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteConfig")
            .field("path", &self.place())
            .field("table_prefix", &self.table_prefix)
            .field("synchronous", &self.synchronous)
            .field("readers", &self.readers)
            .field("queue", &self.queue)
            .field("batch", &self.batch)
            .field("checkpoint_every", &self.checkpoint_every)
            .field("busy_timeout", &self.busy_timeout)
            .field("inline", &self.inline)
            .field("step_hook", &self.step_hook.is_some())
            .finish()
    }
}
