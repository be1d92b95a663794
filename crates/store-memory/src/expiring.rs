use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use chrono::{DateTime, Utc};

/// Values that are over at some moment, also in the order of that moment, so that a sweep looks at nothing else.
pub(crate) struct Expiring<K, V> {
    values: HashMap<K, (DateTime<Utc>, V)>,
    by_end: BTreeSet<(DateTime<Utc>, K)>,
}

impl<K, V> Default for Expiring<K, V> {
    fn default() -> Self {
        Self { values: HashMap::new(), by_end: BTreeSet::new() }
    }
}

impl<K: Copy + Eq + Ord + Hash, V> Expiring<K, V> {
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.values.get(key).map(|(_, value)| value)
    }

    pub(crate) fn end(&self, key: &K) -> Option<DateTime<Utc>> {
        self.values.get(key).map(|(end, _)| *end)
    }

    /// Puts a value in place of one of the same key, which is returned.
    pub(crate) fn insert(&mut self, key: K, end: DateTime<Utc>, value: V) -> Option<V> {
        let before = self.remove(&key);
        self.values.insert(key, (end, value));
        self.by_end.insert((end, key));
        before
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let (end, value) = self.values.remove(key)?;
        self.by_end.remove(&(end, *key));
        Some(value)
    }

    /// All of them: key, end and value.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, DateTime<Utc>, &V)> {
        self.values.iter().map(|(key, (end, value))| (*key, *end, value))
    }

    /// What is over at `now`, the longest over first.
    pub(crate) fn over(&self, now: DateTime<Utc>) -> impl Iterator<Item = (DateTime<Utc>, K)> {
        self.by_end.iter().take_while(move |(end, _)| *end <= now).copied()
    }
}
