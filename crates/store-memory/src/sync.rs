//! The one place that knows which lock is used, so that a scheduler which explores interleavings can put its own here.

use std::sync::{PoisonError, RwLock};

pub(crate) use std::sync::{RwLockReadGuard as ReadGuard, RwLockWriteGuard as WriteGuard};

#[derive(Default)]
pub(crate) struct Shared<T>(RwLock<T>);

impl<T> Shared<T> {
    pub(crate) fn read(&self) -> ReadGuard<'_, T> {
        // A panic cannot leave the state half written: whatever can fail comes before the first write.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> WriteGuard<'_, T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
