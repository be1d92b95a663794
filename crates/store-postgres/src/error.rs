use std::error::Error as StdError;
use std::sync::Arc;

use authcore::store::{CommitError, Conflict, StoreError, StoreErrorKind};
use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

const STORE: &str = "postgres";

/// A store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The text is no `postgres://` URL that can be used.
    #[error("this is not a postgres:// URL that can be used: {reason}")]
    Url {
        /// What is wrong with it; nothing of the URL itself, which may hold a password.
        reason: String,
    },
    /// A way to use TLS that is not offered.
    #[error("sslmode={mode} is not offered: use disable, prefer, require or verify-full")]
    SslMode {
        /// What was asked for.
        mode: String,
    },
    /// The certificates to trust cannot be read.
    #[error("cannot read the certificates of sslrootcert")]
    RootCertificates(#[source] std::io::Error),
    /// TLS cannot be set up.
    #[error("cannot set up TLS")]
    Tls(#[source] rustls::Error),
    /// The server cannot be reached, or refuses to let the user in.
    #[error("cannot connect to PostgreSQL")]
    CannotConnect(#[source] Box<dyn StdError + Send + Sync>),
    /// The server lacks something that the store depends on.
    #[error("the server is {server}: {lacks}")]
    Unsupported {
        /// What it says it is.
        server: String,
        /// What it lacks.
        lacks: &'static str,
    },
    /// The server only lets itself be read, as a standby does.
    #[error("the database may only be read")]
    ReadOnly,
    /// The database keeps text in another encoding than UTF-8.
    #[error("the database's encoding is {found}; it must be UTF8")]
    Encoding {
        /// Its encoding.
        found: String,
    },
    /// The schema belongs to something else: a table of a name that the store needs is there already.
    #[error("the database belongs to something else: it has a table {table} already")]
    NotOurs {
        /// The table.
        table: String,
    },
    /// The `search_path` begins with a schema that has no store, and names another one that has, which the user may read: to
    /// make a new store would leave all players behind. Where that is meant, name the first schema alone in the `search_path`.
    #[error("the store is in the schema {schema}, and {first} comes before it in the search_path")]
    Elsewhere {
        /// Where the store is.
        schema: String,
        /// The first schema, where a new store would be made.
        first: String,
    },
    /// The database was written by a newer release, and this one is too old to use it.
    #[error("the database has schema {found}; this release understands up to {understood}")]
    Newer {
        /// The schema that was found.
        found: u32,
        /// The newest schema that this release knows.
        understood: u32,
    },
    /// A migration that was applied is not the one that this release knows under the number.
    #[error("migration {version} was applied in another form than the one that this release knows")]
    MigrationChanged {
        /// Its number.
        version: u32,
    },
    /// The schema could not be looked at or brought up to date.
    #[error("cannot prepare the database")]
    Prepare(#[source] Box<dyn StdError + Send + Sync>),
}

impl From<tokio_postgres::Error> for OpenError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Prepare(Box::new(error))
    }
}

/// A failure on its way to its caller, or to all whose calls shared a statement.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    kind: StoreErrorKind,
    source: Option<Arc<dyn StdError + Send + Sync>>,
    next: Next,
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Tell the caller.
    Tell,
    /// The transaction lost to another one and was undone: make it again.
    Again,
    /// The connection is gone: make it again on another one.
    Reconnect,
}

impl Fault {
    const fn new(kind: StoreErrorKind) -> Self {
        Self { kind, source: None, next: Next::Tell }
    }

    /// What `what` (a table and column) holds makes no sense.
    pub(crate) fn corrupt(what: &str) -> Self {
        Self::new(StoreErrorKind::Corrupt { what: what.to_owned() })
    }

    pub(crate) fn other(source: impl StdError + Send + Sync + 'static) -> Self {
        Self { source: Some(Arc::new(source)), ..Self::new(StoreErrorKind::Other) }
    }

    pub(crate) const fn next(&self) -> Next {
        self.next
    }

    /// Whether a key was not free, or something was not that was sent before and whose answer is not known.
    pub(crate) fn may_be_of_key(&self) -> bool {
        let error = self.source.as_ref().and_then(|it| it.downcast_ref::<tokio_postgres::Error>());
        let codes = [&SqlState::UNIQUE_VIOLATION, &SqlState::IN_FAILED_SQL_TRANSACTION];
        error.and_then(tokio_postgres::Error::code).is_some_and(|code| codes.contains(&code))
    }

    pub(crate) fn is_in_doubt(&self) -> bool {
        self.kind == StoreErrorKind::FateUnknown
    }

    /// The same, when it is not known whether a commit was applied.
    pub(crate) fn in_doubt(self) -> Self {
        Self { kind: StoreErrorKind::FateUnknown, ..self }
    }

    /// Whoever could tell whether a commit was applied has been written over.
    pub(crate) const fn overwritten() -> Self {
        Self::new(StoreErrorKind::FateUnknown)
    }

