//! The one place that knows which lock is used. Under `--cfg shuttle` it is that of a scheduler which explores
//! interleavings (`tests/schedules.rs`), and what else would differ from run to run stands still.

use std::sync::PoisonError;

#[cfg(not(shuttle))]
mod real {
    pub(crate) use std::hash::RandomState;
    pub(crate) use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

    /// So many that two commits seldom meet, also on a machine of many cores.
    pub(crate) const SHARDS: u8 = 64;
}

#[cfg(shuttle)]
mod real {
    use std::hash::{BuildHasherDefault, DefaultHasher};

    pub(crate) use shuttle::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

    pub(crate) type RandomState = BuildHasherDefault<DefaultHasher>;

    /// So few that commits meet, and that locking all of them leaves steps for everything else.
    pub(crate) const SHARDS: u8 = 3;
}

use real::RwLock;
pub(crate) use real::{
    RandomState, RwLockReadGuard as ReadGuard, RwLockWriteGuard as WriteGuard, SHARDS,
};

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
