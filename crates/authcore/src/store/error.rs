use std::error::Error as StdError;

/// A store failed.
#[derive(Debug, thiserror::Error)]
#[error("{store} store: {kind}")]
pub struct StoreError {
    store: &'static str,
    kind: StoreErrorKind,
    #[source]
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// How a store failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// It cannot be reached or is overloaded; nothing was written.
    #[error("unavailable")]
    Unavailable,
    /// It cannot tell whether what was to be written is there. A change set may be handed over again: the engine does so at once,
    /// twice. A charge, a header, a sweep or a prune is not made again by itself; a charge may have been taken for nothing.
    #[error("the fate of the write is unknown")]
    FateUnknown,
    /// There is no room; nothing was written.
    #[error("full")]
    Full,
    /// It may not be written to.
    #[error("read-only")]
    ReadOnly,
    /// What it holds makes no sense.
    #[error("corrupt: {what}")]
    Corrupt {
        /// The table and column, or what the store itself says; never a value.
        what: String,
    },
    /// Anything else.
    #[error("failed")]
    Other,
}

impl StoreError {
    /// An error of the named store.
    #[must_use]
    pub const fn new(store: &'static str, kind: StoreErrorKind) -> Self {
        Self { store, kind, source: None }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// How the store failed.
    #[must_use]
    pub const fn kind(&self) -> &StoreErrorKind {
        &self.kind
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self.kind, StoreErrorKind::Unavailable | StoreErrorKind::FateUnknown)
    }
}
