//! State in many shards, each behind a lock of its own.

use std::hash::{BuildHasher, Hash};

use crate::sync::{RandomState, ReadGuard, SHARDS, Shared, WriteGuard};

/// Where a key is: in which shard, and where in its table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyHash(u64);

impl KeyHash {
    pub(crate) const fn number(self) -> u64 {
        self.0
    }

    /// From bits that a table does not look at first.
    fn shard(self) -> u8 {
        u8::try_from((self.0 >> 32) % u64::from(SHARDS)).unwrap_or_default()
    }
}

/// Hashes keys, in each store otherwise: clients choose some of them.
#[derive(Default)]
pub(crate) struct Hasher(RandomState);

impl Hasher {
    pub(crate) fn hash<K: Hash + ?Sized>(&self, key: &K) -> KeyHash {
        KeyHash(self.0.hash_one(key))
    }
}

/// Some of the shards.
#[derive(Clone, Copy, Default)]
pub(crate) struct ShardSet(u64);

impl ShardSet {
    pub(crate) const ALL: Self = Self(u64::MAX >> (64 - SHARDS));

    pub(crate) fn insert(&mut self, hash: KeyHash) {
        self.0 |= 1 << hash.shard();
    }

    /// Their numbers, in order.
    fn iter(self) -> impl Iterator<Item = u8> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let shard = left.trailing_zeros();
            left &= left.checked_sub(1)?;
            u8::try_from(shard).ok()
        })
    }
}

/// A line of the cache for each shard, so that locking one does not slow down its neighbours.
#[derive(Default)]
#[repr(align(64))]
struct Line<T>(Shared<T>);

/// All the shards.
pub(crate) struct Shards<T> {
    first: Line<T>,
    rest: Box<[Line<T>]>,
}

impl<T: Default> Default for Shards<T> {
    fn default() -> Self {
        Self { first: Line::default(), rest: (1..SHARDS).map(|_| Line::default()).collect() }
    }
}

impl<T> Shards<T> {
    /// The shard that a key is in.
    pub(crate) fn of(&self, hash: KeyHash) -> &Shared<T> {
        self.shard(hash.shard())
    }

    /// Any shard, for what is the same in all of them.
    pub(crate) const fn any(&self) -> &Shared<T> {
        &self.first.0
    }

    fn shard(&self, number: u8) -> &Shared<T> {
        let place = usize::from(number).wrapping_sub(1);
        &self.rest.get(place).unwrap_or(&self.first).0
    }

    /// Locks all shards for reading, so that they are seen as they are at one moment.
    pub(crate) fn read_all(&self) -> Vec<ReadGuard<'_, T>> {
        ShardSet::ALL.iter().map(|shard| self.shard(shard).read()).collect()
    }

    /// Locks some shards for writing.
    pub(crate) fn lock(&self, shards: ShardSet) -> Locked<'_, T> {
        Locked(shards.iter().map(|shard| (shard, self.shard(shard).write())).collect())
    }
}

/// Shards that are locked for writing. Everybody locks in the order of the shards' numbers, so that nobody waits in a
/// circle.
pub(crate) struct Locked<'a, T>(Vec<(u8, WriteGuard<'a, T>)>);

impl<T> Locked<'_, T> {
    /// The shard that a key is in, when it is one of these.
    pub(crate) fn of(&self, hash: KeyHash) -> Option<&T> {
        let at = self.place(hash)?;
        self.0.get(at).map(|(_, shard)| &**shard)
    }

    /// As [`of`](Self::of), to write to.
    pub(crate) fn of_mut(&mut self, hash: KeyHash) -> Option<&mut T> {
        let at = self.place(hash)?;
        self.0.get_mut(at).map(|(_, shard)| &mut **shard)
    }

    fn place(&self, hash: KeyHash) -> Option<usize> {
        self.0.binary_search_by_key(&hash.shard(), |(shard, _)| *shard).ok()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, shard)| &**shard)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().map(|(_, shard)| &mut **shard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shard_is_reached_and_locked_in_order() {
        let shards = Shards::<u8>::default();
        let hashes = (0..u64::from(SHARDS)).map(|number| KeyHash(number << 32));
        for hash in hashes.clone() {
            *shards.of(hash).write() = hash.shard();
        }
        let read: Vec<_> = shards.read_all().iter().map(|shard| **shard).collect();
        assert_eq!(read, (0..SHARDS).collect::<Vec<_>>());
        let mut some = ShardSet::default();
        for hash in hashes.clone().filter(|hash| hash.shard() % 3 == 0) {
            some.insert(hash);
        }
        let locked = shards.lock(some);
        assert!(locked.0.is_sorted_by_key(|(shard, _)| *shard));
        for hash in hashes {
            let expected = (hash.shard() % 3 == 0).then(|| hash.shard());
            assert_eq!(locked.of(hash).copied(), expected);
        }
    }
}