    /// Statements that were to find their rows as expected did not.
    pub(crate) fn lost() -> Self {
        Self { next: Next::Again, ..Self::new(StoreErrorKind::Unavailable) }
    }

    /// Nobody does the work any more, because the runtime is gone.
    pub(crate) const fn closed() -> Self {
        Self::new(StoreErrorKind::Unavailable)
    }

    /// The task that did the work is gone, because its runtime is.
    pub(crate) fn gone(source: impl StdError + Send + Sync + 'static, writes: bool) -> Self {
        let kind = if writes { StoreErrorKind::FateUnknown } else { StoreErrorKind::Unavailable };
        Self { source: Some(Arc::new(source)), ..Self::new(kind) }
    }
}

/// The keys that two transactions can give to different accounts at the same time. The one that comes second is judged
/// again, and finds what the first one wrote: so the conflict is the first one in the contract's order.
const KEYS: &[&str] = &[
    "accounts_pkey",
    "accounts_username_key",
    "accounts_transfer_key",
    "account_activity_pkey",
    "identities_pkey",
    "identities_key",
    "single_use_pkey",
    "throttles_pkey",
    "recent_commits_commit_id",
];

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        let (kind, next) = classify(&error);
        Self { kind, source: Some(Arc::new(error)), next }
    }
}

fn classify(error: &tokio_postgres::Error) -> (StoreErrorKind, Next) {
    let Some(said) = error.as_db_error() else {
        let of_connection =
            error.is_closed() || error.source().is_some_and(<dyn StdError>::is::<std::io::Error>);
        return if of_connection {
            (StoreErrorKind::Unavailable, Next::Reconnect)
        } else {
            (StoreErrorKind::Other, Next::Tell)
        };
    };
    let code = said.code();
    let lost_to_others = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        // A statement that was sent before has failed, and this one learnt of it first. What it failed on shows when
        // the transaction is made again: statements are prepared by then, and nothing comes before the answers.
        SqlState::IN_FAILED_SQL_TRANSACTION,
    ];
    if lost_to_others.contains(code) {
        return (StoreErrorKind::Unavailable, Next::Again);
    }
    if *code == SqlState::UNIQUE_VIOLATION
        && said.constraint().is_some_and(|key| KEYS.contains(&key))
    {
        return (StoreErrorKind::Unavailable, Next::Again);
    }
    match code.code() {
        "53100" => (StoreErrorKind::Full, Next::Tell),
        "25006" => (StoreErrorKind::ReadOnly, Next::Tell),
        "XX001" | "XX002" => {
            (StoreErrorKind::Corrupt { what: said.message().to_owned() }, Next::Tell)
        }
        // A connection failed, or the server ends it: it stops, starts, or hands over to another.
        text if text.starts_with("08") || text.starts_with("57P0") => {
            (StoreErrorKind::Unavailable, Next::Reconnect)
        }
        // Out of some resource, or a statement took longer than the server allows.
        text if text.starts_with("53") || text == "57014" || text == "55P03" => {
            (StoreErrorKind::Unavailable, Next::Tell)
        }
        _ => (StoreErrorKind::Other, Next::Tell),
    }
}

impl From<PoolError> for Fault {
    fn from(error: PoolError) -> Self {
        if let PoolError::Backend(error) = error {
            let fault = Self::from(error);
            // Who cannot even connect knows that nothing was written.
            return Self { kind: StoreErrorKind::Unavailable, ..fault };
        }
        Self { source: Some(Arc::new(error)), ..Self::new(StoreErrorKind::Unavailable) }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        let error = Self::new(STORE, fault.kind);
        match fault.source {
            Some(source) => error.with_source(Box::new(source)),
            None => error,
        }
    }
}

/// Why an operation stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    Conflict(Box<Conflict>),
    /// A conflict; but had the set been applied before, nothing would tell it any more.
    Overwritten(Box<Conflict>),
    Fault(Fault),
}

impl Stop {
    /// Of what has no conditions.
    pub(crate) fn into_fault(self) -> Fault {
        match self {
            Self::Fault(fault) => fault,
            Self::Conflict(_) | Self::Overwritten(_) => Fault::new(StoreErrorKind::Other),
        }
    }
}

impl<T: Into<Fault>> From<T> for Stop {
    fn from(fault: T) -> Self {
        Self::Fault(fault.into())
    }
}

impl From<Conflict> for Stop {
    fn from(conflict: Conflict) -> Self {
        Self::Conflict(Box::new(conflict))
    }
}

impl From<Stop> for CommitError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Conflict(conflict) | Stop::Overwritten(conflict) => Self::Conflict(*conflict),
            Stop::Fault(fault) => Self::Store(fault.into()),
        }
    }
}

impl From<Stop> for StoreError {
    fn from(stop: Stop) -> Self {
        stop.into_fault().into()
    }
}
